"""The sets a second time: each from its printed LaTeX or its definition, number by number.

Written in plain Python over the elements, to hold ``Set.contains`` against.
"""

import functools
import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np

from mlmath_ref import sets
from mlmath_ref.annotations import Set, Sizes, Spec
from mlmath_ref.arrays import Array

NAMES = {id(s): name for name, s in vars(sets).items() if isinstance(s, Set)}
_INTERVALS = {
    r"\mathbb{R}": r"(-\infty, \infty)",
    r"\mathbb{R}_{>0}": r"(0, \infty)",
    r"\mathbb{R}_{\geq 0}": r"[0, \infty)",
    r"\mathbb{R}_{\leq 0}": r"(-\infty, 0]",
    r"\mathbb{Z}": r"(-\infty, \infty)",
    r"\{0, 1\}": "[0, 1]",
    r"\{0, \dots, {upper} - 1\}": "[0, {upper})",
    r"\{0, \dots, {upper}\}": "[0, {upper}]",
    r"\{1, \dots, {upper}\}": "[1, {upper}]",
}


def interval(latex: str, upper: Any) -> tuple[float, bool, float, bool]:
    """Lower end, whether it belongs, upper end, whether it belongs; as the site prints them."""
    base = re.sub(r"\^\{\{0\}.*", "", latex)  # vectors, matrices of such numbers, but for zero
    text = _INTERVALS.get(latex) or _INTERVALS.get(base) or latex
    text = text.replace("{upper}", r"\infty" if upper is None else str(upper))
    found = re.fullmatch(r"([\[(])(\S+), (\S+)([\])])", text)
    assert found, f"{latex} is no interval and has no definition here"
    low, high = (float(x.replace(r"\infty", "inf")) for x in (found[2], found[3]))
    return low, found[1] == "[", high, found[4] == "]"


def tolerance(a: Any) -> float:
    info = np.finfo(a.dtype)
    return float(info.eps) ** 0.5 if info.bits >= 32 else 2 * float(info.eps)


def sums_to_one(a: Any, axes: int, low: Callable[[float], bool]) -> bool | None:
    rows = a.reshape(-1, math.prod(a.shape[a.ndim - axes :])).tolist()
    if not all(low(v) and v <= 2 for row in rows for v in row):
        return False
    return near(max(abs(math.fsum(row) - 1) for row in rows), tolerance(a))


def near(error: float, allowed: float) -> bool | None:
    """Whether an error is allowed; ``None`` so near to the limit that rounding decides."""
    return None if math.isclose(error, allowed, rel_tol=1e-6) else error <= allowed


def symmetric(a: Any, rest: Callable[[list[list[float]]], bool | None]) -> bool | None:
    verdicts: list[bool | None] = []
    for m in a.reshape(-1, *a.shape[-2:]).tolist():
        n = range(len(m))
        if not all(math.isfinite(v) for row in m for v in row):
            return False
        largest = max(abs(v) for row in m for v in row)
        error = max(abs(m[i][j] - m[j][i]) for i in n for j in n)
        verdicts += [error == 0 or near(error, tolerance(a) * largest), rest(m)]
    return all_of(verdicts)


def all_of(verdicts: list[bool | None]) -> bool | None:
    return False if False in verdicts else None if None in verdicts else True


def definite(m: list[list[float]]) -> bool | None:
    """By the signs of the leading minors."""
    unit = np.asarray(m) / (max(abs(v) for row in m for v in row) or 1.0)
    minors = [float(np.linalg.det(unit[:k, :k])) for k in range(1, len(m) + 1)]
    sure = all(abs(d) > 1e-6 for d in minors)
    return min(minors) > 0 if sure else None


def invertible(a: Any) -> bool | None:
    """By the determinant, where it is exactly zero or far from it."""
    verdicts: list[bool | None] = []
    for m in a.reshape(-1, *a.shape[-2:]):
        if not np.isfinite(m).all():
            return False
        scale = float(np.abs(m).max()) or 1.0
        volume = abs(float(np.linalg.det(m / scale)))
        verdicts.append(True if volume > 1e-6 else None if volume or m.any() else False)
    return all_of(verdicts)


def semidefinite(m: list[list[float]]) -> bool | None:
    """By the signs of all principal minors, where they are far from zero."""
    scale = max(abs(v) for row in m for v in row) or 1.0
    unit, n = np.asarray(m) / scale, len(m)
    picks = [np.flatnonzero([(b >> i) & 1 for i in range(n)]) for b in range(1, 2**n)]
    least = min(float(np.linalg.det(unit[np.ix_(p, p)])) for p in picks)
    return True if least > 1e-6 else False if least < -1e-6 else None


def orthonormal(a: Any) -> bool | None:
    verdicts: list[bool | None] = []
    for m in a.reshape(-1, *a.shape[-2:]):
        columns = m.T.tolist()
        for i, u in enumerate(columns):
            for j, v in enumerate(columns):
                if not all(map(math.isfinite, u + v)):
                    return False
                product = math.fsum(x * y for x, y in zip(u, v))
                verdicts.append(near(abs(product - (i == j)), tolerance(a)))
    return all_of(verdicts)


