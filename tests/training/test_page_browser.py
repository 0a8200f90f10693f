"""The page of a run in a browser: it fits the window, leads where it says, and is accessible."""

import re
import shutil
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import assert_accessible, assert_fits, opened
from tests.training.exhibited import shown_addresses, shown_pages  # noqa: F401 - fixtures
from tests.training.playing import at

pytestmark = pytest.mark.road

WINDOWS = [(360, "light"), (360, "dark"), (1280, "light"), (1280, "dark")]


@pytest.fixture
def page(browser: Browser, addresses: dict[str, str]) -> Iterator[Page]:
    with opened(browser, addresses["run"]) as page:
        yield page


def test_what_was_copied_is_lit_and_leads_both_ways(page: Page) -> None:
    colour = page.evaluate("getComputedStyle(document.querySelector('#s1-player rect.copied')).fill")
    plain = page.evaluate("getComputedStyle(document.querySelector('#s1-player g.right rect:not(.copied)')).fill")
    assert colour != plain
    page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true })")
    assert (
        page.evaluate(
            "getComputedStyle(document.querySelector('#s1-player [data-copy] use, #s1-player [data-copy] path')).fill"
        )
        == colour
    )
    start = float(page.locator("#s1-copy-1 [data-to]").get_attribute("data-to") or "nan")
    page.locator("#s1-copy-1 [data-to]").click()
    assert at(page) == pytest.approx(start, abs=0.05)
    assert page.evaluate("document.activeElement.matches('#s1-player [data-roll]')")
    page.locator("#s1-copy-1 .quiet a").click()
    assert page.evaluate("document.activeElement.closest('.sources') !== null || location.hash.startsWith('#from-')")
    assert page.locator(":target code").inner_text() in page.content()
    page.locator(":target a[href^='#']").click()
    assert page.evaluate("location.hash") == "#s1-copy-1"
    page.locator("#s1-player .mark").first.click()
    assert page.evaluate("location.hash") == "#s1-copy-1"


@pytest.mark.parametrize("width, scheme", WINDOWS)
@pytest.mark.parametrize("which", ["run", "compare"])
def test_it_fits_the_window_and_axe_finds_nothing_serious(
    browser: Browser, addresses: dict[str, str], which: str, width: int, scheme: str
) -> None:
    with opened(browser, addresses[which], width, scheme, bypass_csp=True) as page:
        page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true })")
        page.locator("[data-edge=from]").first.click()  # a loop, so that all controls are shown
        page.locator("[data-fall]").first.click()
        assert_fits(page, scheme)
        assert page.title() in ("Run shown", "Two runs")
        if (width == 360) == (scheme == "light"):
            assert_accessible(page, 20)


def test_sent_alone_it_gives_every_file(browser: Browser, addresses: dict[str, str], tmp_path: Path) -> None:
    alone = tmp_path / "empty" / "sent.html"
    alone.parent.mkdir()
    shutil.copy(addresses["run"].removeprefix("file://"), alone)
    with opened(browser, alone.as_uri()) as page:
        links = page.locator("a[download]")
        held = {}
        for number in range(links.count()):
            with page.expect_download() as saved:
                links.nth(number).press("Enter")
            held[saved.value.suggested_filename] = Path(saved.value.path()).read_bytes()
        begin = {".mid": b"MThd", ".mxl": b"PK\3\4", ".mp3": b"ID3"}
        assert {name: data[:4][: len(begin[name[-4:]])] for name, data in held.items()} == {
            f"shown-sample-{sample}{ending}": begin[ending] for sample in (1, 2) for ending in begin
        }
        sound = page.evaluate("document.querySelector('audio').src.split(',')[1]")
        assert held["shown-sample-1.mp3"] == b64decode(sound)


def test_the_colours_can_be_switched(page: Page) -> None:
    dark = page.locator("[data-theme-switch]")
    before = page.evaluate("getComputedStyle(document.body).backgroundColor")
    dark.click()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != before
    expect(dark).to_have_attribute("aria-pressed", "true")
    dark.click()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == before


def test_the_focus_is_seen_wherever_it_goes(page: Page) -> None:
    seen = set()
    for _ in range(30):
        page.keyboard.press("Tab")
        seen.add(page.evaluate("document.activeElement.tagName"))
        ringed = page.evaluate(
            "(() => { const a = document.activeElement;"
            " return [a, a.closest('[data-view]')].some(e => e && getComputedStyle(e).outlineStyle === 'solid'); })()"
        )
        assert ringed, page.evaluate("document.activeElement.outerHTML.slice(0, 200)")
    assert {"A", "BUTTON", "INPUT", "DIV", "SUMMARY"} <= seen


def test_what_got_in_could_neither_run_nor_call_home(browser: Browser, addresses: dict[str, str]) -> None:
    with browser.new_context() as context:
        page = context.new_page()
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(addresses["run"])
        page.evaluate(
            """() => {
                const script = document.createElement('script');
                script.textContent = "document.title = 'owned'";
                const image = document.createElement('img');
                image.src = 'https://example.org/seen.png';
                image.setAttribute('onerror', "document.title = 'owned'");
                document.body.append(script, image);
            }"""
        )
        page.wait_for_timeout(100)
        assert page.title() == "Run shown"
        failed = [url for url in asked if url.startswith("http")]
        assert all(re.fullmatch(r"https://example\.org/seen\.png", url) for url in failed)


def test_hostile_names_are_read_as_they_stand(page: Page) -> None:
    assert page.title() == "Run shown"
    names = page.evaluate("[...document.querySelectorAll('bdi')].map(each => each.textContent)")
    assert any("</title></style></svg><script>" in name for name in names)
    assert any("<img src=x onerror=" in name for name in names)
    assert page.locator("img").count() == 0
    assert Path(page.url).name == "index.html"
