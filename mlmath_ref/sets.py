r"""The sets that arguments and results live in.

``Simplex[Array, "*batch n"]`` annotates an array whose last axis, of size ``n``, is a probability
vector. To a type checker it is the array type and nothing more; to the site it is
:math:`(\Delta^{n-1})^{*}`; to the tests it is a generator of members, inside and at the edge; and
to :func:`checked` it is what an argument is held to. Sizes are named: equal names, equal sizes;
``*batch`` is any number of leading axes, ``*#batch`` any that broadcast. A third item bounds
integers: ``Natural[int, "", "min(m, n)"]``.
"""

import functools
import inspect
import math
import re
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import jaxtyping
import numpy as np
from array_api_compat import array_namespace, is_array_api_obj

from mlmath_ref.arrays import Array, Tensor

P = ParamSpec("P")
R = TypeVar("R")
Sizes = dict[str, Any]  # name of a size or of an integer parameter -> its value; *batch -> a tuple

_FLOAT, _INT, _BOOL, _OBJECT = "real floating", "integral", "bool", "object"
_JAXTYPING = {_FLOAT: jaxtyping.Float, _INT: jaxtyping.Int, _BOOL: jaxtyping.Bool}
_KIND = {
    _FLOAT: "real floating-point numbers",
    _INT: "integers",
    _BOOL: "booleans",
    _OBJECT: "Python objects",
}


@dataclass(frozen=True, eq=False)
class Set:
    """One set: how it is written, who belongs to it, and members to test with.

    ``contains(xp, x, upper)``, ``draw(rng, shape, upper)`` and ``edges(shape, upper)`` take the
    array namespace, the value, its shape and the evaluated bound of the annotation.
    """

    latex: str  # {0}, {1} stand for the trailing sizes that one element consumes, {upper} for its bound
    words: str
    contains: Callable[[Any, Any, Any], Any]
    draw: Callable[[np.random.Generator, tuple[int, ...], Any], Any]
    edges: Callable[[tuple[int, ...], Any], list[Any]] = lambda shape, upper: []
    kind: str = _FLOAT
    outside: tuple[Any, ...] = ()  # scalars that do not belong
    tangent: Callable[[Any], Any] = lambda step: step  # what is left of a step that stays inside
    multiple: int = 1  # the last size is a multiple of it

    def __getitem__(self, item: tuple[Any, ...]) -> Any:
        of, dims, upper = (*item, None)[:3]
        of_type = _JAXTYPING[self.kind][of, dims] if of in (Array, Tensor) else of
        return typing.Annotated[of_type, Spec(self, of, tuple(dims.split()), upper)]

    @property
    def axes(self) -> int:
        """How many trailing axes one element of the set consumes."""
        return 1 + max((int(i) for i in re.findall(r"\{(\d)\}", self.latex)), default=-1)


@dataclass(frozen=True, eq=False)
class Spec:
    """An annotation, read: ``set[of, dims, upper]``."""

    set: Set
    of: Any
    dims: tuple[str, ...]
    upper: str | None

    @property
    def is_array(self) -> bool:
        return self.of in (Array, Tensor)

    @property
    def names(self) -> frozenset[str]:
        """Names of the sizes, without the batch."""
        text = " ".join([d for d in self.dims if not d.startswith("*")])
        return frozenset(re.findall(r"[A-Za-z]\w*", text)) - {"min", "max"}

    def shape(self, sizes: Sizes) -> tuple[int, ...]:
        shape: list[int] = []
        for dim in self.dims:
            value = _evaluate(dim.lstrip("*#"), sizes)
            shape += value if dim.startswith("*") else [value]
        return tuple(shape)

    def bound(self, sizes: Sizes) -> Any:
        return None if self.upper is None else _evaluate(self.upper, sizes)

    def draw(self, rng: np.random.Generator, sizes: Sizes) -> Any:
        """A member, well inside, as NumPy array or Python scalar."""
        return self._as(self.set.draw(rng, self.shape(sizes), self.bound(sizes)))

    def edges(self, sizes: Sizes) -> list[Any]:
        """Members at the edge of the set."""
        return [self._as(e) for e in self.set.edges(self.shape(sizes), self.bound(sizes))]

    def _as(self, value: Any) -> Any:
        if self.is_array:
            return np.asarray(value)
        return self.of(value) if self.of in (int, float) else value

    def contains(self, value: Any, sizes: Sizes) -> bool:
        """Whether a value lies in the set; unknown values, as inside a trace, are let through."""
        if self.set.kind == _OBJECT:
            return bool(self.set.contains(np, value, None))
        value = value if self.is_array else np.asarray(value)
        try:
            return bool(self.set.contains(array_namespace(value), value, self.bound(sizes)))
        except (RuntimeError, TypeError):  # vmap, compilers: there is no number to look at yet
            return True

    def latex(self) -> str:
        """The set in LaTeX, with its sizes."""
        dims = [_size_latex(d) for d in self.dims]
        consumed = dims[len(dims) - self.set.axes :]
        outer = dims[: len(dims) - self.set.axes]
        upper = _size_latex(self.upper) if self.upper else r"\infty"
        body = re.sub(
            r"\{(\d|upper)\}",
            lambda m: upper if m[1] == "upper" else consumed[int(m[1])],
            self.set.latex,
        )
        body = body.replace(r"1, \dots, \infty", r"1, 2, \dots").replace(
            r"0, \dots, \infty", r"0, 1, \dots"
        )
        if not outer:
            return body
        simple = re.fullmatch(r"\\[A-Za-z]+|\\mathbb\{[A-Z]\}|\\\{[^()]*\\\}|[(\[].*[)\]]", body)
        power = r" \times ".join(outer)
        return f"{body if simple else f'({body})'}^{{{power}}}"


