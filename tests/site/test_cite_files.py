"""The files of citations: none of an earlier build, and those under former names."""

from pathlib import Path
from types import SimpleNamespace

import citing
import permalinks
import pytest

from mlmath_ref.catalog import entry
from mlmath_ref.citation import SUFFIXES, citation


def test_cite_files_are_those_of_this_build(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    e = entry("softmax")
    monkeypatch.setattr(citing, "entries", lambda: (e,))
    monkeypatch.setattr(citing, "works", dict)
    monkeypatch.setattr(permalinks, "former", lambda name: ["old_name"])
    (tmp_path / citing.FOLDER).mkdir()
    (tmp_path / citing.FOLDER / "stale.bib").write_text("")
    app = SimpleNamespace(builder=SimpleNamespace(format="html"), outdir=tmp_path)
    citing.write(app, None)  # type: ignore[arg-type]
    found = {p.name for p in (tmp_path / citing.FOLDER).iterdir()}
    names = ("softmax", "old_name", citing.ALL)
    assert found == {f"{name}.{suffix}" for name in names for suffix in SUFFIXES.values()}
    old = (tmp_path / citing.FOLDER / "old_name.bib").read_text()
    assert old == citation("softmax", "bibtex")
