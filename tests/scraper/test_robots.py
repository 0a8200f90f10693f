"""robots.txt according to RFC 9309."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scraper.http.robots import RobotsRules, parse_robots


def test_no_rules_allow_everything() -> None:
    assert RobotsRules().allows("/x.mid")


def test_the_group_that_names_us_outranks_everyones() -> None:
    rules = parse_robots(
        "User-agent: *\nDisallow: /\n\nUser-Agent: VGpiano/2\nUser-agent: other\nDisallow: /private/", "vgpiano"
    )
    assert rules.allows("/music/")
    assert not rules.allows("/private/x")


def test_an_empty_group_of_ours_outranks_everyones() -> None:
    assert parse_robots("User-agent: *\nDisallow: /\n\nUser-agent: vgpiano\nDisallow:\n", "vgpiano").allows("/x")


def test_the_longest_rule_wins_and_of_equals_the_kinder() -> None:
    rules = parse_robots("user-agent:*\nallow: /a/b\ndisallow: /a\nallow: /a\ndisallow: /a/b/c # why", "vgpiano")
    assert rules.allows("/a/x")
    assert rules.allows("/a/b/x")
    assert not rules.allows("/a/b/c")


@pytest.mark.parametrize(
    "pattern, path, fits",
    [
        ("/*.mid$", "/music/x.mid", True),
        ("/*.mid$", "/music/x.midi", False),
        ("/a*b*c", "/a-b-c-d", True),
        ("/a*b*c", "/a-c-b", False),
        ("/x$", "/x", True),
        ("/x$", "/xy", False),
        ("/%7Eme/", "/~me/x", True),
        ("/a*a$", "/a", False),
    ],
)
def test_wildcards_and_escapes(pattern: str, path: str, fits: bool) -> None:
    assert parse_robots(f"User-agent: *\nDisallow: {pattern}", "vgpiano").allows(path) is not fits


def test_crawl_delay_is_read() -> None:
    assert parse_robots("User-agent: *\nCrawl-delay: 2.5", "vgpiano").crawl_delay == 2.5
    assert parse_robots("User-agent: *\nCrawl-delay: soon", "vgpiano").crawl_delay is None


@given(st.text(), st.text())
def test_any_text_is_some_rules(text: str, path: str) -> None:
    assert parse_robots(text, "vgpiano").allows(path) in (True, False)


def test_many_stars_take_no_time() -> None:
    rules = parse_robots("User-agent: *\nDisallow: /" + "*a" * 10_000, "vgpiano")
    assert rules.allows("/" + "a" * 9_000 + "b")