def _evaluate(expression: str, sizes: Sizes) -> Any:
    return eval(expression, {"__builtins__": {}, "min": min, "max": max}, sizes)


def _size_latex(size: str) -> str:
    size = re.sub(r"^\*#?\w+", r"\\ast", size)
    size = re.sub(r"\b(min|max)\b", r"\\\1", size)
    size = re.sub(r"([A-Za-z])_(\w\w+)", r"\1_{\\mathrm{\2}}", size)
    size = re.sub(r"(?<![\\A-Za-z{_])([A-Za-z]{2,})(?![\w}])", r"\\mathrm{\1}", size)
    return re.sub(r"\s*\*\s*", r" ", size)


def _tolerance(xp: Any, x: Any) -> float:
    """Rounding that a member may carry: the square root of its precision."""
    return float(xp.finfo(x.dtype).eps) ** 0.5


def _one(xp: Any, total: Any, x: Any) -> Any:
    return xp.all(xp.abs(total - 1) <= _tolerance(xp, x))


def _symmetric(xp: Any, x: Any) -> Any:
    return xp.all(xp.abs(x - x.mT) <= _tolerance(xp, x) * (1 + xp.max(xp.abs(x))))


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
    )
    from typing import (
        Annotated as Binary,
    )
    from typing import (
        Annotated as Corpus,
    )
    from typing import (
        Annotated as Decay,
    )
    from typing import (
        Annotated as ExtendedNonneg,
    )
    from typing import (
        Annotated as ExtendedNonpositive,
    )
    from typing import (
        Annotated as ExtendedReal,
    )
    from typing import (
        Annotated as Index,
    )
    from typing import (
        Annotated as Integer,
    )
    from typing import (
        Annotated as Joint,
    )
    from typing import (
        Annotated as Labels,
    )
    from typing import (
        Annotated as Logits,
    )
    from typing import (
        Annotated as Mask,
    )
    from typing import (
        Annotated as Masses,
    )
    from typing import (
        Annotated as Natural,
    )
    from typing import (
        Annotated as Nonneg,
    )
    from typing import (
        Annotated as Nonpositive,
    )
    from typing import (
        Annotated as Nonzero,
    )
    from typing import (
        Annotated as OpenSimplex,
    )
    from typing import (
        Annotated as OpenUnit,
    )
    from typing import (
        Annotated as Orthogonal,
    )
    from typing import (
        Annotated as Paired,
    )
    from typing import (
        Annotated as Positive,
    )
    from typing import (
        Annotated as Real,
    )
    from typing import (
        Annotated as SPD,
    )
    from typing import (
        Annotated as Share,
    )
    from typing import (
        Annotated as SignedUnit,
    )
    from typing import (
        Annotated as Simplex,
    )
    from typing import (
        Annotated as Symmetric,
    )
    from typing import (
        Annotated as Unit,
    )
