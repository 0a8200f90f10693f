"""The command `render` on files and runs; failures affect one file only."""

import json
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import mutagen
import pytest

from catalog.base.errors import UsageError
from dataset.midi.midi_writer import write_midi
from dataset.notation.records import Credits
from dataset.notes.model import Notes
from tests import forked
from tests.dataset.conftest import fill
from tests.training.fonts import FontZone, font, tone
from tests.training.songs import song
from training.note_lstm.recipe import NoteLSTMRecipe
from training.rendering import render
from training.rendering.render import Output, RenderPiece, outputs, render_pieces
from training.run import Run
from training.run_record import TrainingRequest
from training.sampling.config import SamplingConfig
from training.sampling.sample_record import Draft, SampleRecord

MAGIC = {
    ".mp3": b"",
    ".wav": b"RIFF",
    ".ogg": b"OggS",
    ".pdf": b"%PDF-",
    ".png": b"\x89PNG",
    ".svg": b"<svg",
    ".musicxml": b"<?xml",
}


def command(*words: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run `render` with an empty environment."""
    return forked.command("render", *words, env={}, cwd=cwd)


@pytest.fixture
def midi(tmp_path: Path) -> Path:
    path = tmp_path / "A_song.mid"
    path.write_bytes(write_midi(song(1)))
    return path


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A run with two composed samples and a third file that is not MIDI."""
    asked = TrainingRequest(corpus="c", corpus_hash="0" * 64, query="q", seed=0, minutes=1.0, epochs=None)
    made = Run.create(tmp_path, "made", NoteLSTMRecipe(), json.dumps({}), asked)
    made.samples.mkdir()
    for number in (1, 2):
        (made.samples / f"sample-{number}.mid").write_bytes(write_midi(song(number)))
    return made


def test_a_file_becomes_sound_score_and_roll_beside_it(midi: Path) -> None:
    done = command(midi)
    assert done.returncode == 0, done.stderr
    names = {"A_song.mp3", "A_song.musicxml", "A_song-score.pdf", "A_song-roll.svg"}
    assert {path.name for path in midi.parent.iterdir()} == names | {midi.name}
    assert {Path(line).name for line in done.stdout.splitlines()} == names
    for name in names:
        data = (midi.parent / name).read_bytes()
        assert data.startswith(MAGIC[Path(name).suffix])
        assert len(data) > 1000
    assert b">A song<" in (midi.parent / "A_song.musicxml").read_bytes()


def test_a_run_has_all_of_its_samples_rendered(run: Run, tmp_path: Path) -> None:
    done = command("made", "--roll", "--root", tmp_path)
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in run.samples.glob("*.svg")) == ["sample-1-roll.svg", "sample-2-roll.svg"]
    assert "made sample-1" in (run.samples / "sample-1-roll.svg").read_text()


def test_one_bad_sample_does_not_cost_the_others(run: Run, tmp_path: Path) -> None:
    (run.samples / "sample-10.mid").write_bytes(b"no music")
    done = command(run.path, "--score", "--format", "musicxml", "--out", tmp_path / "out")
    assert done.returncode == 1
    assert "sample-10.mid" in done.stderr
    assert "not_midi" in done.stderr
    assert len(list((tmp_path / "out").iterdir())) == 2


def test_the_forms_that_are_asked_for_are_made(midi: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = command(midi, "--audio", "--score", "--format", "wav", "--format", "png", "--format", "svg", "--out", out)
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in out.iterdir()) == ["A_song-score.png", "A_song-score.svg", "A_song.wav"]
    for path in out.iterdir():
        assert path.read_bytes().startswith(MAGIC[path.suffix])


def test_forms_belong_to_kinds() -> None:
    assert outputs() == [
        Output("audio", "mp3"),
        Output("score", "musicxml"),
        Output("score", "pdf"),
        Output("roll", "svg"),
    ]
    assert outputs(["roll"], ["png"]) == [Output("roll", "png")]
    assert outputs([], ["png"]) == [Output("audio", "mp3"), Output("score", "png"), Output("roll", "png")]
    with pytest.raises(UsageError, match="mp3, ogg, wav"):
        outputs(["audio"], ["flac"])


@pytest.mark.parametrize(
    "words, code, says",
    [
        ((), 2, "Missing argument"),
        (("missing.mid",), 2, "missing.mid: no such file"),
        (("nobody",), 1, "no run 'nobody'"),
        (("bad.mid",), 1, "bad.mid: not_midi"),
        (("bad.mid", "--audio", "--format", "flac"), 2, "mp3, ogg, wav"),
        (("empty", "--root", "."), 1, "no samples"),
    ],
)
def test_mistakes_get_one_clear_line(tmp_path: Path, words: tuple[str, ...], code: int, says: str) -> None:
    (tmp_path / "bad.mid").write_bytes(b"MThd")
    asked = TrainingRequest(corpus="c", corpus_hash="0" * 64, query="q", seed=0, minutes=1.0, epochs=None)
    Run.create(tmp_path, "empty", NoteLSTMRecipe(), "{}", asked)
    done = command(*words, cwd=tmp_path)
    assert done.returncode == code
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_a_file_that_kills_a_library_costs_that_file_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(render, "TASK", "tests.training.test_render:made_or_dead")
    wanted = [Output("score", "svg"), Output("roll", "svg"), Output("score", "musicxml")]
    results = list(render_pieces([RenderPiece("x", song(1)), RenderPiece("y", song(2))], tmp_path, wanted))
    assert len(results) == 6
    reasons = {result.path.name: result.reason for result in results if result.reason}
    assert set(reasons) == {"x-score.svg", "y-score.svg"}
    assert "worker process ended" in reasons["x-score.svg"]
    assert {path.name for path in tmp_path.iterdir()} == {"x-roll.svg", "x.musicxml", "y-roll.svg", "y.musicxml"}


