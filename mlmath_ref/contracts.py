"""Contracts: every call is held to the sets of its signature."""

import functools
import inspect
import math
import re
import sys
import typing
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
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
from mlmath_ref.arrays import Tensor, widest

P = ParamSpec("P")
R = TypeVar("R")
_KIND = {
    FLOAT: "real floating-point numbers",
    INT: "integers",
    BOOL: "booleans",
    OBJECT: "Python objects",
}


_checking: ContextVar[bool] = ContextVar("checking", default=True)


@contextmanager
def unchecked() -> Iterator[None]:
    """Call the bodies of entries without checking their arguments.

    Inside the block an entry computes what its body computes, also for arguments outside its sets.
    16-bit arrays are still computed in a higher precision and rounded once.

    >>> import numpy as np
    >>> from mlmath_ref.activations.softmax import softmax
    >>> with unchecked():
    ...     softmax(np.asarray([0.0, np.nan])).tolist()
    [nan, nan]
    """
    token = _checking.set(False)
    try:
        yield
    finally:
        _checking.reset(token)


def checked(function: Callable[P, R]) -> Callable[P, R]:
    """Check every argument against the set of its annotation.

    The kind of number, library, rank, sizes and empty axes are always checked. Membership is checked
    if the values are known; it is not checked inside ``torch.func.vmap`` and ``jax.jit``. Nothing is
    checked inside ``torch.compile`` and :func:`unchecked`.

    Arrays of unequal precision are converted to their common one. 16-bit arrays are converted to
    64 bits first (32 bits if the device or the library has no 64), and the result is rounded once: it
    is the nearest 16-bit number, or infinite if that overflows. Entries that take a function call it
    in the precision given.

    Raises:
        ValueError: Names the function, the argument, what was expected and what was received.
    """
    signature = inspect.signature(function)
    wanted = {n: _wanted(p.annotation) for n, p in signature.parameters.items()}
    given = walk(signature.return_annotation)
    converts = not any(_FUNCTION in w for w in wanted.values())
    real = frozenset(n for n, w in wanted.items() if _is_real(w[-1]))
    defaults = {n: p.default for n, p in signature.parameters.items() if p.default is not p.empty}

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        if _compiling():
            values = {**defaults, **dict(zip(wanted, args)), **kwargs}
            return _computed(function, values, real) if converts else function(*args, **kwargs)
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        if _checking.get():
            _hold(function.__name__, wanted, given, bound.arguments)
        try:
            if not converts:
                return function(*bound.args, **bound.kwargs)
            return _computed(function, bound.arguments, real)
        except (ValueError, RuntimeError, OverflowError) as error:
            if not _is_of_a_step(error, function.__name__):
                raise
            raise ValueError(
                f"{function.__name__}: arguments must keep every step in its set, got {error.args[-1]}"
            ) from error

    call.__signature__ = _written(signature)  # type: ignore[attr-defined]
    return call


def _compiling() -> bool:
    """Whether ``torch.compile`` is tracing, which cannot look at values."""
    torch = sys.modules.get("torch")
    return torch is not None and torch.compiler.is_compiling()


def _is_of_a_step(error: Exception, name: str) -> bool:
    """Whether an entry in the body refused its arguments, a factorization failed, a number overflowed."""
    said = re.match(r"(\w+): [\w\[\]]+ must ", str(error))
    failed = isinstance(error, OverflowError) or "LinAlgError" in type(error).__name__
    return failed or (said is not None and said[1] != name)


def _is_real(wanted: Any) -> bool:
    """Whether an argument is an array of real numbers, or a tuple that holds some."""
    specs = wanted if isinstance(wanted, list) else [wanted]
    return any(isinstance(s, Spec) and s.is_array and s.set.kind == FLOAT for s in specs)