else:
    # fmt: off
    Real = Set(
        r"\mathbb{R}", "finite real numbers",
        lambda xp, x, u: xp.all(xp.isfinite(x)),
        _normal, _real_edges, outside=(math.nan, math.inf),
    )
    Paired = Set(
        r"\mathbb{R}", "finite real numbers",
        lambda xp, x, u: xp.all(xp.isfinite(x)),
        _normal, _real_edges, multiple=2,
    )
    Logits = Set(
        r"[-\infty, \infty)", "numbers below infinity, at least one of them finite along the last axis",
        lambda xp, x, u: xp.all(xp.isfinite(xp.max(x, axis=-1))),
        _normal,
        lambda shape, u: [*_real_edges(shape, u), np.where(_one_hot(shape) == 1, 0.5, -np.inf)],
    )
    Nonzero = Set(
        r"\mathbb{R}^{{0}} \setminus \{0\}", "finite real vectors with a length above zero",
        lambda xp, x, u: xp.all(xp.isfinite(x)) and xp.all(xp.any(x != 0, axis=-1)),
        _normal, lambda shape, u: [_one_hot(shape), np.full(shape, 1e-3)],
    )
    Positive = Set(
        r"\mathbb{R}_{>0}", "finite numbers above zero",
        lambda xp, x, u: xp.all(xp.isfinite(x) & (x > 0)),
        _uniform(0.5, 2.5), _fill(1e-3, 40.0), outside=(0.0, -1.0, math.nan, math.inf),
    )
    Nonneg = Set(
        r"\mathbb{R}_{\geq 0}", "finite numbers, zero or above",
        lambda xp, x, u: xp.all(xp.isfinite(x) & (x >= 0)),
        _uniform(0.5, 2.5), _fill(0.0, 40.0), outside=(-1.0, math.nan, math.inf),
    )
    Masses = Set(
        r"\mathbb{R}_{\geq 0}^{{0}} \setminus \{0\}", "finite non-negative vectors with an entry above zero",
        lambda xp, x, u: xp.all(xp.isfinite(x) & (x >= 0)) and xp.all(xp.any(x > 0, axis=-1)),
        _uniform(0.5, 2.5), lambda shape, u: [_one_hot(shape), np.full(shape, 40.0)],
        outside=(-1.0, 0.0, math.nan, math.inf),
    )
    ExtendedNonneg = Set(
        r"[0, \infty]", "numbers, zero or above",
        lambda xp, x, u: xp.all(x >= 0),
        _uniform(0.5, 2.5), _fill(0.0), outside=(-1.0, math.nan),
    )
    Nonpositive = Set(
        r"\mathbb{R}_{\leq 0}", "finite numbers, zero or below",
        lambda xp, x, u: xp.all(xp.isfinite(x) & (x <= 0)),
        _uniform(-2.5, -0.5), _fill(0.0, -40.0), outside=(1.0, math.nan, -math.inf),
    )
    ExtendedNonpositive = Set(
        r"[-\infty, 0]", "numbers, zero or below",
        lambda xp, x, u: xp.all(x <= 0),
        _uniform(-2.5, -0.5), _fill(0.0, -40.0, -math.inf), outside=(1.0, math.nan),
    )
    ExtendedReal = Set(
        r"[-\infty, \infty)", "numbers below infinity",
        lambda xp, x, u: xp.all(x < math.inf),
        _normal, lambda shape, u: [*_real_edges(shape, u), np.full(shape, -np.inf)],
        outside=(math.nan, math.inf),
    )
    Unit = Set(
        "[0, 1]", "numbers from 0 to 1",
        lambda xp, x, u: xp.all((x >= 0) & (x <= 1)),
        _uniform(0.1, 0.9), _fill(0.0, 1.0), outside=(-0.1, 1.1, math.nan),
    )
    OpenUnit = Set(
        "(0, 1)", "numbers between 0 and 1, both excluded",
        lambda xp, x, u: xp.all((x > 0) & (x < 1)),
        _uniform(0.1, 0.9), _fill(1e-3, 0.999), outside=(0.0, 1.0, math.nan),
    )
    Decay = Set(
        "[0, 1)", "numbers from 0 up to, not including, 1",
        lambda xp, x, u: xp.all((x >= 0) & (x < 1)),
        _uniform(0.1, 0.9), _fill(0.0), outside=(-0.1, 1.0, math.nan),
    )
    Share = Set(
        "(0, 1]", "numbers above 0, at most 1",
        lambda xp, x, u: xp.all((x > 0) & (x <= 1)),
        _uniform(0.1, 0.9), _fill(1.0), outside=(0.0, 1.1, math.nan),
    )
    SignedUnit = Set(
        "[-1, 1]", "numbers from -1 to 1",
        lambda xp, x, u: xp.all(xp.abs(x) <= 1 + _tolerance(xp, x)),
        _uniform(-0.9, 0.9), _fill(-1.0, 1.0), outside=(-1.1, 1.1, math.nan),
    )
    Simplex = Set(
        r"\Delta^{{0}-1}", "probabilities: non-negative numbers that sum to one along the last axis",
        lambda xp, x, u: xp.all(x >= 0) and _one(xp, xp.sum(x, axis=-1), x),
        lambda rng, shape, u: rng.dirichlet(np.full(shape[-1], 3.0), shape[:-1]),
        lambda shape, u: [_one_hot(shape), np.full(shape, 1 / shape[-1])],
        tangent=lambda v: v - v.mean(axis=-1, keepdims=True),
    )
    OpenSimplex = Set(
        r"\Delta_{>0}^{{0}-1}", "probabilities above zero: positive numbers that sum to one along the last axis",
        lambda xp, x, u: xp.all(x > 0) and _one(xp, xp.sum(x, axis=-1), x),
        lambda rng, shape, u: rng.dirichlet(np.full(shape[-1], 3.0), shape[:-1]),
        lambda shape, u: [
            np.where(_one_hot(shape) == 1, 1 - 1e-3 * (shape[-1] - 1), 1e-3), np.full(shape, 1 / shape[-1]),
        ],
        tangent=lambda v: v - v.mean(axis=-1, keepdims=True),
    )
    Joint = Set(
        r"\Delta^{{0} \times {1}}", "a joint distribution: non-negative numbers that sum to one over the last two axes",
        lambda xp, x, u: xp.all(x >= 0) and _one(xp, xp.sum(x, axis=(-2, -1)), x),
        lambda rng, shape, u: _joint(rng.uniform(0.2, 1.0, shape)),
        lambda shape, u: [_joint(np.ones(shape)), _joint(np.broadcast_to(np.eye(*shape[-2:]), shape))],
        tangent=lambda v: v - v.mean(axis=(-2, -1), keepdims=True),
    )
    Symmetric = Set(
        r"\mathbb{S}^{{1}}", "finite symmetric matrices",
        lambda xp, x, u: xp.all(xp.isfinite(x)) and _symmetric(xp, x),
        lambda rng, shape, u: (lambda a: (a + np.swapaxes(a, -1, -2)) / 2)(rng.normal(size=shape)),
        lambda shape, u: [np.broadcast_to(np.diag(np.arange(shape[-1]) - 1.0), shape)],
        tangent=lambda v: (v + np.swapaxes(v, -1, -2)) / 2,
    )
    SPD = Set(
        r"\mathbb{S}_{++}^{{1}}", "symmetric positive definite matrices",
        lambda xp, x, u: xp.all(xp.isfinite(x)) and _symmetric(xp, x) and xp.all(xp.linalg.eigvalsh(x) > 0),
        _spd, lambda shape, u: [np.broadcast_to(np.diag(np.arange(shape[-1]) + 1.0), shape)],
        tangent=lambda v: (v + np.swapaxes(v, -1, -2)) / 2,
    )
    Orthogonal = Set(
        r"\mathrm{St}({1}, {0})", "matrices with orthonormal columns",
        lambda xp, x, u: xp.all(xp.abs(x.mT @ x - xp.eye(x.shape[-1], dtype=x.dtype)) <= _tolerance(xp, x)),
        lambda rng, shape, u: _orthogonal(rng, shape),
        lambda shape, u: [np.broadcast_to(np.eye(*shape[-2:]), shape)],
    )
    Adjacency = Set(
        r"\mathbb{A}^{{1}}", "adjacency matrices of undirected graphs: symmetric, non-negative, zero diagonal",
        lambda xp, x, u: xp.all(xp.isfinite(x) & (x >= 0))
        and _symmetric(xp, x) and xp.all(xp.linalg.diagonal(x) == 0),
        lambda rng, shape, u: _zero_diagonal(rng.uniform(0.5, 1.5, shape)),
        lambda shape, u: [np.zeros(shape), _zero_diagonal(np.ones(shape))],
        tangent=_zero_diagonal,
    )
    Mask = Set(
        r"\{0, 1\}", "booleans, at least one of them true along the last axis",
        lambda xp, x, u: xp.all(xp.any(x, axis=-1)),
        _mask, lambda shape, u: [np.ones(shape, bool), _one_hot(shape) == 1], kind=_BOOL,
    )
    Binary = Set(
        r"\{0, 1\}", "the integers 0 and 1",
        lambda xp, x, u: xp.all((x == 0) | (x == 1)),
        lambda rng, shape, u: rng.integers(0, 2, shape),
        lambda shape, u: [np.zeros(shape, int), np.ones(shape, int)], kind=_INT, outside=(-1, 2),
    )
    Labels = Set(
        r"\{0, \dots, {upper} - 1\}", "integers from 0 up to, not including, {upper}",
        lambda xp, x, u: xp.all((x >= 0) & (x < u)),
        lambda rng, shape, u: rng.integers(0, u, shape),
        lambda shape, u: [np.zeros(shape, int), np.full(shape, u - 1)], kind=_INT, outside=(-1,),
    )
    Natural = Set(
        r"\{1, \dots, {upper}\}", "integers from 1 to {upper}",
        lambda xp, x, u: xp.all((x >= 1) & (x <= (math.inf if u is None else u))),
        lambda rng, shape, u: rng.integers(1, 6 if u is None else u, shape, endpoint=True),
        lambda shape, u: [np.ones(shape, int)] if u is None else [np.ones(shape, int), np.full(shape, u)],
        kind=_INT, outside=(0, -1),
    )
    Index = Set(
        r"\{0, \dots, {upper}\}", "integers from 0 to {upper}",
        lambda xp, x, u: xp.all((x >= 0) & (x <= (math.inf if u is None else u))),
        lambda rng, shape, u: rng.integers(0, 6 if u is None else u, shape, endpoint=True),
        lambda shape, u: [np.zeros(shape, int)] if u is None else [np.zeros(shape, int), np.full(shape, u)],
        kind=_INT, outside=(-1,),
    )
    Integer = Set(
        r"\mathbb{Z}", "integers",
        lambda xp, x, u: True,
        lambda rng, shape, u: rng.integers(-5, 6, shape), lambda shape, u: [np.zeros(shape, int)], kind=_INT,
    )
    Corpus = Set(
        r"\mathbb{N}^{\Sigma^{\ast}}", "a mapping from words (tuples of symbols) to counts of at least 1",
        lambda xp, x, u: isinstance(x, Mapping)
        and all(isinstance(w, tuple) and all(isinstance(s, str) for s in w) for w in x)
        and all(isinstance(c, int) and c >= 1 for c in x.values()),
        lambda rng, shape, u: _corpus(rng), lambda shape, u: [{("a", "b"): 1}, {("a", "a", "a"): 2}],
        kind=_OBJECT,
    )
    # fmt: on


