"""The guide to a new source site in CONTRIBUTING, followed by a toy source.

The toy is a class of under 60 lines, a line in SOURCES, and a command.
"""

import hashlib
import re
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from catalog.store import Catalog
from scraper import sources
from scraper.cli import scrape_source
from scraper.http.audit import audit_journal
from scraper.options import BaseUrl, Contact, Delay, DryRun, Limit, Private
from scraper.source.base import Source
from tests.scraper.conftest import Server, midi
from tests.scraper.toy.source import TOY

TOP = Path(__file__).parents[2]


def guide() -> str:
    """Return the entry in CONTRIBUTING, verbatim."""
    text = (TOP / "CONTRIBUTING.md").read_text()
    found = re.search(r"^- \*\*a source site\*\*:.*?(?=^- \*\*)", text, re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[0]


def publish(server: Server, name: str, files: dict[str, bytes], *extra: str) -> None:
    lines = [f"{file}, A Game, Title of {file}, {hashlib.md5(data).hexdigest()}" for file, data in files.items()]
    server.files[f"/lists/{name}.txt"] = "\n".join([*lines, *extra, "(end)\n"]).encode()
    server.files |= {f"/files/{name}/{file}": data for file, data in files.items()}


@pytest.fixture
def toy(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> "Command":
    monkeypatch.setitem(sources.SOURCES, TOY.id, TOY)  # the line in scraper/sources.py
    return Command(server, tmp_path)


class Command:
    """`scrape toy`, as it would be written in scraper/cli.py."""

    def __init__(self, server: Server, root: Path) -> None:
        self.server, self.root = server, root
        self.app = typer.Typer()

        @self.app.command()
        def toy(
            section: str = "piano",
            base_url: BaseUrl = server.base_url,
            allow_private_hosts: Private = True,
            delay: Delay = 0.0,
            limit: Limit = None,
            dry_run: DryRun = False,
            contact: Contact = "",
        ) -> None:
            scrape_source(TOY, base_url, allow_private_hosts, section, delay, limit, dry_run, contact, root)

    def __call__(self, *words: str) -> Result:
        return CliRunner().invoke(self.app, words)


def test_the_guide_is_short_and_names_what_there_is() -> None:
    assert len(guide().splitlines()) < 10
    named = re.findall(r"`([^`]+)`", guide())
    for path in (name for name in named if "/" in name and "NAME" not in name):
        assert (TOP / path).exists(), path
    methods = {"id", "site", "read", "folder", "nested", "sections", "is_complete", "check", "suffix"}
    assert methods <= set(named)
    assert {name for name in vars(Source) if not name.startswith("_")} | set(Source.__annotations__) == methods
    assert len((TOP / "tests/scraper/toy/source.py").read_text().splitlines()) < 60


def test_a_toy_site_is_scraped_counted_and_audited_as_any_other(toy: Command) -> None:
    publish(toy.server, "piano", {"a.mid": midi(1), "b.mid": midi(2), "twin.mid": midi(1)}, "../x.mid, G, T, ")
    publish(toy.server, "organ", {"c.mid": midi(2), "bad.mid": midi(4)})
    toy.server.files["/files/organ/bad.mid"] = midi(5)
    assert "listed 4: 0 held, 1 unsafe, 2 files to request" in toy("--dry-run").stdout
    assert "1 fetched" in toy("--limit", "1").stdout
    toy.server.asked()
    done = toy("--section", "all")
    assert done.exit_code == 0, done
    assert "listed 4 = 1 already held + 1 duplicates + 1 fetched" not in done.stdout  # the twin was held already
    assert "listed 4 = 2 already held + 0 duplicates + 1 fetched" in done.stdout
    assert "listed 2 = 1 already held + 0 duplicates + 0 fetched + 0 missing + 1 quarantined" in done.stdout
    assert "2 sections = 2 done" in done.stdout
    assert toy.server.asked() == ["/lists/piano.txt", "/files/piano/b.mid", "/lists/organ.txt", "/files/organ/bad.mid"]
    rows = Catalog(toy.root).pieces("state == 'fetched'").to_pylist()
    assert {(row["source"], row["game"], row["section"]) for row in rows} == {
        ("toy", "game", "piano"),
        ("toy", "game", "organ"),
    }
    organ, piano, _ = sources.list_sections(toy.root).to_pylist()
    assert (piano["listed"], piano["held"], piano["unsafe"]) == (4, 3, 1)
    assert (organ["listed"], organ["held"], organ["quarantined"]) == (2, 1, 1)
    assert audit_journal(toy.root).problems == ()


def test_files_that_lie_elsewhere_than_their_page_are_marked_when_gone(toy: Command) -> None:
    publish(toy.server, "piano", {"a.mid": midi(1), "b.mid": midi(2)})
    toy()
    publish(toy.server, "piano", {"a.mid": midi(1)})
    assert "1 pieces no longer listed" in toy().stdout
    toy.server.files["/lists/piano.txt"] = b"cut short, "
    assert "is incomplete" in str(toy().exception)


def test_an_unknown_section_is_refused_with_those_that_are_known(toy: Command) -> None:
    assert "known: piano, organ" in str(toy("--section", "violin").exception)


def test_ids_of_sources_are_one_word_and_their_own() -> None:
    assert all(re.fullmatch(r"[a-z0-9]+", name) and source.id == name for name, source in sources.SOURCES.items())
    assert "import" not in sources.SOURCES
