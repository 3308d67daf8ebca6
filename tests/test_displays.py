"""The displayed formula of every entry, executed and compared with the function."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import islice
from typing import Any

import numpy as np
import pytest
from drawing import arguments, convert, defaults, edge_cases, seeds, tied
from examples import calls
from opened import is_real

from mlmath_ref.binding import DRAWS, executable, why_not
from mlmath_ref.catalog import Entry, entries
from mlmath_ref.evaluation import TOLERANCE, DisagreementError, compare
from mlmath_ref.latex import FormulaError

EXECUTED = [e for e in entries() if not why_not(e)]
each_executed = pytest.mark.parametrize("entry", EXECUTED, ids=lambda e: e.name)
TIED = 5  # draws
CASES, ELEMENTS = 40, 3  # of an entry's examples, of each batch in them
NUMBERS = 300  # of one case
RANGE = 1e6
SKIPPED = (FormulaError, ValueError, RuntimeError)  # of functions whose weights are in 32 bits
SHARE = 1 / 3  # of a formula's tokens that one expression may stand for


@each_executed
def test_display_is_what_the_function_computes(
    entry: Entry, record_property: Callable[[str, object], None]
) -> None:
    formula = executable(entry)
    record_property("draws", len(seeds(entry, DRAWS)))
    record_property("formula", TOLERANCE)
    for seed in seeds(entry, DRAWS):
        values, _ = arguments(entry, seed)
        result = entry.function(**convert(values, (entry.libraries or ("numpy",))[0]))
        compare(formula, values, result)


@each_executed
def test_display_at_the_edge(entry: Entry) -> None:
    """Where the display can be executed, which it can in one of the cases at least."""
    formula, compared = executable(entry), 0
    cases = [v for seed in (0, 1) for v in edge_cases(entry, seed)]
    for values in cases:
        result = entry.function(**convert(values, (entry.libraries or ("numpy",))[0]))
        with suppress(FormulaError):
            compare(formula, values, result, edge=True)
            compared += 1
    infinite = entry.name == "spectral_tail_exponent"  # of equal numbers, which both edges hold
    assert compared or infinite or not cases, "the display runs at no edge"


@each_executed
def test_display_at_ties(entry: Entry) -> None:
    """Where numbers are multiples of 1/4: ``<`` is told from ``<=``."""
    formula, compared = executable(entry), 0
    for seed in range(4, 4 + TIED):
        values = tied(entry, arguments(entry, seed)[0])
        result = entry.function(**convert(values, (entry.libraries or ("numpy",))[0]))
        with suppress(FormulaError):
            compare(formula, values, result, edge=True)
            compared += 1
    assert compared, "the display runs at no ties"


@each_executed
def test_display_on_the_examples(entry: Entry) -> None:
    """On the calls of the docstring, wherever neither the entry refuses them nor the display."""
    formula, compared = executable(entry), 0
    cases = (v for given in calls(entry) for v in elements(entry, defaults(entry) | given))
    for values in islice(filter(is_ordinary, cases), CASES):
        with suppress(*SKIPPED), np.errstate(all="ignore"):
            result = entry.function(**convert(values, (entry.libraries or ("numpy",))[0]))
            compare(formula, values, result, edge=True)
            compared += 1
    assert compared, "the display runs on no example"


def is_ordinary(values: dict[str, Any]) -> bool:
    """Few numbers, none so large or small that a form on paper loses its digits by rounding."""
    arrays = [np.abs(v) for v in values.values() if is_real(v)]
    known = [a[np.isfinite(a) & (a > 0)] for a in arrays]
    few = sum(map(np.size, values.values())) <= NUMBERS
    return few and all(np.all((a > 1 / RANGE) & (a < RANGE)) for a in known)


def elements(entry: Entry, given: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The first elements of a batch, in double precision, without arguments left out."""
    values = {n: v for n, v in given.items() if v is not None}
    outer = {
        n: np.shape(values[n])[: np.ndim(values[n]) - len(s.core)]
        for n, s in entry.specs.items()
        if s.is_array and n in values and s.dims and s.dims[0].startswith("*")
    }
    with suppress(ValueError):  # shapes that the entry refuses
        batch = np.broadcast_shapes(*outer.values())
        for index in islice(np.ndindex(batch), ELEMENTS):
            own = {
                n: tuple(i if d > 1 else 0 for i, d in zip(index[len(batch) - len(o) :], o))
                for n, o in outer.items()
            }
            one = {
                n: np.asarray(np.asarray(v)[own[n]]) if n in own else v for n, v in values.items()
            }
            yield {n: v.astype(float) if is_real(v) else v for n, v in one.items()}


@each_executed
def test_every_number_of_the_result_counts(entry: Entry) -> None:
    formula = executable(entry)
    values, _ = arguments(entry, 0)
    result = entry.function(**convert(values, (entry.libraries or ("numpy",))[0]))
    parts = [r if isinstance(r, (tuple, dict)) else np.asarray(r) for r in (result if isinstance(result, tuple) else (result,))]  # fmt: skip
    for i, part in enumerate(parts):
        if not isinstance(part, np.ndarray):
            continue
        for index in np.ndindex(part.shape):
            wrong = part.copy()
            exact = wrong.dtype.kind in "bi" or not np.isfinite(wrong[index])
            wrong[index] = wrong[index] == 0 if exact else wrong[index] + 1e-6
            changed = [*parts[:i], wrong, *parts[i + 1 :]]
            with pytest.raises((DisagreementError, FormulaError)):
                compare(formula, values, tuple(changed) if len(changed) > 1 else wrong)


def test_every_display_is_executed() -> None:
    left = {e.name: why_not(e) for e in entries() if why_not(e)}
    assert not left


@each_executed
def test_no_expression_swallows_the_formula(entry: Entry) -> None:
    display = executable(entry).display
    for where in entry.where:
        assert display.taken[where.latex] <= SHARE * display.length, where
