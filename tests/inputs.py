"""Inputs of every class, bad and unusual, and what an entry makes of them.

All of it follows from the catalog and the sets. ``CLASSES`` maps the name of a class to a function
that yields its cases for an entry and a library; ``placed`` is the class of numbers at an end.
"""

import fractions
import inspect
import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import torch
from drawing import LIBRARIES, arguments, convert, defaults, evaluate, numbers, parameters
from membership import belongs, boundary
from outcomes import Case, Values, round_to

from mlmath_ref.annotations import Sizes, Spec, is_function, is_optional, walk
from mlmath_ref.catalog import Entry

Cases = Iterator[Case]
_FLOAT, _INT, _BOOL = "real floating", "integral", "bool"


def arrays(entry: Entry) -> dict[str, Spec]:
    return {n: s for n, s in entry.specs.items() if s.is_array}


def has_batch(spec: Spec) -> bool:
    return bool(spec.dims) and spec.dims[0].startswith("*")


# Refused --------------------------------------------------------------------------------------


def wrong_rank(entry: Entry, library: str) -> Cases:
    values, _ = arguments(entry, 0)
    for name, spec in arrays(entry).items():
        wrong = []
        if spec.core:
            wrong = [values[name][(0,) * k] for k in range(1, len(spec.core) + 1)]
        if not has_batch(spec):
            wrong.append(values[name][None])
        for value in map(np.asarray, wrong):
            yield refused(
                f"{value.ndim} axes", values, library, name, f"shape {value.shape}", value
            )


def unequal_sizes(entry: Entry, library: str) -> Cases:
    values, _ = arguments(entry, 0)
    for name, spec in arrays(entry).items():
        for axis, dim in enumerate(spec.core, start=values[name].ndim - len(spec.core)):
            if sharing := sharers(entry, dim, name):
                first = np.take(values[name], [0], axis=axis)
                longer = np.concatenate([values[name], first], axis=axis)
                yield refused(f"longer {dim}", values, library, sharing, "shape ", longer, name)
    values, _ = arguments(entry, 0, batch=(2,))
    batched = tuple(n for n, s in arrays(entry).items() if has_batch(s))
    for name in batched if len(batched) > 1 else ():
        longer = np.concatenate([values[name], values[name][:1]])
        yield refused("larger batch", values, library, batched, "shape ", longer, name)


def empty_axes(entry: Entry, library: str) -> Cases:
    values, _ = arguments(entry, 0)
    for name, spec in arrays(entry).items():
        for axis, dim in enumerate(spec.core, start=values[name].ndim - len(spec.core)):
            empty = np.take(values[name], range(0), axis=axis)
            yield refused(f"empty {dim}", values, library, name, f"shape {empty.shape}", empty)


def wrong_kinds(entry: Entry, library: str) -> Cases:
    """Numbers of another kind, and what is no array of the library."""
    values, _ = arguments(entry, 0)
    libraries = {"numpy", "torch"} - {library}
    for name, spec in arrays(entry).items():
        value = values[name]
        kinds = {_FLOAT: float, _INT: np.int64, _BOOL: np.bool, "complex": complex}
        kinds = {k: t for k, t in kinds.items() if k != spec.set.kind}
        for kind, numpy_type in kinds.items():
            other = convert(np.ones(value.shape, numpy_type), library)
            yield refused(kind, values, library, name, f"dtype {other.dtype}", other)
        things: list[Any] = [value.tolist(), 1, 1.0, "1", 1j, {}, object()]
        things += [np.ma.masked_array(value, mask=np.zeros(value.shape))]
        things += [value.astype(object), value.astype(str)] if library == "numpy" else []
        things += [] if is_optional(parameters(entry)[name]) else [None]
        things += [value.view(np.matrix)] if value.ndim == 2 else []
        things += [torch.as_tensor(value).to_sparse()] if library == "torch" and value.ndim else []
        if len(arrays(entry)) > 1 or entry.libraries == ("torch",):
            things += [LIBRARIES[o](value) for o in libraries]
        for thing in things:
            yield Case(
                type(thing).__name__,
                {**convert(values, library), name: thing},
                tuple(arrays(entry)) if isinstance(thing, (np.ndarray, torch.Tensor)) else (name,),
            )
    for name, annotation in parameters(entry).items():
        own = entry.specs.get(name)
        things = ["1", 1j, True, [1.0], np.ones(1), fractions.Fraction(1, 2)]
        things += [] if is_optional(annotation) else [None]
        things += [1.5, 1.0] if own and own.of is int else []
        if is_function(annotation) or (own and not own.is_array):
            for thing in things:
                if not (is_function(annotation) and callable(thing)):
                    given = convert(thing, library)
                    got = type(given).__name__ if own and own.of in (int, float) else ""
                    yield refused(f"{thing!r}", values, library, name, got, thing)


