"""The systems' own code: every witness that a docstring names gives the numbers of its entry.

The object at the path is imported, called by the glue with five draws of the entry's arguments, and
compared in values and in the gradients of all arguments. A witness with a note has to differ as it
comes and to agree as the note says. Then the entry's body is broken in small ways, and the witness
has to notice.
"""

import ast
import importlib
import inspect
import math
import textwrap
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import packages_distributions, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from drawing import arguments, bound, convert, edge_cases, parameters
from mutations import mutants
from verification import code

from mlmath_ref.catalog import Entry, Witness, entries

pytestmark = pytest.mark.filterwarnings("default")  # what the libraries warn of is theirs
SEEDS, BATCH = range(5), (4,)
MORE_SEEDS = range(20)  # where one draw is a few numbers
OTHER_SEEDS = range(100, 110)
RELATIVE, OF_THE_LARGEST = 2e-5, 2e-6  # the libraries compute in 32 bits, at least in part
GLUE: dict[str, Callable[..., Any]] = {
    name: function
    for file in sorted(Path(__file__).parent.glob("glue_*.py"))
    for name, function in vars(importlib.import_module(file.stem)).items()
    if inspect.isfunction(function) and "__" in name.strip("_")
}
CASES = [(e, w) for e in entries() for w in e.witnesses]
each_witness = pytest.mark.parametrize(
    ("entry", "witness"), CASES, ids=[f"{e.name}-{w.path}" for e, w in CASES]
)


@dataclass(frozen=True)
class Outcome:
    """Results, and gradients of a random combination of them; ``None`` where there are none."""

    values: list[np.ndarray]
    gradients: dict[str, np.ndarray] | None


def glue_of(entry: Entry, witness: Witness) -> list[str]:
    """The functions named after an entry and the end of a witness's path."""
    path = "_" + witness.path.replace(".", "_")
    known = [n.split("__", 1) for n in GLUE]
    return ["__".join(n) for n in known if n[0] == entry.name and path.endswith("_" + n[1])]


def fixed(glue: Callable[..., Any]) -> dict[str, Any]:
    """What the glue fixes: its keyword-only parameters."""
    given = inspect.signature(glue).parameters.values()
    kept = {p.name: p.default for p in given if p.kind is p.KEYWORD_ONLY}
    return {name: value for name, value in kept.items() if name != "shipped"}


def drawn(entry: Entry, seed: int, given: dict[str, Any]) -> dict[str, Any]:
    sizes = {"batch": BATCH} | {n: v for n, v in given.items() if n not in parameters(entry)}
    values, _ = arguments(entry, seed, **sizes)
    ours: dict[str, Any] = convert(values, "torch") | {
        n: v for n, v in given.items() if n in values
    }
    return ours


def load(path: str) -> Any:
    """The object at a dotted path: modules as far as there are any, then attributes."""
    module, _, rest = path.partition(".")
    found = importlib.import_module(module)
    for name in rest.split("."):
        module = f"{module}.{name}"
        if not hasattr(found, name) and find_spec(module):
            importlib.import_module(module)
        found = getattr(found, name)
    return found


def run(entry: Entry, function: Callable[..., Any], values: dict[str, Any], seed: int) -> Outcome:
    torch.manual_seed(seed)
    leaves = {
        n: v.clone().requires_grad_()
        for n, v in values.items()
        if isinstance(v, torch.Tensor) and v.is_floating_point()
    }
    result = function(**values | leaves)
    parts = [torch.as_tensor(r) for r in (result if isinstance(result, tuple) else (result,))]
    rng = np.random.default_rng(seed)
    total = sum(
        (torch.as_tensor(rng.normal(size=p.shape)) * torch.where(p.isfinite(), p, 0)).sum()
        for p in parts
        if p.is_floating_point()
    )
    gradients = None
    if isinstance(total, torch.Tensor) and total.requires_grad:
        found = torch.autograd.grad(total, list(leaves.values()), materialize_grads=True)
        gradients = {
            n: entry.specs[n].set.tangent(g.double().numpy()) for n, g in zip(leaves, found)
        }
    return Outcome([p.detach().numpy() for p in parts], gradients)


def apart(got: np.ndarray, expected: np.ndarray) -> tuple[float, bool]:
    """The largest difference in shares of the largest number, and whether it is too large."""
    if got.shape != expected.shape or (got.dtype.kind in "bi") != (expected.dtype.kind in "bi"):
        return math.inf, True
    a, b = got.astype(float), expected.astype(float)
    finite = np.isfinite(b)
    if not np.array_equal(a[~finite], b[~finite], equal_nan=True):
        return math.inf, True
    difference, size = np.abs(a[finite] - b[finite]), np.abs(b[finite])
    if got.dtype.kind in "bi":
        return (math.inf, True) if difference.any() else (0.0, False)
    largest = size.max(initial=0.0)
    too_far = ~(difference <= RELATIVE * size + OF_THE_LARGEST * largest)
    share = difference.max(initial=0.0) / largest if largest else difference.max(initial=0.0)
    return float(share), bool(too_far.any())


