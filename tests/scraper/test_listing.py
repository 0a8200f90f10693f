"""Listing pages: both layouts, broken cells, hostile links, and linear time."""

import json
import time
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.base.errors import ListingError
from scraper.http import limits
from scraper.vgmusic.listing import Listing, parse
from tests.scraper.conftest import midi, page, row


@pytest.mark.real
@pytest.mark.parametrize("layout", ["2021", "2024"])
def test_both_layouts_give_exactly_the_expected_rows(fixtures: Path, layout: str) -> None:
    expected = json.loads((fixtures / "expected.json").read_text())
    names = ("game", "href", "file", "title", "sequencer", "size", "md5")
    listing = parse((fixtures / f"listing_{layout}.html").read_bytes())
    assert [{name: getattr(row, name) for name in names} for row in listing.rows] == [
        {name: row[name] for name in names} for row in expected
    ]
    assert listing.rejected == ()


@pytest.mark.real
def test_the_hostile_page_loses_no_good_row_and_every_other_one_has_a_reason(fixtures: Path) -> None:
    listing = parse((fixtures / "listing_hostile.html").read_bytes())
    assert [row.file for row in listing.rows] == [
        "cells88.mid",
        "cells136.mid",
        "cells51.mid",
        "cells44.mid",
        "cells0.mid",
        "unclosed.mid",
    ]
    assert {row.game for row in listing.rows} == {"Evil & Co <b>../x"}
    assert [row.size for row in listing.rows] == [None, None, 1234, None, None, 7]
    bad = [row for row in listing.rejected if row.title.startswith("bad ")]
    assert [row.title for row in bad] == [f"bad {number}" for number in range(36)]
    assert [(row.title, row.reason) for row in listing.rejected if row not in bad] == [
        ("Song before any game", "no_game_heading"),
        ("no href", "no_link"),
    ]


def test_a_row_says_nothing_where_the_page_does_not() -> None:
    listing = parse(page('<tr><td><a href="x.mid">x</a>', '<tr><td><a href="y.mid"></a><td>9 bytes<td> <td>'))
    assert [(row.file, row.title, row.size, row.sequencer, row.md5) for row in listing.rows] == [
        ("x.mid", "x", None, None, None),
        ("y.mid", "y.mid", 9, None, None),
    ]


def test_text_after_the_table_and_in_comments_and_scripts_belongs_to_no_row() -> None:
    body = page("<tr><td><a href=x.mid>x<!-- <a href=no.mid> --></a><td>9 bytes<td>me").replace(
        b"</table>", b"</table> <address>not me<script>'<td>'</script></address><table><tr><td>other</table>"
    )
    listing = parse(body)
    assert [(row.file, row.title, row.sequencer) for row in listing.rows] == [("x.mid", "x", "me")]
    assert [row.reason for row in listing.rejected] == ["no_link"]


def test_a_stray_angle_bracket_in_a_title_costs_nothing() -> None:
    listing = parse(page('<tr><td><a href="x.mid" title="a>b<c">I <3 you < 2</a><td>9 bytes<td>a <b>c</b>'))
    assert [(row.file, row.title, row.sequencer) for row in listing.rows] == [("x.mid", "I <3 you < 2", "a c")]


def test_a_page_without_songs_is_an_error() -> None:
    with pytest.raises(ListingError, match="no song"):
        parse(b"<html><body>We are moving house</body></html>")


def test_a_page_with_too_many_rows_or_bytes_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scraper.vgmusic.listing.LISTING_ROWS", 5)
    with pytest.raises(ListingError, match="more than 5 rows"):
        parse(page(*[row(f"{number}.mid", midi(number)) for number in range(6)]))
    with pytest.raises(ListingError, match="limit"):
        parse(b" " * (limits.LISTING_BYTES + 1))


def rows_of(count: int) -> bytes:
    return page(*[row(f"{number}.mid", midi(number), f"Song {number}") for number in range(count)])


TIMES_LARGER = 12
QUADRATIC = (
    48  # halfway, in ratios, between linear (12) and quadratic (144): other work on the machine does not reach it
)


def seconds(body: bytes, times: int) -> float:
    found = []
    for _ in range(times):
        start = time.process_time()
        with suppress(ListingError):
            parse(body)
        found.append(time.process_time() - start)
    return min(found)


def grows_with(small: bytes, large: bytes) -> bool:
    """Whether time is less than quadratic.

    If it does not seem so, it is measured again, and the best of three counts.
    """
    return any(seconds(large, times) < QUADRATIC * max(seconds(small, times), 0.005) for times in (1, 3))


def test_time_grows_with_the_rows() -> None:
    assert len(parse(rows_of(5000)).rows) == 5000
    assert grows_with(rows_of(400), rows_of(400 * TIMES_LARGER))


@pytest.mark.parametrize(
    "unit",
    [
        "<td>",
        "<tr>",
        "<table>",
        "<td><a href=x.mid>",
        "<",
        "<!--",
        "<a ",
        "<a x='",
        '<a x="<b ',
        "<a =",
        "<!",
        "<?",
        "</",
        "<b>",
        "&",
    ],
)
def test_no_soup_of_tags_takes_quadratic_time(unit: str) -> None:
    def soup(size: int) -> bytes:
        return ("<table><tr><td>" + unit * (size // len(unit))).encode()

    assert grows_with(soup(10_000), soup(10_000 * TIMES_LARGER))


WORDS = st.sampled_from(
    [
        "<tr>",
        "<td>",
        "</td>",
        "</tr>",
        "<a href=x.mid>",
        '<a href="',
        "'",
        '"',
        ">",
        "<",
        "<!--",
        "-->",
        "<table>",
        "</table>",
        "<script>",
        "</script>",
        "<![CDATA[",
        "&#x0;",
        "&amp",
        "text",
        "\x00",
        "é",
        "<td class=header>",
        "<a name=x>",
        "12 bytes",
    ]
)


@given(st.lists(WORDS | st.text(max_size=5), max_size=60))
@settings(max_examples=300, deadline=None)
def test_no_page_raises_anything_but_a_listing_error(words: list[str]) -> None:
    try:
        listing = parse("".join(words).encode("utf-8", errors="surrogatepass"))
    except ListingError:
        return
    assert isinstance(listing, Listing)
    for found in listing.rows:
        assert found.file.lower().endswith(".mid")
        assert "/" not in found.file
