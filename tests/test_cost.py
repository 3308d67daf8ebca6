"""Memory: at most a small multiple of what comes in and goes out, however the sizes are."""

import math
import tracemalloc
from typing import Any

import numpy as np
import pytest
from drawing import arguments, numbers, parameters

from mlmath_ref.annotations import walk
from mlmath_ref.catalog import Entry, entries

NUMBERS = 100_000  # in the arguments and the result together, at least a third of it
LONGEST = 4096  # of an axis, as some bodies loop over one
TIMES = 12  # arguments and result together
ROOM = 2**18  # bytes besides
ON_NUMPY = [e for e in entries() if "numpy" in e.libraries]


def large(entry: Entry, rows: tuple[int, ...] = ()) -> dict[str, Any]:
    """Arguments with all sizes large alike, so that a table of all pairs is not much more."""
    specs = [s for a in entry.annotations.values() for s in walk(a) if s.is_array]
    names = {n for s in specs for n in s.names} - set(parameters(entry))
    # few parts of the features, such as heads, which are as long together
    parts = {d.partition("*")[0]: 2 for s in specs for d in s.core if "*" in d}
    largest, size = arguments(entry, 0, rows)[0], 4
    while size <= LONGEST:
        batch = rows if names else (size,)
        try:
            values, sizes = arguments(entry, 0, batch, **(dict.fromkeys(names, size) | parts))
        except ValueError:  # these sizes leave no result
            break
        if sum(math.prod(s.shape(sizes)) for s in specs) > NUMBERS:
            break
        largest, size = values, 2 * size
    return largest


@pytest.mark.parametrize(
    ("entry", "rows"),
    [pytest.param(e, r, id=f"{e.name}-{r}") for e in ON_NUMPY for r in ((), (100,))],
)
@np.errstate(all="ignore")
def test_memory(entry: Entry, rows: tuple[int, ...]) -> None:
    values = large(entry, rows)
    entry.function(**arguments(entry, 0)[0])  # what it imports is not counted
    tracemalloc.start()
    try:
        result = entry.function(**values)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    total = sum(a.nbytes for a in [*numbers(tuple(values.values())), *numbers(result)])
    shapes = {n: np.shape(v) for n, v in values.items() if np.shape(v)}
    assert peak <= TIMES * total + ROOM, f"{peak / total:.1f} times what comes and goes: {shapes}"