def _computed(function: Callable[..., R], values: dict[str, Any], real: frozenset[str]) -> R:
    """The result of a body, in the common precision of the arrays of real numbers."""
    arrays = [a for n in real for a in _parts(values[n])]
    if not arrays:
        return function(**values)
    xp = array_namespace(arrays[0])
    common = xp.result_type(*arrays) if len(arrays) > 1 else arrays[0].dtype
    narrow = xp.finfo(common).bits < 32
    if not narrow and all(a.dtype == common for a in arrays):
        return function(**values)
    working = widest(arrays[0]) if narrow else common
    converted = {n: _cast(v, working) if n in real else v for n, v in values.items()}
    return _cast(function(**converted), common)


def _parts(value: Any) -> tuple[Any, ...]:
    parts = value if isinstance(value, tuple) else (value,)
    return tuple(p for p in parts if is_array_api_obj(p))


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
) -> None:
    """Raise at the first mistake; convert NumPy's scalars to Python's."""
    held: list[tuple[str, Spec, Any]] = []
    sizes: Sizes = {}
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


def _library(xp: Any) -> str:
    return str(xp.__name__).rpartition(".")[2]


def _kind_problem(spec: Spec, value: Any) -> str | None:
    """What is wrong with the kind of a value."""
    if spec.is_array:
        noun = f"must be {'a PyTorch tensor' if spec.of is Tensor else 'an array'}"
        noun = f"{noun} of {_KIND[spec.set.kind]}"
        if (
            not is_array_api_obj(value)
            or isinstance(
                value, (np.ma.MaskedArray, np.matrix)
            )  # a mask is lost, and axes are kept
            or (spec.of is Tensor and not is_torch_array(value))
        ):
            return f"{noun}, got {type(value).__name__}"
        if layout := _layout(value):
            return f"{noun}, stored densely, got layout {layout}"
        if not _is_kind(array_namespace(value), value.dtype, spec.set.kind):
            return f"{noun}, got dtype {value.dtype}"
        if spec.set.kind == FLOAT and str(value.dtype) in ("longdouble", "float128"):
            return f"{noun} of at most 64 bits, got dtype {value.dtype}"
    elif spec.of is float and (
        isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating))
    ):
        return f"must be a real number, got {type(value).__name__} {_summary(value)}"
    elif spec.of is float and isinstance(value, int) and value.bit_length() > 1023:
        return f"must be a real number below 2^1023, got an integer of {value.bit_length()} bits"
    elif spec.of is int and (isinstance(value, bool) or not isinstance(value, (int, np.integer))):
        return f"must be an integer, got {type(value).__name__} {_summary(value)}"
    return None


def _layout(value: Any) -> str:
    """The layout of an array that is not stored densely, else nothing."""
    if not is_torch_array(value):
        return "sparse" if hasattr(value, "todense") else ""
    return "nested" if value.is_nested else str(value.layout).removeprefix("torch.strided")


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
    """The first element of an array that is not in the set, what is wrong with it, and its index."""
    outer = tuple(value.shape)[: value.ndim - spec.set.looks_at]
    xp = array_namespace(value)
    rows = xp.reshape(value, (math.prod(outer), *value.shape[len(outer) :]))
    low, high = 0, rows.shape[0]
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if spec.contains(rows[low:middle, ...], sizes) else (low, middle)
    index = [int(i) for i in np.unravel_index(low, outer)] if outer else []
    row = np.asarray(_numbers(rows[low, ...]))
    shown = spec.set.shows(row.astype(np.float64)) if spec.set.shows else ""
    return _summary(row) + (f" {shown}" if shown else "") + (f" at {index}" if outer else "")


def _numbers(value: Any) -> Any:
    """The values of an array as NumPy has them; those of 16 bits in 64."""
    value = value.detach().cpu() if hasattr(value, "detach") else value
    narrow = "bfloat16" in str(value.dtype)
    return np.asarray(value.tolist() if narrow else value)


def _summary(value: Any) -> str:
    """A value in one line, short however large it is, with all digits."""
    if not is_array_api_obj(value):
        text = repr(value)
        return text if len(text) <= 80 else f"{text[:77]}..."
    text = np.array2string(
        _numbers(value), threshold=6, edgeitems=3, separator=", ", formatter={"float_kind": str}
    )
    return " ".join(text.split())
