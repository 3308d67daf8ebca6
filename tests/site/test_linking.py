"""Other projects link to entries by bare names, and former addresses lead on."""

import re
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import Page

from mlmath_ref import SITE, address
from mlmath_ref.catalog import entries, entry

ROOT = Path(__file__).parents[2]
POLICY = "default-src 'none'"  # not even a script of the site


def build(folder: Path, settings: str, text: str) -> Path:
    """A project of one page."""
    (folder / "conf.py").write_text(settings)
    (folder / "index.rst").write_text(text)
    command = [sys.executable, "-m", "sphinx", "-n", "-W", str(folder), str(folder / "site")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder / "site"


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


def test_a_former_address_leads_on(page: Page, tmp_path: Path) -> None:
    """By a page without a script, which a policy cannot stop."""
    template = ROOT / "docs" / "_templates" / "redirect.html"
    settings = (
        "extensions = ['sphinx_reredirects']\nredirects = {'entries/old': 'new.html'}\n"
        f"redirect_html_template_file = {str(template)!r}\n"
    )
    built = build(tmp_path, settings, "Home\n====\n")
    text = (built / "entries" / "old.html").read_text()
    assert "<script" not in text
    assert '<a href="new.html">' in text

    def answer(name: str) -> None:
        body = text if name == "old" else "<h1>New</h1>"
        page.route(
            f"http://site.test/{name}.html",
            lambda route: route.fulfill(
                body=body, content_type="text/html", headers={"Content-Security-Policy": POLICY}
            ),
        )

    answer("old")
    answer("new")
    page.goto("http://site.test/old.html")
    page.wait_for_url("http://site.test/new.html")
    assert page.locator("h1").inner_text() == "New"
    page.unroute_all()
