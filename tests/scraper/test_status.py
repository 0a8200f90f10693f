"""`scrape status`: every listed row is counted once, with any reason."""

import csv
import io
import json

import pytest

from catalog.base.errors import UsageError
from catalog.schema import Piece
from scraper.sources import list_sections
from tests import forked
from tests.scraper.conftest import PIANO, Scrape, Server, midi, row


def fill(scrape: Scrape, server: Server) -> None:
    files = {f"{number}.mid": midi(number) for number in range(4)}
    server.publish(files | {"old.mid": midi(9)})
    scrape()
    server.publish(
        files | {"new.mid": midi(5), "last.mid": midi(6)},
        row("gone.mid", midi(7)),
        row("bad.mid", midi(8), size=3),
        row("../x.mid", b""),
        row("0.mid", midi(0)),
    )
    server.files[PIANO + "bad.mid"] = midi(8)
    server.faults[PIANO + "new.mid"] = [lambda handler: handler.reply(403)]
    scrape(limit=1)
    server.faults.clear()
    server.faults[PIANO + "new.mid"] = [lambda handler: handler.reply(403)]
    server.faults[PIANO + "last.mid"] = [lambda handler: handler.reply(503, Retry_After="9999")]


def test_each_row_is_counted_with_its_reason(scrape: Scrape, server: Server) -> None:
    fill(scrape, server)
    [found] = list_sections(scrape.root).to_pylist()
    assert found == {
        "source": "vgmusic",
        "section": "piano",
        "listed": 10,
        "held": 5,
        "missing": 1,
        "quarantined": 0,
        "unsafe": 1,
        "not_asked": 3,
        "gone": 1,
        "bytes": 5 * len(midi(0)),
        "reasons": "http_403 1, path_in_name 1",
    }
    server.faults.clear()
    scrape()
    [found] = list_sections(scrape.root).to_pylist()
    assert (found["held"], found["missing"], found["quarantined"], found["not_asked"]) == (7, 1, 1, 0)
    assert found["reasons"] == "http_404 1, size_mismatch 1, path_in_name 1"


def test_sections_are_apart_and_have_a_sum(scrape: Scrape, server: Server) -> None:
    fill(scrape, server)
    facts = {"source": "import", "game_title": "", "game": "", "series": "", "title": "", "state": "missing"}
    with scrape.catalog.writer() as writer:
        writer.add([Piece(section="mine", url="x", reason="not_midi: no", **facts)])
    mine, piano, whole = list_sections(scrape.root).to_pylist()
    assert (mine["listed"], mine["missing"], mine["reasons"]) == (1, 1, "not_midi 1")
    assert (whole["source"], whole["section"], whole["listed"]) == ("all", "all", 11)
    for found in (mine, piano, whole):
        parts = ("held", "missing", "quarantined", "unsafe", "not_asked")
        assert found["listed"] == sum(found[part] for part in parts)
    assert list_sections(scrape.root, "mine").to_pylist() == [mine]
    with pytest.raises(UsageError, match="unknown section 'violin'"):
        list_sections(scrape.root, "violin")


def test_the_command_asks_nothing_and_prints_in_three_forms(scrape: Scrape, server: Server) -> None:
    fill(scrape, server)
    server.asked()
    words = ("status", "--root", scrape.root, "--format")
    printed = {form: forked.command("scrape", *words, form).stdout for form in ("table", "csv", "json")}
    [from_csv] = csv.DictReader(io.StringIO(printed["csv"]))
    [from_json] = json.loads(printed["json"])
    assert {name: str(value) for name, value in from_json.items()} == from_csv
    assert "path_in_name" in printed["table"]
    assert server.asked() == []


def test_an_empty_root_has_an_empty_status(scrape: Scrape) -> None:
    assert len(list_sections(scrape.root)) == 0
