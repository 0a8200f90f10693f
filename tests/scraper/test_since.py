"""`scrape status --since`: what is new, changed or gone since a date."""

import csv
import io
import json
from datetime import UTC, datetime, timedelta

import pytest

from catalog.base.errors import UsageError
from scraper.crawl.since import list_changes, parse_date
from tests.scraper.conftest import Scrape, Server, midi
from tests.scraper.test_cli import scrape as command


def changes(scrape: Scrape, since: datetime) -> list[tuple[str, str]]:
    """Return (change, file name) of each row."""
    rows = list_changes(scrape.root, since).to_pylist()
    assert [row["at"] for row in rows] == sorted(row["at"] for row in rows)
    return sorted((row["change"], row["url"].rpartition("/")[2]) for row in rows)


def test_what_a_run_changed_is_listed_and_no_more(scrape: Scrape, server: Server) -> None:
    start = datetime.now(UTC)
    server.publish({"a.mid": midi(1), "b.mid": midi(2), "c.mid": midi(3)})
    scrape()
    assert changes(scrape, start) == [("new", "a.mid"), ("new", "b.mid"), ("new", "c.mid")]
    first = datetime.now(UTC)
    assert changes(scrape, first) == []
    server.publish({"a.mid": midi(1), "b.mid": midi(4), "d.mid": midi(5)})
    scrape()
    assert changes(scrape, first) == [("changed", "b.mid"), ("gone", "c.mid"), ("new", "d.mid")]
    second = datetime.now(UTC)
    server.publish({"a.mid": midi(1), "b.mid": midi(4), "c.mid": midi(3), "d.mid": midi(5)})
    scrape()  # c is listed again
    assert changes(scrape, first) == [("changed", "b.mid"), ("new", "d.mid")]
    assert changes(scrape, second) == []
    assert changes(scrape, start) == [
        ("changed", "b.mid"),
        *(("new", f"{letter}.mid") for letter in "abcd"),
    ]


def test_the_command_prints_changes_in_three_forms(scrape: Scrape, server: Server) -> None:
    server.publish({"a.mid": midi(1), "b.mid": midi(2)})
    scrape()
    words = ("status", "--root", str(scrape.root), "--since", "2020-01-31", "--format")
    printed = {form: command(*words, form).stdout for form in ("table", "csv", "json")}
    from_json = json.loads(printed["json"])
    assert list(csv.DictReader(io.StringIO(printed["csv"]))) == from_json
    assert [(row["change"], row["section"], row["url"][-5:]) for row in from_json] == [
        ("new", "piano", "a.mid"),
        ("new", "piano", "b.mid"),
    ]
    assert printed["table"].endswith("2 new, 0 changed, 0 gone since 2020-01-31 00:00 UTC\n")


def test_dates_that_cannot_be_read_and_sections_that_are_unknown_are_refused(scrape: Scrape, server: Server) -> None:
    assert parse_date("2026-11-01") == datetime(2026, 11, 1, tzinfo=UTC)
    assert parse_date("2026-11-01T12:00+02:00") == datetime(2026, 11, 1, 10, tzinfo=UTC)
    for text in ("yesterday", "", "2026-13-01", "01.11.2026", "0001-01-01T00:00+14:00"):
        with pytest.raises(UsageError, match=r"is not a date; give one such as 2026-11-01"):
            parse_date(text)
    server.publish({"a.mid": midi(1)})
    scrape()
    since = datetime.now(UTC) - timedelta(days=1)
    assert len(list_changes(scrape.root, since, "piano")) == 1
    with pytest.raises(UsageError, match="unknown section 'violin'"):
        list_changes(scrape.root, since, "violin")