def read(annotation: Any) -> Spec | None:
    """The set of an annotation, also of an optional one; ``None`` for what is no set."""
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        found = [read(a) for a in typing.get_args(annotation)]
        return next((f for f in found if f), None)
    return next((m for m in getattr(annotation, "__metadata__", ()) if isinstance(m, Spec)), None)


def walk(annotation: Any) -> list[Spec]:
    """The sets of an annotation, those inside tuples and functions too."""
    if spec := read(annotation):
        return [spec]
    parts = [
        p
        for part in typing.get_args(annotation)
        for p in (part if isinstance(part, list) else [part])
    ]
    return [spec for part in parts for spec in walk(part)]


def is_function(annotation: Any) -> bool:
    """Whether an annotation asks for a function."""
    return typing.get_origin(annotation) is Callable


def is_optional(annotation: Any) -> bool:
    """Whether ``None`` is allowed too."""
    return type(None) in typing.get_args(annotation)


def checked(function: Callable[P, R]) -> Callable[P, R]:
    """Hold every argument to the set of its annotation.

    Kind of number, rank, sizes and empty axes are always checked; membership wherever the numbers
    can be looked at, so that tracing and batching transforms still work.

    Raises:
        ValueError: Names the function, the argument, what was expected and what was got.
    """
    signature = inspect.signature(function)

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        _hold(function.__name__, signature, bound.arguments)
        return function(*args, **kwargs)

    return call


