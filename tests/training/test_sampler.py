"""Sampling: deterministic by seed, with the requested length, style and meter.

It never gets stuck, whatever the network predicts.
"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby
from typing import Any

import numpy as np
import pytest

from catalog.base.errors import UsageError
from dataset.midi.midi_writer import write_midi
from dataset.notes.model import Notes, seconds
from tests.training.songs import song
from training.commands import field_options as settings
from training.events import fields as events
from training.events.encoding import classes
from training.events.plans import Plan
from training.events.repeat_models import GUESSES
from training.events.vocabulary import Opening, Vocabulary
from training.network import inference
from training.network import layout as inputs
from training.network.shapes import network_shapes
from training.note_lstm.recipe import NoteLSTMRecipe
from training.sampling import constraints
from training.sampling.conditioning import requested_styles, vector
from training.sampling.constraints import SAME_BARS, SAME_CHORD
from training.sampling.playable import is_playable
from training.sampling.sampler import SamplingConfig, compose

RECIPE = NoteLSTMRecipe(width=16, layers=1, head=8)
LOUD = tuple(np.repeat(range(4, 128, 8), events.SHADES).tolist())  # the middle of each class
OPENINGS = (
    Opening("temple", "wood", 0, 60, 12, 10, LOUD, 90.0, 4, 4, 192, Plan.of(song(1))[0].to_text()),
    Opening("temple", "water", 24, 48, 24, 10, LOUD, 150.0, 3, 4, 144, Plan.of(song(0))[0].to_text()),
)
GAIN = events.SIZES  # by field, the score that is the gain of the first guess
SCALES = {"embeddings": 0.1, "lstm_0": 0.2}  # of random weights
VOCABULARY = Vocabulary(("temple",), ("water", "wood"), OPENINGS)
WOOD, WATER = (replace(VOCABULARY, openings=(opening,)) for opening in OPENINGS)  # a run of one piece each


def weights(**biases: np.ndarray) -> dict[str, np.ndarray]:
    """A network with small random weights and these output biases."""
    rng = np.random.default_rng(0)
    named = {}
    for name, shape in network_shapes(RECIPE, series=1, games=2).items():
        layer, _, kind = name.partition("/")
        scale = 0.0 if kind == "bias" or layer.startswith("gain_") else SCALES.get(layer, SCALES.get(kind, 0.05))
        named[name] = rng.normal(0, scale, shape)
    named |= {f"out_{name}/bias": bias for name, bias in biases.items()}
    return {name: array.astype(np.float32) for name, array in named.items()}


def saying(**scores: dict[int, float]) -> inference.NoteNetwork:
    """A network with constant scores; class GAIN[field] is the first guess's gain."""
    biases = {n: np.zeros(events.SIZES[n] + GUESSES[n] + inputs.EXTRA_SCORES[n]) for n in scores}
    for name, by_class in scores.items():
        for number, score in by_class.items():
            biases[name][number] = score
    return inference.NoteNetwork(weights(**biases))


def copying() -> inference.NoteNetwork:
    """A network that repeats one note on every beat and follows the longest match."""
    return saying(
        time={24: 40, GAIN["time"]: 80},
        pitch={60: 40, GAIN["pitch"]: 80},
        duration={12: 40, GAIN["duration"]: 80},
    )


