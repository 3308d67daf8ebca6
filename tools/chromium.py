"""The Chromium that is installed."""

import contextlib
import os
import shutil
from collections.abc import Iterator

from playwright.sync_api import Browser, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
HOW = (
    "no Chromium was found: install it (Debian, Ubuntu: apt-get install chromium; macOS: brew install "
    "--cask chromium), or set CHROMIUM to the path of a Chromium or Chrome"
)


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """Without a window.

    Raises:
        FileNotFoundError: There is none.
    """
    path = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if not path:
        raise FileNotFoundError(HOW)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        yield browser
        browser.close()
