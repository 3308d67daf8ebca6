"""Nothing is fetched from a model hub; what was measured is kept in docs/witnesses.json."""

import json
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mlmath_ref.catalog import entries

os.environ["HF_HUB_OFFLINE"] = "1"
RECORD = Path(__file__).parents[2] / "docs" / "witnesses.json"
Records = dict[str, dict[str, Any]]  # name of an entry -> path of a witness -> what was measured


@pytest.fixture(scope="session")
def records() -> Iterator[Records]:
    """What agreed in this run; the record keeps the others, as far as a docstring names them."""
    new: Records = {}
    yield new
    old = json.loads(RECORD.read_text()) if RECORD.exists() else {}
    known = {**{n: dict(old.get(n, {}), **new.get(n, {})) for n in old.keys() | new.keys()}}
    named = {e.name: [w.path for w in e.witnesses] for e in entries() if e.witnesses}
    kept = {
        n: {p: known[n][p] for p in paths if p in known.get(n, {})} for n, paths in named.items()
    }
    kept = {n: found for n, found in kept.items() if found}
    RECORD.write_text(json.dumps(kept, indent=2, sort_keys=True) + "\n")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What became of the mutants, all witnesses together."""
    reports = terminalreporter.getreports("passed")
    found = [Counter(c) for r in reports for name, c in r.user_properties if name == "mutants"]
    total = sum(found, Counter[str]())
    told = ", ".join(f"{count} {fate}" for fate, count in total.most_common())
    terminalreporter.write_line(f"mutants of the entries' bodies: {told or 'none'}")
