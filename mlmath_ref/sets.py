r"""The sets that arguments and results live in.

``Simplex[Array, "*batch n"]`` annotates an array whose last axis, of size ``n``, is a probability
vector. To a type checker it is the array type and nothing more; to the site it is
:math:`(\Delta^{n-1})^{*}`; to the tests it is a generator of members, inside and at the edge; and
to :func:`checked` it is what an argument is held to. Sizes are named: equal names, equal sizes;
``*batch`` is any number of leading axes, ``*#batch`` any that broadcast. A third item bounds
integers: ``Natural[int, "", "min(m, n)"]``.
"""

import math
import operator
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from array_api_compat import array_namespace, device

from mlmath_ref.annotations import BOOL, INT, OBJECT, Set, ends, holds
from mlmath_ref.arrays import widest
from mlmath_ref.contracts import checked as checked, unchecked as unchecked  # for the topics

Contains = Callable[[Any, Any, float], bool]  # value, bound, rounding allowed


def _interval(low: float, high: float, closed: str = "[]") -> Contains:
    """Membership of all numbers in an interval."""
    above = operator.le if closed[0] == "[" else operator.lt
    below = operator.le if closed[1] == "]" else operator.lt

    def contains(x: Any, upper: Any, slack: float) -> bool:
        first, last = (x, x) if isinstance(x, (int, float)) else ends(array_namespace(x), x)
        return bool(above(low, first) and below(last, high))

    return contains


def _up_to(low: int, below: int = 0) -> Contains:
    """Membership of all integers from ``low`` to the bound less ``below``."""

    def contains(x: Any, upper: Any, slack: float) -> bool:
        return _interval(low, math.inf if upper is None else upper - below)(x, upper, slack)

    return contains


def _all(*conditions: Contains) -> Contains:
    return lambda x, upper, slack: all(c(x, upper, slack) for c in conditions)


_finite = _interval(-math.inf, math.inf, "()")


def _rows(of: Callable[[Any, Any], Any], condition: Contains) -> Contains:
    """A condition on what a function of namespace and array makes of every row or matrix."""
    return lambda x, upper, slack: condition(of(array_namespace(x), x), upper, slack)


def _highest(xp: Any, x: Any) -> Any:
    return xp.max(x, axis=-1)


def _length(xp: Any, x: Any) -> Any:
    """The largest magnitude along the last axis."""
    return xp.maximum(xp.max(x, axis=-1), -xp.min(x, axis=-1))


def _largest(xp: Any, x: Any) -> Any:
    """The largest magnitude of every matrix."""
    lowest = xp.min(x, axis=(-2, -1), keepdims=True)
    return xp.maximum(xp.max(x, axis=(-2, -1), keepdims=True), -lowest)


def _varies(x: Any, upper: Any, slack: float) -> bool:
    xp = array_namespace(x)
    return holds(xp.all(xp.max(x, axis=-1) > xp.min(x, axis=-1)))


def _one(axes: int) -> Contains:
    """Whether numbers from 0 up sum to one over the last axes."""

    def contains(x: Any, upper: Any, slack: float) -> bool:
        xp = array_namespace(x)
        if ends(xp, x)[1] > 1 + slack:
            return False
        total = xp.sum(x, axis=tuple(range(-axes, 0)), dtype=widest(x))
        low, high = ends(xp, total)
        return bool(max(1 - low, high - 1) <= slack)

    return contains


def _symmetric(x: Any, upper: Any, slack: float) -> bool:
    xp = array_namespace(x)
    if holds(xp.all(x == x.mT)):
        return True
    half, mirrored = x / 2, x.mT / 2  # no difference overflows
    return holds(xp.all(xp.abs(half - mirrored) <= slack * _largest(xp, half)))


def _unit(xp: Any, x: Any) -> Any:
    """Every matrix with 1 as its largest magnitude, but for those of zeros."""
    largest = _largest(xp, x)
    return x / xp.where(largest > 0, largest, xp.ones_like(largest))


