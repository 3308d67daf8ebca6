"""The record of the last run: it is of every entry as it stands, and of the pinned versions."""

import re

import pytest
import verification
from recording import ROOT

from mlmath_ref.catalog import Entry, entries

RUN = "make record is due"
each_entry = pytest.mark.parametrize("entry", entries(), ids=lambda e: e.name)


@each_entry
def test_record_is_of_the_entry_as_it_stands(entry: Entry) -> None:
    found = verification.verified(entry)
    assert found, f"{entry.name} has changed since docs/verification.json was written: {RUN}"
    assert len(found["differences"]) == len(entry.oracles), RUN
    assert bool(found.get("gradient")) != bool(verification.no_gradient(entry)), RUN


def test_record_has_no_other_entries() -> None:
    assert set(verification.record()["entries"]) == {e.name for e in entries()}, RUN


def test_record_is_of_the_pinned_versions() -> None:
    pins = re.findall(
        r"^([\w.-]+)==([^\s;]+)", (ROOT / "constraints.txt").read_text(), re.MULTILINE
    )
    known = {f"{re.sub(r'[-_.]+', '-', name).lower()} {version}" for name, version in pins}
    told = verification.record()["run"]["versions"].values()
    assert {re.sub(r"[-_]+", "-", t).lower() for t in told} <= known, RUN