def bars(notes: Notes) -> Iterator[tuple[int, frozenset[tuple[int, int]]]]:
    """The bars of a piece with notes: number, and (ticks since the bar line, pitch)."""
    length = events.bar_ticks(*notes.time_signatures[-1][1:])
    for number, held in groupby(zip(notes.onset, notes.pitch, strict=True), key=lambda n: int(n[0]) // length):
        yield number, frozenset((int(o) % length, int(p)) for o, p in held)


def test_a_class_of_velocity_sounds_as_loud_as_it_does_in_the_piece_and_the_same_in_the_same_place() -> None:
    velocities = events.velocities_of_classes(np.array([127, 127, 121, 64, 66, 66], np.uint8))
    assert velocities[8].tolist() == [64, 64, 64, 66, 66, 66, 66, 66]
    assert velocities[15].tolist() == [121, 121, 121, 127, 127, 127, 127, 127]
    assert velocities[:8, 0].tolist() == velocities[:8, -1].tolist() == [4, 12, 20, 28, 36, 44, 52, 60]
    assert set(events.velocities_of_classes(np.array([0], np.uint8))[0].tolist()) == {1}  # 0 is no velocity
    opening = replace(VOCABULARY.openings[0], velocity=8, velocities=tuple(velocities.ravel().tolist()))
    network = saying(velocity={8: 40})
    [notes] = compose(network, replace(VOCABULARY, openings=(opening,)), SamplingConfig(notes=80, seed=2, top_p=1.0))
    of_place: dict[int, set[int]] = {}
    for onset, velocity in zip(notes.onset.tolist(), notes.velocity.tolist(), strict=True):
        of_place.setdefault(onset % events.bar_ticks(*notes.time_signatures[-1][1:]), set()).add(velocity)
    assert {velocity for held in of_place.values() for velocity in held} == {64, 66}
    assert all(len(held) == 1 for held in of_place.values())


def test_the_places_of_a_bar_share_the_velocities_of_a_class_evenly() -> None:
    for step, most in ((6, 5), (12, 3), (8, 4)):  # sixteenths, eighths and triplets of two bars
        shades = events.shade_of_place(np.arange(0, 144, step))
        assert set(shades.tolist()) == set(range(events.SHADES))
        assert np.bincount(shades).max() <= most


def longest_run(notes: Notes) -> int:
    """Maximum number of repetitions of a bar in a row."""
    most, run, before = 1, 1, (-9, frozenset())
    for number, held in bars(notes):
        run = run + 1 if (number, held) == (before[0] + 1, before[1]) else 1
        most, before = max(most, run), (number, held)
    return most


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others() -> None:
    network = inference.NoteNetwork(weights())
    pieces = [compose(network, VOCABULARY, SamplingConfig(count=3, notes=60, seed=seed)) for seed in (4, 4, 5)]
    first, again, other = ([write_midi(notes) for notes in made] for made in pieces)
    assert first == again
    assert not set(first) & set(other)
    assert len(set(first)) == 3


def test_a_stream_does_not_depend_on_how_many_are_beside_it() -> None:
    network = inference.NoteNetwork(weights())
    one, three = (compose(network, VOCABULARY, SamplingConfig(count=n, notes=80, seed=2)) for n in (1, 3))
    assert one[0] == three[0]


def test_streams_whose_notes_are_refused_do_not_depend_on_those_beside_them() -> None:
    named = weights(time=np.eye(1, len(weights()["out_time/bias"]))[0] * 2)  # many chords, of which many are complete
    network = inference.NoteNetwork(named)
    many, few = (compose(network, VOCABULARY, SamplingConfig(count=n, notes=60, seed=3)) for n in (16, 5))
    assert many[:5] == few
    chords = [(np.diff(notes.onset) == 0).mean() for notes in many]
    assert np.mean(chords) > 0.02


def ends_on_a_bar(notes: Notes, bar: int) -> bool:
    """Whether the last sound ends on a bar line, not before the last note's bar ends."""
    end = int((notes.onset + notes.duration).max())
    return end % bar == 0 and end - int(notes.onset[-1]) <= bar


def test_pieces_are_as_long_as_asked_and_end_on_a_bar_line() -> None:
    without_rests = np.zeros(len(weights()["out_time/bias"]))
    without_rests[49 : len(events.EDGES)] = -60  # after a long one, a piece would end before it
    network = inference.NoteNetwork(weights(time=without_rests))
    made = compose(network, WOOD, SamplingConfig(count=2, notes=77, game="wood"))
    assert [len(n.onset) for n in made] == [77, 77]
    assert all(ends_on_a_bar(n, 96) for n in made)
    for notes in compose(network, WATER, SamplingConfig(count=4, seconds=20.0)):
        assert 20 - 1.2 <= seconds(notes) < 20 + 1.2 * 2  # a bar of 3/4 at 150 takes 1.2 seconds
        assert ends_on_a_bar(notes, 72)
    for notes in compose(network, WATER, SamplingConfig(count=4, bars=6)):
        assert int((notes.onset + notes.duration).max()) == 6 * 72 or int(notes.onset[-1]) < 5 * 72
        assert ends_on_a_bar(notes, 72)


def test_after_a_prime_as_many_bars_follow_as_asked() -> None:
    prime = song(4, bars=3)  # in 3/4
    [notes] = compose(saying(time={12: 40}), VOCABULARY, SamplingConfig(bars=4), prime)
    assert int((notes.onset + notes.duration).max()) == (3 + 4) * 72


def test_no_bar_stands_more_than_four_times_running_even_when_the_network_only_copies() -> None:
    for number in range(2):
        prime = song(number, bars=2)
        [stuck] = compose(copying(), VOCABULARY, SamplingConfig(notes=400, top_p=1e-9), prime)
        assert longest_run(stuck) <= SAME_BARS
    for notes in compose(copying(), VOCABULARY, SamplingConfig(count=4, notes=300, top_p=0.5)):
        assert 2 <= longest_run(notes) <= SAME_BARS


@pytest.mark.parametrize("bars", [2, 4])
def test_no_loop_of_two_or_four_bars_goes_on_for_ever_either(bars: int) -> None:
    once = song(1, bars=bars)  # in 4/4
    twice = [np.tile(part, 2) for part in (once.duration, once.pitch, once.velocity)]
    onset = np.concatenate([once.onset, once.onset + 96 * bars])
    prime = Notes(onset, *twice, once.tempos, once.time_signatures)
    [notes] = compose(copying(), VOCABULARY, SamplingConfig(notes=900, top_p=1e-9), prime)
    length = events.bar_ticks(*notes.time_signatures[-1][1:])
    held = [frozenset((int(o) % length, int(p)) for o, p in group) for _, group in grouped(notes, length)]
    window = (SAME_BARS + 1) * bars
    assert len(held) > window
    loops = [all(held[i + k] == held[i + k + bars] for k in range(window - bars)) for i in range(len(held) - window)]
    assert not any(loops)
    assert any(held[i] == held[i + bars] for i in range(len(held) - bars)), "it should still repeat"


def grouped(notes: Notes, length: int) -> Iterator[tuple[int, Iterator[tuple[int, int]]]]:
    return groupby(zip(notes.onset, notes.pitch, strict=True), key=lambda n: int(n[0]) // length)


def test_no_note_comes_more_than_twenty_two_times_running() -> None:
    for notes in compose(saying(time={7: 40}, pitch={64: 60}), VOCABULARY, SamplingConfig(count=3, notes=200)):
        runs = [len(list(group)) for _, group in groupby(notes.pitch.tolist())]
        assert max(runs) == SAME_CHORD == 22


def test_rests_are_never_longer_than_two_bars() -> None:
    network = saying(time={len(events.EDGES) - 1: 100})  # eight bars of rest, always
    for notes in compose(network, VOCABULARY, SamplingConfig(count=2, notes=40)):
        assert np.diff(notes.onset).max() <= 192


def test_a_chord_is_written_from_its_lowest_note_up_so_no_note_is_lost() -> None:
    rising = saying(time={0: 5}, pitch={p: p / 8 for p in range(128)})  # so that most pitches are above the last one
    for notes in compose(rising, VOCABULARY, SamplingConfig(count=3, notes=300, top_p=0.8)):
        assert len(classes(notes)[0]) == 300
        assert (np.diff(notes.onset) == 0).mean() > 0.1


def of_voices(count: int) -> Vocabulary:
    """The vocabulary with plans of pieces in which `count` notes sound at once, and one in every second bar."""
    openings = []
    for opening in OPENINGS:
        plan = Plan.from_text(opening.plan)
        plan.voices[:] = count + 1
        plan.voices[1::2] = 2
        openings.append(replace(opening, plan=plan.to_text()))
    return replace(VOCABULARY, openings=tuple(openings))


@pytest.mark.parametrize("voices, most", [(11, 10), (4, 4), (1, 1)])
def test_a_chord_has_ten_notes_at_most_five_for_each_hand_and_no_more_than_its_plan(voices: int, most: int) -> None:
    named = weights(time=np.eye(1, len(weights()["out_time/bias"]))[0] * 60)
    intervals = named["intervals/embeddings"][:, 0]  # from the notes struck so far
    intervals[127], intervals[129] = -200, 60  # never the same pitch again, always one two semitones above
    network = inference.NoteNetwork(named)
    for notes in compose(network, of_voices(voices), SamplingConfig(count=2, bars=60)):
        chords = [notes.pitch[notes.onset == onset].tolist() for onset in np.unique(notes.onset)]
        assert max(map(len, chords)) == most
        assert all(is_playable(chord) for chord in chords)
        bars = np.unique(notes.onset) // events.bar_ticks(*notes.time_signatures[0][1:])
        assert {len(chord) for chord, bar in zip(chords, bars.tolist(), strict=True) if bar % 2} == {1}


def test_a_chord_goes_on_only_where_the_network_finds_most_of_its_pitches_above() -> None:
    for scores, goes_on in (({40: 60.0, 50: 61.0}, True), ({40: 61.0, 50: 60.0}, False)):
        network = saying(time={0: 60}, pitch=scores)
        for notes in compose(network, VOCABULARY, SamplingConfig(count=2, notes=60)):
            chords = {tuple(notes.pitch[notes.onset == onset].tolist()) for onset in np.unique(notes.onset)[1:]}
            assert ((40, 50) in chords) == goes_on
            assert (40,) in chords or goes_on


def test_a_style_brings_its_tempo_and_meter() -> None:
    network = inference.NoteNetwork(weights())
    first, second = compose(network, VOCABULARY, SamplingConfig(count=2, notes=10, game="water"))
    assert second.time_signatures == ((0, 4, 4),)  # of the most similar piece, as the game has no other
    for notes in (first, *compose(network, WATER, SamplingConfig(count=5, notes=10, game="water"))):
        assert notes.tempos[0][1] == pytest.approx(150, rel=1e-4)
        assert notes.time_signatures == ((0, 3, 4),)
        assert int(notes.onset[0]) == 24


def test_a_prime_is_played_first_and_then_goes_on_in_its_own_meter() -> None:
    prime = song(4, bars=3)
    [notes] = compose(inference.NoteNetwork(weights()), VOCABULARY, SamplingConfig(notes=50), prime)
    count = len(prime.onset)
    assert len(notes.onset) == count + 50
    assert (notes.onset[:count] == prime.onset).all()
    assert (notes.pitch[:count] == prime.pitch).all()
    assert notes.time_signatures == prime.time_signatures
    assert notes.tempos == prime.tempos


@pytest.mark.parametrize(
    "wrong",
    [
        {"count": 0},
        {"temperature": 0.0},
        {"temperature": {"pitch": 11.0}},
        {"temperature": {"loudness": 1.0}},
        {"top_p": 1.5},
        {"top_k": 0.5},
        {"min_p": 1.5},
        {"min_p": -0.1},
        {"min_p": {"loudness": 0.1}},
        {"notes": 1},
        {"seconds": -1.0},
        {"bars": 0},
        {"notes": None},
        {"style": {"wood": 1.0}, "game": "water"},
    ],
)
def test_wishes_that_cannot_be_granted_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="--"):
        SamplingConfig(**{"notes": 10, **wrong})


def test_an_unknown_style_is_answered_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match="water, wood"):
        compose(inference.NoteNetwork(weights()), VOCABULARY, SamplingConfig(notes=5, game="fire"))


