"""Every entry and every copied text in 16 and 32 bits, against 64 bits at the same numbers.

A result may lose a few roundings of what the numbers themselves leave open, which is measured: how
far the result moves in 64 bits if each input is off by one rounding. The numbers reach from the
smallest to the largest of a format, so that a step that leaves its range shows.
"""

import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any

import jax
import ml_dtypes
import numpy as np
import pytest
import torch
from drawing import LIBRARIES, arguments, convert, edge_cases, long, parameters, real_arrays
from opened import copied, is_real
from torch.utils._python_dispatch import TorchDispatchMode

from mlmath_ref.annotations import is_function, walk
from mlmath_ref.catalog import Entry, entries
from mlmath_ref.standalone import standalone

Values = dict[str, Any]
ROUNDINGS = 32  # of each input and of the result
PERTURBED = 3
LONG = 2**15  # sums one by one lose about the root of their length, many times the roundings
EPS = 2.0**-23  # no entry computes in fewer bits
NUMPY = {"float16": np.float16, "bfloat16": ml_dtypes.bfloat16, "float32": np.float32}
INFO: dict[str, Any] = {n: ml_dtypes.finfo(t) for n, t in NUMPY.items()}  # type: ignore[no-untyped-call]
FORMATS = {"float32": ("numpy", "torch"), "float16": ("numpy",), "bfloat16": ("torch",)}


def takes_function(entry: Entry) -> bool:
    return any(map(is_function, parameters(entry).values()))


ENTRIES = [e for e in entries() if e.libraries and real_arrays(e) and not takes_function(e)]
ROOM = 16  # for sums, and for products with ordinary numbers
MOVES: dict[str, Callable[[Any, Any], Any]] = {
    "far from zero": lambda x, info: x + 1000.0,
    "largest": lambda x, info: x * (float(info.max) / ROOM / np.abs(x).max()),
    "large": lambda x, info: x * (float(info.max) ** 0.6 / np.abs(x).max()),
    "small": lambda x, info: x * (float(info.tiny) ** 0.6 / np.abs(x).max()),
    "rather small": lambda x, info: x * (float(info.tiny) ** 0.45 / np.abs(x).max()),
}
# Products of two arrays, and what solves for one: no library looks for a scale in which they fit.
PRODUCTS = {"mm", "bmm", "mv", "dot", "mul"}
SOLVERS = {"_linalg_solve_ex"}


def points(entry: Entry, form: str) -> Iterator[tuple[str, Values]]:
    """Ordinary numbers, those at the edge, and some near to the ends of a format."""
    first, sizes = arguments(entry, 0)
    yield "ordinary", first
    if form == "float32":
        yield "without optional", arguments(entry, 1)[0]
        yield from (("at the edge", values) for values in edge_cases(entry))
    names = [n for n in real_arrays(entry) if n in first]
    info = INFO[form]
    for what, move in MOVES.items():
        if form != "float32" and what != "largest":
            continue  # computed in 32 bits at least, so that nothing else differs
        are_many = len(names) > 1
        # of two small arrays the product is inside
        together = [] if what == "small" and are_many else [names]
        has_single = form == "float32" and are_many and what not in ("large", "rather small")
        single = [[n] for n in names] if has_single else []
        for chosen in [*together, *single]:
            inside = {n: np.asarray(move(first[n], info)) for n in chosen}
            known = {n: v for n, v in inside.items() if entry.specs[n].contains(v, sizes)}
            if known:
                yield f"{what} {', '.join(known)}", first | known


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda e: e.name)
@np.errstate(all="ignore")
def test_precision(entry: Entry) -> None:
    assert not (faults := list(of_precision(entry))), "; ".join(faults)


def of_precision(entry: Entry) -> Iterator[str]:
    for form, libraries in FORMATS.items():
        for case, values in points(entry, form):
            wide = rounded(values, form)
            try:
                wanted, allowed = reference(entry, wide, form)
            except (RuntimeError, np.linalg.LinAlgError):
                continue  # no such decomposition
            if is_infinite(entry, wanted, form):
                continue
            for library in set(libraries) & set(entry.libraries):
                narrow = in_format(wide, library, form)
                for what, function in (("entry", entry.function), ("text", copied(entry, library))):
                    problem = of_one(function, narrow, wanted, allowed, form)
                    if problem and leaves(entry, wide, wanted, form):
                        problem = of_one(function, narrow, wanted, allowed, form, True)
                    if problem:
                        yield f"{what} in {library}, {form}, {case}: {problem}"


