"""Nothing is fetched from a model hub; what was measured of a commit is kept in a record."""

import json
import os
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from recording import commit, today
from verification import WITNESSES, witness_record

from mlmath_ref.catalog import entries

os.environ["HF_HUB_OFFLINE"] = "1"
Records = dict[str, dict[str, Any]]  # name of an entry -> path of a witness -> what was measured


@pytest.fixture(scope="session")
def records(pytestconfig: pytest.Config) -> Iterator[Records]:
    """What agreed in this run; the record keeps the others, as far as a docstring names them.

    What was measured before and came out the same keeps its date and commit.
    """
    new: Records = {}
    try:
        run = {"commit": commit(), "date": today()}
    except pytest.UsageError as error:
        yield new
        reporter = pytestconfig.pluginmanager.get_plugin("terminalreporter")
        reporter and reporter.write_line(f"docs/witnesses.json is not written: {error}")
        return
    yield new
    old = witness_record()
    kept: Records = {}
    for name, path in ((e.name, w.path) for e in entries() for w in e.witnesses):
        before, now = old.get(name, {}).get(path), new.get(name, {}).get(path)
        if now and not (before and now.items() <= before.items()):
            before = now | run
        if before:
            kept.setdefault(name, {})[path] = before
    WITNESSES.write_text(json.dumps(kept, indent=2, sort_keys=True) + "\n")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What became of the mutants, all witnesses together."""
    reports = terminalreporter.getreports("passed")
    found = [Counter(c) for r in reports for name, c in r.user_properties if name == "mutants"]
    total = sum(found, Counter[str]())
    told = ", ".join(f"{count} {fate}" for fate, count in total.most_common())
    terminalreporter.write_line(f"mutants of the entries' bodies: {told or 'none'}")
