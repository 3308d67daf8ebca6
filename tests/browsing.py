"""What goes wrong while a page is used."""

from playwright.sync_api import Page


def problems(page: Page, host: str) -> list[str]:
    """Filled, while a page is used, with errors and with requests that leave the host."""
    found: list[str] = []
    page.on("console", lambda m: found.append(m.text) if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda e: found.append(str(e)))
    page.on(
        "requestfailed",  # aborted is what a page has not waited for when it is left
        lambda r: None if r.failure == "net::ERR_ABORTED" else found.append(f"failed: {r.url}"),
    )
    page.on(
        "request",
        lambda r: None if r.url.startswith((host, "data:")) else found.append(f"left: {r.url}"),
    )
    return found
