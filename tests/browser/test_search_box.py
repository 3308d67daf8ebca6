"""The search as a reader meets it, in Chromium: the box of every page and the page of the search."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from browsing import CONTRAST, keep_two_alike, problems
from playwright.sync_api import Browser, BrowserContext, Page, expect

from mlmath_ref.catalog import entries, entry

INDEX, DETAILS = "_static/search/index.js", "_static/search/details.js"
HOSTILE = {
    "script": "<script>window.hit = 1</script>",
    "image": "<img src=x onerror='window.hit = 1'>",
    "attribute": "\" autofocus onfocus='window.hit = 1' x=\"",
    "mathml": "<math><mtext></math><script>window.hit = 1</script>",
    "long": "x" * 100_000,
    "nested": "{" * 50_000,
    "fractions": r"\frac{" * 5_000,
    "controls": "a\0b\x1b[31m\u202e\ud7ff\ufffe",
    "backtracking": "a" * 30 + "!" + "(a+)+$" * 500,
    "prototype": "__proto__ constructor toString",
    "unbalanced": r"}{\left( \right] \begin{x} ^^__ && \\",
}


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A tab of its own: queries are remembered, and requests are stopped."""
    context = browser.new_context()
    yield context.new_page()
    context.close()


def box(page: Page, query: str) -> None:
    """Type into the box of an entry's page, and wait for what it shows."""
    page.keyboard.press("Control+k")
    page.keyboard.insert_text(query)
    page.wait_for_selector(".search-panel:not([hidden]) .search-status:not(:empty)")


def concepts(page: Page) -> list[str]:
    page.wait_for_selector(".hit-concept")
    return page.locator(".hit-concept").all_inner_texts()


def test_box_shows_results_while_typing(page: Page, address: str) -> None:
    page.goto(f"{address}/entries/softmax.html")
    page.keyboard.press("/")
    page.keyboard.type("relative entropy", delay=5)
    expect(page.locator("[role=option] .hit-concept").first).to_have_text(
        "Kullback-Leibler divergence"
    )
    first = page.locator("[role=option]").first
    expect(first.locator("math msub").first).to_be_attached()
    role = first.locator(".hit-role").inner_text()
    assert role.startswith(tuple(f"{r.kind} · {r.system}: " for r in entry("kl_divergence").uses))
    assert first.locator(".hit-also").inner_text() == "also called relative entropy"
    assert first.locator(".hit-domain").inner_text()


def test_box_is_worked_by_keyboard(page: Page, address: str) -> None:
    page.goto(f"{address}/entries/softmax.html")
    page.keyboard.press("Control+k")
    search = page.get_by_role("combobox", name="Search")
    expect(search).to_be_focused()
    expect(search).to_have_attribute("aria-expanded", "false")
    box(page, "relative entropy")
    expect(search).to_have_attribute("aria-expanded", "true")
    assert search.get_attribute("aria-activedescendant") is None
    page.keyboard.press("ArrowDown")
    chosen = page.locator(f"#{search.get_attribute('aria-activedescendant')}")
    expect(chosen).to_have_attribute("aria-selected", "true")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    expect(page.locator("[role=option]").last).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Escape")
    expect(page.get_by_role("listbox")).to_be_hidden()
    expect(search).to_have_value("relative entropy")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url("**/entries/kl_divergence.html")


def test_enter_opens_the_page_of_the_search(page: Page, address: str) -> None:
    page.goto(f"{address}/entries/softmax.html")
    page.keyboard.press("/")
    page.keyboard.type("relative entropy")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search.html?q=relative+entropy")
    assert concepts(page)[0] == "Kullback-Leibler divergence"
    assert page.get_by_role("searchbox", name="Search").input_value() == "relative entropy"


def test_nothing_is_loaded_before_the_focus(page: Page, address: str) -> None:
    asked: list[str] = []
    page.on("request", lambda r: asked.append(r.url))
    page.goto(f"{address}/entries/softmax.html", wait_until="networkidle")
    assert not any("/search/" in url for url in asked)
    box(page, "softmax")
    box(page, "softmax")
    assert [url for url in asked if "/search/" in url] == [
        f"{address}/{INDEX}",
        f"{address}/{DETAILS}",
    ]