def test_a_mixture_lies_between_its_styles_and_begins_like_one_of_them() -> None:
    named = weights()
    named["embed_game/embeddings"] *= 40
    network = inference.NoteNetwork(named)
    wood, water = (
        vector(network, VOCABULARY, requested_styles(VOCABULARY, None, game, None)) for game in ("wood", "water")
    )
    both = vector(network, VOCABULARY, requested_styles(VOCABULARY, None, None, {"wood": 3.0, "water": 1.0}))
    assert both == pytest.approx(0.75 * wood + 0.25 * water, rel=1e-5)
    made = compose(network, VOCABULARY, SamplingConfig(count=12, notes=5, style={"wood": 1.0, "water": 1.0}))
    assert {n.time_signatures[0][1] for n in made} == {3, 4}


def test_a_part_of_a_name_is_enough_where_it_fits_one_only() -> None:
    assert requested_styles(VOCABULARY, None, "woo", None) == {("temple", "wood"): 1.0}
    assert requested_styles(VOCABULARY, None, None, {"temp": 2.0}) == {("temple", ""): 2.0}
    for styles, says in (({"fire": 1.0}, "water, wood, temple"), ({"w": 1.0}, "matches 2"), ({"wood": 0.0}, "above 0")):
        with pytest.raises(UsageError, match=says):
            requested_styles(VOCABULARY, None, None, styles)


