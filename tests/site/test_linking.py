"""Other projects link to entries by bare names."""

import re
from pathlib import Path

from sphinx_project import build

from mlmath_ref import SITE, address
from mlmath_ref.catalog import entries, entry


def test_another_project_links_by_bare_names(site: Path, tmp_path: Path) -> None:
    settings = (
        "extensions = ['sphinx.ext.intersphinx']\n"
        f"intersphinx_mapping = {{'mlmath': ({SITE!r}, {str(site / 'objects.inv')!r})}}\n"
    )
    lines = ["Links", "=====", ""]
    for e in entries():
        lines.append(f"- :ref:`{e.name}`, :py:func:`{e.name}`, :external+mlmath:py:func:`{e.name}`")
    text = (build(tmp_path, settings, "\n".join([*lines, ""])) / "index.html").read_text()
    for e in entries():
        links = re.findall(rf'href="{address(e.name)}#([\w-]+)"', text)
        page = (site / "entries" / f"{e.name}.html").read_text()
        assert len(links) == 3, f"{e.name}: {links}"
        assert all(f'id="{anchor}"' in page for anchor in links)
    assert entry("kl_divergence").concept in text
