"""Contracts: every call is held to the sets of its signature."""

import functools
import inspect
import math
import typing
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import numpy as np
from array_api_compat import array_namespace, is_array_api_obj, is_torch_array

from mlmath_ref.annotations import (
    BOOL,
    FLOAT,
    INT,
    OBJECT,
    Sizes,
    Spec,
    Written,
    is_function,
    is_optional,
    read,
    walk,
)
from mlmath_ref.arrays import Tensor

P = ParamSpec("P")
R = TypeVar("R")
_KIND = {
    FLOAT: "real floating-point numbers",
    INT: "integers",
    BOOL: "booleans",
    OBJECT: "Python objects",
}


def checked(function: Callable[P, R]) -> Callable[P, R]:
    """Hold every argument to the set of its annotation.

    Kind of number, library, rank, sizes and empty axes are always checked; membership wherever the
    numbers can be looked at, so that tracing and batching transforms still work.

    Arrays of unequal precision are brought to their common one. Arrays of 16 bits are computed in
    64 and the result is rounded once: it is the nearest 16-bit number, or infinite where that
    overflows. Entries that take a function call it in the precision given.

    Raises:
        ValueError: Names the function, the argument, what was expected and what was got.
    """
    signature = inspect.signature(function)
    wanted = {n: _wanted(p.annotation) for n, p in signature.parameters.items()}
    given = walk(signature.return_annotation)
    takes_function = any(_FUNCTION in w for w in wanted.values())

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        real = _hold(function.__name__, wanted, given, bound.arguments)
        if takes_function:
            return function(*bound.args, **bound.kwargs)
        try:
            if not (real and (precisions := _precisions(real))):
                return function(*bound.args, **bound.kwargs)
            common, working = precisions
            names = {n.partition("[")[0] for n in real}
            values = {n: _cast(v, working) if n in names else v for n, v in bound.arguments.items()}
            return _cast(function(**values), common)  # type: ignore[call-arg]
        except ValueError as error:  # of an entry in the body: a step overflowed
            if str(error).startswith(f"{function.__name__}: "):
                raise
            raise ValueError(
                f"{function.__name__}: arguments must keep every step in its set, got {error}"
            ) from error

    call.__signature__ = _written(signature)  # type: ignore[attr-defined]
    return call


def _written(signature: inspect.Signature) -> inspect.Signature:
    """The same, for help and editors: annotations print as they are written."""
    given = [p.replace(annotation=Written(p.annotation)) for p in signature.parameters.values()]
    return signature.replace(
        parameters=given, return_annotation=Written(signature.return_annotation)
    )


_FUNCTION, _OPTIONAL = "function", "optional"


def _wanted(annotation: Any) -> tuple[Any, ...]:
    """What ``_hold`` asks of an argument: sets, those of a tuple's parts, a function, or no value."""
    optional = (_OPTIONAL,) if is_optional(annotation) else ()
    if typing.get_origin(annotation) is tuple:
        return (*optional, [read(a) for a in typing.get_args(annotation)])
    return (*optional, _FUNCTION if is_function(annotation) else read(annotation))


def _precisions(real: dict[str, Any]) -> tuple[Any, Any] | None:
    """The precision of the result and the one to compute in, unless all is well as it is."""
    first, *others = real.values()
    xp = array_namespace(first)
    common = first.dtype
    if any(o.dtype != common for o in others):
        common = xp.result_type(*{v.dtype for v in real.values()})
    elif _bits(xp, common) >= 32:
        return None
    return common, common if _bits(xp, common) >= 32 else xp.float64


@functools.cache
def _bits(xp: Any, dtype: Any) -> int:
    return int(xp.finfo(dtype).bits)


@functools.cache
def _is_kind(xp: Any, dtype: Any, kind: str) -> bool:
    return bool(xp.isdtype(dtype, kind))


def _cast(value: Any, dtype: Any) -> Any:
    """A real floating array, or those of a tuple, in another precision."""
    if isinstance(value, tuple):
        return tuple(_cast(v, dtype) for v in value)
    if not is_array_api_obj(value):
        return value
    xp = array_namespace(value)
    return xp.astype(value, dtype) if _is_kind(xp, value.dtype, FLOAT) else value