def _hold(function: str, signature: inspect.Signature, values: dict[str, Any]) -> None:
    held: list[tuple[str, Spec, Any]] = []
    sizes: Sizes = {}
    for name, value in values.items():
        annotation = signature.parameters[name].annotation
        if value is None and is_optional(annotation):
            continue
        if typing.get_origin(annotation) is tuple:
            parts = typing.get_args(annotation)
            if not isinstance(value, tuple) or len(value) != len(parts):
                raise ValueError(
                    f"{function}: {name} must be a tuple of {len(parts)}, got {value!r}"
                )
            held += [
                (f"{name}[{i}]", s, v)
                for i, (a, v) in enumerate(zip(parts, value))
                if (s := read(a))
            ]
        elif is_function(annotation):
            if not callable(value):
                raise ValueError(f"{function}: {name} must be a function, got {value!r}")
        elif spec := read(annotation):
            held.append((name, spec, value))
    for name, spec, value in held:
        if problem := _kind_problem(spec, value) or (
            spec.is_array and _bind(spec, value.shape, sizes)
        ):
            raise ValueError(f"{function}: {name} {problem}")
        if spec.of is int:
            sizes[name] = value
    for name, spec, value in held:
        if spec.is_array and (problem := _shape_problem(spec, value.shape, sizes)):
            raise ValueError(f"{function}: {name} {problem}")
        if not spec.contains(value, sizes):
            words = spec.set.words.format(upper=spec.bound(sizes) if spec.upper else "infinity")
            raise ValueError(f"{function}: {name} must hold {words}, got {_summary(value)}")


