"""The displayed formula of every entry, executed and compared with the function."""

from collections.abc import Callable
from contextlib import suppress

import numpy as np
import pytest
from drawing import arguments, convert, edge_cases, seeds, tied

from mlmath_ref.binding import DRAWS, executable, why_not
from mlmath_ref.catalog import Entry, entries
from mlmath_ref.evaluation import TOLERANCE, DisagreementError, compare
from mlmath_ref.latex import FormulaError

EXECUTED = [e for e in entries() if not why_not(e)]
each_executed = pytest.mark.parametrize("entry", EXECUTED, ids=lambda e: e.name)
TIED = 5  # draws
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
    """Where the display can be executed."""
    formula = executable(entry)
    for values in (v for seed in (0, 1) for v in edge_cases(entry, seed)):
        result = entry.function(**convert(values, (entry.libraries or ("numpy",))[0]))
        with suppress(FormulaError):
            compare(formula, values, result, edge=True)


@each_executed
def test_display_at_ties(entry: Entry) -> None:
    """Where numbers are multiples of 1/4: ``<`` is told from ``<=``."""
    formula = executable(entry)
    for seed in range(4, 4 + TIED):
        values = tied(entry, arguments(entry, seed)[0])
        result = entry.function(**convert(values, (entry.libraries or ("numpy",))[0]))
        with suppress(FormulaError):
            compare(formula, values, result, edge=True)


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
