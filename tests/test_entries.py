"""Truth: every entry against another implementation, on every array library, inside and at the edge."""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from itertools import islice, pairwise
from typing import Any

import numpy as np
import pytest
import torch
from drawing import (
    agree,
    arguments,
    convert,
    defaults,
    edge_cases,
    evaluate,
    libraries,
    long,
    numbers,
    real_arrays,
    seeds,
)
from membership import NAMES, holds_all, subsets
from verification import no_gradient

from mlmath_ref.annotations import Spec, walk
from mlmath_ref.catalog import Entry, entries
from mlmath_ref.contracts import unchecked
from mlmath_ref.standalone import standalone

SEEDS = range(4)
ORACLE_DRAWS = 12
COUNTED, PLACES = 24, 20  # draws, and numbers of each array, that are changed
IGNORES = {
    "trace": "numbers off the diagonal",
    "bootstrap_confidence_interval": "levels below 2/B, which take the least of B means",
}
GRADIENT = 1e-5  # relative to the derivative, or to 1 if that is larger
Keep = Callable[[str, object], None]
each_entry = pytest.mark.parametrize("entry", entries(), ids=lambda e: e.name)
on_each_library = pytest.mark.parametrize(
    ("entry", "library"),
    [pytest.param(e, lib, id=f"{e.name}-{lib}") for e in entries() for lib in libraries(e)],
)


def result_specs(entry: Entry) -> list[Any]:
    return walk(entry.annotations["return"])


def is_continuous(entry: Entry) -> bool:
    """Whether some result is real: integers and truth values stay the same after most steps."""
    return any(s.set.kind == "real floating" for s in result_specs(entry))


@on_each_library
def test_oracle(entry: Entry, library: str, record_property: Keep) -> None:
    cases = [arguments(entry, seed)[0] for seed in seeds(entry, ORACLE_DRAWS)]
    cases += long(entry)
    record_property("differences", differences(entry, library, cases))
    names = [{"strict": "array_api_strict"}.get(library, library)]
    record_property("libraries", names if entry.libraries else [])
    record_property("dtypes", dtypes(cases[0]))


@on_each_library
def test_oracle_at_the_edge(entry: Entry, library: str, record_property: Keep) -> None:
    record_property("differences", differences(entry, library, edge_cases(entry)))


def differences(entry: Entry, library: str, cases: Iterable[dict[str, Any]]) -> list[float]:
    """What each oracle is apart at most; it must not be more than rounding."""
    found = [0.0] * len(entry.oracles)
    for values in cases:
        got = entry.function(**convert(values, library))
        for i, oracle in enumerate(entry.oracles):
            found[i] = max(found[i], agree(got, evaluate(oracle, defaults(entry) | values)))
    return found


def dtypes(values: dict[str, Any]) -> list[str]:
    return sorted({str(n.dtype) for n in numbers(tuple(values.values())) if n.dtype.kind == "f"})


@pytest.mark.parametrize(
    "entry",
    [e for e in entries() if any("*" in d for s in e.specs.values() for d in s.dims)],
    ids=lambda e: e.name,
)
def test_batch_equals_loop(entry: Entry) -> None:
    values, _ = arguments(entry, 0, batch=(2, 3))
    batched = {
        n for n, s in entry.specs.items() if s.dims and s.dims[0].startswith("*") and n in values
    }
    whole = numbers(entry.function(**values))
    for index in np.ndindex(2, 3):
        one = {n: v[index] if n in batched else v for n, v in values.items()}
        agree(tuple(w[index] for w in whole), tuple(numbers(entry.function(**one))), 1e-13)


@pytest.mark.parametrize(
    "entry", [e for e in entries() if not no_gradient(e)], ids=lambda e: e.name
)
def test_gradient(entry: Entry, record_property: Keep) -> None:
    """Autograd against finite differences, along directions that stay inside the sets."""
    values, _ = arguments(entry, 2)
    tensors = convert(values, "torch")
    names = [n for n in real_arrays(entry) if n in values]
    found = {n: tangent_matrix(entry.specs[n], tensors[n].shape) for n in names}
    tangents = {n: matrix for n, matrix in found.items() if matrix is not None}

    def along(*steps: torch.Tensor) -> tuple[torch.Tensor, ...]:
        inside = {
            n: (tangents[n] @ s.reshape(-1)).reshape(s.shape) if n in tangents else s
            for n, s in zip(names, steps)
        }
        moved = {n: tensors[n] + inside[n] for n in names}
        result = entry.function(**{**tensors, **moved})
        flat = result if isinstance(result, tuple) else (result,)
        real = [r for r in flat if isinstance(r, torch.Tensor) and r.is_floating_point()]
        return tuple(r[torch.isfinite(r)] for r in real)  # infinite results have no differences

    steps = [torch.zeros_like(tensors[n], requires_grad=True) for n in names]
    assert any(r.requires_grad for r in along(*steps)), "no gradient reaches the result"
    torch.autograd.gradcheck(along, steps, eps=1e-6, atol=GRADIENT / 10, rtol=0.9 * GRADIENT)
    record_property("gradient", names)
    record_property("within", GRADIENT)


def tangent_matrix(spec: Spec, shape: tuple[int, ...]) -> torch.Tensor | None:
    """The projection to the tangents of a set, which is linear; none where every step is one."""
    basis = np.eye(math.prod(shape)).reshape(-1, *shape)
    if spec.set.tangent(basis) is basis:
        return None
    columns = [np.asarray(spec.set.tangent(b)).reshape(-1) for b in basis]
    return torch.as_tensor(np.stack(columns, axis=1))