def _has_factor(x: Any, shift: float) -> bool:
    """Whether the matrices plus a multiple of the identity have a Cholesky factor."""
    xp = array_namespace(x)
    identity = xp.eye(x.shape[-1], dtype=x.dtype, device=device(x))
    try:
        factor = xp.linalg.cholesky(_unit(xp, x) + shift * identity)
    except (np.linalg.LinAlgError, RuntimeError):
        return False
    return _finite(factor, None, 0.0)  # JAX does not raise


def _definite(x: Any, upper: Any, slack: float) -> bool:
    return _has_factor(x, -x.shape[-1] * float(array_namespace(x).finfo(x.dtype).eps))


def _semidefinite(x: Any, upper: Any, slack: float) -> bool:
    return _has_factor(x, slack)


def _nonsingular(x: Any, upper: Any, slack: float) -> bool:
    """Whether no singular value is lost to rounding, by the solutions for four random vectors."""
    xp, n = array_namespace(x), x.shape[-1]
    drawn = np.random.default_rng(0).standard_normal((n, 4))
    right = xp.asarray(drawn / np.linalg.norm(drawn, axis=0), dtype=x.dtype, device=device(x))
    unit = _unit(xp, x)
    try:
        solution = xp.linalg.solve(unit, xp.broadcast_to(right, (*x.shape[:-1], 4)))
    except (np.linalg.LinAlgError, RuntimeError):
        return False
    size = xp.sqrt(xp.sum(unit * unit, axis=(-2, -1)))
    stretch = xp.max(xp.linalg.vector_norm(solution, axis=-2), axis=-1)  # 1 / sigma_n, at most
    limit = 1 / (n * float(xp.finfo(x.dtype).eps))
    return _interval(0.0, limit, "[)")(size * stretch * n**0.5, None, 0.0)


def _orthonormal(x: Any, upper: Any, slack: float) -> bool:
    xp = array_namespace(x)
    identity = xp.eye(x.shape[-1], dtype=x.dtype, device=device(x))
    error = x.mT @ x - identity
    return bool(max(map(abs, ends(xp, error))) <= slack)


def _no_loops(x: Any, upper: Any, slack: float) -> bool:
    xp = array_namespace(x)
    return ends(xp, xp.linalg.diagonal(x)) == (0, 0)


def _even(x: Any, upper: Any, slack: float) -> bool:
    return x % 2 == 0 if isinstance(x, int) else ends(array_namespace(x), x % 2) == (0, 0)


def _some_key(x: Any, upper: Any, slack: float) -> bool:
    xp = array_namespace(x)
    return holds(xp.all(xp.any(x, axis=-1)))


def _total(row: Any) -> str:
    return f"with sum {float(np.sum(row))!r}"


def _asymmetry(matrix: Any) -> str:
    return f"with largest difference from its transpose {float(np.abs(matrix - matrix.T).max())!r}"


def _eigenvalue(matrix: Any) -> str:
    if not np.isfinite(matrix).all():
        return ""
    if (matrix != matrix.T).any():
        return _asymmetry(matrix)
    return f"with smallest eigenvalue {float(np.linalg.eigvalsh(matrix)[0])!r}"


def _fill(*values: float) -> Callable[[tuple[int, ...], Any], list[Any]]:
    return lambda shape, upper: [np.full(shape, v) for v in values]


def _uniform(low: float, high: float) -> Callable[[np.random.Generator, tuple[int, ...], Any], Any]:
    return lambda rng, shape, upper: rng.uniform(low, high, shape)


def _normal(rng: np.random.Generator, shape: tuple[int, ...], upper: Any) -> Any:
    return rng.normal(size=shape)


def _real_edges(shape: tuple[int, ...], upper: Any) -> list[Any]:
    signs = 1.0 - 2.0 * (np.arange(math.prod(shape)).reshape(shape) % 2)
    return [np.zeros(shape), 300.0 * signs + np.arange(math.prod(shape)).reshape(shape)]


