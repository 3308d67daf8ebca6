"""An entry as a function of its real arrays alone, for everything that differentiates or transforms."""

import functools
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import jax
import numpy as np
import torch
from drawing import convert

from mlmath_ref.annotations import walk
from mlmath_ref.catalog import Entry
from mlmath_ref.standalone import standalone

Function = Callable[..., Any]


def is_real(value: Any) -> bool:
    """Whether a value is an array of real numbers."""
    if isinstance(value, torch.Tensor):
        return value.is_floating_point()
    return isinstance(value, (np.ndarray, jax.Array)) and value.dtype.kind == "f"


def opened(function: Function, values: dict[str, Any]) -> tuple[Function, list[Any]]:
    """The function of the real arrays among its arguments, and these arrays.

    It returns the real arrays of the result as a tuple.
    """
    leaves, tree = jax.tree_util.tree_flatten(values)
    places = [i for i, leaf in enumerate(leaves) if is_real(leaf)]

    def of_reals(*reals: Any) -> tuple[Any, ...]:
        given = list(leaves)
        for i, real in zip(places, reals):
            given[i] = real
        return reals_of(function(**jax.tree_util.tree_unflatten(tree, given)))

    return of_reals, [leaves[i] for i in places]


def reals_of(result: Any) -> tuple[Any, ...]:
    """The real arrays of a result."""
    parts = result if isinstance(result, tuple) else (result,)
    return tuple(p for p in parts if is_real(p))


def direction(entry: Entry, values: dict[str, Any], rng: np.random.Generator) -> list[torch.Tensor]:
    """A random step that stays inside the sets, for each real array."""
    steps: dict[str, Any] = {}
    for name, value in values.items():
        parts = value if isinstance(value, tuple) else (value,)
        specs = walk(entry.annotations[name])
        moved = tuple(
            np.asarray(spec.set.tangent(np.asarray(rng.normal(size=np.shape(part)))))
            if isinstance(part, np.ndarray) and part.dtype.kind == "f"
            else part
            for part, spec in zip(parts, specs)
        )
        steps[name] = moved if isinstance(value, tuple) else moved[0]
    return opened(lambda: None, convert(steps, "torch"))[1]


@functools.cache
def copied(entry: Entry, library: str) -> Function:
    """The function of the text that a reader copies, which checks nothing."""
    module = ModuleType(f"copied_{entry.name}_{library}")
    sys.modules[module.__name__] = module  # where compilers look for what it calls
    exec(standalone(entry, library), vars(module))
    return vars(module)[entry.name]