def test_query_and_filters_are_in_the_address(page: Page, address: str) -> None:
    page.goto(f"{address}/search.html?q=attention")
    before = concepts(page)
    page.locator("[data-facet=kind] summary").click()
    page.get_by_role("checkbox", name="analysis").check()
    assert "q=attention" in page.url
    assert "kind=analysis" in page.url
    after = concepts(page)
    assert 0 < len(after) < len(before)
    page.reload()
    assert concepts(page) == after
    page.get_by_role("searchbox", name="Search").fill("")
    wanted = {e.concept for e in entries() if any(r.kind == "analysis" for r in e.uses)}
    expect(page.locator(".search-status")).to_contain_text(f"{len(wanted)} entries")
    assert set(concepts(page)) <= wanted
    page.get_by_role("button", name="Clear the filters").click()
    expect(page.locator(".hit-concept")).to_have_count(0)
    page.wait_for_url("**/search.html")


def test_more_results_follow(page: Page, address: str) -> None:
    page.goto(f"{address}/search.html?library=torch")
    assert len(concepts(page)) == 20
    page.get_by_role("button", name="More results").click()
    expect(page.locator("#search-results li").nth(20).get_by_role("link")).to_be_focused()


def test_what_was_understood_is_announced(page: Page, address: str) -> None:
    page.goto(f"{address}/entries/relu.html")
    box(page, "softamx")
    expect(page.locator("form [role=status]")).to_contain_text("Did you mean softmax?")
    page.get_by_role("link", name="softmax", exact=True).click()
    page.wait_for_url("**/search.html?q=softmax")
    page.get_by_role("searchbox").fill(r"\frac{QK^\top}{\sqrt{d_k}}")
    expect(page.get_by_role("status")).to_contain_text("read as a formula")


def test_matched_part_of_a_formula_is_marked(page: Page, address: str) -> None:
    page.goto(f"{address}/entries/relu.html")
    box(page, r"\frac{QK^T}{\sqrt{d_k}}")
    first = page.locator("[role=option]:has(.matched) math").first
    assert first.text_content() == "S=QK⊤dk"
    assert first.locator(".matched").all_text_contents() == ["QK⊤dk"]


@pytest.mark.parametrize("query", HOSTILE.values(), ids=HOSTILE)
def test_hostile_input_is_text(page: Page, address: str, query: str) -> None:
    found = problems(page, address)
    page.goto(f"{address}/entries/relu.html")
    box(page, query)
    page.evaluate(
        """q => {
            localStorage.setItem("recent-queries", JSON.stringify([q, 1, null]));
            const terms = new URLSearchParams({q: q.slice(0, 5000), domain: q.slice(0, 500)});
            sessionStorage.setItem("terms", terms);
        }""",
        query,
    )
    terms = page.evaluate("sessionStorage.getItem('terms')")
    page.goto(f"{address}/search.html?{terms}")
    page.wait_for_selector(".search-status:not(:empty)")
    assert page.locator("#search-results :is(script, img), [onfocus], [onerror]").count() == 0
    page.goto(f"{address}/entries/softmax.html")
    page.keyboard.press("/")
    page.wait_for_selector("[role=option]")
    assert page.evaluate("window.hit") is None
    assert not [f for f in found if "favicon" not in f]  # whose request ends with its page


@pytest.mark.parametrize("kept", ["", "{", '{"a": 1}', "[1, null]", "null"])
def test_spoiled_storage_is_ignored(page: Page, address: str, kept: str) -> None:
    found = problems(page, address)
    page.goto(f"{address}/entries/softmax.html")
    page.evaluate("kept => localStorage.setItem('recent-queries', kept)", kept)
    box(page, "relu")
    assert concepts(page)
    assert not found


def test_recent_queries_are_kept_and_forgotten(page: Page, address: str) -> None:
    page.goto(f"{address}/entries/softmax.html")
    for query in ("relu", "softmax"):
        box(page, query)
        page.keyboard.press("Enter")
        page.wait_for_url("**/search.html?q=*")
        page.goto(f"{address}/entries/softmax.html")
    page.keyboard.press("/")
    expect(page.locator("[role=option]")).to_have_text(["softmax", "relu"])
    page.get_by_role("button", name="Forget them").click()
    expect(page.locator("[role=option]")).to_have_count(0)
    assert page.evaluate("JSON.parse(localStorage.getItem('recent-queries'))") == []


