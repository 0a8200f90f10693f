"""The command `render`: loops, stems, and several files and folders at once."""

import json
from pathlib import Path

import mutagen
import pytest

from dataset.midi.loop_marks import loop_of
from dataset.midi.midi_writer import write_midi
from dataset.notes.model import Notes
from tests.training.test_render import command

SMALL = Notes.of([n * 24 for n in range(12)], [24] * 12, [40, 64, 67] * 4, [80] * 12, [(0, 240.0)])  # three bars


def written(path: Path, loop: tuple[int, int] | None = None) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(write_midi(SMALL, loop=loop))
    return path


def test_a_loop_of_bars_has_all_files_of_engines(tmp_path: Path) -> None:
    midi = written(tmp_path / "a.mid")
    done = command(midi, "--loop", "2:3")
    assert (done.returncode, done.stderr) == (0, "")
    assert {path.name for path in tmp_path.iterdir()} == {
        "a.mid",
        *(f"a-loop.{form}" for form in ("ogg", "wav", "mid", "json")),
    }
    assert json.loads((tmp_path / "a-loop.json").read_text())["bars"] == 2
    assert mutagen.File(tmp_path / "a-loop.ogg")["looplength"] == [str(44_100 * 2)]
    assert loop_of((tmp_path / "a-loop.mid").read_bytes()) == (96, 288)


@pytest.mark.parametrize(
    "words", [("--loop", "{}"), ("{}", "--loop"), ("{}", "--loop", "--format", "json"), ("--loop", "marked", "{}")]
)
def test_without_bars_the_loop_is_the_one_that_the_file_marks(tmp_path: Path, words: tuple[str, ...]) -> None:
    midi = written(tmp_path / "a.mid", (96, 192))
    done = command(*(word.format(midi) for word in words), "--format", "json")
    assert (done.returncode, done.stderr) == (0, "")
    record = json.loads((tmp_path / "a-loop.json").read_text())
    assert (record["first_bar"], record["bars"]) == (2, 1)


@pytest.mark.parametrize("name", ["1.mid", "5-20.mid", "01 title.midi", "2024", "7up/a.mid"])
def test_after_loop_a_file_or_folder_whose_name_begins_with_a_digit_is_what_to_render(
    tmp_path: Path, name: str
) -> None:
    midi = written(tmp_path / name / "a.mid" if name == "2024" else tmp_path / name, (96, 192))
    done = command("--loop", name, "--format", "mid", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert midi.with_name(f"{midi.stem}-loop.mid").is_file()


def test_a_file_without_marks_costs_that_file(tmp_path: Path) -> None:
    marked, bare = written(tmp_path / "a.mid", (96, 192)), written(tmp_path / "b.mid")
    done = command(marked, bare, "--loop", "--format", "mid")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "b.mid: no loop is marked in this file" in done.stderr
    assert (tmp_path / "a-loop.mid").is_file()


@pytest.mark.parametrize(
    "words, code, says",
    [
        (("a.mid", "--loop", "2:9"), 2, "a.mid: no loop from bar 2 to bar 9: the piece has bars 1 to 3"),
        (("a.mid", "--loop", "3:"), 2, "--loop '3:': not START:END"),
        (("a.mid", "--loop", "3"), 2, "--loop '3': not START:END"),
        (("a.mid", "--loop", "--format", "mp3"), 2, "ogg, wav, mid, json"),
        (("a.mid", "--loop"), 1, "a.mid: no loop is marked"),
        (("none",), 1, "none: no MIDI files in this folder"),
        (("a.mid", "b.mid"), 2, "b.mid: no such file"),
        (("a.mid", "x/a.mid", "--out", "out", "--roll"), 2, "would be written to the same names"),
    ],
)
def test_mistakes_are_one_line(tmp_path: Path, words: tuple[str, ...], code: int, says: str) -> None:
    written(tmp_path / "a.mid")
    written(tmp_path / "x" / "a.mid")
    (tmp_path / "none").mkdir()
    done = command(*words, cwd=tmp_path)
    assert (done.returncode, says in done.stderr) == (code, True), done.stderr
    assert "Traceback" not in done.stderr


def test_a_loop_without_notes_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "a.mid"
    path.write_bytes(write_midi(Notes.of([0, 960], [24, 24], [60, 60], [80, 80])))
    done = command(path, "--loop", "3:4")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "a.mid: no note begins in the loop" in done.stderr
    assert list(tmp_path.iterdir()) == [path]


def test_stems_are_a_file_for_each_hand(tmp_path: Path) -> None:
    done = command(written(tmp_path / "a.mid"), "--stems", "--format", "ogg")
    assert (done.returncode, done.stderr) == (0, "")
    assert {path.name for path in tmp_path.glob("*.ogg")} == {"a-right-hand.ogg", "a-left-hand.ogg"}
    assert mutagen.File(tmp_path / "a-left-hand.ogg")["title"] == ["a (left hand)"]


def test_several_files_and_folders_are_rendered_beside_each_file(tmp_path: Path) -> None:
    one, two = written(tmp_path / "one.mid"), written(tmp_path / "deep" / "er" / "two.MID")
    written(tmp_path / "deep" / "three.midi")
    (tmp_path / "deep" / "bad.mid").write_bytes(b"no music")
    (tmp_path / "deep" / "notes.txt").write_text("no music")
    done = command(one, tmp_path / "deep", one, "--roll")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "bad.mid: not_midi" in done.stderr
    made = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.svg")}
    assert made == {"one-roll.svg", "deep/er/two-roll.svg", "deep/three-roll.svg"}
    again = command(one, two, "--roll", "--out", tmp_path / "out")
    assert (again.returncode, again.stderr) == (0, "")
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"one-roll.svg", "two-roll.svg"}