def compare(got: Outcome, expected: Outcome) -> tuple[float, float | None, bool]:
    """Largest difference of values and of gradients, and whether any is too large."""
    assert len(got.values) == len(expected.values)
    values = [apart(a, b) for a, b in zip(got.values, expected.values)]
    gradients: list[tuple[float, bool]] = []
    if expected.gradients is not None:
        assert got.gradients is not None, "the entry has no gradient where the witness has"
        gradients = [apart(got.gradients[n], g) for n, g in expected.gradients.items()]
    bad = any(far for _, far in values + gradients)
    return (
        max(v for v, _ in values),
        max((g for g, _ in gradients), default=None),
        bad,
    )


def witnessed(entry: Entry, witness: Witness, **shipped: bool) -> Iterator[tuple[Any, ...]]:
    """The arguments of each draw and what the witness makes of them."""
    glue, system = GLUE[glue_of(entry, witness)[0]], load(witness.path)
    taken = inspect.signature(glue).parameters
    for seed in SEEDS if entry.libraries else MORE_SEEDS:
        values = drawn(entry, seed, fixed(glue))

        def call(**given: Any) -> Any:
            ours = {n: v for n, v in given.items() if n in taken}
            return glue(system, **ours, **shipped)

        yield values, run(entry, call, values, seed), seed


@each_witness
def test_witness(
    entry: Entry,
    witness: Witness,
    records: dict[str, Any],
    record_property: Callable[[str, object], None],
) -> None:
    seen = list(witnessed(entry, witness))
    found = [compare(run(entry, entry.function, v, s), w) for v, w, s in seen]
    assert not any(bad for *_, bad in found), f"values and gradients are off by {found}"
    gradients = [g for _, g, _ in found if g is not None]
    mutated = broken(entry, seen)
    assert mutated["noticed"] >= 3, f"mutants of the body: {dict(mutated)}"
    record_property("mutants", mutated)
    record: dict[str, Any] = {
        "code": code(entry),
        "library": (library := packages_distributions()[witness.path.partition(".")[0]][0]),
        "version": version(library).partition("+")[0],
        "values": bound(max(v for v, *_ in found)),
        "gradients": bound(max(gradients)) if gradients else None,
    }
    if witness.note:
        as_it_comes = [
            compare(run(entry, entry.function, v, s), w)
            for v, w, s in witnessed(entry, witness, shipped=True)
        ]
        assert any(bad for *_, bad in as_it_comes), "it agrees as it comes: the note is wrong"
        off = max(max(v, g or 0.0) for v, g, _ in as_it_comes)
        record["shipped"] = float(f"{off:.0e}") if math.isfinite(off) else None
    records.setdefault(entry.name, {})[witness.path] = record


def broken(entry: Entry, seen: list[tuple[Any, ...]]) -> Counter[str]:
    """What became of the mutants of the entry's body.

    One that the witness does not tell from the entry is equal to it in value, or differs on other
    draws only.
    """
    found: Counter[str] = Counter()
    for what, mutant in variants(inspect.unwrap(entry.function)):
        try:
            noticed = any(compare(run(entry, mutant, v, s), w)[2] for v, w, s in seen)
            fate = "noticed" if noticed else "missed" if differs(entry, mutant) else "equal"
        except Exception:
            fate = "error"
        found[fate] += 1
        if fate == "missed":
            print(f"missed: {what}")
    return found


def variants(function: Callable[..., Any]) -> Iterator[tuple[str, Callable[..., Any]]]:
    """What is changed, and the function so changed."""
    definition = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
    assert isinstance(definition, ast.FunctionDef)
    for _, what, tree in mutants(definition):
        made: dict[str, Any] = {}
        module = ast.fix_missing_locations(ast.Module([tree], []))
        exec(compile(module, "<mutant>", "exec"), inspect.unwrap(function).__globals__, made)
        yield what, made[function.__name__]


def differs(entry: Entry, mutant: Callable[..., Any]) -> bool:
    """Whether a mutant has other values than the entry, on draws of all kinds."""
    others = [drawn(entry, seed, {}) for seed in OTHER_SEEDS]
    others += [convert(v, "torch") for v in edge_cases(entry)]
    with np.errstate(invalid="ignore"):
        pairs = [(run(entry, mutant, v, 0), run(entry, entry.function, v, 0)) for v in others]
        return any(compare(*pair)[2] for pair in pairs)


@each_witness
def test_glue(entry: Entry, witness: Witness) -> None:
    names = glue_of(entry, witness)
    assert len(names) == 1, f"tests/witness/glue_*.py has {names or 'no function'} for it"
    translates = "shipped" in inspect.signature(GLUE[names[0]]).parameters
    assert translates == bool(witness.note), "glue takes 'shipped' exactly where there is a note"


def test_no_glue_without_a_witness() -> None:
    used = [name for entry, witness in CASES for name in glue_of(entry, witness)]
    assert sorted(used) == sorted(GLUE)


def test_torchvision_is_absent() -> None:
    """Its builds for other versions of PyTorch break what transformers imports."""
    assert find_spec("torchvision") is None
