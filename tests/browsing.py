"""What goes wrong while a page is used."""

from weakref import WeakKeyDictionary

from playwright.sync_api import Page

_found: WeakKeyDictionary[Page, list[str]] = WeakKeyDictionary()
_host: WeakKeyDictionary[Page, str] = WeakKeyDictionary()


def problems(page: Page, host: str) -> list[str]:
    """Filled, while a page is used, with errors and with requests that leave the host."""
    if page not in _found:
        _watch(page)
    _found[page], _host[page] = [], host
    return _found[page]


CONTRAST = {"runOnly": {"type": "rule", "values": ["color-contrast"]}}  # of axe
ALIKE = """() => {
  for (const parent of document.querySelectorAll("body *")) {
    const seen = {};
    for (const child of [...parent.children]) {
      const kind = `${child.tagName} ${child.className}`;
      seen[kind] = (seen[kind] ?? 0) + 1;
      if (seen[kind] > 2) child.remove();
    }
  }
}"""


def keep_two_alike(page: Page) -> None:
    """Remove siblings beyond two of one element and class, as in long lists."""
    page.evaluate(ALIKE)


def _watch(page: Page) -> None:
    """Once for a tab, however many tests it serves."""

    def note(text: str) -> None:
        _found[page].append(text)

    page.on("console", lambda m: note(m.text) if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda e: note(str(e)))
    page.on(
        "requestfailed",  # aborted is what a page has not waited for when it is left
        lambda r: None if r.failure == "net::ERR_ABORTED" else note(f"failed: {r.url}"),
    )
    page.on(
        "request",
        lambda r: None if r.url.startswith((_host[page], "data:")) else note(f"left: {r.url}"),
    )
