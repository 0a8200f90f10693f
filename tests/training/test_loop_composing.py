"""Loops that are composed: the plan that leads on, the seam, what is kept, and the files."""

import json
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from catalog.base.errors import UsageError
from dataset.midi.loop_marks import loop_of
from dataset.midi.midi_reader import read_midi
from dataset.notes.model import Notes
from tests.dataset.test_form import A1, A2, B1, B2, piece
from tests.training.conftest import command
from tests.training.songs import song
from tests.training.test_sampler import VOCABULARY, saying, weights
from training.events.batches import EncodedPiece
from training.events.encoding import encode
from training.events.fields import to_class
from training.events.followed import Followed
from training.events.plan_columns import COLUMNS, EQUAL, REMAINING, SOURCE_COLUMNS
from training.events.plans import Plan
from training.generate import compose_samples
from training.network.inference import STRETCH, NoteNetwork
from training.note_lstm.seams import _flux, accent, seams, with_next_turn
from training.planning.forms import with_loop
from training.run import Run
from training.sampling.sample_record import Seam
from training.sampling.sampler import SamplingConfig, compose

PLAN, _ = Plan.of(piece(A1, A2, A1, A2, B1, B2, A1, A2))


@pytest.mark.parametrize("intro, bars", [(0, 4), (2, 6), (1, 20), (0, 1)])
def test_a_plan_of_a_loop_goes_on_with_its_first_bars_and_has_no_end_in_sight(intro: int, bars: int) -> None:
    plan = with_loop(PLAN, intro, bars)
    for field in fields(Plan):
        if field.name not in SOURCE_COLUMNS:
            turn = getattr(plan, field.name)[intro : intro + bars].tolist()
            again = getattr(plan, field.name)[intro + bars :].tolist()
            assert again == [turn[n % bars] for n in range(len(again))]
    assert set(plan.lag[intro + bars :].tolist()) == {bars}
    assert set(plan.level[intro + bars :].tolist()) == {EQUAL}
    assert (plan.lag <= np.arange(len(plan))).all()
    followed = Followed([(plan, np.arange(len(plan) + 1) * 96)])
    remaining = followed.table[0, : intro + bars, [*COLUMNS].index("remaining")]
    assert set(remaining.tolist()) == {REMAINING - 1}


def test_a_loop_has_its_bars_and_its_last_note_is_not_held_until_its_end() -> None:
    network = saying(time={36: 40}, pitch={60: 40, 62: 40}, duration={6: 40})
    [loop, same] = (
        compose(network, VOCABULARY, SamplingConfig(bars=4, seed=1, game="wood", loop=is_loop))[0]
        for is_loop in (True, False)
    )
    assert int(loop.onset[-1]) == int(same.onset[-1]) < 4 * 96
    assert int(loop.duration[-1]) == 6
    assert int(same.onset[-1] + same.duration[-1]) == 4 * 96


def test_what_is_held_over_the_last_bars_of_a_loop_is_held_until_its_end() -> None:
    two_bars = int(to_class(192))
    network = saying(time={two_bars: 60}, pitch={62: 60}, duration={two_bars: 60})
    [loop, same] = (
        compose(network, VOCABULARY, SamplingConfig(bars=6, seed=1, game="wood", loop=is_loop))[0]
        for is_loop in (True, False)
    )
    assert loop.onset.tolist() == same.onset.tolist() == [0, 192, 384]
    assert loop.end.tolist()[1:] == [384, 6 * 96]
    assert same.end.tolist()[1:] == [384, 5 * 96]


QUARTERS = {"time": {24: 12.0}, "pitch": {60: 12.0}, "duration": {12: 12.0}, "velocity": {10: 12.0}}


@pytest.mark.parametrize("intro", [0, 2])
def test_a_loop_of_one_bar_is_compared_with_its_first_turn(intro: int) -> None:
    network = saying(**QUARTERS)
    even = np.arange(4 * (intro + 1)) * 24
    notes = Notes.of(even, [12] * len(even), [60] * len(even), [80] * len(even), (), ((0, 4, 4),))
    [found] = seams(network, VOCABULARY, [(notes, {})], intro, 1)
    assert found.excess == pytest.approx(0, abs=0.05)
    assert found.usual_bits > 0


def test_the_bits_of_the_notes_of_a_piece_are_its_bits() -> None:
    network = NoteNetwork(weights())
    notes = [song(1, bars=48), song(2, bars=3), song(3, bars=20)]
    pieces = [EncodedPiece(events, (1, n)) for n, events in enumerate(encode(notes))]
    assert len(pieces[0].events) > STRETCH > len(pieces[1].events)
    style = network.style(np.array([piece.style for piece in pieces], np.int32))
    found = network.note_bits(pieces, style)
    assert [len(costs) for costs in found] == [len(piece.events) - 1 for piece in pieces]
    assert [costs.sum() for costs in found] == pytest.approx(network.bits(pieces).sum(axis=1), rel=1e-5)


def test_the_next_turn_stands_after_the_loop() -> None:
    notes = Notes.of([0, 96, 100, 192, 240], [12] * 5, [50, 60, 61, 62, 63], [80] * 5, (), ())
    twice = with_next_turn(notes, 96, 288, 96)
    assert twice.onset.tolist() == [0, 96, 100, 192, 240, 288, 292]
    assert twice.pitch.tolist() == [50, 60, 61, 62, 63, 60, 61]