def of_one(
    function: Callable[..., Any],
    narrow: Values,
    wanted: list[Any],
    allowed: list[Any],
    form: str,
    may_overflow: bool = False,
) -> str:
    """What is wrong with a call; if it may overflow, a refusal and infinite numbers are not."""
    try:
        return fault(function(**narrow), wanted, allowed, form, may_overflow)
    except (ValueError, RuntimeError) as error:
        return "" if may_overflow else str(error)


def leaves(entry: Entry, wide: Values, wanted: list[Any], form: str) -> bool:
    """Whether a format cannot hold the result or a product of two arrays on the way to it."""
    largest = float(INFO[form].max)
    if is_refused(entry, wide if "numpy" in entry.libraries else convert(wide, "torch")):
        return True
    if any((np.abs(w) > largest).any() for w in wanted):
        return True
    if "torch" in entry.libraries:
        with Products() as products:
            copied(entry, "torch")(**convert(wide, "torch"))
        return products.largest > largest
    return False


def is_infinite(entry: Entry, wanted: list[Any], form: str) -> bool:
    """Whether one of several results is infinite in a format, as its set says; others follow."""
    largest = float(INFO[form].max)
    given = [s for s in walk(entry.annotations["return"]) if s.is_array]
    return len(wanted) > 1 and any(
        spec.contains(np.full(w.shape, np.inf), {}) and (np.abs(w) > largest).any()
        for spec, w in zip(given, wanted)
    )


