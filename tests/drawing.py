"""Members of the sets that an entry's arguments live in, for the generic tests."""

import contextlib
import inspect
import math
import typing
from collections import Counter
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

import numpy as np
import torch

from mlmath_ref.annotations import Sizes, is_function, is_optional, read, walk
from mlmath_ref.catalog import Entry

LIBRARIES: dict[str, Callable[[Any], Any]] = {
    "numpy": np.asarray,
    "torch": lambda a: torch.as_tensor(np.array(a)),
    "strict": lambda a: import_module("array_api_strict").asarray(np.array(a)),
    "jax": lambda a: jax_numpy().asarray(np.array(a)),
}


def jax_numpy() -> Any:
    """JAX in double precision, which it has to be asked for."""
    import_module("jax").config.update("jax_enable_x64", True)
    return import_module("jax.numpy")


def parameters(entry: Entry) -> dict[str, Any]:
    return {k: a for k, a in entry.annotations.items() if k != "return"}


def defaults(entry: Entry) -> dict[str, Any]:
    given = inspect.signature(entry.function).parameters.values()
    return {p.name: p.default for p in given if p.default is not p.empty}


def libraries(entry: Entry) -> list[str]:
    """The libraries to test an entry on; without arrays, one run is enough."""
    found = entry.libraries or ("numpy",)
    return [*found, "strict"] if len(found) == 2 else list(found)


def sizes_of(
    entry: Entry, rng: np.random.Generator, batch: tuple[int, ...] = (), **fixed: int
) -> Sizes:
    """Sizes that leave no axis of the result empty.

    Raises:
        ValueError: The fixed sizes allow none.
    """
    for _ in range(100):
        sizes = some_sizes(entry, rng, batch, **fixed)
        if all(s.smallest(sizes) >= 1 for s in walk(entry.annotations["return"])):
            return sizes
    raise ValueError(f"{entry.name}: no result of sizes {fixed}")