def outside(entry: Entry, library: str) -> Cases:
    """Arrays and numbers that the set itself calls outside."""
    values, sizes = arguments(entry, 0)
    for name, spec in entry.specs.items():
        for value in spec.set.outside:
            thing = np.full_like(values[name], value) if spec.is_array else value
            yield refused(f"{value}", values, library, name, str(value).split(".")[0], thing)
        if not spec.is_array and spec.of in (int, float):
            things = [spec.bound(sizes) + 1] if spec.upper else []
            things += [10**400] if spec.of is float else []
            things += [float("nan"), float("inf"), -float("inf")]
            for thing in things:
                yield refused(f"{thing}"[:9], values, library, name, "", thing)


def refused(
    what: str,
    values: Values,
    library: str,
    names: str | tuple[str, ...],
    got: str,
    thing: Any,
    at: str = "",
) -> Case:
    names = names if isinstance(names, tuple) else (names,)
    return Case(what, convert({**values, at or names[0]: thing}, library), names, got)


def sharers(entry: Entry, dim: str, name: str) -> tuple[str, ...]:
    """The arguments that have a size in common with an axis, if it is bound anywhere else."""
    letters = set(re.findall(r"[A-Za-z]\w*", dim))
    others = [
        n
        for n, a in parameters(entry).items()
        if n != name and not is_function(a) and any(letters & s.names for s in walk(a))
    ]
    own = [d for d in entry.specs[name].dims if letters & set(re.findall(r"[A-Za-z]\w*", d))]
    return (*others, name) if others or len(own) > 1 else ()


# Legal, though unusual ------------------------------------------------------------------------


def size_one(entry: Entry, library: str) -> Cases:
    """Each size at 1, and all of them, against the other implementation."""
    named = sorted({n for s in arrays(entry).values() for n in s.names} - set(entry.specs))
    multiples = {s.dims[-1] for s in arrays(entry).values() if s.set.multiple > 1}
    for ones in [*([n] for n in named), named]:
        if set(ones) & multiples:
            continue
        try:
            values, sizes = arguments(entry, 0, (), **dict.fromkeys(ones, 1))
        except ValueError:  # a bound of the entry leaves no integer
            continue
        for oracle in entry.oracles:
            yield Case(
                f"{ones} = 1",
                convert(values, library),
                expected=partial(evaluated, entry, oracle, values, sizes),
            )


def evaluated(entry: Entry, oracle: str, values: Values, sizes: Sizes) -> Any:
    """An oracle in the shape of the annotation, which some of them lose at size one."""
    result = evaluate(oracle, defaults(entry) | values)
    specs = walk(entry.annotations["return"])
    if not all(s.is_array for s in specs):
        return result
    return tuple(n.reshape(s.shape(sizes)) for n, s in zip(numbers(result), specs))


def body(entry: Entry, values: Values, library: str) -> Any:
    """What the formula alone gives, without checks."""
    return inspect.unwrap(entry.function)(**convert(values, library))


def layouts(entry: Entry, library: str) -> Cases:
    """The same numbers, stored otherwise."""
    for batch in ((), (3,)):
        values, _ = arguments(entry, 0, batch)
        ordinary = convert(values, library)
        for what, store in LAYOUTS[library].items():
            for name in arrays(entry):
                if (stored := store(values[name])) is not None:
                    yield like(entry, f"{what} {name}", {**ordinary, name: stored}, ordinary)


def strided(a: Any) -> Any:
    room = np.zeros((*a.shape[:-1], 2 * a.shape[-1]), a.dtype) if a.ndim else None
    if room is None:
        return None
    room[..., ::2] = a
    return room[..., ::2]


def read_only(a: Any) -> Any:
    a = a.copy()
    a.flags.writeable = False
    return a


def narrow(a: Any, dtype: Any) -> Any:
    return a.astype(dtype) if a.dtype.kind == "i" else None