def longest_chord(notes: Notes) -> int:
    """How often a chord or note is struck in a row, at most."""
    chords = [tuple(notes.pitch[notes.onset == onset].tolist()) for onset in np.unique(notes.onset)]
    return max(len(list(group)) for _, group in groupby(chords))


def test_a_copy_that_goes_round_ends_by_itself_at_a_low_temperature(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the rules against repetition switched off."""
    monkeypatch.setattr(constraints, "SAME_CHORD", 10**9)
    monkeypatch.setattr(constraints, "LOOPS", ())
    trusting = saying(time={12: 40}, pitch={GAIN["pitch"]: 9.0}, velocity={9: 40}, duration={12: 40})
    prime = Notes.of(np.arange(8) * 12, np.full(8, 12), np.full(8, 60), np.full(8, 80))
    config = SamplingConfig(count=8, notes=80, temperature=0.7)
    assert 8 < np.median([longest_chord(notes) for notes in compose(trusting, VOCABULARY, config, prime)]) <= SAME_CHORD
    monkeypatch.setattr("training.sampling.drawing.FALLS_AFTER", 10**9)
    assert np.median([longest_chord(notes) for notes in compose(trusting, VOCABULARY, config, prime)]) == 88


def test_settings_are_read_from_the_command_line() -> None:
    assert settings.by_field("--temperature", "0.9") == 0.9
    assert settings.by_field("--temperature", "pitch=0.9, time=1") == {"pitch": 0.9, "time": 1.0}
    assert settings.weights("--style", "wood=0.7,water") == {"wood": 0.7, "water": 1.0}
    for wrong in ("", "pitch=", "=1", "a=1,a=2", "nan", "pitch=x"):
        with pytest.raises(UsageError, match="--top-p"):
            settings.by_field("--top-p", wrong)