def test_a_seam_is_as_surprising_as_its_notes_are_to_the_network() -> None:
    """The network expects notes on every quarter; one loop's first bar has them, the other's does not."""
    network = saying(**QUARTERS)
    even = np.arange(16) * 24
    uneven = np.append([5, 29, 53, 77], even[4:])
    pieces = [(Notes.of(onset, [12] * 16, [60] * 16, [80] * 16, (), ((0, 4, 4),)), {}) for onset in (even, uneven)]
    good, bad = seams(network, VOCABULARY, pieces, 0, 4)
    assert good.excess == pytest.approx(0, abs=0.05)
    assert bad.excess > 1
    assert good.usual_bits == pytest.approx(bad.usual_bits, abs=0.05)


def test_the_accent_of_a_seam_is_the_share_of_onsets_at_which_the_sound_changes_less() -> None:
    def accent_of(velocity: list[int], pitch: list[int], start: int = 0) -> float:
        onset = np.arange(len(pitch)) * 24
        notes = Notes.of(onset, [24] * len(pitch), pitch, velocity)
        return accent(with_next_turn(notes, start, 24 * len(pitch), 24), start, 24 * len(pitch))

    steps = [60, 61, 62, 63]
    assert accent_of([127, 80, 80, 80], steps) == 1  # struck more strongly
    assert accent_of([40, 80, 80, 80], steps) == 0
    assert accent_of([80, 60, 100, 110], steps) == pytest.approx(1 / 3)
    assert accent_of([60, 127, 80, 80], steps, 24) == 1  # the loop begins with the second note
    other, again = ([60, 72, 60, 72, 60, 72, 60, last] for last in (65, 60))
    assert accent_of([80] * 8, other) > 0.8
    assert accent_of([80] * 8, again) == 0  # a note that is struck again changes the sound less than another
    assert accent_of([80], [60]) == 0
    notes = Notes.of([12, 30], [6, 6], [60, 60], [80, 80])  # nothing is struck on the first line
    assert accent(with_next_turn(notes, 0, 48, 48), 0, 48) == 0
    assert not Seam(1, 1, 0.7).is_accented
    assert Seam(1, 1, 0.71).is_accented


def test_what_is_held_over_the_seam_makes_its_beginning_less_of_a_change() -> None:
    onset, pitch = np.array([0, 24, 48, 72]), [60, 62, 64, 60]
    short, held = (Notes.of(onset, [24, 24, 24, last], pitch, [80] * 4) for last in (12, 24))
    flux = [_flux(with_next_turn(notes, 0, 96, 24), 96) for notes in (short, held)]
    assert flux[0] > flux[1] > 0


@pytest.mark.parametrize(
    "settings, said",
    [
        ({"loop": True, "notes": 100}, "given in --bars; leave out --notes and --seconds"),
        ({"loop": True, "seconds": 9.0, "bars": 4}, "given in --bars; leave out --notes and --seconds"),
        ({"intro": 2, "bars": 8}, "give --loop, too"),
        ({"loop": True, "intro": -1}, "--intro must be from 0 to 64 bars"),
        ({"loop": True, "intro": 1, "form": "AB"}, "--form excludes --intro"),
        ({"loop": True, "bars": 5000}, "at most 1,024 --bars"),
    ],
)
def test_settings_of_a_loop_that_cannot_be_are_refused(settings: dict[str, object], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        SamplingConfig(**settings)  # type: ignore[arg-type]
    assert SamplingConfig(loop=True).bars == 16
    assert SamplingConfig(loop=True, form="AB", section_bars=4).bars == 8


def test_generate_keeps_the_loops_with_the_best_seams_and_marks_them(trained: Path) -> None:
    words = ("generate", "tiny", "--loop", "--bars", "4", "--intro", "2", "--count", "2", "--seed", "4", "--no-render")
    done = command(*words, "--out", str(trained / "loops"), root=trained)
    assert done.returncode == 0, done.stderr
    assert "chose 2 of 16 drafts, those whose end leads on best to their beginning" in done.stderr
    every = command(*words[:7], "--count", "16", *words[9:], "--draft", "--out", str(trained / "drafts"), root=trained)
    assert every.returncode == 0, every.stderr
    found = []
    for folder in ("loops", "drafts"):
        for file in sorted((trained / folder).glob("*.mid")):
            record = json.loads(file.with_suffix(".json").read_text())
            notes, loop = read_midi(file.read_bytes()), record["loop"]
            bar = 24 * record["meter"][0]
            assert loop_of(file.read_bytes()) == (loop["start"], loop["end"]) == (2 * bar, 6 * bar)
            assert int(notes.end.max()) <= 6 * bar
            seam = Seam(
                loop["seam_bits"],
                loop["usual_bits"],
                accent(with_next_turn(notes, 2 * bar, 6 * bar, bar), 2 * bar, 6 * bar),
            )
            found.append((seam.is_accented, seam.excess, file.parent.name))
    assert [folder for *_, folder in sorted(found)][:2].count("loops") >= 1
    assert (
        sorted(each[:2] for each in found if each[2] == "loops") == sorted(e[:2] for e in found if e[2] == "drafts")[:2]
    )


def test_a_loop_of_one_bar_is_composed(trained: Path) -> None:
    made = compose_samples(Run.open(trained, "tiny"), SamplingConfig(loop=True, bars=1, seed=4))
    [loop] = [record.loop for record in made.records]
    assert loop is not None
    assert (loop.bars, loop.start) == (1, 0)
    assert int(made.pieces[0].end.max()) <= loop.end


def test_a_loop_continues_no_file(trained: Path, tmp_path: Path) -> None:
    (tmp_path / "a.mid").write_bytes(b"MThd")
    done = command("generate", "tiny", "--loop", "--prime", str(tmp_path / "a.mid"), root=trained)
    assert (done.returncode, done.stderr.strip()) == (2, "error: --loop excludes --prime; give one")
