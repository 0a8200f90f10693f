"""A headless Chromium, driven by Playwright, for tests that look at pages.

`opened` is how they open one: a page logs nothing, and requests nothing but itself.
"""

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from axe_core_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
HEIGHT = 800  # of windows, px


@contextmanager
def chromium() -> Iterator[Browser]:
    """A headless browser; the test is skipped if none is installed.

    The fixture `browser` has module scope, because no other event loop can run in this thread while it lives.
    """
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.skip(f"no browser here: none of {', '.join(NAMES)} is installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def opened(
    browser: Browser, address: str, width: int = 1280, scheme: Any = "light", *, expected: str | None = None, **how: Any
) -> Iterator[Page]:
    """A page in a window; all that it logs, and each request for another address, is an error.

    A message that contains `expected` is none. `how` is passed to the browser's context.
    """
    with browser.new_context(viewport={"width": width, "height": HEIGHT}, color_scheme=scheme, **how) as context:
        page = context.new_page()
        said: list[str] = []
        asked: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(address)
        yield page
        assert [text for text in said if expected is None or expected not in text] == []
        assert [url for url in asked if not url.startswith(("data:", "blob:"))] == [address]


def wait(page: Page, truth: str, most: float = 15.0) -> None:
    """Wait until a JavaScript expression is true.

    Playwright's own waiting evaluates strings, which our pages forbid.
    """
    end = time.monotonic() + most
    while not page.evaluate(truth):
        assert time.monotonic() < end, truth
        page.wait_for_timeout(15)


def assert_fits(page: Page, scheme: str) -> None:
    """Assert that nothing is wider than the window, and that the colours are those that the reader prefers."""
    across, window = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    assert across == window
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)")
    assert (sum(ground) < 200) == (scheme == "dark")


def assert_accessible(page: Page, least: int = 15) -> None:
    """Assert that axe finds nothing serious; it must have found `least` rules that the page keeps.

    axe is a script, so the page's policy must be bypassed (`bypass_csp`).
    """
    found = Axe().run(
        page, options={"resultTypes": ["violations"]}
    )  # of rules that are kept, only the names: 5 times as fast
    assert len(found["passes"]) > least
    serious = [each for each in found["violations"] if each["impact"] != "minor"]
    assert [(each["id"], [node["html"][:300] for node in each["nodes"]][:3]) for each in serious] == []
