"""Addresses that may be requested, and those that may not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.base.errors import UsageError
from scraper.http.site import is_public_address
from scraper.source.links import file_name, file_url
from scraper.vgmusic.urls import VGMUSIC, link_problem, site

SECTION = "/music/other/miscellaneous/piano/"


@pytest.mark.parametrize(
    "href",
    [
        "1.mid",
        "NOVA.MID",
        "AT.mid",
        "6_-_Heralds%27_March.mid",
        "ember_%5Bfinal%5D~2.mid",
        "a(b).mid",
        "%7Bx%7D%5E%60%2B%2C%21.mid",
    ],
)
def test_names_like_those_of_the_real_site_are_taken(href: str) -> None:
    assert link_problem(href) is None
    url = file_url(VGMUSIC + SECTION, file_name(href))
    assert site(VGMUSIC).problem(url, SECTION, ".mid") is None


@pytest.mark.parametrize(
    "href, reason",
    [
        ("", "empty_link"),
        ("../x.mid", "path_in_name"),
        ("..%2fx.mid", "path_in_name"),
        ("..\\x.mid", "path_in_name"),
        ("//evil.invalid/x.mid", "absolute_address"),
        ("https://www.vgmusic.com/x.mid", "absolute_address"),
        ("javascript:alert(1)//x.mid", "absolute_address"),
        ("x.mid?a=1", "query_or_fragment"),
        ("x.mid#a", "query_or_fragment"),
        ("nul%00.mid", "unusual_character"),
        ("a%0ab.mid", "unusual_character"),
        ("\u202egnp.mid", "unusual_character"),
        ("double%2525.mid", "unusual_character"),
        ("aux.mid", "reserved_name"),
        (".hidden.mid", "leading_dot_or_dash"),
        ("-rf.mid", "leading_dot_or_dash"),
        ("x.mid.exe", "not_a_mid_file"),
        ("a" * 252 + ".mid", "name_too_long"),
    ],
)
def test_other_links_are_refused_with_a_reason(href: str, reason: str) -> None:
    assert link_problem(href) == reason


@given(st.text(max_size=30).map(lambda text: text + ".mid"))
def test_whatever_is_taken_stays_in_its_section(href: str) -> None:
    if link_problem(href) is None:
        assert site(VGMUSIC).problem(file_url(VGMUSIC + SECTION, file_name(href)), SECTION, ".mid") is None


@pytest.mark.parametrize(
    "url",
    [
        "http://www.vgmusic.com/music/other/miscellaneous/piano/x.mid",
        "https://www.vgmusic.com:8443/music/other/miscellaneous/piano/x.mid",
        "https://www.vgmusic.com.evil.invalid/music/other/miscellaneous/piano/x.mid",
        "https://me@www.vgmusic.com/music/other/miscellaneous/piano/x.mid",
        "https://www.vgmusic.com/music/other/miscellaneous/piano/../../x.mid",
        "https://www.vgmusic.com/music/other/miscellaneous/piano/%2e%2e/x.mid",
        "https://www.vgmusic.com/elsewhere/x.mid",
        "https://www.vgmusic.com/music/other/miscellaneous/piano/x.html",
        "https://www.vgmusic.com/music/other/miscellaneous/piano/x.mid?",
        "https://[bad",
    ],
)
def test_addresses_off_the_section_are_refused(url: str) -> None:
    assert site(VGMUSIC).problem(url, SECTION, ".mid") is not None


def test_the_site_with_and_without_www_is_one() -> None:
    assert site(VGMUSIC).problem(f"https://vgmusic.com{SECTION}x.mid", SECTION, ".mid") is None


@pytest.mark.parametrize(
    "base_url, private, complaint",
    [
        ("http://127.0.0.1:8000", False, "--allow-private-hosts"),
        ("http://localhost:8000", False, "--allow-private-hosts"),
        ("http://[::1]:8000", False, "--allow-private-hosts"),
        ("https://192.168.1.7", False, "--allow-private-hosts"),
        ("http://www.vgmusic.com", False, "require https"),
        ("http://www.vgmusic.com", True, "require https"),
        ("ftp://www.vgmusic.com", False, "scheme and host"),
        ("https://me:pw@www.vgmusic.com", False, "scheme and host"),
        ("https://www.vgmusic.com/music/", False, "--section"),
        ("www.vgmusic.com", False, "scheme and host"),
        ("http://127.0.0.1:99999", True, "not a valid address"),
    ],
)
def test_a_base_url_that_will_not_do_is_refused(base_url: str, private: bool, complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        site(base_url, private)


def test_a_section_nobody_knows_is_answered_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match="piano"):
        site(VGMUSIC).section("organ")


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.0.0.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",  # noqa: S104 - judged, not bound
        "224.0.0.1",
        "::1",
        "fe80::1%eth0",
        "fd00::1",
        "::ffff:127.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
    ],
)
def test_private_addresses_are_known_in_every_form(address: str) -> None:
    assert not is_public_address(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "2001:4860:4860::8888", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_public_addresses_are_public(address: str) -> None:
    assert is_public_address(address)
