"""The command `dataset`: its output and its answers to mistakes.

It runs in this process, through its own entry point.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from dataset import cli
from dataset.corpus.corpus import Corpus
from dataset.corpus.schema import SPLITS
from dataset.midi.midi_writer import write_midi
from dataset.notes.model import Notes
from tests.dataset.conftest import fill, tune


class Answer(NamedTuple):
    """The result of a command."""

    code: int
    out: str
    error: str


@pytest.fixture
def dataset(root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):  # type: ignore[no-untyped-def]
    """Return the command as a function of its arguments."""

    def run(*arguments: str) -> Answer:
        monkeypatch.setenv("VGPIANO_ROOT", str(root))
        monkeypatch.setattr(sys, "argv", ["dataset", *arguments])
        with pytest.raises(SystemExit) as end:
            cli.main()
        return Answer(int(end.value.code or 0), *capsys.readouterr())

    return run


def test_a_game_is_found_by_a_part_of_its_name_and_its_funnel_is_shown(dataset) -> None:  # type: ignore[no-untyped-def]
    built = dataset("build", "--game", "a-g")
    assert built.code == 0
    assert "  listed            12\n" in built.out
    assert dataset("show", "a-game") == built
    manifest = json.loads(dataset("show", "a-game", "--format", "json").out)
    assert manifest["funnel"]["unique"] == 12
    assert manifest["query"] == "game == 'a-game'"
    assert dataset("list").out == f"{'a-game':<32}      12 pieces   game == 'a-game'\n"


def test_measuring_says_what_it_did(dataset) -> None:  # type: ignore[no-untyped-def]
    assert dataset("measure").out == "12 files: 0 already measured, 12 measured now\n"
    assert dataset("measure", "notes == 40").out == "12 files: 12 already measured, 0 measured now\n"


@pytest.mark.parametrize(
    "arguments, code",
    [
        (["build"], 2),
        (["build", "--game", "a", "--query", "b"], 2),
        (["build", "--query", "gaem == 'a-game'"], 2),
        (["build", "--game", "no such game"], 2),
        (["build", "--game", "a-game", "--name", "../up"], 2),
        (["build", "--query", "game == 'b'"], 1),
        (["show", "nothing"], 1),
    ],
)
def test_a_mistake_is_answered_in_one_line_and_an_exit_code(dataset, arguments: list[str], code: int) -> None:  # type: ignore[no-untyped-def]
    answer = dataset(*arguments)
    assert (answer.code, answer.out) == (code, "")
    assert answer.error.startswith("error: ")
    assert answer.error.count("\n") == 1


def test_neither_help_nor_a_build_imports_what_they_do_not_need(root: Path) -> None:
    script = (
        "import sys; from dataset import cli; heavy = {'numpy', 'pyarrow', 'symusic', 'tensorflow', 'music21'};"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules);"
        f"sys.argv = ['dataset', 'build', '--game', 'a-game', '--root', {str(root)!r}];"
        "import atexit; atexit.register(lambda: print({'symusic', 'tensorflow', 'music21'} & set(sys.modules)));"
        "cli.main()"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("set()\n")


def test_a_report_lies_in_the_corpus_and_goes_with_it(dataset, root: Path, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    built = dataset("build", "--game", "a-g")
    page = root / "corpora" / "a-game" / "report.html"
    assert dataset("report", "a-game") == Answer(0, f"{page}\n", "")
    assert dataset("report", "a-game", "--out", str(tmp_path / "a" / "b.html")).code == 0
    assert (tmp_path / "a" / "b.html").read_bytes() == page.read_bytes()
    assert dataset("show", "a-game") == built
    assert dataset("build", "--game", "a-g") == built
    assert not page.exists()
    assert "did you mean 'a-game'?" in dataset("report", "a-gam").error


def test_duplicates_can_be_kept_in_a_corpus_of_its_own(dataset, root: Path) -> None:  # type: ignore[no-untyped-def]
    higher = Notes.of(tune(50, 200).onset, tune(50, 200).duration, tune(50, 200).pitch + 2, tune(50, 200).velocity)
    fill(
        root,
        {"One": write_midi(tune(50, 200)), "Twin": write_midi(tune(50, 200)), "Up": write_midi(higher)},
        game="b-game",
    )
    dataset("build", "--game", "b-game")
    assert dataset("build", "--game", "b-game", "--keep-duplicates").code == 0
    plain, whole = (Corpus.open(root, name) for name in ("b-game", "b-game-with-duplicates"))
    assert plain.manifest.reasons == {"duplicate_bytes": 1, "duplicate_near": 1}
    assert whole.manifest.reasons == {}
    assert (plain.manifest.funnel.unique, whole.manifest.funnel.unique) == (1, 3)
    assert sorted(piece.title for split in SPLITS for piece in whole.pieces(split)) == ["One", "Twin", "Up"]


def test_duplicates_are_listed_with_titles_and_evidence(dataset, root: Path) -> None:  # type: ignore[no-untyped-def]
    original = tune(50, 200)
    lower = Notes.of(original.onset * 2, original.duration * 2, original.pitch - 3, original.velocity)
    fill(root, {"Song": write_midi(original), "Song (2)": write_midi(lower)}, game="b-game")
    found = dataset("duplicates")
    assert found.code == 0
    assert "near: 2 pieces\n" in found.out
    assert "    b-game: Song (2), by Sequencer 1\n" in found.out
    assert "100% or 200 notes, " in found.out
    assert "3 semitones" in found.out
    assert found.out.endswith("14 pieces compared: 1 groups, 1 relations\n")
    (row,) = json.loads(dataset("duplicates", "game == 'b-game'", "--format", "json").out)
    assert (row["relation"], abs(row["transposition"]), row["share"]) == ("near", 3, 1.0)
    assert row["left_out"] in (row["first_url"], row["second_url"])
    nothing = dataset("duplicates", "game == 'c-game'")
    assert (nothing.code, nothing.out) == (1, "")
    assert "no fetched piece matches game == 'c-game'" in nothing.error


def test_filters_are_shown_and_a_file_of_ones_own_is_laid_over_them(dataset, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "mine.toml"
    path.write_text("[filter.too_many_notes]\nmeasure = 'notes'\nmost = 39\nwhy = 'Short ones only.'\n")
    plain, mine = dataset("filters"), dataset("filters", "--filters", str(path))
    assert plain.code == mine.code == 0
    assert "on   too_few_notes           notes at least 16\n     Too few notes" in plain.out
    assert "off  too_empty" in plain.out
    assert "off  duplicate_contained     all of them\n" in plain.out
    assert "on   too_many_notes          notes at most 39\n     Short ones only.\n" in mine.out
    settings = json.loads(dataset("filters", "--filters", str(path), "--format", "json").out)
    assert settings["too_many_notes"] == {"on": True, "measure": "notes", "most": 39, "why": "Short ones only."}
    none_left = dataset("build", "--game", "a-g", "--filters", str(path))
    assert (none_left.code, none_left.out) == (1, "")
    assert "too_many_notes 12" in none_left.error
    path.write_text("[filter.too_many_notes]\nmeasure = 'note'\n")
    wrong = dataset("build", "--game", "a-g", "--filters", str(path))
    assert wrong.code == 2
    assert "mine.toml: [filter.too_many_notes] measure: unknown measure 'note'; did you mean 'notes'?" in wrong.error
    assert dataset("build", "--game", "a-g", "--piano-tracks").code == 0
