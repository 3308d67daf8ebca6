"""The site as a reader meets it, in Chromium."""

import doctest
import json
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from axe_playwright_python.sync_playwright import Axe
from browsing import CONTRAST, keep_two_alike, problems
from mathml import speech
from playwright.sync_api import Browser, Locator, Page, Route

from mlmath_ref import address as permanent
from mlmath_ref.catalog import entries, entry, topics
from mlmath_ref.citation import SUFFIXES, citation
from mlmath_ref.standalone import standalone

ENTRIES = [f"entries/{e.name}" for e in entries()]
TOPICS = [f"topics/{t.domain}/{t.name}" for t in topics()]
DOMAINS = sorted({f"topics/{t.domain}/index" for t in topics()})
DOCS = Path(__file__).parents[2] / "docs"
WRITTEN = sorted(p.relative_to(DOCS).with_suffix("").as_posix() for p in DOCS.rglob("[a-z]*.md"))
OTHERS = [*(w for w in WRITTEN if not w.startswith("_")), "search", "genindex"]
KINDS = [  # a page of each kind
    *(ENTRIES[0], "entries/scaled_dot_product_attention", TOPICS[0], DOMAINS[0]),
    *("index", "map", "facets", "index-of-names", "training-settings", "curriculum"),
    *("quick-reference", "plots", "quiz", "errata", "notation", "references", "search"),
    "_modules/mlmath_ref/information/divergence",  # the source of a topic
]


@pytest.mark.parametrize("path", [*ENTRIES, *TOPICS, *DOMAINS, *OTHERS])
def test_page_renders(page: Page, address: str, path: str) -> None:
    found = problems(page, address)
    page.set_viewport_size({"width": 360, "height": 740})  # a phone
    page.goto(f"{address}/{path}.html")
    assert page.locator("h1").count() == 1
    assert not found
    assert page.locator("math merror").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    if path in ENTRIES:
        box = page.locator(".formula math").first.bounding_box()
        assert box
        assert box["height"] > 10
        assert box["width"] > 20


@pytest.mark.parametrize("path", KINDS)
def test_page_is_accessible(page: Page, address: str, path: str) -> None:
    """By all rules in the light scheme; in the dark one only colors differ.

    Of siblings that are alike two are kept: whole lists take axe minutes.
    """
    page.goto(f"{address}/{path}.html")
    keep_two_alike(page)
    reports = [Axe().run(page)]
    page.emulate_media(color_scheme="dark")
    reports.append(Axe().run(page, options=CONTRAST))
    for report in reports:
        assert report.violations_count == 0, report.generate_report()


