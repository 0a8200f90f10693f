"""The report in a real browser: no errors, no requests, responsive, accessible."""

from collections.abc import Iterator

import pytest
from axe_core_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from dataset.report.report import write_report
from tests.browser import chromium
from tests.dataset import reported
from tests.dataset.test_report import RELATED

WINDOWS = [(width, scheme) for width in (360, 1280) for scheme in ("light", "dark")]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def address(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> str:
    root = tmp_path_factory.mktemp("page")
    return write_report(reported.with_relations(root, reported.hostile(root), RELATED)).as_uri()


@pytest.fixture(params=WINDOWS, ids=lambda window: f"{window[0]}-{window[1]}")
def page(request: pytest.FixtureRequest, browser: Browser, address: str) -> Iterator[Page]:
    """Open the report in a window; it must log nothing and request only itself."""
    width, scheme = request.param
    with browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme, bypass_csp=True) as context:
        page = context.new_page()
        messages: list[str] = []
        requested: list[str] = []
        page.on("console", lambda message: messages.append(message.text))
        page.on("pageerror", lambda error: messages.append(str(error)))
        page.on("request", lambda request: requested.append(request.url))
        page.goto(address)
        yield page
        assert messages == []
        assert requested == [address]


def open_all(page: Page) -> None:
    page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true })")


def test_it_fits_the_window_and_follows_the_colours_that_the_reader_prefers(page: Page) -> None:
    open_all(page)
    width, window = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    assert width == window
    assert page.title() == "Corpus hostile"
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)")
    dark = page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    assert (sum(ground) < 200) == dark


@pytest.mark.parametrize("page", [(360, "light"), (1280, "dark")], ids=str, indirect=True)
def test_axe_finds_nothing_serious(page: Page) -> None:
    open_all(page)
    found = Axe().run(page)
    assert len(found["passes"]) > 15
    serious = [each for each in found["violations"] if each["impact"] != "minor"]
    assert [(each["id"], [node["html"] for node in each["nodes"]][:3]) for each in serious] == []


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
