"""Sampling: seeded, as long as asked, in the style and meter asked, and never stuck, whatever the network says."""

from collections.abc import Iterator
from dataclasses import asdict
from itertools import groupby

import numpy as np
import pytest

from catalog.errors import UsageError
from dataset.notes import Notes, seconds, write_midi
from tests.training.conftest import song
from training import events, inference
from training.recipe import NoteLSTMRecipe
from training.sampler import SAME_BARS, Wish, compose
from training.vocabulary import Opening, Vocabulary

RECIPE = NoteLSTMRecipe(width=16, layers=1, head=8)
OPENINGS = (
    Opening("temple", "wood", 0, 60, 12, 10, 90.0, 4, 4),
    Opening("temple", "water", 24, 48, 24, 10, 150.0, 3, 4),
)
VOCABULARY = Vocabulary(("temple",), ("water", "wood"), OPENINGS)


def weights(**biases: np.ndarray) -> dict[str, np.ndarray]:
    """A network with small random weights; `biases` set what an output says whatever it sees."""
    rng = np.random.default_rng(0)
    sizes = {**events.SIZES, "place": events.PLACES, "match": 5, "series": 2, "game": 3}
    named = {f"embed_{n}/embeddings": rng.normal(0, 0.1, (sizes[n], w)) for n, w in inference.EMBEDDINGS.items()}
    widths = {**inference.EMBEDDINGS, **{f"guess_{n}": inference.EMBEDDINGS[n] for n in ("time", "pitch", "duration")}}
    entering = sum(widths.values())
    settings = asdict(RECIPE)
    width, head = settings["width"], settings["head"]
    named["enter/kernel"], named["enter/bias"] = rng.normal(0, 0.05, (entering, width)), np.zeros(width)
    named["lstm_0/kernel"] = rng.normal(0, 0.2, (width, 4 * width))
    named["lstm_0/recurrent_kernel"] = rng.normal(0, 0.2, (width, 4 * width))
    named["lstm_0/bias"] = np.zeros(4 * width)
    for n, beside in inference.HEADS.items():
        named[f"hidden_{n}/kernel"] = rng.normal(0, 0.05, (width + sum(widths[b] for b in beside), head))
        named[f"hidden_{n}/bias"] = np.zeros(head)
        outputs = events.SIZES[n] + (n in inference.GUESSED)
        named[f"out_{n}/kernel"] = rng.normal(0, 0.05, (head, outputs))
        named[f"out_{n}/bias"] = biases.get(n, np.zeros(outputs))
    return {name: array.astype(np.float32) for name, array in named.items()}


def copying() -> inference.Network:
    """A network that plays one thing over and over: every beat the same three notes, and whatever the repeat model guesses."""
    time, pitch, duration = np.zeros(66), np.zeros(129), np.zeros(66)
    time[24], pitch[60], duration[12] = 40, 40, 40
    for bias in (time, pitch, duration):
        bias[-1] = 80
    return inference.Network(weights(time=time, pitch=pitch, duration=duration))


def bars(notes: Notes) -> Iterator[tuple[int, frozenset[tuple[int, int]]]]:
    """The bars of a piece that hold notes: number, and (ticks since the bar began, pitch)."""
    length = events.bar_ticks(*notes.time_signatures[-1][1:])
    for number, held in groupby(zip(notes.onset, notes.pitch, strict=True), key=lambda n: int(n[0]) // length):
        yield number, frozenset((int(o) % length, int(p)) for o, p in held)


def longest_run(notes: Notes) -> int:
    """How often the same bar stands running, at most."""
    most, run, before = 1, 1, (-9, frozenset())
    for number, held in bars(notes):
        run = run + 1 if (number, held) == (before[0] + 1, before[1]) else 1
        most, before = max(most, run), (number, held)
    return most


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others() -> None:
    network = inference.Network(weights())
    pieces = [compose(network, VOCABULARY, Wish(count=3, notes=60, seed=seed)) for seed in (4, 4, 5)]
    first, again, other = ([write_midi(notes) for notes in made] for made in pieces)
    assert first == again
    assert not set(first) & set(other)
    assert len(set(first)) == 3


def test_a_stream_does_not_depend_on_how_many_are_beside_it() -> None:
    network = inference.Network(weights())
    one, three = (compose(network, VOCABULARY, Wish(count=n, notes=80, seed=2)) for n in (1, 3))
    assert one[0] == three[0]


def test_pieces_are_as_long_as_asked() -> None:
    network = inference.Network(weights())
    assert [len(n.onset) for n in compose(network, VOCABULARY, Wish(count=2, notes=77))] == [77, 77]
    for notes in compose(network, VOCABULARY, Wish(count=4, seconds=20.0)):
        assert 20 <= seconds(notes) < 40


def test_no_bar_stands_more_than_four_times_running_even_when_the_network_only_copies() -> None:
    for number in range(2):
        prime = song(number, bars=2)
        [stuck] = compose(copying(), VOCABULARY, Wish(notes=400, top_p=1e-9), prime)
        assert longest_run(stuck) <= SAME_BARS
    for notes in compose(copying(), VOCABULARY, Wish(count=4, notes=300, top_p=0.5)):
        assert 2 <= longest_run(notes) <= SAME_BARS


def test_rests_are_never_longer_than_two_bars() -> None:
    time = np.zeros(66)
    time[-2] = 100  # eight bars of rest, always
    for notes in compose(inference.Network(weights(time=time)), VOCABULARY, Wish(count=2, notes=40)):
        assert np.diff(notes.onset).max() <= 192


def test_a_chord_is_written_from_its_lowest_note_up_so_no_note_is_lost() -> None:
    time = np.zeros(66)
    time[0] = 3  # mostly chords
    for notes in compose(inference.Network(weights(time=time)), VOCABULARY, Wish(count=3, notes=300)):
        assert len(events.encode(notes)) == 300
        assert (np.diff(notes.onset) == 0).mean() > 0.15


def test_a_style_brings_its_tempo_and_meter() -> None:
    network = inference.Network(weights())
    for notes in compose(network, VOCABULARY, Wish(count=5, notes=10, game="water")):
        assert notes.tempos[0][1] == pytest.approx(150, rel=1e-4)
        assert notes.time_signatures == ((0, 3, 4),)
        assert int(notes.onset[0]) == 24


def test_a_prime_is_played_first_and_then_goes_on_in_its_own_meter() -> None:
    prime = song(4, bars=3)
    [notes] = compose(inference.Network(weights()), VOCABULARY, Wish(notes=50), prime)
    count = len(prime.onset)
    assert len(notes.onset) == count + 50
    assert (notes.onset[:count] == prime.onset).all()
    assert (notes.pitch[:count] == prime.pitch).all()
    assert notes.time_signatures == prime.time_signatures
    assert notes.tempos == prime.tempos


@pytest.mark.parametrize(
    "wrong", [{"count": 0}, {"temperature": 0.0}, {"top_p": 1.5}, {"notes": 1}, {"seconds": -1.0}, {"notes": None}]
)
def test_wishes_that_cannot_be_granted_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(UsageError, match="--"):
        Wish(**{"notes": 10, **wrong})  # type: ignore[arg-type]


def test_an_unknown_style_is_answered_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match="water, wood"):
        compose(inference.Network(weights()), VOCABULARY, Wish(notes=5, game="fire"))


def test_a_low_top_p_draws_the_likeliest_alone() -> None:
    network = inference.Network(weights())
    pieces = [compose(network, VOCABULARY, Wish(notes=40, top_p=1e-9, seed=s, game="wood")) for s in (1, 2)]
    assert pieces[0] == pieces[1]