LAYOUTS: dict[str, dict[str, Callable[[Any], Any]]] = {
    "numpy": {
        "strided": strided,
        "Fortran": lambda a: np.asfortranarray(a) if a.ndim > 1 else None,
        "reversed": lambda a: np.flip(np.flip(a).copy()) if a.ndim else None,
        "read-only": read_only,
        "big-endian": lambda a: a.astype(a.dtype.newbyteorder(">")),
        "scalar": lambda a: None if a.ndim else a[()],
        "int8": lambda a: narrow(a, np.int8),
        "uint8": lambda a: narrow(a, np.uint8) if (a >= 0).all() else None,
        "int32": lambda a: narrow(a, np.int32),
    },
    "torch": {
        "strided": lambda a: None if a.ndim == 0 else torch.as_tensor(strided(a)),
        "transposed": lambda a: torch.as_tensor(a.T.copy()).mT.T.mT if a.ndim == 2 else None,
        "a view": lambda a: torch.as_tensor(np.stack([a, a]))[1],
        "requires grad": lambda a: (
            torch.tensor(a, requires_grad=True) if a.dtype.kind == "f" else None
        ),
        "a parameter": lambda a: (
            torch.nn.Parameter(torch.tensor(a)) if a.dtype.kind == "f" else None
        ),
        "int8": lambda a: (
            None if narrow(a, np.int8) is None else torch.as_tensor(narrow(a, np.int8))
        ),
        "int32": lambda a: (
            None if narrow(a, np.int32) is None else torch.as_tensor(narrow(a, np.int32))
        ),
    },
}


def zero_strides(entry: Entry, library: str) -> Cases:
    """One element of memory read many times, along the batch and along the last axis."""
    spread: Callable[..., Any] = np.broadcast_to if library == "numpy" else torch.broadcast_to
    values, sizes = arguments(entry, 0)
    batched = [n for n, s in arrays(entry).items() if has_batch(s) and n in values]
    one = convert(values, library)
    if batched:
        wide = {n: spread(one[n], (3, *one[n].shape)) for n in batched}
        yield like(
            entry, "batch", {**one, **wide}, {**one, **{n: copied(w) for n, w in wide.items()}}
        )
    for name, spec in arrays(entry).items():
        if values[name].ndim:
            flat = spread(one[name][..., :1], one[name].shape)
            if belongs(spec, numbers(flat)[0], sizes):
                yield like(
                    entry, f"last axis of {name}", {**one, name: flat}, {**one, name: copied(flat)}
                )


def copied(array: Any) -> Any:
    return array.clone() if isinstance(array, torch.Tensor) else array.copy()


def empty_batch(entry: Entry, library: str) -> Cases:
    """A batch of none gives a batch of none."""
    values, _ = arguments(entry, 0, batch=(0,))
    one = entry.function(**convert(arguments(entry, 0, batch=(1,))[0], library))
    if any(map(has_batch, arrays(entry).values())):
        yield legal(
            "no element", convert(values, library), lambda: tuple(n[:0] for n in numbers(one))
        )


def numpy_scalars(entry: Entry, library: str) -> Cases:
    """NumPy's narrow numbers where Python's are due."""
    values, _ = arguments(entry, 0)
    given = convert(defaults(entry) | values, library)
    kinds = {float: np.float64, int: np.int64}
    names = {
        n: kinds[s.of] for n, s in entry.specs.items() if s.of in kinds and given[n] is not None
    }
    for name, kind in names.items():
        narrow_kind = np.float32 if kind is np.float64 else np.int8
        small = narrow_kind(given[name])
        yield like(
            entry,
            f"{narrow_kind.__name__} {name}",
            {**given, name: small},
            {**given, name: small.item()},
        )


def mixed_precision(entry: Entry, library: str) -> Cases:
    """One array of single precision among those of double: computed in double."""
    values, _ = arguments(entry, 0)
    real = [n for n, s in arrays(entry).items() if s.set.kind == _FLOAT]
    if len(real) > 1 and not any(map(is_function, parameters(entry).values())):
        for name in real:
            single = {n: v.astype(np.float32) if n == name else v for n, v in values.items()}
            widened = {n: v.astype(float) if n == name else v for n, v in single.items()}
            expected = partial(body, entry, widened, library)
            yield legal(name, convert(single, library), expected)


def legal(what: str, values: Values, expected: Callable[[], Any], dtype: Any = None) -> Case:
    return Case(what, values, expected=expected, dtype=dtype)


