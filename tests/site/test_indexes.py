"""The index of names and the facets, which work without scripts, and what the search loads."""

import re
from pathlib import Path

import pytest

from mlmath_ref.catalog import CONTRAST, KINDS, Entry, entries
from mlmath_ref.index import libraries


@pytest.mark.parametrize("entry", entries(), ids=lambda e: e.name)
def test_index_and_facets_have_every_entry(site: Path, entry: Entry) -> None:
    """A line a name; a row a kind and a library."""
    names = (site / "index-of-names.html").read_text()
    target = f'href="entries/{entry.name}.html'
    lines = [li for li in re.findall(r"<li>.*?</li>", names, re.DOTALL) if target in li]
    assert len(lines) == len({entry.concept, *entry.also_called})
    rows = re.findall(r"<tr.*?</tr>", (site / "facets.html").read_text(), re.DOTALL)
    inside = " ".join(r for r in rows if target in r)
    for value in {r.kind for r in entry.uses} | libraries(entry):
        assert value in inside


def test_kinds_are_all_in_the_facets(site: Path) -> None:
    text = (site / "facets.html").read_text()
    assert all(f"<p>{kind}</p>" in text for kind in KINDS if kind != CONTRAST)


def test_sphinx_search_is_gone(site: Path) -> None:
    for path in (site / "search.html", site / "entries" / "softmax.html"):
        scripts = re.findall(r"<script[^>]* src=[^>]*>", path.read_text())
        assert [re.search(r"(\w+)\.js", s)[1] for s in scripts] == ["theme", "site"]  # type: ignore[index]
