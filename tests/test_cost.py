"""Memory: at most a small multiple of what comes in and goes out, however the sizes are."""

import tracemalloc

import numpy as np
import pytest
from drawing import arguments, large, numbers

from mlmath_ref.catalog import Entry, entries

TIMES = 12  # arguments and result together
ROOM = 2**18  # bytes besides
ON_NUMPY = [e for e in entries() if "numpy" in e.libraries]


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