def _kind_problem(spec: Spec, value: Any) -> str | None:
    """What is wrong with the kind of a value."""
    if spec.is_array:
        if not is_array_api_obj(value):
            return f"must be an array of {_KIND[spec.set.kind]}, got {type(value).__name__}"
        if not array_namespace(value).isdtype(value.dtype, spec.set.kind):
            return f"must be an array of {_KIND[spec.set.kind]}, got dtype {value.dtype}"
    elif spec.of is float and (
        isinstance(value, bool) or not isinstance(value, (int, float, np.floating))
    ):
        return f"must be a real number, got {type(value).__name__} {value!r}"
    elif spec.of is int and (isinstance(value, bool) or not isinstance(value, (int, np.integer))):
        return f"must be an integer, got {type(value).__name__} {value!r}"
    return None


def _bind(spec: Spec, shape: tuple[int, ...], sizes: Sizes) -> str | None:
    """Take new sizes from a shape; say what is wrong with its rank, or with an empty axis."""
    fixed = [d for d in spec.dims if not d.startswith("*")]
    rest = len(shape) - len(fixed)
    if rest < 0 or (rest and len(fixed) == len(spec.dims)):
        return f"must have shape ({', '.join(spec.dims)}), got {tuple(shape)}"
    named = list(zip(fixed, shape[rest:]))
    if spec.dims and spec.dims[0].startswith("*"):
        sizes.setdefault(spec.dims[0].lstrip("*#"), tuple(shape[:rest]))
    for dim, size in named:
        if size == 0:
            return f"must not be empty along {dim}, got shape {tuple(shape)}"
        if dim == spec.dims[-1] and size % spec.set.multiple:
            return (
                f"must have a multiple of {spec.set.multiple} along {dim}, got shape {tuple(shape)}"
            )
        if dim.isidentifier():
            sizes.setdefault(dim, size)
    return None


def _shape_problem(spec: Spec, shape: tuple[int, ...], sizes: Sizes) -> str | None:
    """What is wrong with a shape, now that all sizes are known."""
    expected = list(spec.shape(sizes))
    wanted = f"must have shape ({', '.join(spec.dims)}) = {tuple(expected)}, got {tuple(shape)}"
    if spec.dims and spec.dims[0].startswith("*#"):
        core = len(spec.dims) - 1
        batch, lead = sizes[spec.dims[0].lstrip("*#")], shape[: len(shape) - core]
        fits = len(lead) <= len(batch) and all(a in (1, b) for a, b in zip(lead[::-1], batch[::-1]))
        return None if fits and list(shape[len(lead) :]) == expected[len(batch) :] else wanted
    return None if list(shape) == expected else wanted


def _summary(value: Any) -> str:
    if not is_array_api_obj(value):
        return repr(value)
    flat = np.asarray(value.detach() if hasattr(value, "detach") else value).ravel()
    return np.array2string(flat, threshold=6, edgeitems=3, precision=6)
