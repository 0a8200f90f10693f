"""The page of `render --query` in a browser."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser import assert_accessible, assert_fits, opened, wait
from tests.training.test_render_query import folder, rendered  # noqa: F401 - fixtures

pytestmark = pytest.mark.road


def test_in_a_browser_a_piece_plays_and_its_loop_is_looped(browser: Browser, path: Path) -> None:
    with opened(browser, path.as_uri(), 360, "dark", bypass_csp=True) as page:
        page.get_by_role("button", name="Play Lost Woods").click()
        wait(page, "document.querySelectorAll('audio')[1].currentTime > 0.2")
        page.get_by_role("button", name="Loop", exact=True).last.click()
        expect(page.locator("[data-looped]").last).to_contain_text("bars 1–2")
        assert_fits(page, "dark")
        assert_accessible(page)