def made_or_dead(job: tuple[RenderPiece, Output]) -> bytes:
    """Like `render.render_output`, but a score kills its process."""
    if job[1] == Output("score", "svg"):
        import os
        import signal

        os.kill(os.getpid(), signal.SIGKILL)
    return render.render_output(job)


def test_an_empty_piece_is_rendered_as_nothing(tmp_path: Path) -> None:
    results = list(render_pieces([RenderPiece("none", Notes.of([], [], [], []))], tmp_path))
    assert [result.reason for result in results] == [None] * 4


def test_what_is_known_of_a_piece_is_in_its_score(tmp_path: Path) -> None:
    known = Credits(game="A Game", sequencer="A. Person", source="https://example.org/a.mid")
    piece = RenderPiece("x", song(1), "A Title", known)
    for rendered in render_pieces([piece], tmp_path, outputs(["score"], ["musicxml", "svg"])):
        assert rendered.reason is None
        found = "".join(ElementTree.parse(rendered.path).getroot().itertext())
        for text in ("A Title", "A Game", "A. Person", "https://example.org/a.mid"):
            assert text in found, (rendered.path, text)


def test_a_file_of_the_catalog_is_printed_with_what_the_catalog_lists(tmp_path: Path) -> None:
    data = write_midi(song(1))
    fill(tmp_path / "root", {"A Listed Title": data}, game="some-game")
    [file] = (tmp_path / "root" / "midi").rglob("*.mid")
    stranger = tmp_path / f"{'0' * 64}.mid"
    stranger.write_bytes(data)
    for path in (file, stranger):
        words = (path, "--score", "--format", "musicxml", "--out", tmp_path / "out", "--root", tmp_path / "root")
        done = command(*words)
        assert (done.returncode, done.stderr) == (0, "")
    listed, other = (
        "".join(ElementTree.parse(tmp_path / "out" / f"{path.stem}.musicxml").getroot().itertext())
        for path in (file, stranger)
    )
    for text in ("A Listed Title", "Some-Game (some)", "Sequencer 0", "https://example.org/some-game/0.mid"):
        assert text in listed
        assert text not in other


def test_sound_of_a_file_of_the_catalog_and_of_a_run_is_tagged(run: Run, tmp_path: Path) -> None:
    fill(tmp_path / "root", {"A Listed Title": write_midi(song(1))}, game="some-game")
    [file] = (tmp_path / "root" / "midi").rglob("*.mid")
    drawn = Draft(song(1), {("zelda", "ocarina-of-time"): 1.0})
    record = SampleRecord.of(drawn, SamplingConfig(seed=1, bars=4), run="made", number=1, drafts=1, has_prime=False)
    (run.samples / "sample-1.json").write_text(record.to_json())
    (run.samples / "sample-2.json").write_text("{damaged")
    out = tmp_path / "out"
    for words in ((file, "--root", tmp_path / "root"), ("made", "--root", tmp_path)):
        done = command(*words, "--audio", "--format", "ogg", "--out", out)
        assert (done.returncode, done.stderr) == (0, "")
    listed, composed = mutagen.File(out / f"{file.stem}.ogg"), mutagen.File(out / "sample-1.ogg")
    assert (listed["title"], listed["artist"]) == (["A Listed Title"], ["Sequencer 0"])
    assert listed["album"][0].startswith("Some-Game")
    assert (composed["title"], composed["artist"]) == (["made sample-1"], ["vgpiano"])
    assert composed["comment"] == ["composed by vgpiano, run made"]
    assert composed["album"] == ["in the style of ocarina of time"]
    assert "album" not in mutagen.File(out / "sample-2.ogg")
    assert composed["soundfont"][0].startswith("piano: ")


def test_a_soundfont_can_be_named(midi: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine.sf2"
    mine.write_bytes(font([FontZone(tone([262.0], 4))], terms="CC0 by me"))
    done = command(midi, "--audio", "--format", "ogg", "--soundfont", mine)
    assert (done.returncode, done.stderr) == (0, "")
    assert mutagen.File(midi.with_suffix(".ogg"))["soundfont"] == ["piano: Test Piano, CC0 by me"]


@pytest.mark.parametrize(
    "data, says", [(None, "mine.sf2: the soundfont cannot be read"), (b"RIFFxxxx", "mine.sf2: not a")]
)
def test_a_soundfont_that_cannot_be_read_is_one_line(midi: Path, tmp_path: Path, data: bytes | None, says: str) -> None:
    mine = tmp_path / "mine.sf2"
    if data is not None:
        mine.write_bytes(data)
    done = command(midi, "--audio", "--soundfont", mine)
    assert done.returncode == 1
    assert says in done.stderr
    assert done.stderr.count("\n") == 1
