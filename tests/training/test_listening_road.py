"""A listener votes on the page of a blind test in a browser."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.browser import assert_accessible, assert_fits, opened
from tests.training.conftest import command
from tests.training.test_listening import key_of, made_test  # noqa: F401 - a fixture

pytestmark = pytest.mark.road


@pytest.mark.parametrize("width, scheme, has_axe", [(360, "dark", True), (1280, "light", False)])
def test_a_listener_votes_in_a_browser_and_the_votes_count(
    browser: Browser, listened: tuple[Path, Path], tmp_path: Path, width: int, scheme: Any, has_axe: bool
) -> None:
    _, folder = listened
    alone = tmp_path / "empty" / "sent.html"
    alone.parent.mkdir()
    shutil.copy(folder / "test.html", alone)
    key = key_of(folder)
    with opened(browser, alone.as_uri(), width, scheme, bypass_csp=has_axe) as page:
        assert_fits(page, scheme)
        if has_axe:  # a script that the page forbids
            assert_accessible(page, 5)
        save, status = page.get_by_role("button", name="Save my answers"), page.get_by_role("status")
        save.click()
        assert status.inner_text() == "Nothing is answered yet."
        for entry in key["excerpts"]:
            group = page.get_by_role("group", name=f"Excerpt {entry['number']} was composed by")
            person = group.get_by_label("a person")
            if entry["maker"] == "person":
                person.click()
            else:  # by keyboard alone
                person.focus()
                page.keyboard.press("ArrowDown")
                expect(group.get_by_label("a computer")).to_be_checked()
        page.get_by_label("I know this piece").first.press("Space")
        assert status.inner_text() == f"{len(key['excerpts'])} of {len(key['excerpts'])} answered."
        for number in (0, 1):  # one plays at a time
            page.evaluate(f"document.querySelectorAll('audio')[{number}].play()")
            expect(page.locator("audio").nth(number)).to_have_js_property("paused", False)
        expect(page.locator("audio").nth(0)).to_have_js_property("paused", True)
        with page.expect_download() as saved:
            save.press("Enter")
        votes = tmp_path / saved.value.suggested_filename
        saved.value.save_as(votes)
    done = command("listen", "--tally", str(folder / "test.key.json"), str(votes), "--json", root=tmp_path)
    found = json.loads(done.stdout)
    right = len(key["excerpts"]) - 1
    assert (found["known"], found["together"]["votes"], found["together"]["right"]) == (1, right, right)