def rows(a: Any) -> list[list[Any]]:
    return a.reshape(-1, a.shape[-1]).tolist() if a.ndim else [[a.item()]]


# What is no interval: sets of vectors and matrices.
DEFINITIONS: dict[str, Callable[[Any], bool | None]] = {
    "Logits": lambda a: all(max(r) < math.inf and any(map(math.isfinite, r)) for r in rows(a)),
    "Nonzero": lambda a: all(any(r) for r in rows(a)),
    "NonzeroMatrix": lambda a: all(m.any() for m in a.reshape(-1, *a.shape[-2:])),
    "Masses": lambda a: all(any(r) for r in rows(a)),
    "Varying": lambda a: all(len(set(r)) > 1 for r in rows(a)),
    "Mask": lambda a: all(any(r) for r in rows(a)),
    "Even": lambda a: all(v >= 2 and v % 2 == 0 for v in a.ravel().tolist()),
    "Simplex": lambda a: sums_to_one(a, 1, lambda v: v >= 0),
    "OpenSimplex": lambda a: sums_to_one(a, 1, lambda v: v > 0),
    "Joint": lambda a: sums_to_one(a, 2, lambda v: v >= 0),
    "Symmetric": lambda a: symmetric(a, lambda m: True),
    "SPD": lambda a: symmetric(a, definite),
    "Invertible": invertible,
    "PSD": lambda a: symmetric(a, semidefinite),
    "Orthogonal": orthonormal,
    "Adjacency": lambda a: symmetric(
        a, lambda m: min(map(min, m)) >= 0 and not any(m[i][i] for i in range(len(m)))
    ),
    "SignedUnit": lambda a: all_of(
        [abs(v) <= 1 or near(abs(v) - 1, tolerance(a)) for v in a.ravel().tolist()]
    ),
}
WHOLE = {
    "Invertible",
    "Even",
    "Mask",
    "Simplex",
    "OpenSimplex",
    "Joint",
    "Symmetric",
    "SPD",
    "PSD",
    "Orthogonal",
    "Adjacency",
    "SignedUnit",
}


def belongs(spec: Spec, a: Any, sizes: Sizes) -> bool | None:
    """Whether an array is in a set; ``None`` where rounding decides."""
    name = NAMES[id(spec.set)]
    if np.isnan(a).any() if a.dtype.kind == "f" else False:
        return False
    if name not in WHOLE:
        low, with_low, high, with_high = interval(spec.set.latex, spec.bound(sizes))
        for v in a.ravel().tolist():
            if not (low < v < high or (v == low and with_low) or (v == high and with_high)):
                return False
    return DEFINITIONS[name](a) if name in DEFINITIONS else True


def boundary(spec: Spec, sizes: Sizes) -> list[Any]:
    """Numbers at the ends of sets and formats, their neighbors on either side, and a few others."""
    upper = spec.bound(sizes) if spec.upper else None
    if spec.set.kind == "bool":
        return [False, True]
    if spec.set.kind == "integral":
        ends = {-5, -2, -1, 0, 1, 2, 3, 5}
        return sorted(ends if upper is None else ends | {upper - 1, upper, upper + 1})
    near = [math.nan, math.inf, -math.inf, 1.7e308, -1.7e308, -2.5, -0.5, 0.5, 2.5]
    for end in (-1.0, 0.0, 1.0):
        slack = 1.5e-8  # the square root of the precision, which some sets allow
        near += [end, math.nextafter(end, -9), math.nextafter(end, 9), end - slack, end + slack]
    return near


# Sets that no result lies in by chance: they hold of all numbers, or of whole rows and matrices.
TIGHT = (
    "Real",
    "ExtendedNonneg",
    "Nonneg",
    "ExtendedNonpositive",
    "Nonpositive",
    "Unit",
    "Simplex",
    "Joint",
    "Symmetric",
    "PSD",
    "Orthogonal",
    "Adjacency",
)


@functools.cache
def subsets(name: str) -> tuple[str, ...]:
    """The tight sets that are strictly smaller than a set, by their members."""

    def members(name: str) -> list[Any]:
        drawn = [getattr(sets, name).draw(np.random.default_rng(s), (2, 4, 4), 3) for s in (0, 1)]
        return [np.asarray(m) for m in (*drawn, *getattr(sets, name).edges((2, 4, 4), 3))]

    def includes(name: str, found: list[Any]) -> bool:
        spec = Spec(getattr(sets, name), Array, ("k", "n", "n"), "3")
        return all(spec.contains(m, {"k": 2, "n": 4}) for m in found)

    same = [t for t in TIGHT if getattr(sets, t).kind == getattr(sets, name).kind]
    return tuple(t for t in same if includes(name, members(t)) and not includes(t, members(name)))


def holds_all(name: str, spec: Spec, parts: list[Any]) -> bool:
    """Whether all results of one annotation lie in another set too."""
    other = getattr(sets, name)
    square = name not in ("Symmetric", "PSD", "Adjacency")
    fits = [p.ndim >= other.axes and (square or p.shape[-1] == p.shape[-2]) for p in parts]
    return all(fits) and all(Spec(other, Array, spec.dims, None).contains(p, {}) for p in parts)
