"""Truth: every entry against another implementation, on every array library, inside and at the edge."""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable
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
    seeds,
)
from membership import NAMES, holds_all, subsets
from verification import no_gradient

from mlmath_ref.annotations import Spec, walk
from mlmath_ref.catalog import Entry, entries
from mlmath_ref.standalone import standalone

SEEDS = range(4)
ORACLE_DRAWS = 12
GRADIENT = 1e-5  # relative to the derivative, or to 1 if that is larger
Keep = Callable[[str, object], None]
each_entry = pytest.mark.parametrize("entry", entries(), ids=lambda e: e.name)
on_each_library = pytest.mark.parametrize(
    ("entry", "library"),
    [pytest.param(e, lib, id=f"{e.name}-{lib}") for e in entries() for lib in libraries(e)],
)


def result_specs(entry: Entry) -> list[Any]:
    return walk(entry.annotations["return"])


def real_arrays(entry: Entry) -> list[str]:
    return [n for n, s in entry.specs.items() if s.is_array and s.set.kind == "real floating"]


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


@on_each_library
def test_standalone_gives_the_same(entry: Entry, library: str) -> None:
    if library == "strict":
        return
    namespace: dict[str, Any] = {}
    exec(standalone(entry, library), namespace)
    for seed in SEEDS:
        values = convert(arguments(entry, seed)[0], library)
        agree(namespace[entry.name](**values), entry.function(**values), 1e-14)