def _hold(
    function: str,
    wanted: dict[str, tuple[Any, ...]],
    results: list[Spec],
    values: dict[str, Any],
) -> dict[str, Any]:
    """Raise at the first mistake; the arrays of real numbers, by name."""
    held: list[tuple[str, Spec, Any]] = []
    sizes: Sizes = {}
    real: dict[str, Any] = {}
    for name, value in values.items():
        what = wanted[name][-1]
        if value is None and _OPTIONAL in wanted[name]:
            continue
        if isinstance(what, Spec):
            held.append((name, what, value))
        elif isinstance(what, list):
            if not isinstance(value, tuple) or len(value) != len(what):
                raise ValueError(
                    f"{function}: {name} must be a tuple of {len(what)}, got {_summary(value)}"
                )
            held += [(f"{name}[{i}]", s, v) for i, (s, v) in enumerate(zip(what, value)) if s]
        elif what == _FUNCTION and not callable(value):
            raise ValueError(f"{function}: {name} must be a function, got {_summary(value)}")
    library = None
    for name, spec, value in held:
        if problem := _kind_problem(spec, value):
            raise ValueError(f"{function}: {name} {problem}")
        if spec.is_array:
            xp = array_namespace(value)
            if xp is not (library := library or xp):
                raise ValueError(
                    f"{function}: {name} must come from the library of the arrays before it,"
                    f" {_library(library)}, got an array of {_library(xp)}"
                )
            if problem := _bind(spec, value.shape, sizes):
                raise ValueError(f"{function}: {name} {problem}")
            if spec.set.kind == FLOAT:
                real[name] = value
        elif spec.of in (int, float) and type(value) is not spec.of:
            value = values[name] = spec.of(value)  # NumPy's scalars round and wrap
        if spec.of is int:
            sizes[name] = value
    for name, spec, value in held:
        if spec.is_array and (problem := _shape_problem(spec, value.shape, sizes)):
            raise ValueError(f"{function}: {name} {problem}")
    for name, spec, value in held:
        if not spec.contains(value, sizes):
            upper = spec.bound(sizes) if spec.upper else "infinity"
            words = spec.set.words.format(upper=upper).replace(" to infinity", " up")
            got = _offender(spec, value, sizes) if spec.is_array else _summary(value)
            raise ValueError(f"{function}: {name} must hold {words}, got {got}")
    if (smallest := min((s.smallest(sizes) for s in results), default=1)) < 1:
        raise ValueError(f"{function}: arguments must leave a result of size 1 up, got {smallest}")
    return real


def _library(xp: Any) -> str:
    return str(xp.__name__).rpartition(".")[2]


def _kind_problem(spec: Spec, value: Any) -> str | None:
    """What is wrong with the kind of a value."""
    if spec.is_array:
        noun = f"must be {'a PyTorch tensor' if spec.of is Tensor else 'an array'}"
        noun = f"{noun} of {_KIND[spec.set.kind]}"
        if (
            not is_array_api_obj(value)
            or isinstance(value, np.ma.MaskedArray)  # its mask would be lost
            or (spec.of is Tensor and not is_torch_array(value))
        ):
            return f"{noun}, got {type(value).__name__}"
        if getattr(value, "is_sparse", False) or "sparse" in str(getattr(value, "layout", "")):
            return f"{noun}, stored densely, got layout {value.layout}"
        if not _is_kind(array_namespace(value), value.dtype, spec.set.kind):
            return f"{noun}, got dtype {value.dtype}"
    elif spec.of is float and (
        isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating))
    ):
        return f"must be a real number, got {type(value).__name__} {_summary(value)}"
    elif spec.of is float and isinstance(value, int) and value.bit_length() > 1023:
        return f"must be a real number below 2^1023, got an integer of {value.bit_length()} bits"
    elif spec.of is int and (isinstance(value, bool) or not isinstance(value, (int, np.integer))):
        return f"must be an integer, got {type(value).__name__} {_summary(value)}"
    return None


def _bind(spec: Spec, shape: tuple[int, ...], sizes: Sizes) -> str | None:
    """Take new sizes from a shape; say what is wrong with its rank, or with an empty axis."""
    fixed = spec.core
    rest = len(shape) - len(fixed)
    if rest < 0 or (rest and len(fixed) == len(spec.dims)):
        return f"must have shape ({', '.join(spec.dims)}), got shape {tuple(shape)}"
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
    expected = spec.shape(sizes)
    if tuple(shape) == expected:
        return None
    if spec.dims and spec.dims[0].startswith("*#"):
        batch, lead = sizes[spec.dims[0].lstrip("*#")], shape[: len(shape) - len(spec.core)]
        fits = len(lead) <= len(batch) and all(a in (1, b) for a, b in zip(lead[::-1], batch[::-1]))
        if fits and tuple(shape[len(lead) :]) == expected[len(batch) :]:
            return None
    return f"must have shape ({', '.join(spec.dims)}) = {expected}, got shape {tuple(shape)}"


def _offender(spec: Spec, value: Any, sizes: Sizes) -> str:
    """The first element of an array that is not in the set, and its index."""
    outer = tuple(value.shape)[: value.ndim - spec.set.looks_at]
    xp = array_namespace(value)
    rows = xp.reshape(value, (math.prod(outer), *value.shape[len(outer) :]))
    low, high = 0, rows.shape[0]
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if spec.contains(rows[low:middle, ...], sizes) else (low, middle)
    index = [int(i) for i in np.unravel_index(low, outer)] if outer else []
    return _summary(rows[low, ...]) + (f" at {index}" if outer else "")


def _summary(value: Any) -> str:
    """A value in one line, short however large it is."""
    if not is_array_api_obj(value):
        text = repr(value)
        return text if len(text) <= 80 else f"{text[:77]}..."
    numbers = np.asarray(value.tolist() if hasattr(value, "tolist") else value)
    text = np.array2string(numbers, threshold=6, edgeitems=3, precision=6, separator=", ")
    return " ".join(text.split())
