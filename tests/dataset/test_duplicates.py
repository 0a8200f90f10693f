"""Duplicates: which pieces count as the same, and which one of them stays."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from dataset.duplicates import DUPLICATE_BYTES, DUPLICATE_NOTES, Candidate, find_duplicates, fingerprint
from dataset.notes import Notes
from tests.dataset.conftest import tune

CANDIDATES = st.lists(
    st.builds(Candidate, st.sampled_from("abcdef"), st.sampled_from("123"), st.booleans()), max_size=12
)


def test_velocity_tempo_and_leading_silence_do_not_make_other_notes() -> None:
    notes = tune(1)
    louder = replace(notes, velocity=notes.velocity // 2 + 1)
    faster = replace(notes, tempos=((0, 200.0),), time_signatures=((0, 4, 4),))
    later = replace(notes, onset=notes.onset + 96)
    assert {fingerprint(piece) for piece in (louder, faster, later)} == {fingerprint(notes)}


def test_one_other_pitch_onset_or_duration_makes_other_notes() -> None:
    notes = tune(1)
    first = (notes.onset == notes.onset[0]).argmin()  # not the first note: silence before it plays no part
    changed = [
        replace(notes, pitch=_bumped(notes, "pitch", first)),
        replace(notes, onset=_bumped(notes, "onset", first)),
        replace(notes, duration=_bumped(notes, "duration", first)),
        Notes.of(notes.onset[:-1], notes.duration[:-1], notes.pitch[:-1], notes.velocity[:-1]),
    ]
    assert len({fingerprint(piece) for piece in [notes, *changed]}) == 5


def test_the_first_that_names_its_sequencer_stays() -> None:
    found = find_duplicates(
        [Candidate("a", "1", False), Candidate("b", "1", True), Candidate("b", "1", True), Candidate("c", "2", False)]
    )
    assert {index: (duplicate.kept, duplicate.reason) for index, duplicate in found.items()} == {
        0: (1, DUPLICATE_NOTES),
        2: (1, DUPLICATE_BYTES),
    }


@given(CANDIDATES)
def test_exactly_one_of_each_kind_stays_and_the_others_point_at_it(candidates: list[Candidate]) -> None:
    found = find_duplicates(candidates)
    left = [candidate for index, candidate in enumerate(candidates) if index not in found]
    assert sorted(c.fingerprint for c in left) == sorted({c.fingerprint for c in candidates})
    for index, duplicate in found.items():
        assert duplicate.kept not in found
        assert candidates[duplicate.kept].fingerprint == candidates[index].fingerprint


def _bumped(notes: Notes, name: str, index: int) -> object:
    column = getattr(notes, name).copy()
    column[index] += 1
    return column
