"""Permanent identity: a name once published leads to its entry for ever."""

import re
import subprocess
from pathlib import Path

import permalinks
import pytest
from anchors import role_anchor

from mlmath_ref import SITE
from mlmath_ref.catalog import Entry, entries
from mlmath_ref.citation import works

ROOT = Path(__file__).parents[1]
PUBLISHED = permalinks.published(permalinks.RECORD.read_text())
NAMES = {e.name for e in entries()}
each_entry = pytest.mark.parametrize("entry", entries(), ids=lambda e: e.name)


def test_every_entry_is_published() -> None:
    new = NAMES - set(PUBLISHED)
    assert not new, f"run make site, which adds {sorted(new)} to docs/permalinks.txt, and commit it"


def test_no_published_name_vanishes() -> None:
    lost = {n for n in PUBLISHED if permalinks.present(n, PUBLISHED) not in NAMES}
    assert not lost, f"add a line 'name -> new name' to docs/permalinks.txt for {sorted(lost)}"
    assert not {n for n, successor in PUBLISHED.items() if successor} & NAMES, (
        "a name is used again"
    )


def test_the_record_is_only_appended_to() -> None:
    """Over all of its history that this clone has."""
    command = ["git", "log", "--patch", "--first-parent", "-m", "--format=", "--no-ext-diff"]
    done = subprocess.run(
        [*command, "HEAD", "--", "docs/permalinks.txt"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    published = re.findall(r"^[+-](?![+-])(.+)", done.stdout, re.MULTILINE)
    lines = permalinks.RECORD.read_text().splitlines()
    assert not set(published) - set(lines), f"gone: {sorted(set(published) - set(lines))}"
    assert len(set(lines)) == len(lines), "a line stands twice"


def test_renamings_are_followed() -> None:
    record = permalinks.published("a\nb\nc\na -> b\nb -> c\n")
    assert record == {"a": "b", "b": "c", "c": ""}
    assert [permalinks.present(n, record) for n in "abc"] == ["c", "c", "c"]
    with pytest.raises(ValueError, match=r"renames in a circle: a, b"):
        permalinks.present("a", {"a": "b", "b": "a"})


def test_the_build_appends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record = tmp_path / "permalinks.txt"
    record.write_text("an_old_name -> softmax\nsoftmax\n")
    monkeypatch.setattr(permalinks, "RECORD", record)
    permalinks.append()
    once = record.read_text()
    permalinks.append()
    assert record.read_text() == once
    assert once.startswith("an_old_name -> softmax\nsoftmax\n")
    assert set(permalinks.published(once)) == NAMES | {"an_old_name"}


@each_entry
def test_each_role_has_an_anchor_of_its_own(entry: Entry) -> None:
    found = [role_anchor(role) for role in entry.roles]
    assert len(set(found)) == len(found), f"one job in one system is one role: {found}"


def test_names_of_entries_and_works_differ() -> None:
    assert not NAMES & {*works(), *set(PUBLISHED) - NAMES}
    assert not set(works()) & set(PUBLISHED)


def test_the_page_on_links_has_the_address() -> None:
    assert f'"mlmath": ("{SITE}", None)' in (ROOT / "docs" / "linking.md").read_text()