def some_sizes(
    entry: Entry, rng: np.random.Generator, batch: tuple[int, ...] = (), **fixed: int
) -> Sizes:
    """A size for every name, all different unless fixed; integer parameters are drawn too."""
    specs = [s for a in entry.annotations.values() for s in walk(a)]
    names = sorted({n for s in specs for n in s.names} - set(parameters(entry)))
    # no size equals one of the batch, so that an axis taken for another shows
    pool = [n for n in range(2, 12) if n not in batch][: max(4, len(names))]
    sizes: Sizes = dict(zip(names, (int(n) for n in rng.permutation(pool))))
    sizes |= fixed
    for spec in specs:
        if spec.dims and spec.dims[-1] in sizes:
            sizes[spec.dims[-1]] = -(-sizes[spec.dims[-1]] // spec.set.multiple) * spec.set.multiple
        sizes |= {d.lstrip("*#"): batch for d in spec.dims if d.startswith("*")}
    for name, annotation in parameters(entry).items():
        if (integer := read(annotation)) and integer.of is int:
            sizes[name] = integer.draw(rng, sizes)
    return sizes


def draw(annotation: Any, rng: np.random.Generator, sizes: Sizes) -> Any:
    """A member of an annotation's set; a tuple of them; a smooth function."""
    if spec := read(annotation):
        return spec.draw(rng, sizes)
    parts = typing.get_args(annotation)
    if is_function(annotation):
        (source,), target = parts
        return smooth_map(rng, walk(source)[0].shape(sizes), walk(target)[0].shape(sizes))
    return tuple(draw(p, rng, sizes) for p in parts)


def smooth_map(
    rng: np.random.Generator, source: tuple[int, ...], target: tuple[int, ...]
) -> Callable[[Any], Any]:
    """A smooth function with no symmetry, for entries about derivatives."""
    n, m = int(np.prod(source)), int(np.prod(target))
    weight = torch.as_tensor(rng.normal(size=(n, m, n)))  # n terms, so that no Hessian is singular

    def smooth(x: torch.Tensor) -> torch.Tensor:
        z = weight.to(x.dtype) @ x.reshape(-1)
        return (torch.sin(z) + 0.3 * z**2).mean(0).reshape(target)

    return smooth


def arguments(
    entry: Entry, seed: int, batch: tuple[int, ...] = (), **fixed: int
) -> tuple[dict[str, Any], Sizes]:
    """Arguments well inside their sets; every second seed leaves optional ones out."""
    rng = np.random.default_rng(seed)
    sizes = sizes_of(entry, rng, batch, **fixed)
    values = {}
    for name, annotation in parameters(entry).items():
        if name in sizes:
            values[name] = sizes[name]
        elif not (is_optional(annotation) and seed % 2):
            values[name] = draw(annotation, rng, sizes)
    return values, sizes


def seeds(entry: Entry, count: int) -> range:
    """Seeds to draw from; five times as many where all arguments are numbers, which is cheap."""
    are_numbers = all(s.of in (int, float) for s in entry.specs.values())
    return range(5 * count if are_numbers else count)


def long(entry: Entry, size: int = 130, batch: tuple[int, ...] = ()) -> Iterator[dict[str, Any]]:
    """Arguments with one long axis, which most of the arrays have."""
    named = Counter(n for s in entry.specs.values() if s.is_array for n in s.names)
    for name, _ in [(n, c) for n, c in named.most_common() if n not in entry.specs][:1]:
        with contextlib.suppress(ValueError):  # the entry has a bound for it
            yield arguments(entry, 1, batch, **{name: size})[0]


def edge_cases(entry: Entry, seed: int = 0) -> Iterator[dict[str, Any]]:
    """Arguments with one of them at the edge of its set."""
    values, sizes = arguments(entry, seed)
    for name, spec in entry.specs.items():
        if name in values and name not in sizes:
            yield from ({**values, name: edge} for edge in spec.edges(sizes))


def tied(entry: Entry, values: dict[str, Any]) -> dict[str, Any]:
    """The same numbers as multiples of 1/4, where they belong to their sets: with ties."""
    found = dict(values)
    for name, spec in entry.specs.items():
        if spec.is_array and spec.set.kind == "real floating" and name in values:
            rounded = np.asarray(np.round(4 * values[name]) / 4)
            found[name] = rounded if spec.contains(rounded, {}) else values[name]
    return found


def convert(values: Any, library: str) -> Any:
    """Arrays of a library for those of NumPy."""
    if isinstance(values, dict) and all(isinstance(k, str) for k in values):
        return {k: convert(v, library) for k, v in values.items()}
    if isinstance(values, tuple):
        return tuple(convert(v, library) for v in values)
    return LIBRARIES[library](values) if isinstance(values, np.ndarray) else values


def numbers(result: Any) -> list[Any]:
    """The arrays and scalars of a result, as NumPy arrays."""
    if isinstance(result, tuple):
        return [n for r in result for n in numbers(r)]
    if isinstance(result, torch.Tensor):
        return [result.detach().numpy()]
    return [np.asarray(result)]


def bound(difference: float) -> float:
    """The power of ten that a difference stays below, so that noise does not change a record."""
    return float(f"1e{math.ceil(math.log10(max(difference, 1e-12)))}")


def agree(got: Any, expected: Any, tolerance: float = 1e-12, floor: float = 0.0) -> float:
    """Equal shapes, and values equal relative to the largest or to a floor.

    Returns:
        The power of ten that differences stay below, in shares of the largest number; 0 of others
        than real and complex ones.
    """
    found, wanted = numbers(got), numbers(expected)
    below = 0.0
    assert len(found) == len(wanted), f"{len(found)} results, expected {len(wanted)}"
    for a, b in zip(found, wanted):
        assert a.shape == b.shape, f"shape {a.shape}, expected {b.shape}"
        if a.dtype.kind in "biufc":
            finite = np.abs(b[np.isfinite(b)]) if b.dtype.kind in "fc" else np.zeros(0)
            np.testing.assert_allclose(
                a, b, rtol=tolerance, atol=tolerance * finite.max(initial=floor)
            )
            if b.dtype.kind in "fc":
                real = np.isfinite(b)
                difference = np.abs(a[real] - b[real]).max(initial=0.0)
                below = max(below, bound(difference / (finite.max(initial=floor) or 1.0)))
        else:
            assert a.tolist() == b.tolist()
    return below


def evaluate(expression: str, values: dict[str, Any]) -> Any:
    """An oracle, with the parameters under their names; tensors where it is PyTorch's."""
    names: dict[str, Any] = {"np": np}
    for root in (
        "math",
        "torch",
        "scipy",
        "sklearn",
        "mpmath",
        "itertools",
        "functools",
        "tokenizers",
        "statistics",
    ):
        if root in expression:
            names[root] = import_module(root)
    for path in ("stats", "special", "linalg", "integrate", "optimize", "signal"):
        if f"scipy.{path}" in expression:
            import_module(f"scipy.{path}")
    for path in ("decomposition", "metrics", "covariance", "utils.extmath"):
        if f"sklearn.{path}" in expression:
            import_module(f"sklearn.{path}")
    return eval(expression, names | convert(values, "torch" if "torch." in expression else "numpy"))


def large(
    entry: Entry, rows: tuple[int, ...] = (), most: int = 100_000, longest: int = 4096
) -> dict[str, Any]:
    """Arguments with all sizes large alike, so that a table of all pairs is not much more.

    Args:
        entry: The entry that takes them.
        rows: The batch, if the arrays have axes of their own.
        most: Numbers in the arguments and the result together; there are at least a third of them.
        longest: The largest size of an axis, as some bodies loop over one.
    """
    specs = [s for a in entry.annotations.values() for s in walk(a) if s.is_array]
    names = {n for s in specs for n in s.names} - set(parameters(entry))
    # few parts of the features, such as heads, which are as long together
    parts = {d.partition("*")[0]: 2 for s in specs for d in s.core if "*" in d}
    largest, size = arguments(entry, 0, rows)[0], 4
    while size <= longest:
        batch = rows if names else (size,)
        try:
            values, sizes = arguments(entry, 0, batch, **(dict.fromkeys(names, size) | parts))
        except ValueError:  # these sizes leave no result
            break
        if sum(math.prod(s.shape(sizes)) for s in specs) > most:
            break
        largest, size = values, 2 * size
    return largest


def real_arrays(entry: Entry) -> list[str]:
    """The arguments that are arrays of real numbers."""
    return [n for n, s in entry.specs.items() if s.is_array and s.set.kind == "real floating"]
