"""Annotations that name sets: what a set is, and how a signature is read."""

import functools
import re
import types
import typing
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import jaxtyping
import numpy as np
from array_api_compat import array_namespace

from mlmath_ref.arrays import Array, Tensor, widest

Sizes = dict[str, Any]  # name of a size or of an integer parameter -> its value; *batch -> a tuple

FLOAT, INT, BOOL, OBJECT = "real floating", "integral", "bool", "object"
_JAXTYPING = {FLOAT: jaxtyping.Float, INT: jaxtyping.Integer, BOOL: jaxtyping.Bool}


@dataclass(frozen=True, eq=False)
class Set:
    """One set: how it is written, who belongs to it, and members to test with.

    ``contains(x, upper, slack)``, ``draw(rng, shape, upper)`` and ``edges(shape, upper)`` take the
    value, its shape, the evaluated bound of the annotation, and the rounding that is allowed: an
    error relative to the largest entry, by the precision in which the value was given.
    """

    latex: str  # {0}, {1} stand for the trailing sizes that one element consumes, {upper} for its bound
    words: str
    contains: Callable[[Any, Any, float], bool]
    draw: Callable[[np.random.Generator, tuple[int, ...], Any], Any]
    edges: Callable[[tuple[int, ...], Any], list[Any]] = lambda shape, upper: []
    kind: str = FLOAT
    outside: tuple[Any, ...] = ()  # scalars that do not belong
    tangent: Callable[[Any], Any] = lambda step: step  # what is left of a step that stays inside
    multiple: int = 1  # the last size is a multiple of it
    shows: Callable[[Any], str] | None = None  # what is wrong with an element that does not belong

    def __getitem__(self, item: tuple[Any, ...]) -> Any:
        of, dims, upper = (*item, None)[:3]
        of_type = _JAXTYPING[self.kind][of, dims] if of in (Array, Tensor) else of
        dims = re.sub("[{}]", "", dims)  # which tell jaxtyping that a size is an argument
        return typing.Annotated[of_type, Spec(self, of, tuple(dims.split()), upper)]

    @property
    def axes(self) -> int:
        """How many trailing axes one element of the set consumes."""
        return 1 + max((int(i) for i in re.findall(r"\{(\d)\}", self.latex)), default=-1)

    @property
    def looks_at(self) -> int:
        """How many trailing axes membership is decided over: rows of a mask count as one."""
        return max(self.axes, int("last axis" in self.words))


class UnknownValueError(Exception):
    """Inside a trace there is no value to look at."""


def ends(xp: Any, x: Any) -> tuple[Any, Any]:
    """The smallest and the largest entry, as Python numbers; NaN if there is a NaN.

    Raises:
        UnknownValueError: The values are not known yet: ``vmap``, ``jax.jit``, tensors without data.
    """
    try:
        low, high = x.aminmax() if hasattr(x, "aminmax") else (xp.min(x), xp.max(x))
        return (low.item(), high.item()) if hasattr(low, "item") else (_number(low), _number(high))
    except (RuntimeError, TypeError, NotImplementedError) as error:
        raise UnknownValueError from error


def _number(x: Any) -> Any:
    return int(x) if array_namespace(x).isdtype(x.dtype, INT) else float(x)


def holds(verdict: Any) -> bool:
    """An array that is one truth value, as Python's.

    Raises:
        UnknownValueError: As for :func:`ends`.
    """
    try:
        return bool(verdict)
    except (RuntimeError, TypeError, NotImplementedError) as error:
        raise UnknownValueError from error


def slack(eps: float, bits: int) -> float:
    """Rounding that a member may carry: half of the digits, in 16 bits two units of the last."""
    return eps**0.5 if bits >= 32 else 2 * eps