def like(entry: Entry, what: str, values: Values, ordinary: Values) -> Case:
    return legal(what, values, partial(entry.function, **ordinary))


# Sixteen bits ---------------------------------------------------------------------------------


def sixteen_bits(entry: Entry, library: str) -> Cases:
    """Ordinary numbers, the extremes of the format, and 10000, in each argument and in all."""
    for dtype in (torch.float16, torch.bfloat16) if library == "torch" else (torch.float16,):
        info = torch.finfo(dtype)
        sizes = (None, info.max, 1e4, info.tiny, info.tiny * info.eps)
        yield from in_precision(entry, library, dtype, sizes)


def single_precision(entry: Entry, library: str) -> Cases:
    """Numbers whose squares single precision can hold."""
    yield from in_precision(entry, library, torch.float32, (None, 1e15, 1e-15))


def in_precision(
    entry: Entry, library: str, dtype: torch.dtype, scales: tuple[float | None, ...]
) -> Cases:
    if any(map(is_function, parameters(entry).values())):
        return  # their functions run in the precision given, which is theirs to choose
    values, sizes = arguments(entry, 0)
    real = {n: s for n, s in arrays(entry).items() if s.set.kind == _FLOAT}
    if not real:
        return
    numpy_type = np.dtype(str(dtype).rpartition(".")[2]) if library == "numpy" else None
    for size in scales:
        together = [list(real)] if size is None or dtype.itemsize < 4 else []
        for names in [*([n] for n in real if size), *together]:
            scaled = dict(values)
            for n in names if size else ():
                moved = round_to(values[n] / np.abs(values[n]).max() * size, dtype)
                scaled[n] = moved if belongs(real[n], moved, sizes) else values[n]
            wide = {n: round_to(v, dtype) if n in real else v for n, v in scaled.items()}
            narrowed = convert(wide, library)
            for n in real:
                narrowed[n] = (
                    narrowed[n].astype(numpy_type) if numpy_type else narrowed[n].to(dtype)
                )
            expected = partial(body, entry, wide, library)
            yield legal(f"{dtype} {size} {names}", narrowed, expected, dtype)


REFUSALS: dict[str, Callable[[Entry, str], Cases]] = {
    f.__name__.replace("_", " "): f
    for f in (wrong_rank, unequal_sizes, empty_axes, wrong_kinds, outside)
}
CLASSES = REFUSALS | {
    f.__name__.replace("_", " "): f
    for f in (
        size_one,
        layouts,
        zero_strides,
        empty_batch,
        numpy_scalars,
        mixed_precision,
        sixteen_bits,
        single_precision,
    )
}


# Numbers at the ends of sets -------------------------------------------------------------------


def ends(spec: Spec, sizes: Sizes) -> list[Any]:
    """The numbers to place, from the smallest to the largest of the format."""
    return boundary(spec, sizes) if spec.set.kind != "object" else []


def placed(entry: Entry, library: str) -> Cases:
    """Each number at an end of a set, at one place of one argument, in a batch and not."""
    rng = np.random.default_rng(0)
    drawn = [arguments(entry, 0, batch) for batch in ((), (3,))]
    for name, spec in entry.specs.items():
        for i, number in enumerate(ends(spec, drawn[0][1])):
            values, sizes = drawn[i % 2]
            index = tuple(int(rng.integers(n)) for n in np.shape(values[name]))
            yield place(entry, library, name, number, index, values, sizes)


def place(
    entry: Entry,
    library: str,
    name: str,
    number: Any,
    index: tuple[int, ...],
    values: Values,
    sizes: Sizes,
) -> Case:
    """One number in one argument: refused, or what the body gives of it."""
    spec, where = entry.specs[name], ""
    thing = number
    if spec.is_array:
        thing = np.array(values[name])
        thing[index if spec.set.kind != _BOOL else index[:-1]] = number
        outer = index[: len(index) - spec.set.looks_at]
        where = f" at {list(outer)}" if outer else ""
    inside = belongs(spec, np.asarray(thing), sizes)
    given = convert({**values, name: thing}, library)
    if inside is None or (inside and spec.of is int):  # in the grey of rounding; may set a size
        given, inside = convert(values, library), True
    if inside:
        return legal(f"{number} in {name}", given, partial(body, entry, given, library))
    return Case(f"{number} in {name}{where}", given, (name,), where)
