"""Generated listing pages: mutations of real layouts, and random tags.

VGPIANO_FUZZ is the number of pages (a few hundred by default, 20,000 for a full proof).
"""

import os
import re
import time
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from catalog.base.console import clean
from catalog.base.errors import ListingError
from scraper.http import limits
from scraper.source.links import file_url
from scraper.vgmusic.listing import Listing, parse
from scraper.vgmusic.urls import VGMUSIC, link_problem, site
from tests.scraper.conftest import FIXTURES, PIANO, midi, page, row

CASES = int(os.environ.get("VGPIANO_FUZZ", "200"))
OLD_LAYOUT = (
    '<html><body><table><tr><th class="header">Song</th></tr><tr><td>\n</tr>'
    '<tr class="header"><td class="header" colspan="5"><a name="G">Legend Of G, The: A &amp; B</a></td></tr>'
    + row("a.mid", midi(1), "A")
    + row("b%28c%29.mid", midi(2), "B \u00e9")
    + "<tr><td colspan=5>&nbsp;</tr></table><hr><address>4.0.3.</address></body></html>"
).encode()
SEEDS = [OLD_LAYOUT, page(row("x.mid", midi(3)), row("../y.mid", midi(4)), row("z.mid", midi(5), size="1,234"))]
SEEDS += [path.read_bytes() for path in sorted(FIXTURES.glob("listing_*.html"))] if FIXTURES.is_dir() else []

TAGS = [
    "table",
    "tr",
    "td",
    "th",
    "a",
    "b",
    "script",
    "style",
    "textarea",
    "title",
    "plaintext",
    "select",
    "svg",
    "p",
    "br",
]
NAMES = ["href", "class", "name", "colspan", "align", "id", "HREF", "x", "=", '"', "/"]
VALUES = [
    "header",
    "x.mid",
    "../x.mid",
    "/file/" + "a" * 32 + ".html",
    "//e/x.mid",
    "x.mid?q",
    "%00.mid",
    "",
    "a" * 300,
]
CHARACTERS = [
    "\x00",
    "\x0c",
    "\u202e",
    "\ufeff",
    "\x1b[31m",
    "&#0;",
    "&#xD800;",
    "&#99999999;",
    "&amp",
    "&lt;tr&gt;",
    "\ud800",
]
PIECES = [
    "<!--",
    "-->",
    "--!>",
    "<![CDATA[",
    "]]>",
    "<!DOCTYPE",
    "<!",
    "<?",
    "?>",
    "</",
    "<",
    ">",
    "'",
    '"',
    "12 bytes",
    "-1 bytes",
]

values = st.sampled_from(VALUES) | st.text(max_size=8)
attributes = st.tuples(st.sampled_from(NAMES), values, st.sampled_from(['"', "'", ""])).map(
    lambda found: f" {found[0]}={found[2]}{found[1]}{found[2]}"
)
opening = st.tuples(
    st.sampled_from(TAGS), st.lists(attributes, max_size=3), st.sampled_from([">", "/>", "", " ", ">>"])
).map(lambda found: f"<{found[0]}{''.join(found[1])}{found[2]}")
closing = st.sampled_from(TAGS).map(lambda name: f"</{name}>")
scraps = opening | closing | st.sampled_from(PIECES + CHARACTERS) | st.text(max_size=6)
soup = st.lists(scraps, max_size=40).map("".join).map(lambda text: text.encode("utf-8", errors="surrogatepass"))


@st.composite
def mutants(draw: st.DrawFn) -> bytes:
    """Generate pages of a real layout with parts cut, repeated, moved or replaced."""
    parts = re.split(rb"(<[^>]*>|\n)", draw(st.sampled_from(SEEDS)))
    for _ in range(draw(st.integers(1, 8))):
        at = draw(st.integers(0, len(parts) - 1))
        length = draw(st.integers(0, 6))
        match draw(st.integers(0, 5)):
            case 0:
                del parts[at : at + length]
            case 1:
                parts[at:at] = parts[at : at + length] * draw(st.integers(1, 5))
            case 2:
                parts[at:at] = [draw(soup)]
            case 3:
                parts[at] = draw(scraps).encode("utf-8", errors="surrogatepass")
            case 4:
                parts[at] = parts[at][: draw(st.integers(0, 20))] + draw(st.binary(max_size=4)) + parts[at][20:]
            case _:
                del parts[at:]
        parts = parts or [b""]
    return b"".join(parts)


@given(mutants() | soup | st.binary(max_size=60))
@settings(
    max_examples=CASES,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
)
def test_no_page_raises_anything_but_a_listing_error_and_no_row_is_unsafe(body: bytes) -> None:
    try:
        listing = parse(body)
    except ListingError:
        return
    assert isinstance(listing, Listing)
    below = site(VGMUSIC)
    for found in listing.rows:
        assert link_problem(found.href) is None
        assert below.problem(file_url(VGMUSIC + PIANO, found.file), PIANO, ".mid") is None
        assert found.size is None or 0 < found.size <= limits.LISTED_BYTES
        assert found.md5 is None or re.fullmatch("[0-9a-f]{32}", found.md5)
        for text in (found.title, found.game, found.sequencer or ""):
            assert len(text) <= limits.TITLE_CHARACTERS
            clean(text).encode()
    for refused in listing.rejected:
        assert re.fullmatch("[a-z_]+", refused.reason)
        clean(f"{refused.game} {refused.title} {refused.href}").encode()


SMALL, LARGE = 6_000, 72_000
TWELVE_TIMES_MORE = 48  # may cost at most this many times more: halfway, in ratios, between linear and quadratic


def seconds(body: bytes, times: int) -> float:
    found = []
    for _ in range(times):
        start = time.process_time()
        with suppress(ListingError):
            parse(body)
        found.append(time.process_time() - start)
    return min(found)


@pytest.mark.parametrize("before", [b"", b"<table><tr><td>", b"<!--"])
@given(
    st.lists(scraps, min_size=1, max_size=4).map(lambda found: "".join(found).encode("utf-8", errors="surrogatepass"))
)
@settings(
    max_examples=max(5, CASES // 60),
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate],
)
@example(b"><!DOCTYPE><b>")  # deep trees, the texts of each tag next to more than one child
@example(b"<table><table><table/><table")
@example(b"x<br>y<b>")
def test_no_scrap_repeated_takes_quadratic_time(before: bytes, scrap: bytes) -> None:
    if not scrap:
        return
    small, large = (before + scrap * (size // len(scrap)) for size in (SMALL, LARGE))
    if seconds(large, 1) > TWELVE_TIMES_MORE * max(seconds(small, 1), 0.002):
        assert seconds(large, 3) < TWELVE_TIMES_MORE * max(seconds(small, 3), 0.002)
