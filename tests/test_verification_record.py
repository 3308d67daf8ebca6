"""The record of the last run: it is of every entry as it stands, and of the pinned versions."""

import re
import subprocess
from datetime import UTC, datetime

import pytest
import verification
from drawing import arguments, real_arrays, seeds
from recording import ROOT
from test_entries import GRADIENT, is_continuous

from mlmath_ref.binding import DRAWS
from mlmath_ref.catalog import Entry, entries
from mlmath_ref.evaluation import TOLERANCE

RUN = "make record is due"
each_entry = pytest.mark.parametrize("entry", entries(), ids=lambda e: e.name)


@each_entry
def test_record_is_of_the_entry_as_it_stands(entry: Entry) -> None:
    found = verification.verified(entry)
    assert found, f"{entry.name} has changed since docs/verification.json was written: {RUN}"
    assert len(found["differences"]) == len(entry.oracles), RUN
    assert bool(found.get("gradient")) != bool(verification.no_gradient(entry)), RUN


@each_entry
def test_figures_are_those_of_the_tests(entry: Entry) -> None:
    own = verification.record()["entries"][entry.name]
    found = {**verification.record()["usual"], **own}
    assert found["formula"] == TOLERANCE
    assert found["draws"] == len(seeds(entry, DRAWS))
    allowed = {1e-12, 1e-11} if is_continuous(entry) else {0.0}  # by agree
    assert set(found["differences"]) <= allowed
    if not verification.no_gradient(entry):
        assert found["within"] == GRADIENT
        given = arguments(entry, 2)[0]
        assert found["gradient"] == sorted(n for n in real_arrays(entry) if n in given)


def test_run_is_of_a_commit_and_later_than_it() -> None:
    run = verification.record()["run"]
    assert re.fullmatch("[0-9a-f]{40}", run["commit"])
    assert run["date"] <= datetime.now(UTC).date().isoformat()
    shown = subprocess.run(
        ["git", "show", "--no-patch", "--format=%ct", run["commit"]],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if shown.returncode == 0:  # a copy without history has no commits
        assert datetime.fromtimestamp(int(shown.stdout), UTC).date().isoformat() <= run["date"]


def test_record_has_no_other_entries() -> None:
    assert set(verification.record()["entries"]) == {e.name for e in entries()}, RUN


def test_record_is_of_the_pinned_versions() -> None:
    pins = re.findall(
        r"^([\w.-]+)==([^\s;]+)", (ROOT / "constraints.txt").read_text(), re.MULTILINE
    )
    known = {f"{re.sub(r'[-_.]+', '-', name).lower()} {version}" for name, version in pins}
    told = verification.record()["run"]["versions"].values()
    assert {re.sub(r"[-_]+", "-", t).lower() for t in told} <= known, RUN
