"""Pieces whose forms are followed when those of a run, or of a style, are used up."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from dataset.notes.model import Notes
from tests.training.songs import song
from tests.training.test_continuation import table
from tests.training.test_sampler import VOCABULARY
from training.events.fields import PITCH
from training.events.plans import Plan
from training.events.vocabulary import Opening, Vocabulary
from training.planning import similar
from training.sampling.prompts import Prompt, make_prompts

BAR = 96


def texture(every: int, together: int, low: int, bars: int = 16) -> Notes:
    """Chords of `together` notes, each `every` ticks, from pitch `low` on."""
    onset = np.repeat(np.arange(0, bars * BAR, every), together)
    pitch = low + 4 * np.tile(np.arange(together), bars * BAR // every)
    return Notes.of(onset, [every] * len(onset), pitch, [80] * len(onset))


def opening(number: int, notes: Notes, **changed: object) -> Opening:
    """A piece that the first pitch of its stream, 20 + `number`, tells from others."""
    plan = Plan.of(notes)[0].to_text()
    return replace(VOCABULARY.openings[0], pitch=20 + number, plan=plan, notes=400, **changed)


OWN = (opening(0, texture(48, 3, 40)), opening(1, texture(6, 1, 84)))
LIKE = (opening(2, texture(48, 3, 42)), opening(3, texture(6, 1, 80)), opening(4, texture(48, 4, 40)))
OTHERS = tuple(opening(5 + number, song(number)) for number in range(6))
STREAMS = 200


def begun(
    vocabulary: Vocabulary, fitting: tuple[Opening, ...], count: int, seed: int = 7, **more: bool
) -> list[Prompt]:
    tries = {number: [np.random.default_rng([seed, number])] for number in range(count)}
    return make_prompts(vocabulary, fitting, None, tries, 50, seed, **more)


def firsts(vocabulary: Vocabulary, fitting: tuple[Opening, ...], count: int, seed: int = 7) -> list[int]:
    return [int(prompt.rows[0, PITCH]) - 20 for prompt in begun(vocabulary, fitting, count, seed)]


def test_own_pieces_come_first_then_the_most_similar_others_and_then_all_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(similar, "NEAR_LEAST", 3)
    monkeypatch.setattr(similar, "NEAR_TIMES", 1)
    made = firsts(replace(VOCABULARY, openings=OWN, related=(*OTHERS, *LIKE)), OWN, 10)
    assert sorted(made[:2]) == [0, 1]
    assert sorted(made[2:5]) == [2, 3, 4]
    assert made[5:] == made[:5]


@pytest.mark.parametrize("is_related", [True, False])
def test_a_stream_is_the_same_however_many_there_are(is_related: bool) -> None:
    more = {"openings": OWN, "related": (*LIKE, *OTHERS)} if is_related else {"openings": (*OWN, *LIKE, *OTHERS)}
    vocabulary = replace(VOCABULARY, **more)
    all_of_them = firsts(vocabulary, OWN, STREAMS)
    assert {*all_of_them[2:11]} == {2, 3, 4, 5, 6, 7, 8, 9, 10}
    for count in (1, 2, 3, 11):
        assert firsts(vocabulary, OWN, count) == all_of_them[:count]
    assert firsts(vocabulary, OWN, STREAMS, 8) != all_of_them


def test_a_similar_piece_gets_the_style_of_the_piece_that_it_is_like() -> None:
    own = (replace(OWN[0], game="wood"), replace(OWN[1], game="water"))
    others = tuple(replace(piece, game="far") for piece in LIKE)
    made = begun(replace(VOCABULARY, openings=own, related=others), own, 5)
    styles = {int(prompt.rows[0, PITCH]) - 20: prompt.style for prompt in made}
    wood, water = VOCABULARY.style("temple", "wood"), VOCABULARY.style("temple", "water")
    assert styles == {0: wood, 1: water, 2: wood, 3: water, 4: wood}


def test_harmony_is_of_the_own_pieces_and_of_others_where_none_has_such_bars() -> None:
    four = (opening(0, texture(48, 3, 40)), opening(1, texture(24, 3, 41)))
    three = opening(2, texture(24, 2, 50), numerator=3)
    far = opening(3, texture(12, 2, 61), numerator=3)
    vocabulary = replace(VOCABULARY, openings=(*four, three), related=(far,))
    pieces = {piece.pitch: piece for piece in (*four, three, far)}
    numbers = firsts(vocabulary, vocabulary.openings, 4)
    made = begun(vocabulary, vocabulary.openings, 4, is_mixed=True)
    assert sorted(numbers) == [0, 1, 2, 3]
    for number, prompt in zip(numbers, made, strict=True):
        own = pieces[20 + number].read_plan()
        assert prompt.plan.onsets.tolist() == own.onsets.tolist()
        assert prompt.plan.chroma.tolist() != own.chroma.tolist()
    alone = begun(replace(vocabulary, related=()), (three,), 1, is_mixed=True)
    assert table(alone[0].plan) == table(three.read_plan())


def test_pieces_that_are_too_short_are_not_followed() -> None:
    short = replace(LIKE[0], notes=20)
    assert 2 not in firsts(replace(VOCABULARY, openings=OWN, related=(short, *LIKE[1:])), OWN, 20)


def test_a_run_knows_the_other_pieces_of_the_run_that_it_starts_from() -> None:
    def piece(number: int, game: str) -> SimpleNamespace:
        return SimpleNamespace(notes=song(number), series="temple", game=game)

    base = Vocabulary.of([piece(0, "wood"), piece(1, "water"), piece(2, "wood")])
    assert base.related == ()
    run = Vocabulary.of([piece(1, "water")], base)
    assert run.openings == base.openings[1:2]
    assert run.related == (base.openings[0], base.openings[2])
    next_run = Vocabulary.of([piece(0, "wood"), piece(3, "fire")], run)
    assert next_run.related == (base.openings[1], base.openings[2])
    assert Vocabulary.from_json(next_run.to_json(), "vocabulary.json") == next_run
