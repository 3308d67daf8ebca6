"""Try every class of bad and unusual input on every entry; print the outcomes as a table.

The cases are those of the tests (``tests/inputs.py``). The table goes to build/inputs.json too;
the exit status is 1 where an outcome is neither a naming error nor the right value.
"""

import json
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from inputs import CLASSES, placed  # noqa: E402
from outcomes import DOCUMENTED, OTHER, REFUSED, SAME, Case, outcome  # noqa: E402

from mlmath_ref.catalog import Entry, entries  # noqa: E402

COLUMNS = (REFUSED, SAME, DOCUMENTED, OTHER)
ANYWHERE = "a number anywhere"


def tally(entry: Entry) -> dict[str, Counter[str]]:
    """How often each class of input had each outcome."""
    table = {kind: Counter[str]() for kind in [*CLASSES, ANYWHERE]}

    def judge(kind: str, library: str, case: Case) -> None:
        label, reason = outcome(entry, case)
        table[kind][label] += 1
        if label == OTHER:
            print(f"{entry.name} ({library}), {kind}, {case.what}: {reason}", file=sys.stderr)

    for library in entry.libraries or ("numpy",):
        for kind, cases in {**CLASSES, ANYWHERE: placed}.items():
            for case in cases(entry, library):
                judge(kind, library, case)
    return {kind: counts for kind, counts in table.items() if counts}


def line(name: str, kind: str, counts: Counter[str]) -> str:
    cells = "".join(f"{counts[c] or '':>18}" for c in COLUMNS)
    return f"{name:32} {kind:18}{counts.total():>8}{cells}"


def main() -> None:
    print(f"{'entry':32} {'input':18}{'tried':>8}{''.join(f'{c:>18}' for c in COLUMNS)}")
    found = {}
    totals: dict[str, Counter[str]] = {}
    for entry in entries():
        found[entry.name] = tally(entry)
        for kind, counts in found[entry.name].items():
            print(line(entry.name, kind, counts))
            totals.setdefault(kind, Counter()).update(counts)
    print()
    for kind, counts in totals.items():
        print(line("all entries", kind, counts))
    total = sum(totals.values(), Counter[str]())
    print(line("all entries", "all inputs", total))
    target = ROOT / "build" / "inputs.json"
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(f"\nwritten to {target.relative_to(ROOT)}")
    sys.exit(int(bool(total[OTHER])))


if __name__ == "__main__":
    main()
