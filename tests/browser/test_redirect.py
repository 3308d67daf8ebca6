"""A former address of an entry leads on."""

from pathlib import Path

from playwright.sync_api import Page
from sphinx_project import build

ROOT = Path(__file__).parents[2]
POLICY = "default-src 'none'"  # not even a script of the site


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
