"""A blind test: its page, its key, and the count of its votes."""

import hashlib
import hmac
import io
import json
import re
import shutil
from base64 import b64decode
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from catalog.base.errors import TrainingError, UsageError
from dataset.corpus.corpus import Corpus
from dataset.midi.midi_writer import write_midi
from dataset.notes.model import Notes
from dataset.notes.timing import tick_to_seconds
from tests.once import Once
from tests.training.conftest import command
from tests.training.songs import song
from training.listening.excerpts import find_starts, notes_from
from training.listening.votes import tally_votes, votes_needed, wilson
from training.sound.loudness import loudness

SECONDS = 3.0


@pytest.fixture(name="listened", scope="module")
def made_test(trained: Path, once: Once, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The data root of the run `tiny`, and a folder with a test of it: test.html and test.key.json."""

    def make(folder: Path) -> None:
        other = folder / "rival <b>"
        other.mkdir(parents=True)
        for number in range(3):
            (other / f"{number}.mid").write_bytes(write_midi(song(90 + number)))
        (other / "bad.mid").write_bytes(b"MThd no more")
        (other / "short.mid").write_bytes(write_midi(song(99, bars=1)))
        words = ("--count", "2", "--seconds", str(SECONDS), "--seed", "4", "--out", folder / "test.html")
        done = command("listen", "tiny", "--also", str(other), *map(str, words), root=trained)
        assert done.returncode == 0, done.stderr
        assert done.stdout.splitlines() == [str(folder / "test.html"), str(folder / "test.key.json")]
        assert f"{other / 'bad.mid'}: " in done.stderr

    folder = Path(shutil.copytree(once("listened", make), tmp_path_factory.mktemp("listened") / "folder"))
    return trained, folder


def key_of(folder: Path) -> dict[str, Any]:
    """The key of a test."""
    found: dict[str, Any] = json.loads((folder / "test.key.json").read_text())
    return found


def sealed(key: dict[str, Any], entry: dict[str, Any]) -> str:
    """The seal of an excerpt, computed as the reference says."""
    text = json.dumps([key["test"], *(entry[name] for name in ("number", "source", "maker", "piece"))])
    return hmac.new(bytes.fromhex(key["secret"]), text.encode(), hashlib.sha256).hexdigest()


def made_key(folder: Path) -> dict[str, Any]:
    """Write a key of four excerpts: two by people, one by the run, one by another program."""
    rows = (("people", "person"), ("tiny", "computer"), ("people", "person"), ("other", "computer"))
    entries = [
        {"number": number, "source": source, "maker": maker, "piece": f"piece {number}", "start": 0.0}
        for number, (source, maker) in enumerate(rows, 1)
    ]
    key = {"format": 1, "test": "abc", "run": "tiny", "seed": 1, "seconds": 20.0, "secret": "5e" * 32}
    key |= {"excerpts": entries}
    (folder / "test.key.json").write_text(json.dumps(key))
    return key


def vote(folder: Path, listener: str, answers: str, known: Sequence[int] = ()) -> dict[str, Any]:
    """Write the file of a listener: p, c or - (no answer) for each excerpt of the key."""
    key = key_of(folder)
    made = {"p": "person", "c": "computer"}
    votes = [
        {"excerpt": at, "answer": made[sign], "known": at in known, "seal": sealed(key, key["excerpts"][at - 1])}
        for at, sign in enumerate(answers, 1)
        if sign in made
    ]
    ballot = {"format": 1, "test": key["test"], "listener": listener, "votes": votes}
    (folder / f"{listener}.json").write_text(json.dumps(ballot))
    return ballot


def test_the_page_has_each_source_and_no_training_piece(listened: tuple[Path, Path]) -> None:
    root, folder = listened
    key = key_of(folder)
    entries = key["excerpts"]
    held = {piece.title for piece in Corpus.open(root, "series-temple").pieces("test")}
    learned = {piece.title for piece in Corpus.open(root, "series-temple").pieces("train")}
    own = {each["piece"].partition(" (")[0] for each in entries if each["maker"] == "person"}
    assert own
    assert own <= held
    assert not own & learned
    assert len(own) == min(2, len(held))
    counts = {name: [each["maker"] for each in entries if each["source"] == name] for name in ("tiny", "rival <b>")}
    assert counts == {"tiny": ["computer"] * 2, "rival <b>": ["computer"] * 2}
    assert {each["piece"] for each in entries if each["source"] == "tiny"} <= {
        path.name for path in (root / "runs" / "tiny" / "samples").glob("*.mid")
    }
    assert not {"bad.mid", "short.mid"} & {each["piece"] for each in entries}


def test_the_page_tells_nobody_who_made_what(listened: tuple[Path, Path]) -> None:
    _, folder = listened
    key, page = key_of(folder), (folder / "test.html").read_text()
    bare = re.sub(r"base64,[^\"]+", "", page)
    told = {key["secret"], key["run"], *(each[name] for each in key["excerpts"] for name in ("source", "piece"))}
    told |= {"temple", "Song", "rival", "people"}
    assert [name for name in told if re.search(rf"(?<!\w){re.escape(name)}", bare)] == []
    assert re.findall(r'data-seal="(\w+)"', page) == [sealed(key, each) for each in key["excerpts"]]
    items = re.findall(r"<li class=\"card\".*?</li>", bare, re.DOTALL)
    assert len({re.sub(r"\d+|data-seal=\"\w+\"", "", each) for each in items}) == 1  # alike but for number and seal


def test_all_excerpts_sound_alike(listened: tuple[Path, Path]) -> None:
    page = (listened[1] / "test.html").read_text()
    files = [b64decode(text) for text in re.findall(r"audio/mpeg;base64,([^\"]+)", page)]
    sounds = [soundfile.read(io.BytesIO(file), dtype="float32") for file in files]
    [(length, rate)] = {(len(sound), rate) for sound, rate in sounds}
    assert rate == 44100
    assert length == pytest.approx(SECONDS * rate, abs=1152)  # a frame of MP3
    assert len({len(file) for file in files}) == 1
    assert [loudness(sound, rate) for sound, rate in sounds] == pytest.approx([-16] * len(sounds), abs=1)
    assert not any(b"TIT2" in file or file.startswith(b"ID3") for file in files)


def test_the_seed_gives_the_same_excerpts_and_a_new_secret(listened: tuple[Path, Path], tmp_path: Path) -> None:
    root, folder = listened
    words = ("--count", "2", "--seconds", str(SECONDS), "--seed", "4", "--out", str(tmp_path / "test.html"))
    done = command("listen", "tiny", "--also", str(folder / "rival <b>"), *words, root=root)
    assert done.returncode == 0, done.stderr
    first, second = key_of(folder), key_of(tmp_path)
    assert first["excerpts"] == second["excerpts"]
    assert first["secret"] != second["secret"]
    assert first["test"] != second["test"]
    again = command("listen", "tiny", *words, root=root)
    assert (again.returncode, again.stderr.count("\n")) == (2, 1)
    assert "choose another --out" in again.stderr


def test_an_excerpt_begins_on_a_bar_line_and_its_time_goes_on() -> None:
    piece = song(1, bars=8)
    times = tick_to_seconds(piece.tempos, piece.onset)
    starts = find_starts(piece, 5.0)
    assert starts.tolist() == [tick for tick in range(0, 8 * 96, 96) if tick / 24 * 60 / 101 + 5 <= 32 * 60 / 101]
    slower = Notes(piece.onset, piece.duration, piece.pitch, piece.velocity, ((0, 101.0), (100, 50.0), (300, 80.0)))
    times = tick_to_seconds(slower.tempos, slower.onset)
    cut = notes_from(slower, 192, 4.0)
    begin = float(tick_to_seconds(slower.tempos, 192))
    expected = [time - begin for time in times if begin <= time < begin + 4]
    assert tick_to_seconds(cut.tempos, cut.onset).tolist() == pytest.approx(expected)
    assert len(find_starts(piece, 60.0)) == 0
    sparse = Notes(np.array([0, 2400]), np.array([24, 24]), np.array([60, 60]), np.array([80, 80]))
    assert len(find_starts(sparse, 10.0)) == 0


def test_votes_are_counted_against_the_key(tmp_path: Path) -> None:
    made_key(tmp_path)  # truth: p c p c
    vote(tmp_path, "ann", "pcpp")  # right, right, right, wrong
    vote(tmp_path, "bob", "cccc")  # wrong, right, wrong, right
    vote(tmp_path, "cy", "pc--", known=[1])  # not counted, right
    files = [str(tmp_path / f"{name}.json") for name in ("ann", "bob", "cy")]
    done = command("listen", "--tally", str(tmp_path / "test.key.json"), *files, "--json", root=tmp_path)
    found = json.loads(done.stdout)
    assert (found["listeners"], found["known"], found["votes_needed"]) == (3, 1, 194)
    rows = {each["source"]: each for each in found["sources"]}
    assert list(rows) == ["people", "other", "tiny"]
    counts = {name: (each["votes"], each["right"], each["share"]) for name, each in rows.items()}
    assert counts == {"people": (4, 2, 0.5), "other": (2, 1, 0.5), "tiny": (3, 3, 1.0)}
    together = found["together"]
    assert (together["votes"], together["right"], together["excerpts"]) == (9, 6, 4)
    assert (rows["people"]["low"], rows["people"]["high"]) == pytest.approx((0.1500, 0.8500), abs=1e-4)
    assert (together["listeners_needed"], rows["people"]["listeners_needed"]) == (49, 97)
    plain = command("listen", "--tally", str(tmp_path / "test.key.json"), *files, root=tmp_path)
    assert plain.stdout.splitlines()[0].startswith("3 listeners, 9 votes; 1 more")
    assert re.search(r"^people +a person +2 +4 +2  50.0% \(15.0% to 85.0%\)$", plain.stdout, re.MULTILINE)
    assert "takes 194 votes" in plain.stdout
    assert "49 listeners for all sources together, 97 for people" in plain.stdout


def test_intervals_and_numbers_of_votes_as_published() -> None:
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)  # Newcombe 1998, table I
    assert wilson(0, 20) == pytest.approx((0.0, 0.1611), abs=5e-5)
    assert wilson(1, 29) == pytest.approx((0.0061, 0.1718), abs=5e-5)
    assert wilson(0, 0) == (0.0, 1.0)
    assert votes_needed() == 194  # (1.96 * 0.5 + 0.8416 * sqrt(0.24))² / 0.01 = 193.8


def test_a_damaged_key_or_file_of_votes_is_one_clear_line(tmp_path: Path) -> None:
    key, ballot = made_key(tmp_path), vote(tmp_path, "ann", "pcpc")
    changed = {**ballot["votes"][0], "seal": "0" * 64}
    entries = key["excerpts"]
    swapped = [{**entries[0], "maker": "computer", "source": "tiny"}, *entries[1:]]
    cases: tuple[tuple[str, object, str], ...] = (
        ("ann.json", "{", "not JSON"),
        ("ann.json", {**ballot, "format": 2}, "format: 2"),
        ("ann.json", {**ballot, "test": "xyz"}, "test: xyz, the key is of test abc"),
        ("ann.json", {**ballot, "votes": [changed]}, "has not the seal"),
        ("ann.json", {**ballot, "votes": [ballot["votes"][0]] * 2}, "answered twice"),
        ("ann.json", {**ballot, "votes": [{**ballot["votes"][0], "excerpt": 9}]}, "the test has 4"),
        ("ann.json", {**ballot, "votes": [{**ballot["votes"][0], "answer": "dog"}]}, "votes[0].answer"),
        ("test.key.json", {**key, "secret": "5e"}, "secret: "),
        ("test.key.json", {**key, "excerpts": entries[1:]}, "not numbered from 1"),
        ("test.key.json", {**key, "excerpts": []}, "not numbered from 1"),
        ("test.key.json", {**key, "excerpts": swapped}, "has not the seal"),
        ("test.key.json", None, "no such file"),
        ("ann.json", None, "no such file"),
    )
    for name, content, words in cases:
        made_key(tmp_path)
        vote(tmp_path, "ann", "pcpc")
        path = tmp_path / name
        path.unlink()
        if content is not None:
            path.write_text(content if isinstance(content, str) else json.dumps(content))
        with pytest.raises(TrainingError, match=re.escape(words)) as caught:
            tally_votes(tmp_path / "test.key.json", [tmp_path / "ann.json"])
        assert str(caught.value).startswith(str(tmp_path))
        assert "\n" not in str(caught.value)
    made_key(tmp_path)
    files = (str(tmp_path / "test.key.json"), str(tmp_path / "ann.json"))
    done = command("listen", "--tally", *files, root=tmp_path)  # without the last case's file of votes
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert done.stderr.startswith("error: ")
    vote(tmp_path, "ann", "pcpc")
    shutil.copy(tmp_path / "ann.json", tmp_path / "again.json")
    with pytest.raises(UsageError, match="of one listener"):
        tally_votes(tmp_path / "test.key.json", [tmp_path / "ann.json", tmp_path / "again.json"])


@pytest.mark.parametrize(
    "words, said",
    [
        (["--count", "0"], "--count 0"),
        (["--seconds", "1"], "--seconds 1"),
        (["--also", "nowhere"], "no such folder"),
        (["two"], "give one run"),
    ],
)
def test_wrong_settings_are_one_clear_line(trained: Path, words: list[str], said: str) -> None:
    done = command("listen", "tiny", *words, root=trained)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert said in done.stderr


def test_missing_samples_are_composed(trained: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(trained, tmp_path / "root"))
    shutil.rmtree(root / "runs" / "tiny" / "samples")
    done = command("listen", "tiny", "--count", "1", "--seconds", "3", "--seed", "1", root=root)
    assert done.returncode == 0, done.stderr
    page, key = map(Path, done.stdout.splitlines())
    assert (page.name, key.name) == ("listen-1.html", "listen-1.key.json")
    assert page.parent == root / "runs" / "tiny"
    pieces = [each["piece"] for each in json.loads(key.read_text())["excerpts"] if each["source"] == "tiny"]
    assert pieces == ["composed with seed 1, 1"]
    assert not list((root / "runs" / "tiny").glob("samples/*"))