@dataclass(frozen=True, eq=False)
class Spec:
    """An annotation, read: ``set[of, dims, upper]``."""

    set: Set
    of: Any
    dims: tuple[str, ...]
    upper: str | None

    @functools.cached_property
    def is_array(self) -> bool:
        return self.of in (Array, Tensor)

    @functools.cached_property
    def core(self) -> tuple[str, ...]:
        """The sizes after the batch."""
        return tuple(d for d in self.dims if not d.startswith("*"))

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

    def smallest(self, sizes: Sizes) -> int:
        """The smallest of the sizes that come from a subtraction; 1 where none does."""
        return min((_evaluate(d, sizes) for d in self.core if "-" in d), default=1)

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
        """Whether a value lies in the set; true for values that are not known inside a trace."""
        if not self.is_array or self.set.kind == OBJECT:
            return self.set.contains(value, self.bound(sizes), slack(2.0**-52, 64))
        if 0 in value.shape:
            return True
        xp, precision = array_namespace(value), 0.0
        value = value.detach() if hasattr(value, "detach") else value
        if self.set.kind == FLOAT:
            info = xp.finfo(value.dtype)
            precision = slack(float(info.eps), info.bits)
            value = xp.astype(value, widest(value)) if info.bits < 32 else value
        try:
            return self.set.contains(value, self.bound(sizes), precision)
        except UnknownValueError:
            return True

    def latex(self) -> str:
        """The set in LaTeX, with its sizes."""
        dims = [size_latex(d) for d in self.dims]
        consumed = dims[len(dims) - self.set.axes :]
        outer = dims[: len(dims) - self.set.axes]
        upper = size_latex(self.upper) if self.upper else r"\infty"
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


class Written:
    """An annotation that prints as it is written: ``Simplex[Array, "*batch n"]``."""

    def __init__(self, annotation: Any) -> None:
        self.annotation = annotation

    def __repr__(self) -> str:
        return written(self.annotation)


def written(annotation: Any) -> str:
    """The text of an annotation in a signature, with the names of its sets."""
    origin, parts = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in (typing.Union, types.UnionType):
        return " | ".join(map(written, parts))
    if spec := read(annotation):
        texts = [" ".join(spec.dims), *filter(None, [spec.upper])]
        items = [written(spec.of), *(f'"{text}"' for text in texts)]
        return f"{_set_names()[spec.set]}[{', '.join(items)}]"
    if isinstance(annotation, list):
        return f"[{', '.join(map(written, annotation))}]"
    if origin:
        return f"{origin.__name__}[{', '.join(map(written, parts))}]"
    names = {type(None): "None", Ellipsis: "..."}
    return names.get(annotation) or str(annotation.__name__)


@functools.cache
def _set_names() -> dict[Set, str]:
    return {s: n for n, s in vars(import_module("mlmath_ref.sets")).items() if isinstance(s, Set)}


_NAMES = {"__builtins__": {}, "min": min, "max": max}


@functools.cache
def _compiled(expression: str) -> types.CodeType:
    return compile(expression, "<size>", "eval")


def _evaluate(expression: str, sizes: Sizes) -> Any:
    return sizes[expression] if expression in sizes else eval(_compiled(expression), _NAMES, sizes)


def size_latex(size: str) -> str:
    """A size or bound in LaTeX: ``d_in`` has an upright index, ``*batch`` is a star."""
    size = re.sub(r"^\*#?\w+", r"\\ast", size)
    size = re.sub(r"\((.+)\)//([a-z]+)", r"\\lfloor (\1) / \2 \\rfloor", size)
    size = re.sub(r"\b(min|max)\b", r"\\\1", size)
    size = re.sub(r"([A-Za-z])_(\w\w+)", r"\1_{\\mathrm{\2}}", size)
    size = re.sub(r"(?<![\\A-Za-z{_])([A-Za-z]{2,})(?![\w}])", r"\\mathrm{\1}", size)
    return re.sub(r"\s*\*\s*", r" ", size)


def read(annotation: Any) -> Spec | None:
    """The set of an annotation, also of an optional one; ``None`` for what is no set."""
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        found = [read(a) for a in typing.get_args(annotation)]
        return next((f for f in found if f), None)
    return next((m for m in getattr(annotation, "__metadata__", ()) if isinstance(m, Spec)), None)


def set_latex(annotation: Any) -> str | None:
    """The set of an annotation: of an array or number, of a tuple, of a function."""
    if spec := read(annotation):
        return spec.latex()
    parts = typing.get_args(annotation)
    if typing.get_origin(annotation) is tuple:
        return r" \times ".join(filter(None, map(set_latex, parts)))
    if is_function(annotation):
        (source,), target = parts
        return rf"\{{ {set_latex(source)} \to {set_latex(target)} \}}"
    return None


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
