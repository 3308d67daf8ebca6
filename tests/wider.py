"""A second computation of what entries compute: the same text, run with a wider exponent.

``longdouble`` reaches from 1e-4932 to 1e4932, so no step on the way leaves its range.
"""

import functools
import math
from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any

import mpmath
import numpy as np
import scipy.special
import torch
from drawing import arguments, numbers
from outcomes import OTHER, Case, outcome

from mlmath_ref.catalog import Entry
from mlmath_ref.standalone import standalone

WIDE = np.longdouble
IS_WIDER = np.finfo(WIDE).maxexp >= 16384
LARGEST, SMALLEST = np.finfo(float).max, np.finfo(float).tiny
ROOM = 2.0**10  # below the largest number, which sums pass on their way


def widened(value: Any, step: float = 0.0) -> Any:
    """The real numbers among arguments in the wider format, made smaller by a relative step or half."""
    if isinstance(value, dict):
        return {k: widened(v, step) for k, v in value.items()}
    if isinstance(value, tuple):
        return tuple(widened(v, step) for v in value)
    if isinstance(value, np.ndarray) and value.dtype.kind == "f":
        parity = np.arange(value.size).reshape(value.shape) % 2
        return value.astype(WIDE) * (1 - step / (1 + parity))
    return WIDE(value) * (1 - step) if isinstance(value, float) else value


def special(name: str) -> Callable[[Any], Any]:
    """A special function that SciPy has for 64 bits only."""

    def of_number(x: Any) -> Any:
        with mpmath.workdps(25):
            return WIDE(mpmath.nstr(getattr(mpmath, name)(mpmath.mpf(str(x))), 25))

    return np.vectorize(of_number, otypes=[WIDE])


def of_wide(name: str) -> Callable[[Any], Any]:
    return lambda x: getattr(np, name)(WIDE(x))


@functools.cache
def wide(entry: Entry) -> Callable[..., Any]:
    """The entry's text for NumPy, with functions of numbers in the wider format too."""
    namespace: dict[str, Any] = {}
    exec(standalone(entry, "numpy"), namespace)
    names = ("cos", "exp", "expm1", "log", "log1p", "log2", "sin", "sqrt")
    namespace["math"] = SimpleNamespace(**(vars(math) | {n: of_wide(n) for n in names}))
    if "scipy" in namespace:
        own = vars(scipy.special) | {"gammaln": special("loggamma")}
        own["erfc"] = lambda x: special("erfc")(np.clip(x, -100, 100))  # 1e-4345 at 100
        namespace["scipy"] = SimpleNamespace(special=SimpleNamespace(**own))
    function: Callable[..., Any] = namespace[entry.name]
    return function


@functools.cache
def runs_wide(entry: Entry) -> bool:
    """Whether all that an entry calls takes the wider format, which LAPACK does not."""
    if not IS_WIDER or "numpy" not in (entry.libraries or ("numpy",)):
        return False
    try:
        wide(entry)(**widened(arguments(entry, 0)[0]))
    except TypeError as error:
        if "unsupported in linalg" not in str(error):
            raise
        return False
    return True


def agrees(found: Any, wanted: Any, near: Any) -> Any:
    """For each number of a result, whether it is the wider one as far as the format allows."""
    if wanted.dtype.kind != "f":
        return np.asarray(found == wanted)
    size, got = np.abs(wanted), found.astype(WIDE)
    top = np.max(size[size <= LARGEST], initial=SMALLEST)
    is_close = np.abs(got - wanted) <= 1e-12 * top + 8 * np.abs(wanted - near) + SMALLEST
    is_on_its_side = (np.sign(got) == np.sign(wanted)) | (size <= ROOM * LARGEST)
    has_left = (np.isinf(got) & is_on_its_side) | np.isnan(got)
    return (got == wanted) | is_close | (has_left & (size >= LARGEST / ROOM))


@np.errstate(all="ignore")
def is_beyond_the_format(entry: Entry, case: Case) -> bool:
    """Whether NaN is all that can be had: the number is beyond the format, or a sum on the way.

    Without the wider format, the case has to be in order once its largest numbers are smaller.
    """
    if runs_wide(entry):
        values = {
            n: v.numpy() if isinstance(v, torch.Tensor) else v for n, v in case.values.items()
        }
        exact = numbers(wide(entry)(**widened(values)))
        got = numbers(entry.function(**case.values))
        return all(agrees(g, w, w).all() for g, w in zip(got, exact))
    smaller = {n: within(v) for n, v in case.values.items()}
    expected = partial(entry.function, **smaller)
    return outcome(entry, Case(case.what, smaller, expected=expected))[0] != OTHER


def within(value: Any) -> Any:
    """Numbers so large that a sum of a few leaves the format, made smaller."""
    if isinstance(value, float):
        return value / ROOM if abs(value) > LARGEST / ROOM else value
    if isinstance(value, torch.Tensor):
        return torch.as_tensor(within(value.numpy()))
    is_real = isinstance(value, np.ndarray) and value.dtype.kind == "f"
    return np.where(np.abs(value) > LARGEST / ROOM, value / ROOM, value) if is_real else value
