"""Numbers at the ends of the format: results against the same text run with a wider exponent.

A result that is a number in double precision must be that number, to rounding and to what a rounding
step of the arguments moves it. It may be infinite or NaN only where the number is beyond the format
or within a thousand times below its largest, which sums pass on their way; and NaN where all arrays
are so large that their products are beyond it. If another result is infinite, as a second moment is,
the rest may have been computed from that.
"""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from drawing import arguments, numbers, real_arrays
from inputs import placed
from membership import belongs
from wider import agrees, runs_wide, wide, widened

from mlmath_ref.catalog import Entry, entries

ALONE = (2.0**1000, 2.0**520, 2.0**-520, 2.0**-1060)
TOGETHER = (2.0**1000, 2.0**500, 2.0**-520, 2.0**-1060)
BEYOND = "all times 2^1000"
Values = dict[str, Any]


def cases(entry: Entry) -> Iterator[tuple[str, Values]]:
    """One number at an end; one array, and all of them, near an end."""
    for case in placed(entry, "numpy"):
        if case.expected is not None:
            yield case.what, case.values
    values, sizes = arguments(entry, 0)
    real = [n for n in real_arrays(entry) if n in values]
    chosen = [([n], scale) for n in real for scale in ALONE]
    for names, scale in chosen + [(real, scale) for scale in TOGETHER if len(real) > 1]:
        scaled = {n: np.asarray(values[n] * scale) for n in names}
        kept = {n: v for n, v in scaled.items() if belongs(entry.specs[n], v, sizes)}
        if kept:
            what = "all" if len(names) > 1 else names[0]
            yield f"{what} times 2^{math.log2(scale):.0f}", values | kept


@pytest.mark.parametrize("entry", [e for e in entries() if runs_wide(e)], ids=lambda e: e.name)
@np.errstate(all="ignore")
def test_results_at_the_ends_of_the_format(entry: Entry) -> None:
    faults, text = [], wide(entry)
    for what, values in cases(entry):
        try:
            got = numbers(entry.function(**values))
        except ValueError:  # which another test reads
            continue
        exact = numbers(text(**widened(values)))
        near = numbers(text(**widened(values, 2.0**-52)))
        infinite = [w.dtype.kind == "f" and bool(np.isinf(w.astype(float)).any()) for w in exact]
        for i, (found, wanted) in enumerate(zip(got, exact)):
            if any(infinite[:i] + infinite[i + 1 :]):
                continue
            good = agrees(found, wanted, near[i]) | (what == BEYOND) & (found != found)
            if not good.all():
                faults.append(f"{what}: {found[~good][:1]}, in a wider format {wanted[~good][:1]}")
    assert not faults, "; ".join(faults)
