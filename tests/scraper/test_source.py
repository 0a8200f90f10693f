"""The guide to a new source site in CONTRIBUTING, followed by a toy source.

The toy is a folder of a class and a command, under 60 lines each. Nothing else names it.
"""

import hashlib
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

import scraper
from catalog.store import Catalog
from scraper import cli, sources
from scraper.folders import load_command, load_source, source_names
from scraper.http.audit import audit_journal
from scraper.source.base import Source
from tests.scraper.conftest import Server, midi

TOP = Path(__file__).parents[2]
TOY = TOP / "tests" / "scraper" / "toy"


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
    monkeypatch.setattr(scraper, "__path__", [*scraper.__path__, str(TOY.parent)])  # as if it lay in scraper/
    for name in ("scraper.toy", "scraper.toy.source", "scraper.toy.command"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setitem(sources.SOURCES, "toy", load_source("toy"))
    return Command(server, tmp_path)


class Command:
    """`scrape toy` in this process."""

    def __init__(self, server: Server, root: Path) -> None:
        self.server, self.root = server, root
        self.app = typer.Typer()
        self.app.command()(load_command("toy"))

    def __call__(self, *words: str) -> Result:
        return CliRunner().invoke(self.app, [*words, *options(self.server, self.root)])


def options(server: Server, root: Path) -> list[str]:
    return ["--base-url", server.base_url, "--allow-private-hosts", "--delay", "0", "--root", str(root)]


def test_the_guide_is_short_and_names_what_there_is() -> None:
    assert len(guide().splitlines()) < 10
    named = re.findall(r"`([^`]+)`", guide())
    for path in (name for name in named if "/" in name and "NAME" not in name):
        assert (TOP / path).exists(), path
    methods = {"id", "site", "read", "folder", "nested", "sections", "is_complete", "check", "suffix"}
    assert methods <= set(named)
    assert {name for name in vars(Source) if not name.startswith("_")} | set(Source.__annotations__) == methods
    assert {f"{name}.py" for name in ("source", "command")} <= set(named)
    assert all(len(path.read_text().splitlines()) < 60 for path in TOY.glob("*.py"))


def test_a_folder_alone_brings_a_source_and_its_command(server: Server, tmp_path: Path) -> None:
    shutil.copytree(TOP / "scraper", tmp_path / "scraper", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(TOY, tmp_path / "scraper" / "toy", ignore=shutil.ignore_patterns("__pycache__"))
    publish(server, "piano", {"a.mid": midi(1)})

    def scrape(*words: str) -> str:
        line = [sys.executable, "-m", "scraper.cli", *words]
        return subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, check=True).stdout

    assert re.search(r"^  toy +Scrape lists of a toy site\.$", scrape("--help"), re.M)
    assert "1 fetched" in scrape("toy", *options(server, tmp_path / "data"))
    assert re.search(r"^ toy +piano +1 +1 ", scrape("status", "--root", str(tmp_path / "data")), re.M)


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


def test_each_source_has_a_folder_an_id_and_a_command_of_one_name() -> None:
    assert list(sources.SOURCES) == source_names() == ["vgmusic", "mirror"]
    assert all(re.fullmatch(r"[a-z0-9]+", name) and source.id == name for name, source in sources.SOURCES.items())
    commands = [found.name or getattr(found.callback, "__name__", "") for found in cli.app.registered_commands]
    assert set(source_names()) <= set(commands)
    assert len(commands) == len(set(commands))


@pytest.mark.parametrize("extra", ["", "AGAIN = Toy()\n", 'TOY.id = "other"\n'])
def test_a_source_without_one_instance_of_its_name_is_refused(
    extra: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "toy").mkdir()
    text = (TOY / "source.py").read_text()
    (tmp_path / "toy" / "source.py").write_text(text + extra if extra else text.replace("TOY = Toy()", ""))
    monkeypatch.setattr(scraper, "__path__", [str(tmp_path)])
    monkeypatch.delitem(sys.modules, "scraper.toy.source", raising=False)
    monkeypatch.delitem(sys.modules, "scraper.toy", raising=False)
    with pytest.raises(TypeError, match="make one instance of a class that extends Source, with the id 'toy'"):
        load_source("toy")