@pytest.mark.parametrize("name", ["kl_divergence", "scaled_dot_product_attention"])
def test_screen_reader_gets_the_formula(browser: Browser, address: str, name: str) -> None:
    """As words, by the name of the node; and as MathML to navigate, by the nodes below it."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{address}/entries/{name}.html")
    found = context.new_cdp_session(page).send("Accessibility.getFullAXTree")["nodes"]
    context.close()
    nodes = {n["nodeId"]: n for n in found}
    math = [n for n in found if n["role"]["value"] == "MathMLMath"]
    words = speech()[" ".join(entry(name).formula.split())]
    assert words in [n["name"]["value"] for n in math]
    assert all(n["name"]["value"] for n in math)
    for n in math:
        below = [nodes[i] for i in n["childIds"]]
        assert all(b["role"]["value"].startswith("MathML") for b in below)
        assert not any(b["ignored"] for b in below)


USABLE = """() => {
  const usable = "a[href], button, input, select, summary, [tabindex='0']";
  const open = (e) => e.checkVisibility({ visibilityProperty: true }) && e.tabIndex >= 0;
  window.usable = [...document.querySelectorAll(usable)].filter(open);
  return window.usable.map((e) => e.outerHTML.slice(0, 100));
}"""
FOCUSED = """() => {
  const e = document.activeElement;
  const style = getComputedStyle(e);
  const shown = e === document.body || style.outlineStyle !== "none" || style.boxShadow !== "none";
  return [window.usable.indexOf(e), shown, e.outerHTML.slice(0, 100)];
}"""


@pytest.mark.parametrize("path", ["entries/softmax", "index", "search", "plots", "quiz"])
def test_page_is_walked_by_keyboard(page: Page, address: str, path: str) -> None:
    """Tab reaches all that can be used, each with an outline, and goes round."""
    page.goto(f"{address}/{path}.html")
    keep_two_alike(page)
    usable = dict(enumerate(page.evaluate(USABLE)))
    page.evaluate("document.activeElement.blur()")
    for _ in range(2 * len(usable) + 10):
        page.keyboard.press("Tab")
        index, is_shown, what = page.evaluate(FOCUSED)
        usable.pop(index, None)
        assert is_shown, what
    assert not usable


@pytest.mark.parametrize("path", KINDS)
def test_page_works_from_disk(page: Page, site: Path, path: str) -> None:
    found = problems(page, "file://")
    page.goto(f"file://{site}/{path}.html")
    assert page.locator("h1").count() == 1
    assert not found


def test_page_reads_without_scripts(browser: Browser, address: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{address}/entries/kl_divergence.html")
    box = page.locator(".formula math").bounding_box()
    text = page.locator("article").inner_text()
    context.close()
    assert box
    assert box["height"] > 10
    assert "relative entropy" in text
    assert "np.sum" in text


def test_math_font_is_the_one_of_the_site(page: Page, address: str) -> None:
    page.goto(f"{address}/entries/kl_divergence.html")
    assert page.evaluate("document.fonts.check('16px \"Map Math\"', '\\u2211')")
    assert page.evaluate("[...document.fonts].map(f => f.status)") == ["loaded"]


# What needs no inline script; Furo has a sheet of styles in its pages.
POLICY = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; font-src data:; "
    "img-src 'self' data:; style-src 'self' 'unsafe-inline'"
)
COPYING = ["softmax", "scaled_dot_product_attention", "jacobian", "kv_cache_bytes"]


def click(page: Page, button: Locator) -> str:
    """What is on the clipboard after a click."""
    page.evaluate("navigator.clipboard.writeText('')")
    button.click()
    page.locator(".copied", has_text="Copied").wait_for()
    return str(page.evaluate("navigator.clipboard.readText()")).replace("\r\n", "\n")


@pytest.mark.parametrize("name", COPYING)
def test_every_kind_of_button_copies(page: Page, address: str, site: Path, name: str) -> None:
    """Under a policy against inline scripts, which data for machines are not."""
    found, e = problems(page, address), entry(name)
    path = f"{address}/entries/{name}.html"

    def protect(route: Route) -> None:
        route.fulfill(response=route.fetch(), headers={"Content-Security-Policy": POLICY})

    page.route(path, protect)
    page.goto(path)
    buttons = {b.inner_text(): b for b in page.locator(".copy-bar button").all()}
    copied = {label: click(page, button) for label, button in buttons.items()}
    assert copied.pop("LaTeX").split() == e.formula.split()
    math = ElementTree.fromstring(copied.pop("MathML"))
    assert math.tag == "{http://www.w3.org/1998/Math/MathML}math"
    assert not {"annotation", "semantics"} & {n.tag.partition("}")[2] for n in math.iter()}
    assert copied.pop("BibTeX") == citation(name, "bibtex").strip()
    assert copied.pop("Link") == permanent(name)
    example = copied.pop("Example")
    wanted = [x.source for x in doctest.DocTestParser().get_examples(e.sections["Examples"])]
    assert (
        re.sub(r"  # doctest:.*", "", "".join(wanted)).split() == example.split("\n", 1)[1].split()
    )
    assert example.startswith("from mlmath_ref.")
    for library, text in zip(e.libraries or ("numpy",), copied.values(), strict=True):
        assert text == standalone(e, library).strip()
    cited = [name, *dict.fromkeys(c.key for c in e.citations)][:2]
    for row, key in zip(page.locator(".formats").all(), cited):
        texts = [click(page, button) for button in row.locator("button").all()]
        assert texts == [citation(key, format).strip() for format in SUFFIXES]
    data = page.locator('script[type="application/ld+json"]').text_content()
    assert json.loads(data or "")["url"] == permanent(name)
    page.unroute_all()
    assert not found


def test_citations_are_copied_from_disk(page: Page, site: Path) -> None:
    page.goto(f"file://{site}/entries/softmax.html")
    rows = page.locator(".formats")
    assert click(page, rows.first.locator("button").first) == citation("softmax", "bibtex").strip()
    assert rows.last.locator("button").count() == 0, "a file cannot be read from a page on disk"


def test_a_button_copies_by_key(page: Page, address: str) -> None:
    page.goto(f"{address}/entries/softmax.html")
    page.locator("button.copybtn").first.focus()
    page.keyboard.press("Enter")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.split() == entry("softmax").formula.split()


def test_theme_is_kept(browser: Browser, address: str) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{address}/index.html")
    page.locator(".theme-toggle-content button").click()
    chosen = page.evaluate("document.body.dataset.theme")
    page.goto(f"{address}/map.html")
    kept = page.evaluate("document.body.dataset.theme")
    context.close()
    assert chosen != "auto"
    assert kept == chosen
