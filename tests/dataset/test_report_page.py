"""The report in a real browser: no errors, no requests, responsive, accessible."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from dataset.report.report import write_report
from tests.browser import assert_accessible, assert_fits, opened
from tests.dataset import reported
from tests.dataset.test_report import RELATED

pytestmark = pytest.mark.road

WINDOWS = [(width, scheme) for width in (360, 1280) for scheme in ("light", "dark")]


@pytest.fixture(scope="module")
def address(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> str:
    root = tmp_path_factory.mktemp("page")
    return write_report(reported.with_relations(root, reported.hostile(root), RELATED)).as_uri()


@pytest.fixture(params=WINDOWS, ids=lambda window: f"{window[0]}-{window[1]}")
def page(request: pytest.FixtureRequest, browser: Browser, address: str) -> Iterator[Page]:
    """Open the report in a window; it must log nothing and request only itself."""
    width, scheme = request.param
    with opened(browser, address, width, scheme, bypass_csp=True) as page:
        yield page


def open_all(page: Page) -> None:
    page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true })")


def test_it_fits_the_window_and_follows_the_colours_that_the_reader_prefers(page: Page) -> None:
    open_all(page)
    assert_fits(page, "dark" if page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches") else "light")
    assert page.title() == "Corpus hostile"


@pytest.mark.parametrize("page", [(360, "light"), (1280, "dark")], ids=str, indirect=True)
def test_axe_finds_nothing_serious(page: Page) -> None:
    open_all(page)
    assert_accessible(page, 15)


def test_everything_opens_by_keyboard_and_the_focus_is_seen(browser: Browser, address: str) -> None:
    with browser.new_context(viewport={"width": 1280, "height": 800}) as context:
        page = context.new_page()
        page.goto(address)
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        assert page.evaluate("document.activeElement.getBoundingClientRect().left >= 0")
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "main"
        for _ in range(page.locator("summary").count()):
            page.keyboard.press("Tab")
            assert page.evaluate("document.activeElement.tagName") == "SUMMARY"
            assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
            page.keyboard.press("Enter")
        assert page.locator("details").count() == page.locator("details[open]").count() > 4


def test_what_got_in_could_neither_run_nor_call_home(browser: Browser, address: str) -> None:
    with browser.new_context() as context:
        page = context.new_page()
        requested: list[str] = []
        refused: list[tuple[str, str | None]] = []
        page.on("request", lambda request: requested.append(request.url))
        page.on("requestfailed", lambda request: refused.append((request.url, request.failure)))
        page.goto(address)
        page.evaluate(
            """() => {
                const script = document.createElement('script');
                script.textContent = "document.title = 'owned'";
                const image = document.createElement('img');
                image.src = 'https://example.org/seen.png';
                document.body.append(script, image);
            }"""
        )
        page.wait_for_timeout(100)
        assert page.title() == "Corpus hostile"
        assert refused == [("https://example.org/seen.png", "csp")]
        assert requested == [address, refused[0][0]]
