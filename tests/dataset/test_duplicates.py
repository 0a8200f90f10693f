"""Duplicates: which pieces are related, on what evidence, and which one is kept."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataset.components import components
from dataset.duplicates.relations import EXACT, Candidate, Link, Relation, fingerprint, keep_best, relate
from dataset.notes.model import Notes
from tests.dataset import planted
from tests.dataset.conftest import tune

SEQUENCERS = ("A", None)


def piece(notes: Notes, title: str = "", *, sequencer: str | None = "A", game: str = "", sha256: str = "") -> Candidate:
    name = fingerprint(notes)
    return Candidate(sha256 or f"{name}{title}", notes, game or f"game {title}", f"series {title}", title, sequencer)


def pieces_of(*notes: Notes) -> list[Candidate]:
    return [piece(each, f"Title {number}") for number, each in enumerate(notes)]


def related(*notes: Notes) -> list[tuple[int, int, str]]:
    return [(link.first, link.second, link.relation.value) for link in relate(pieces_of(*notes))]


LONG = [tune(number, 200) for number in range(6)]


def test_velocity_tempo_and_leading_silence_do_not_make_other_notes() -> None:
    notes = tune(1)
    louder = replace(notes, velocity=notes.velocity // 2 + 1)
    faster = replace(notes, tempos=((0, 200.0),), time_signatures=((0, 4, 4),))
    later = replace(notes, onset=notes.onset + 96)
    assert {fingerprint(each) for each in (louder, faster, later)} == {fingerprint(notes)}


def test_one_other_pitch_onset_or_duration_makes_other_notes() -> None:
    notes = tune(1)
    first = (notes.onset == notes.onset[0]).argmin()  # not the first note: silence before it plays no part
    changed = [
        replace(notes, pitch=_bumped(notes, "pitch", first)),
        replace(notes, onset=_bumped(notes, "onset", first)),
        replace(notes, duration=_bumped(notes, "duration", first)),
        Notes.of(notes.onset[:-1], notes.duration[:-1], notes.pitch[:-1], notes.velocity[:-1]),
    ]
    assert len({fingerprint(each) for each in [notes, *changed]}) == 5


def test_other_music_is_not_related() -> None:
    assert related(*LONG) == []


def test_the_same_file_twice_is_bytes_and_the_same_notes_in_two_files_are_notes() -> None:
    one = LONG[0]
    twice = [piece(one, "A", sha256="x"), piece(one, "B", sha256="x"), piece(replace(one, tempos=((0, 90.0),)), "C")]
    assert [link.relation for link in relate(twice)] == [Relation.BYTES, Relation.NOTES]


@pytest.mark.parametrize("kind", [kind for kind in planted.KINDS if kind not in ("velocity", "within a medley")])
def test_an_altered_copy_is_near_and_the_evidence_says_how(kind: str) -> None:
    change, _ = planted.KINDS[kind]
    for seed in range(3):
        copy = change(LONG[0], LONG[1:4], np.random.default_rng(seed))
        links = relate(pieces_of(LONG[0], copy, *LONG[1:]))
        assert len(links) == 1
        assert {links[0].first, links[0].second} == {0, 1}
        assert links[0].relation in (Relation.NEAR, Relation.NOTES)
        assert links[0].share >= 0.9
        assert links[0].notes == pytest.approx(links[0].share * min(len(copy), 200))


def test_transposition_tempo_and_offset_are_those_of_the_change() -> None:
    notes = LONG[0]
    copy = Notes.of(notes.onset * 2 + 480, notes.duration * 2, notes.pitch - 5, notes.velocity)
    shorter = Notes.of(*(column[:-1] for column in (notes.onset, notes.duration, notes.pitch, notes.velocity)))
    (link,) = relate(pieces_of(shorter, copy))
    assert (link.first, link.second, link.relation) == (1, 0, Relation.NEAR)  # the longer one is the first
    assert (link.transposition, link.tempo_ratio) == (-5, 2.0)
    assert link.offset_first == pytest.approx(link.offset_second * 2 + 480, abs=8)


def test_a_medley_contains_its_parts() -> None:
    medley = planted.in_a_medley(LONG[0], LONG[1:4], np.random.default_rng(0))
    links = relate(pieces_of(*LONG, medley))
    assert {(link.first, link.second, link.relation) for link in links} == {
        (6, part, Relation.CONTAINED) for part in range(4)
    }


def test_versions_of_a_theme_are_one_work_by_their_titles_in_one_game_alone() -> None:
    titles = ["Song Of Healing", "Song of Healing (2)", "Song of Storms"]
    one = [piece(notes, title, game="mm") for notes, title in zip(LONG, titles, strict=False)]
    assert [({k.first, k.second}, k.relation, k.notes) for k in relate(one)] == [({0, 1}, Relation.WORK, 0)]
    other = [replace(each, game=f"game {number}") for number, each in enumerate(one)]
    assert relate(other) == []


def test_music_that_shares_a_good_part_is_one_work_whatever_the_titles() -> None:
    half = Notes.of(*(column[:100] for column in (LONG[0].onset, LONG[0].duration, LONG[0].pitch, LONG[0].velocity)))
    rest = replace(LONG[1], onset=LONG[1].onset + half.end.max())
    quoting = Notes.of(
        *(np.concatenate([getattr(half, n), getattr(rest, n)]) for n in ("onset", "duration", "pitch", "velocity"))
    )
    assert [(relation) for _, _, relation in related(LONG[0], quoting)] == ["work"]


def test_tiny_flat_and_huge_pieces_are_no_trouble() -> None:
    one_note = Notes.of([0], [1], [60], [1])
    flat = Notes.of(np.arange(500) * 6, np.full(500, 3), np.full(500, 60), np.full(500, 64))
    flatter = Notes.of(np.arange(400) * 12, np.full(400, 3), np.full(400, 65), np.full(400, 64))
    scale = Notes.of(np.arange(10_000) * 6, np.full(10_000, 6), np.arange(10_000) % 88 + 21, np.full(10_000, 64))
    assert not any({0, 3} & {first, second} for first, second, _ in related(one_note, flat, flatter, scale))
    assert relate([]) == []
    assert relate([piece(one_note)]) == []


@given(st.permutations(range(8)))
@settings(max_examples=10, deadline=None)
def test_the_order_of_the_pieces_does_not_matter(order: list[int]) -> None:
    notes = [
        *LONG,
        planted.trimmed(LONG[0], [], np.random.default_rng(1)),
        planted.transposed(LONG[1], [], np.random.default_rng(2)),
    ]
    every = pieces_of(*notes)
    shuffled = [every[index] for index in order]

    def named(pieces: list[Candidate]) -> set[tuple[str, str, str, float]]:
        return {(pieces[k.first].title, pieces[k.second].title, k.relation.value, k.share) for k in relate(pieces)}

    assert named(shuffled) == named(every)
    assert len(named(every)) == 2


def test_the_one_that_names_its_sequencer_stays_then_the_longer_then_the_first() -> None:
    longer, shorter = LONG[0], planted.trimmed(LONG[0], [], np.random.default_rng(0))
    drop = [Relation.NEAR, *EXACT]
    nameless = [piece(longer, "A", sequencer=None), piece(shorter, "B")]
    assert {k: kept for k, (kept, _) in keep_best(nameless, relate(nameless), drop).items()} == {0: 1}
    named = [piece(shorter, "A"), piece(longer, "B")]
    assert {k: kept for k, (kept, _) in keep_best(named, relate(named), drop).items()} == {0: 1}
    equal = [piece(longer, "A"), piece(longer, "B"), piece(longer, "C", sequencer=None)]
    assert {k: kept for k, (kept, _) in keep_best(equal, relate(equal), drop).items()} == {1: 0, 2: 0}
    twins = [piece(shorter, "A"), piece(shorter, "B"), piece(longer, "C")]
    assert {k: kept for k, (kept, _) in keep_best(twins, relate(twins), drop).items()} == {0: 2, 1: 2}


def test_of_contained_pieces_only_the_part_goes_and_only_when_asked() -> None:
    medley = planted.in_a_medley(LONG[0], LONG[1:4], np.random.default_rng(0))
    pieces = [piece(LONG[0], "Part"), piece(medley, "Medley", sequencer=None)]
    links = relate(pieces)
    assert keep_best(pieces, links, [Relation.NEAR]) == {}
    assert keep_best(pieces, links, [Relation.CONTAINED]) == {}  # the part names its sequencer: it is the better one
    pieces[1] = replace(pieces[1], sequencer="B")
    assert [kept for kept, _ in keep_best(pieces, relate(pieces), [Relation.CONTAINED]).values()] == [1]


LINKS = st.lists(
    st.tuples(
        st.integers(0, 9), st.integers(0, 9), st.sampled_from([Relation.NEAR, Relation.CONTAINED, Relation.WORK])
    ).filter(lambda each: each[0] != each[1]),
    max_size=20,
)


@given(LINKS, st.lists(st.sampled_from(SEQUENCERS), min_size=10, max_size=10))
def test_what_is_left_out_is_linked_to_what_stays_and_nothing_else_goes(
    pairs: list[tuple[int, int, Relation]], sequencers: list[str | None]
) -> None:
    pieces = [piece(tune(number, 10 + number), str(number), sequencer=name) for number, name in enumerate(sequencers)]
    links = [Link(first, second, relation, 1.0, 10) for first, second, relation in pairs]
    left_out = keep_best(pieces, links, [Relation.NEAR])
    near = {frozenset(pair[:2]) for pair in pairs if pair[2] is Relation.NEAR}
    assert all(frozenset((index, kept)) in near and kept not in left_out for index, (kept, _) in left_out.items())
    stays = [index for index in range(10) if index not in left_out]
    assert not any(frozenset((a, b)) in near for a in stays for b in stays)


@given(st.lists(st.tuples(st.integers(0, 19), st.integers(0, 19)), max_size=30))
def test_components_are_the_smallest_of_what_is_connected(links: list[tuple[int, int]]) -> None:
    first = components(20, links)
    assert all(first[a] == first[b] for a, b in links)
    assert all(first[index] <= index and first[first[index]] == first[index] for index in range(20))
    assert len(set(first)) >= 20 - len({frozenset(link) for link in links if link[0] != link[1]})


def _bumped(notes: Notes, name: str, index: int) -> object:
    column = getattr(notes, name).copy()
    column[index] += 1
    return column