def test_search_does_without_storage(page: Page, address: str) -> None:
    found = problems(page, address)
    page.add_init_script(
        "Object.defineProperty(window, 'localStorage', {get() { throw new Error('forbidden') }})"
    )
    page.goto(f"{address}/search.html?q=relu")
    assert concepts(page)
    assert not [f for f in found if "forbidden" not in f]


def test_names_are_found_without_the_details(page: Page, address: str) -> None:
    page.route(f"**/{DETAILS}", lambda route: route.abort())
    page.goto(f"{address}/entries/softmax.html")
    box(page, "relative entropy")
    assert concepts(page)[0] == "Kullback-Leibler divergence"
    assert "D_{" in page.locator("[role=option] .hit-formula code").first.inner_text()


def test_missing_index_is_said(page: Page, address: str) -> None:
    page.route(f"**/{INDEX}", lambda route: route.abort())
    page.goto(f"{address}/entries/softmax.html")
    box(page, "relu")
    page.get_by_role("link", name="index of names", exact=True).click()
    page.wait_for_url("**/index-of-names.html")


def test_search_works_from_disk(page: Page, site: Path) -> None:
    found = problems(page, "file://")
    page.goto(f"file://{site}/entries/softmax.html")
    box(page, "relative entropy")
    assert concepts(page)[0] == "Kullback-Leibler divergence"
    page.keyboard.press("Enter")
    page.wait_for_url("**/search.html?q=relative+entropy")
    page.get_by_role("searchbox").fill("swish")
    page.wait_for_url("**/search.html?q=swish")
    expect(page.locator(".hit-concept").first).to_have_text("Sigmoid linear unit")
    assert not found


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_search_is_accessible(browser: Browser, address: str, scheme: str, width: int) -> None:
    context = browser.new_context(
        color_scheme="dark" if scheme == "dark" else "light",
        viewport={"width": width, "height": 740},
    )
    page = context.new_page()
    page.goto(f"{address}/entries/softmax.html")
    box(page, r"\frac{QK^T}{\sqrt{d_k}}")
    page.keyboard.press("ArrowDown")
    options = CONTRAST if scheme == "dark" else None  # the rest is the same in both
    reports = [Axe().run(page, "form[role=search]", options)]
    panel = page.locator(".search-panel").bounding_box()
    page.goto(f"{address}/search.html?q=attention&kind=layer")
    for summary in page.locator("summary").all():
        summary.click()
    scrolled = page.evaluate("document.documentElement.scrollWidth")
    keep_two_alike(page)
    reports.append(Axe().run(page, options=options))
    context.close()
    for report in reports:
        assert report.violations_count == 0, report.generate_report()
    assert panel
    assert panel["x"] >= 0
    assert panel["x"] + panel["width"] <= width
    assert scrolled <= width


def test_head_of_a_phone_leads_to_the_search(browser: Browser, address: str) -> None:
    context = browser.new_context(viewport={"width": 360, "height": 740})
    page = context.new_page()
    page.goto(f"{address}/entries/softmax.html")
    page.get_by_role("link", name="Search", exact=True).click()
    page.wait_for_url("**/search.html")
    context.close()


def without_scripts(browser: Browser) -> BrowserContext:
    return browser.new_context(java_script_enabled=False)


def test_without_scripts_the_form_leads_to_the_names(browser: Browser, address: str) -> None:
    context = without_scripts(browser)
    page = context.new_page()
    page.goto(f"{address}/entries/softmax.html")
    page.get_by_role("searchbox", name="Search").fill("relative entropy")
    page.keyboard.press("Enter")
    page.wait_for_url("**/index-of-names.html?q=*")
    name = page.get_by_role("listitem").filter(has_text=re.compile("^relative entropy:"))
    name.get_by_role("link").click()
    page.wait_for_url("**/entries/kl_divergence.html#*")
    page.goto(f"{address}/search.html")
    expect(page.locator("noscript").get_by_role("link", name="index of names")).to_be_visible()
    context.close()
