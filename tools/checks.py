"""Measure what the checks of the arguments cost, as a share of the time of the body.

With a million numbers in the arguments and the result, of NumPy. Machines are noisy: each time is the
least of some calls.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from drawing import large

from mlmath_ref.catalog import Entry, entries
from mlmath_ref.sets import unchecked

NUMBERS = 1_000_000
LONG = 1.0  # seconds of one call, beyond which the share is not measured
CALLS = 5


def least(call: Callable[[], Any]) -> float:
    """Seconds of the fastest call; infinity if one takes long."""
    found = []
    for _ in range(CALLS):
        began = time.perf_counter()
        call()
        found.append(time.perf_counter() - began)
        if found[0] > LONG:
            return float("inf")
    return min(found)


def share(entry: Entry) -> tuple[float, float]:
    """The cost of the checks as a share of that of the body, and the seconds of the body."""
    values = large(entry, (), NUMBERS, NUMBERS)
    with unchecked():
        body = least(lambda: entry.function(**values))
    return (least(lambda: entry.function(**values)) - body) / body, body


def main() -> None:
    found = {}
    with np.errstate(all="ignore"):
        for entry in (e for e in entries() if "numpy" in e.libraries):
            found[entry.name] = share(entry)
    measured = {n: (s, b) for n, (s, b) in found.items() if b < LONG}
    ranked = sorted(measured.items(), key=lambda pair: -pair[1][0])
    for name, (part, body) in ranked[:10]:
        print(f"checks of {name:34} {part:10.2f} of its body, {1000 * body:.1f} ms")
    above = sum(part > 0.5 for part, _ in measured.values())
    print(f"checks above half of the body: {above} of {len(measured)} entries")


if __name__ == "__main__":
    main()
