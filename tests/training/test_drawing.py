"""Drawing classes: top-k, top-p, min-p and temperature, by field; guesses and variations that are followed calmly."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from dataset.notes.hand_form import CONTOUR, IDENTICAL
from tests.dataset.test_form import piece
from tests.training.test_sampler import VOCABULARY, saying, weights
from training.events.encoding import COLUMNS, LEVEL
from training.events.plan_columns import EQUAL, LEVELS, NEW, VARIED
from training.events.plans import Plan
from training.events.repeat_models import GUESSES
from training.network import inference
from training.sampling.drawing import AGAINST, CALM, calm, follow_contour, lower_gains, trust
from training.sampling.sampler import SamplingConfig, choose, compose


def test_a_low_top_p_draws_the_likeliest_alone() -> None:
    network = inference.NoteNetwork(weights())
    pieces = [compose(network, VOCABULARY, SamplingConfig(notes=40, top_p=1e-9, seed=s, game="wood")) for s in (1, 2)]
    assert pieces[0] == pieces[1]


def test_top_k_and_temperature_hold_for_the_field_that_they_are_given_for() -> None:
    network = saying(time={12: 1}, pitch={50: 1}, velocity={9: 1})
    [notes] = compose(network, VOCABULARY, SamplingConfig(notes=80, top_k={"velocity": 1}, temperature={"time": 0.05}))
    assert set(notes.velocity[1:].tolist()) == {9 * 8 + 4}
    assert set(np.diff(notes.onset).tolist()) == {12}
    assert len(set(notes.pitch.tolist())) > 30


@given(
    arrays(np.float32, (3, 20), elements=st.floats(-9, 9, width=32)),
    st.floats(0.01, 1.0),
    st.integers(0, 20),
    st.floats(0, 1),
    st.floats(0, 0.999999),
)
def test_what_is_drawn_is_among_the_likeliest(
    logits: np.ndarray, top_p: float, top_k: int, min_p: float, uniforms: float
) -> None:
    drawn = choose(logits, np.full(3, uniforms), (1.0, top_p, top_k, min_p))
    for row, number in zip(logits.astype(np.float64), drawn, strict=True):
        shares = np.exp(row - row.max()) / np.exp(row - row.max()).sum()
        likelier = shares[shares > shares[number]]
        assert likelier.sum() < top_p + 1e-9
        assert top_k == 0 or len(likelier) < top_k
        assert shares[number] >= min_p * shares.max() - 1e-9


def test_min_p_leaves_out_what_is_improbable_beside_the_most_probable_after_temperature() -> None:
    logits = np.log(np.tile([0.6, 0.3, 0.1], (1000, 1)))
    uniforms = np.linspace(0, 0.9999, 1000)

    def drawn(temperature: float, min_p: float) -> list[int]:
        return np.bincount(choose(logits, uniforms, (temperature, 1.0, 0, min_p)), minlength=3).tolist()

    assert drawn(1.0, 0.0) == [600, 300, 100]
    assert drawn(1.0, 0.2) == [667, 333, 0]
    assert drawn(1.0, 0.6) == [1000, 0, 0]
    assert drawn(2.0, 0.4)[2] > 0  # at a higher temperature, the third is less improbable
    assert drawn(2.0, 0.45)[2] == 0


def test_min_p_holds_for_the_field_that_it_is_given_for() -> None:
    network = saying(pitch={50: 1}, velocity={9: 1})
    [notes] = compose(network, VOCABULARY, SamplingConfig(notes=80, min_p={"velocity": 0.9}))
    assert set(notes.velocity[1:].tolist()) == {9 * 8 + 4}
    assert len(set(notes.pitch.tolist())) > 30


def test_a_low_temperature_and_a_chord_struck_often_lower_the_gain_of_guesses() -> None:
    gain, guess = np.array([[2.0, 3.0]], np.float32), np.array([[1, 1]])
    for temperature, rounds, kept in (
        (1.0, 1, 1.0),
        (1.5, 6, 1.0),
        (1.0, 12, 0.5),
        (0.5, 1, 0.5**1.3),
        (0.1, 1, 0.5**1.3),
    ):
        logits = np.array([[1.0, 6.0, 0.0]], np.float32)
        lower_gains(logits, guess, gain, trust(temperature, np.array([rounds])))
        assert logits.tolist() == [[1.0, pytest.approx(1 + 5 * kept), 0.0]]


def test_times_and_pitches_of_bars_that_vary_an_earlier_one_are_drawn_calmly() -> None:
    now = np.zeros((len(CALM), COLUMNS), np.int16)
    for columns in (LEVEL["bar"], LEVEL["own"]):
        now[:, columns] = range(len(CALM))
    rounds, expected = np.ones(len(CALM)), {"time": 2 / CALM, "pitch": 2 / CALM, "velocity": np.full(len(CALM), 2)}
    for name, wanted in expected.items():
        logits = np.full((len(CALM), 3), 2, np.float32)
        calm(name, logits, now, np.zeros((len(CALM), GUESSES[name]), np.float32), 1.0, rounds)
        assert logits == pytest.approx(np.repeat(wanted[:, None], 3, axis=1))
    assert CALM[[NEW, VARIED, EQUAL]].tolist() == pytest.approx([1, 0.9, 1])
    assert len(CALM) == LEVELS


def test_a_hand_moves_in_the_planned_direction_where_there_is_one() -> None:
    in_left = np.tile(np.arange(128) < 60, (2, 1))
    nowhere = np.zeros(2, int)
    logits = np.zeros((2, 128), np.float32)
    follow_contour(logits, in_left, (np.zeros((2, 2), bool), np.full((2, 2), 64), np.array([nowhere, nowhere])))
    assert not logits.any()
    known = np.array([[True, False], [True, True]])  # [hand, stream]: the second stream's left hand is free
    last, direction = np.array([[48, 48], [72, 72]]), np.array([[1, 1], [0, -1]])
    follow_contour(logits, in_left, (known, last, direction))
    kept = [set(np.flatnonzero(scores == 0).tolist()) for scores in logits]
    assert kept == [{*range(49, 60), 72}, {*range(72)}]
    assert set(logits.ravel().tolist()) == {0, -AGAINST}


def test_a_composed_hand_goes_up_and_down_as_planned() -> None:
    """The network finds twenty pitches equally probable; every bar has the contour of the first one of its hand."""
    climb = [(0, 60), (24, 67), (48, 64), (72, 72)]
    other = [
        [(place, pitch + by) for (place, pitch), by in zip(climb, moves, strict=True)]
        for moves in ((0, 4, 0, 9), (5, 0, 1, -3))
    ]
    plan, _ = Plan.of(piece(climb, *other, climb, *other))
    assert plan.right_move.tolist() == [0, CONTOUR, CONTOUR, IDENTICAL, IDENTICAL, IDENTICAL]
    opening = replace(VOCABULARY.openings[0], plan=plan.to_text(), place=0)
    vocabulary = replace(VOCABULARY, openings=(opening,))
    network = saying(time={24: 60}, pitch=dict.fromkeys(range(56, 76), 40))
    for notes in compose(network, vocabulary, SamplingConfig(count=4, bars=6, seed=5, top_p=0.9)):
        pitches = [notes.pitch[notes.onset // 96 == bar].astype(int) for bar in range(6)]
        assert all(len(bar) == 4 for bar in pitches)
        first = np.sign(np.diff(pitches[0])).tolist()
        assert sum(np.sign(np.diff(bar)).tolist() == first for bar in pitches[1:]) >= 4