def _one_hot(shape: tuple[int, ...]) -> Any:
    out = np.zeros(shape)
    out[..., 0] = 1
    return out


def _joint(values: Any) -> Any:
    return values / values.sum(axis=(-2, -1), keepdims=True)


def _orthogonal(rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
    return np.linalg.qr(rng.normal(size=shape))[0]


def _spd(rng: np.random.Generator, shape: tuple[int, ...], upper: Any) -> Any:
    q = _orthogonal(rng, shape)
    return (q * rng.uniform(0.5, 3, (*shape[:-2], 1, shape[-1]))) @ np.swapaxes(q, -1, -2)


def _invertible(rng: np.random.Generator, shape: tuple[int, ...], upper: Any) -> Any:
    stretch = rng.uniform(0.5, 3, (*shape[:-2], 1, shape[-1]))
    return (_orthogonal(rng, shape) * stretch) @ _orthogonal(rng, shape)


def _zero_diagonal(x: Any) -> Any:
    n = x.shape[-1]
    return (x + np.swapaxes(x, -1, -2)) / 2 * (1 - np.eye(n))


def _mask(rng: np.random.Generator, shape: tuple[int, ...], upper: Any) -> Any:
    mask = rng.random(shape) < 0.6
    mask[..., 0] |= ~mask.any(axis=-1)
    return mask


def _corpus(rng: np.random.Generator) -> dict[tuple[str, ...], int]:
    words = ["".join(rng.choice(list("abc"), size=rng.integers(2, 7))) for _ in range(6)]
    return {tuple(w): int(rng.integers(1, 9)) for w in words}


if TYPE_CHECKING:
    # To a type checker, Set[X, ...] is X.
    from typing import (
        Annotated as Adjacency,
        Annotated as Binary,
        Annotated as Corpus,
        Annotated as Decay,
        Annotated as Even,
        Annotated as Extended,
        Annotated as ExtendedNonneg,
        Annotated as ExtendedNonpositive,
        Annotated as ExtendedReal,
        Annotated as Index,
        Annotated as Integer,
        Annotated as Invertible,
        Annotated as Joint,
        Annotated as Labels,
        Annotated as Logits,
        Annotated as Mask,
        Annotated as Masses,
        Annotated as Natural,
        Annotated as Nonneg,
        Annotated as Nonpositive,
        Annotated as Nonzero,
        Annotated as NonzeroMatrix,
        Annotated as OpenSimplex,
        Annotated as OpenUnit,
        Annotated as Orthogonal,
        Annotated as PSD,
        Annotated as Paired,
        Annotated as Positive,
        Annotated as Real,
        Annotated as SPD,
        Annotated as Share,
        Annotated as SignedUnit,
        Annotated as Simplex,
        Annotated as Symmetric,
        Annotated as Truth,
        Annotated as Unit,
        Annotated as Varying,
    )
else:
    # fmt: off
    Real = Set(
        r"\mathbb{R}", "finite real numbers",
        _finite,
        _normal, _real_edges, outside=(math.nan, math.inf),
    )
    Paired = Set(
        r"\mathbb{R}", "finite real numbers",
        _finite,
        _normal, _real_edges, multiple=2,
    )
    Logits = Set(
        r"[-\infty, \infty)", "numbers below infinity, at least one of them finite along the last axis",
        _rows(_highest, _finite),
        _normal,
        lambda shape, u: [*_real_edges(shape, u), np.where(_one_hot(shape) == 1, 0.5, -np.inf)],
    )
    Nonzero = Set(
        r"\mathbb{R}^{{0}} \setminus \{0\}", "finite real vectors with a length above zero",
        _rows(_length, _interval(0, math.inf, "()")),
        _normal, lambda shape, u: [_one_hot(shape), np.full(shape, 1e-3)],
    )
    Varying = Set(
        r"\mathbb{R}^{{0}} \setminus \mathbb{R} \mathbf 1", "finite real vectors that are not constant",
        _all(_finite, _varies),
        _normal, lambda shape, u: [_one_hot(shape), 1e-3 * np.cumsum(np.ones(shape), axis=-1)],
        outside=(0.0, 1.0, math.nan, math.inf),
    )
    NonzeroMatrix = Set(
        r"\mathbb{R}^{{0} \times {1}} \setminus \{0\}", "finite real matrices with an entry that is not zero",
        _rows(_largest, _interval(0, math.inf, "()")),
        _normal, lambda shape, u: [_one_hot(shape), np.full(shape, 1e-3)],
    )
    Positive = Set(
        r"\mathbb{R}_{>0}", "finite numbers above zero",
        _interval(0, math.inf, "()"),
        _uniform(0.5, 2.5), _fill(1e-3, 40.0), outside=(0.0, -1.0, math.nan, math.inf),
    )
    Nonneg = Set(
        r"\mathbb{R}_{\geq 0}", "finite numbers, zero or above",
        _interval(0, math.inf, "[)"),
        _uniform(0.5, 2.5), _fill(0.0, 40.0), outside=(-1.0, math.nan, math.inf),
    )
    Masses = Set(
        r"\mathbb{R}_{\geq 0}^{{0}} \setminus \{0\}", "finite non-negative vectors with an entry above zero",
        _all(_interval(0, math.inf, "[)"), _rows(_highest, _interval(0, math.inf, "()"))),
        _uniform(0.5, 2.5), lambda shape, u: [_one_hot(shape), np.full(shape, 40.0)],
        outside=(-1.0, 0.0, math.nan, math.inf),
    )
    ExtendedNonneg = Set(
        r"[0, \infty]", "numbers, zero or above",
        _interval(0, math.inf),
        _uniform(0.5, 2.5), _fill(0.0), outside=(-1.0, math.nan),
    )
    Nonpositive = Set(
        r"\mathbb{R}_{\leq 0}", "finite numbers, zero or below",
        _interval(-math.inf, 0, "(]"),
        _uniform(-2.5, -0.5), _fill(0.0, -40.0), outside=(1.0, math.nan, -math.inf),
    )
    ExtendedNonpositive = Set(
        r"[-\infty, 0]", "numbers, zero or below",
        _interval(-math.inf, 0),
        _uniform(-2.5, -0.5), _fill(0.0, -40.0, -math.inf), outside=(1.0, math.nan),
    )
    ExtendedReal = Set(
        r"[-\infty, \infty)", "numbers below infinity",
        _interval(-math.inf, math.inf, "[)"),
        _normal, lambda shape, u: [*_real_edges(shape, u), np.full(shape, -np.inf)],
        outside=(math.nan, math.inf),
    )
    Extended = Set(
        r"[-\infty, \infty]", "numbers, infinite ones too",
        _interval(-math.inf, math.inf),
        _normal, lambda shape, u: [*_real_edges(shape, u), np.full(shape, -np.inf)],
        outside=(math.nan,),
    )
    Unit = Set(
        "[0, 1]", "numbers from 0 to 1",
        _interval(0, 1),
        _uniform(0.1, 0.9), _fill(0.0, 1.0), outside=(-0.1, 1.1, math.nan),
    )
    OpenUnit = Set(
        "(0, 1)", "numbers between 0 and 1, both excluded",
        _interval(0, 1, "()"),
        _uniform(0.1, 0.9), _fill(1e-3, 0.999), outside=(0.0, 1.0, math.nan),
    )
    Decay = Set(
        "[0, 1)", "numbers from 0 up to, not including, 1",
        _interval(0, 1, "[)"),
        _uniform(0.1, 0.9), _fill(0.0), outside=(-0.1, 1.0, math.nan),
    )
    Share = Set(
        "(0, 1]", "numbers above 0, at most 1",
        _interval(0, 1, "(]"),
        _uniform(0.1, 0.9), _fill(1.0), outside=(0.0, 1.1, math.nan),
    )
    SignedUnit = Set(
        "[-1, 1]", "numbers from -1 to 1",
        lambda x, u, slack: _interval(-1 - slack, 1 + slack)(x, u, slack),
        _uniform(-0.9, 0.9), _fill(-1.0, 1.0), outside=(-1.1, 1.1, math.nan),
    )
    Simplex = Set(
        r"\Delta^{{0}-1}", "probabilities: non-negative numbers that sum to one along the last axis",
        _all(_interval(0, math.inf), _one(1)),
        lambda rng, shape, u: rng.dirichlet(np.full(shape[-1], 3.0), shape[:-1]),
        lambda shape, u: [_one_hot(shape), np.full(shape, 1 / shape[-1])],
        tangent=lambda v: v - v.mean(axis=-1, keepdims=True), shows=_total,
    )
    OpenSimplex = Set(
        r"\Delta_{>0}^{{0}-1}", "probabilities above zero: positive numbers that sum to one along the last axis",
        _all(_interval(0, math.inf, "(]"), _one(1)),
        lambda rng, shape, u: rng.dirichlet(np.full(shape[-1], 3.0), shape[:-1]),
        lambda shape, u: [
            np.where(_one_hot(shape) == 1, 1 - 1e-3 * (shape[-1] - 1), 1e-3), np.full(shape, 1 / shape[-1]),
        ],
        tangent=lambda v: v - v.mean(axis=-1, keepdims=True), shows=_total,
    )
    Joint = Set(
        r"\Delta^{{0} \times {1}}", "a joint distribution: non-negative numbers that sum to one over the last two axes",
        _all(_interval(0, math.inf), _one(2)),
        lambda rng, shape, u: _joint(rng.uniform(0.2, 1.0, shape)),
        lambda shape, u: [_joint(np.ones(shape)), _joint(np.broadcast_to(np.eye(*shape[-2:]), shape))],
        tangent=lambda v: v - v.mean(axis=(-2, -1), keepdims=True), shows=_total,
    )
    Symmetric = Set(
        r"\mathbb{S}^{{1}}", "finite symmetric matrices",
        _all(_finite, _symmetric),
        lambda rng, shape, u: (lambda a: (a + np.swapaxes(a, -1, -2)) / 2)(rng.normal(size=shape)),
        lambda shape, u: [np.broadcast_to(np.diag(np.arange(shape[-1]) - 1.0), shape)],
        tangent=lambda v: (v + np.swapaxes(v, -1, -2)) / 2, shows=_asymmetry,
    )
    SPD = Set(
        r"\mathbb{S}_{++}^{{1}}", "symmetric positive definite matrices",
        _all(_finite, _symmetric, _definite),
        _spd, lambda shape, u: [np.broadcast_to(np.diag(np.arange(shape[-1]) + 1.0), shape)],
        tangent=lambda v: (v + np.swapaxes(v, -1, -2)) / 2, shows=_eigenvalue,
    )
    PSD = Set(
        r"\mathbb{S}_{+}^{{1}}", "symmetric positive semidefinite matrices",
        _all(_finite, _symmetric, _semidefinite),
        lambda rng, shape, u: (lambda a: (a + np.swapaxes(a, -1, -2)) / 2)(_spd(rng, shape, u)),
        lambda shape, u: [np.broadcast_to(np.diag(np.arange(shape[-1]) + 0.0), shape), np.ones(shape)],
        tangent=lambda v: (v + np.swapaxes(v, -1, -2)) / 2, shows=_eigenvalue,
    )
    Orthogonal = Set(
        r"\mathrm{St}({1}, {0})", "matrices with orthonormal columns",
        _all(_rows(_largest, _interval(0, 2)), _orthonormal),
        lambda rng, shape, u: _orthogonal(rng, shape),
        lambda shape, u: [np.broadcast_to(np.eye(*shape[-2:]), shape)],
    )
    Invertible = Set(
        r"\mathrm{GL}_{{1}}", "finite matrices of full rank, none of whose singular values is lost to rounding",
        _all(_finite, _nonsingular),
        _invertible,
        lambda shape, u: [
            np.broadcast_to(np.diag(np.arange(shape[-1]) + 1.0), shape),
            np.broadcast_to(np.eye(shape[-1])[::-1], shape),
        ],
    )
    Adjacency = Set(
        r"\mathbb{A}^{{1}}", "adjacency matrices of undirected graphs: symmetric, non-negative, zero diagonal",
        _all(_interval(0, math.inf, "[)"), _symmetric, _no_loops),
        lambda rng, shape, u: _zero_diagonal(rng.uniform(0.5, 1.5, shape)),
        lambda shape, u: [np.zeros(shape), _zero_diagonal(np.ones(shape))],
        tangent=_zero_diagonal,
    )
    Mask = Set(
        r"\{0, 1\}", "booleans, at least one of them true along the last axis",
        _some_key,
        _mask, lambda shape, u: [np.ones(shape, bool), _one_hot(shape) == 1], kind=BOOL,
    )
    Truth = Set(
        r"\{0, 1\}", "booleans",
        lambda x, upper, slack: True,
        lambda rng, shape, u: rng.random(shape) < 0.5,
        lambda shape, u: [np.zeros(shape, bool), np.ones(shape, bool)], kind=BOOL,
    )
    Binary = Set(
        r"\{0, 1\}", "the integers 0 and 1",
        _interval(0, 1),
        lambda rng, shape, u: rng.integers(0, 2, shape),
        lambda shape, u: [np.zeros(shape, int), np.ones(shape, int)], kind=INT, outside=(-1, 2),
    )
    Labels = Set(
        r"\{0, \dots, {upper} - 1\}", "integers from 0 up to, not including, {upper}",
        _up_to(0, 1),
        lambda rng, shape, u: rng.integers(0, u, shape),
        lambda shape, u: [np.zeros(shape, int), np.full(shape, u - 1)], kind=INT, outside=(-1,),
    )
    Natural = Set(
        r"\{1, \dots, {upper}\}", "integers from 1 to {upper}",
        _up_to(1),
        lambda rng, shape, u: rng.integers(1, 6 if u is None else u, shape, endpoint=True),
        lambda shape, u: [np.ones(shape, int)] if u is None else [np.ones(shape, int), np.full(shape, u)],
        kind=INT, outside=(0, -1),
    )
    Even = Set(
        r"\{2, 4, \dots\}", "even integers from 2 up",
        _all(_interval(2, math.inf), _even),
        lambda rng, shape, u: 2 * rng.integers(1, 4, shape, endpoint=True),
        lambda shape, u: [np.full(shape, 2)], kind=INT, outside=(0, -2, 3),
    )
    Index = Set(
        r"\{0, \dots, {upper}\}", "integers from 0 to {upper}",
        _up_to(0),
        lambda rng, shape, u: rng.integers(0, 6 if u is None else u, shape, endpoint=True),
        lambda shape, u: [np.zeros(shape, int)] if u is None else [np.zeros(shape, int), np.full(shape, u)],
        kind=INT, outside=(-1,),
    )
    Integer = Set(
        r"\mathbb{Z}", "integers",
        lambda x, upper, slack: True,
        lambda rng, shape, u: rng.integers(-5, 6, shape), lambda shape, u: [np.zeros(shape, int)], kind=INT,
    )
    Corpus = Set(
        r"\mathbb{N}^{\Sigma^{\ast}}", "a mapping from words (tuples of symbols) to counts of at least 1",
        lambda x, u, slack: isinstance(x, Mapping)
        and all(isinstance(w, tuple) and all(isinstance(s, str) for s in w) for w in x)
        and all(isinstance(c, int) and c >= 1 for c in x.values()),
        lambda rng, shape, u: _corpus(rng), lambda shape, u: [{("a", "b"): 1}, {("a", "a", "a"): 2}],
        kind=OBJECT,
    )
    # fmt: on
