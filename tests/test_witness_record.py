"""The record of the systems' own code: what ``make witness`` measured fits what the entries say."""

import json
import re
from pathlib import Path

import pytest
import verification
from verification import code

from mlmath_ref.catalog import entries, entry

ROOT = Path(__file__).parents[1]
RECORD = json.loads((ROOT / "docs" / "witnesses.json").read_text())


def test_record_has_every_witness() -> None:
    named = {(e.name, w.path) for e in entries() for w in e.witnesses}
    assert {(name, path) for name, found in RECORD.items() for path in found} == named


def test_record_is_of_the_code_as_it_stands() -> None:
    stale = [
        e.name
        for e in entries()
        for m in RECORD.get(e.name, {}).values()
        if m.get("code") != code(e)
    ]
    assert not stale, "make witness is due"


def test_record_is_of_the_pinned_versions() -> None:
    pins = dict(re.findall(r"^([\w.-]+)==(.+)$", (ROOT / "constraints.txt").read_text(), re.M))
    pins = {canonical(name): version for name, version in pins.items()}
    for found in RECORD.values():
        for path, measured in found.items():
            assert measured["version"] == pins[canonical(measured["library"])], path


def canonical(name: str) -> str:
    """A distribution's name as package indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def test_figures_are_bounds_that_a_run_can_measure() -> None:
    for found in RECORD.values():
        for measured in found.values():
            for figure in (measured["values"], measured["gradients"]):
                assert figure is None or 1e-12 <= figure <= 1e-5


def test_notes_tell_what_differs() -> None:
    noted = {(e.name, w.path): bool(w.note) for e in entries() for w in e.witnesses}
    recorded = {(n, p): "shipped" in m for n, found in RECORD.items() for p, m in found.items()}
    assert recorded == noted


def test_witness_of_other_code_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    e = entry("rms_norm")
    shown = verification.witness_rows(e)
    assert shown
    monkeypatch.setattr(verification, "code", lambda e: "of another body")
    assert verification.witness_rows(e) == []