@on_each_library
def test_precision_is_kept(entry: Entry, library: str, record_property: Keep) -> None:
    if not real_arrays(entry):
        return
    values, _ = arguments(entry, 1)
    single = {n: single_precision(v) for n, v in values.items()}
    exact = numbers(entry.function(**convert(values, library)))
    got = entry.function(**convert(single, library))
    for found, wanted in zip(numbers(got), exact):
        if wanted.dtype == np.float64:
            assert found.dtype == np.float32, f"float32 became {found.dtype}"
            largest = np.abs(wanted[np.isfinite(wanted)]).max(initial=0.0)
            np.testing.assert_allclose(found, wanted, rtol=2e-3, atol=2e-4 * largest)
        else:
            assert found.dtype == wanted.dtype
    record_property("dtypes", dtypes(single))


def single_precision(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(map(single_precision, value))
    is_double = isinstance(value, np.ndarray) and value.dtype == np.float64
    return value.astype(np.float32) if is_double else value


# Results that all lie in a smaller set than the annotation names, and why they need not.
LOOSE = {
    "sharpness": "below zero at a maximum",
    "elbo": "above zero for a density",
    "log_sum_exp": "below zero for scores that are",
    "laplace_approximation": "the log evidence has either sign",
    "normalized_adjacency": "at most one for weights of one; larger ones are possible",
    "mutual_information": "at most the smaller entropy, which is above one for large tables",
    "information_gain": "at most the entropy of the labels",
    "gaussian_pdf": "a density above one is narrow",
    "multivariate_gaussian_pdf": "likewise",
    "laplace_pdf": "likewise",
    "dropout": "few numbers are drawn, and some of them dropped",
    "loss_scaling": "infinite beyond the range of 16 bits, which no draw reaches",
}


@each_entry
def test_result_lies_in_its_set(entry: Entry) -> None:
    """And in no smaller one, unless it is told why."""
    library = libraries(entry)[0]
    found: dict[int, list[Any]] = defaultdict(list)
    cases = [arguments(entry, s, batch)[0] for s in SEEDS for batch in ((), (2,))]
    for values in [*cases, *edge_cases(entry)]:
        sizes = {n: v for n, v in values.items() if isinstance(v, int)}
        for name, spec in entry.specs.items():
            if spec.is_array and name in values:
                shape = np.shape(values[name])
                core = [d for d in spec.dims if not d.startswith("*")]
                known = zip(core, shape[len(shape) - len(core) :])
                sizes |= {d: n for d, n in known if d.isidentifier()}
        result = entry.function(**convert(values, library))
        parts = result if isinstance(result, tuple) else (result,)
        for i, (spec, part) in enumerate(zip(result_specs(entry), parts)):
            assert spec.contains(part, sizes), f"{part} is not in ${spec.latex()}$"
            found[i] += numbers(part)
    smaller = [
        other
        for i, spec in enumerate(result_specs(entry))
        for other in (subsets(NAMES[id(spec.set)]) if spec.set.kind == "real floating" else ())
        if holds_all(other, spec, found[i])
    ]
    assert not smaller or entry.name in LOOSE, f"all results lie in {smaller}"


@pytest.mark.parametrize("entry", [e for e in entries() if is_continuous(e)], ids=lambda e: e.name)
@np.errstate(all="ignore")
def test_every_number_of_an_argument_counts(entry: Entry) -> None:
    """Another one in its place gives another result in some case, so no set is wider than its use."""
    values, sizes = arguments(entry, 0)
    fixed = {n: v for n, v in sizes.items() if n not in values and not isinstance(v, tuple)}
    drawn = [values, *(arguments(entry, s, **fixed)[0] for s in range(1, COUNTED))]
    cases = [*drawn, *edge_cases(entry)]
    for name, spec in entry.specs.items():
        if spec.of is float:
            known = [c[name] for c in drawn if name in c]
            for low, high in pairwise(sorted({min(known), max(known), *spec.edges(sizes)})):
                pairs = [({**c, name: low}, {**c, name: high}) for c in cases]
                counts = any(differ(entry, *p) for p in pairs)
                assert counts or entry.name in IGNORES, f"{name}: {low} counts as {high}"
        elif name in real_arrays(entry):
            shape = np.shape(values[name])
            given = [c for c in cases if name in c and np.shape(c[name]) == shape]
            for index in islice(np.ndindex(shape), PLACES):
                steps = ((c, m) for c in given for m in moved(c, name, spec, index, sizes))
                verdicts = (differ(entry, *step) for step in steps)
                counts = next(verdicts, True) or any(verdicts)  # true if no step stays inside
                assert counts or entry.name in IGNORES, f"{name} at {index}"


def moved(
    values: dict[str, Any], name: str, spec: Spec, index: tuple[int, ...], sizes: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    """The arguments with a step in one number, as far as the set lets it be taken."""
    step = np.zeros(np.shape(values[name]))
    step[index] = 1
    for size in (1.0, -1.0, 0.3, -0.3, 0.01, -0.01):
        other = np.asarray(values[name] + size * spec.set.tangent(step))
        if not np.array_equal(other, values[name]) and spec.contains(other, sizes):
            yield {**values, name: other}


def differ(entry: Entry, values: dict[str, Any], others: dict[str, Any]) -> bool:
    library = libraries(entry)[0]
    with unchecked():
        one, two = (numbers(entry.function(**convert(v, library))) for v in (values, others))
    return not all(map(np.array_equal, one, two))


@on_each_library
def test_standalone_gives_the_same(entry: Entry, library: str) -> None:
    if library == "strict":
        return
    namespace: dict[str, Any] = {}
    exec(standalone(entry, library), namespace)
    for seed in SEEDS:
        values = convert(arguments(entry, seed)[0], library)
        agree(namespace[entry.name](**values), entry.function(**values), 1e-14)
