"""The generated pages match the code, and every field has a meaning."""

from dataclasses import dataclass
from graphlib import CycleError

import pytest
from bs4 import BeautifulSoup

from docs.make import commands, imports
from docs.make.__main__ import FOLDER, PAGES
from docs.make.records import record
from tests.test_architecture import INNER


@dataclass(frozen=True)
class Said:
    """A record as they are written."""

    name: str  # of the piece
    counts: dict[str, int | None]  # how many
    share: float = 0.5  # of all, 0–1


@dataclass(frozen=True)
class Unsaid:
    """One field of this has no comment."""

    name: str  # of the piece
    share: float = 0.5


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_up_to_date(name: str) -> None:
    assert (FOLDER / name).read_text() == PAGES[name](), f"docs/reference/{name} is old: run `make docs`, and commit it"


def test_every_command_and_every_option_stands_on_the_page() -> None:
    text = (FOLDER / "commands.md").read_text()
    assert list(commands.apps()) == [
        "catalog",
        "scrape",
        "dataset",
        "train",
        "evaluate",
        "generate",
        "render",
        "novelty",
        "listen",
    ]
    for name in commands.apps():
        assert f"\n## `{name}`\n" in text
    for option in (
        "`--max-copy <int>`",
        "`--base-url <str>`",
        "`--keep-duplicates`",
        "`--each-game`",
        "`--against <str>`",
    ):
        assert option in text
    assert "### `catalog show`" in text


def test_a_field_is_told_of_by_the_comment_behind_it() -> None:
    name, counts, share = record(Said)
    assert (name.name, name.type, name.default, name.meaning) == ("name", "str", None, "of the piece")
    assert (counts.type, counts.meaning) == ("dict[str, int | None]", "how many")
    assert (share.default, share.meaning) == ("0.5", "of all, 0–1")


def test_a_field_without_a_comment_and_what_is_no_record_are_refused() -> None:
    with pytest.raises(ValueError, match=r"Unsaid\.share: say in a comment"):
        record(Unsaid)
    with pytest.raises(TypeError):
        record(int)


def test_the_drawing_has_every_inner_room_and_its_arrows_point_down() -> None:
    uses = imports.graph()
    assert uses.keys() == INNER.keys()
    drawn = imports.reduced(uses)
    rows = imports._rows(drawn)
    assert all(rows[name] > rows[to] for name, used in uses.items() for to in used)
    svg = BeautifulSoup((FOLDER / "imports.svg").read_text(), "html.parser")
    titles = {title.text for title in svg.select("g > title")}
    assert titles == {f"{name} imports {to}" for name, used in drawn.items() for to in used}


def test_an_arrow_that_follows_from_others_is_omitted_and_a_cycle_is_refused() -> None:
    assert imports.reduced({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == {"a": {"b"}, "b": {"c"}, "c": set()}
    with pytest.raises(CycleError):
        imports.reduced({"a": {"b"}, "b": {"a"}})