class Products(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """The largest sum of absolute products in all products of two arrays; squares do not count."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.largest = 0.0

    def __torch_dispatch__(
        self, operation: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        result = operation(*args, **(kwargs or {}))
        name = operation.overloadpacket.__name__
        are_two = len(args) == 2 and all(isinstance(a, torch.Tensor) for a in args)
        if name in PRODUCTS and are_two and args[0] is not args[1]:
            self.largest = max(self.largest, float(operation(*map(abs, args)).max()))
        elif name in SOLVERS:
            self.largest = max(self.largest, float((abs(args[0]) @ abs(result[0])).max()))
        return result


@pytest.mark.parametrize(
    "entry", [e for e in ENTRIES if "numpy" in e.libraries], ids=lambda e: e.name
)
@np.errstate(all="ignore")
def test_long_sums_in_any_layout(entry: Entry) -> None:
    """In 32 bits, with the long axis next to others in memory or the other way round."""
    functions = {"entry": entry.function, "text": copied(entry, "numpy")}
    text = standalone(entry, "numpy")
    # matrices are multiplied and decomposed by BLAS and LAPACK, to roundings of their largest number
    room = ROUNDINGS * EPS if "@" in text or "linalg" in text else 0.0
    for values in long(entry, 64 if is_table(entry) else LONG, batch=(2,)):
        wide = rounded(values, "float32")
        wanted, allowed = reference(entry, wide, "float32")
        allowed = [a / 4 + room * np.abs(w).max() for a, w in zip(allowed, wanted)]
        narrow = in_format(wide, "numpy", "float32")
        for what, function in functions.items():
            for layout in (np.asfortranarray, np.ascontiguousarray):
                stored = {n: layout(v) if np.ndim(v) else v for n, v in narrow.items()}
                problem = fault(function(**stored), wanted, allowed, "float32")
                assert not problem, f"{what}, {layout.__name__}: {problem}"


def is_table(entry: Entry) -> bool:
    """Whether a body holds or walks through more than a few arrays as long as its arguments.

    Then a long axis would cost too much memory or time.
    """
    for values in long(entry, 256, batch=(2,)):
        narrow = in_format(values, "numpy", "float32")
        size = sum(v.nbytes for v in narrow.values() if isinstance(v, np.ndarray))
        tracemalloc.start()
        try:
            copied(entry, "numpy")(**narrow)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        if size > 64 * 256 * 4 or peak > 16 * size + 2**16 or "for " in standalone(entry, "numpy"):
            return True
    return False


def is_refused(entry: Entry, values: Values) -> bool:
    try:
        entry.function(**values)
    except ValueError:
        return True
    return False


def rounded(values: Values, form: str) -> Values:
    """The same numbers as a format has them, in 64 bits."""

    def to(leaf: Any) -> Any:
        return leaf.astype(NUMPY[form]).astype(float) if is_real(leaf) else leaf

    return dict(jax.tree_util.tree_map(to, values))


def in_format(values: Values, library: str, form: str) -> Values:
    def to(leaf: Any) -> Any:
        if not (isinstance(leaf, np.ndarray) and leaf.dtype.kind == "f"):
            return LIBRARIES[library](leaf) if isinstance(leaf, np.ndarray) else leaf
        if library == "torch":
            return torch.as_tensor(leaf).to(getattr(torch, form))
        return leaf.astype(form)

    return dict(jax.tree_util.tree_map(to, values))


def reference(entry: Entry, wide: Values, form: str) -> tuple[list[Any], list[Any]]:
    """The result in 64 bits, and how far off each of its numbers may be."""
    library = "numpy" if "numpy" in entry.libraries else "torch"
    given, function = convert(wide, library), copied(entry, library)
    wanted = [as_double(p) for p in reals(function(**given))]
    moved = [np.zeros(w.shape) for w in wanted]
    rng = np.random.default_rng(0)

    def nudge(leaf: Any) -> Any:
        if not is_real(leaf):
            return leaf
        return leaf * LIBRARIES[library](1 + EPS * noise(np.shape(leaf), rng))

    for _ in range(PERTURBED):
        near = reals(function(**jax.tree_util.tree_map(nudge, given)))
        for m, w, n in zip(moved, wanted, near, strict=True):
            np.fmax(m, np.abs(as_double(n) - w), out=m)
    info = INFO[form]
    last = 1.0 if info.bits == 16 else ROUNDINGS
    least = float(info.smallest_subnormal)
    return wanted, [
        ROUNDINGS * np.nan_to_num(m, nan=np.inf) + last * (float(info.eps) * np.abs(w) + least)
        for m, w in zip(moved, wanted)
    ]


def noise(shape: tuple[int, ...], rng: np.random.Generator) -> Any:
    """Some for each number, and some that a line of them shares, as the rounding of its sum is."""
    lines = [(*shape[:i], 1, *shape[i + 1 :]) for i in range(len(shape))]
    return sum(rng.standard_normal(s) for s in [shape, *lines])


def reals(result: Any) -> list[Any]:
    """The real numbers of a result; NumPy's operations make scalars of arrays without axes."""
    parts = result if isinstance(result, tuple) else (result,)
    return [p for p in parts if "float" in str(getattr(p, "dtype", ""))]


def as_double(part: Any) -> Any:
    tensor = part.detach().double() if isinstance(part, torch.Tensor) else part
    return np.asarray(tensor).astype(float)


def fault(
    got: Any, wanted: list[Any], allowed: list[Any], form: str, may_overflow: bool = False
) -> str:
    """What is wrong with a result; nothing where it is as near as it can be."""
    for part, want, near in zip(reals(got), wanted, allowed, strict=True):
        if form not in str(part.dtype):
            return f"became {part.dtype}"
        found = as_double(part)
        with np.errstate(all="ignore"):
            rounded_want = want.astype(NUMPY[form]).astype(float)
            fine = (found == rounded_want) | (np.abs(found - want) <= near) | np.isnan(want)
            # the numbers leave open whether the format can hold the result
            fine |= np.abs(want) + near > float(INFO[form].max)
            fine |= may_overflow & ~np.isfinite(found)
        if not fine.all():
            at = np.unravel_index(np.argmin(fine), fine.shape)
            return f"{found[at]:.9g} for {want[at]:.9g}, within {near[at]:.2g}"
    return ""
