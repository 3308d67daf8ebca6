"""The calls that an entry's own examples make."""

import contextlib
import doctest
import functools
import inspect
import io
from typing import Any

import numpy as np
import torch

from mlmath_ref.catalog import Entry


@functools.cache
def calls(entry: Entry) -> list[dict[str, Any]]:
    """The arguments that the entry's examples call it with, as far as they are numbers."""
    namespace = dict(vars(entry.topic.module))
    function, found = entry.function, []

    def recorder(*args: Any, **kwargs: Any) -> Any:
        with contextlib.suppress(RuntimeError):  # inside a transform, tensors have no numbers
            bound = inspect.signature(function).bind(*args, **kwargs).arguments
            found.append({name: plain(value) for name, value in bound.items()})
        return function(*args, **kwargs)

    namespace[entry.name] = recorder
    for example in doctest.DocTestParser().get_examples(entry.sections["Examples"]):
        with contextlib.redirect_stdout(io.StringIO()):
            try:
                exec(compile(example.source, entry.name, "single"), namespace)
            except Exception:
                assert example.exc_msg, f"{entry.name}: {example.source}"
    return found


def plain(value: Any) -> Any:
    """Arrays of NumPy, which every library takes; 16 bits, which entries round to, are widened."""
    if isinstance(value, tuple):
        return tuple(map(plain, value))
    if isinstance(value, torch.Tensor):
        value = value.detach()
        return (value.double() if value.dtype.itemsize == 2 else value).numpy().copy()
    if isinstance(value, (np.ndarray, np.generic)):
        return np.array(value, np.float64 if value.dtype == np.float16 else value.dtype)
    return value
