"""Scores of the case files: bars, rests, tuplets, hands, keys and pedal."""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from dataset.midi.midi_reader import read_midi
from dataset.notation.musicxml import to_musicxml
from dataset.notation.records import Element, Score
from dataset.notation.score import score_of
from dataset.notes.meter import bars_of
from dataset.notes.model import LEFT, RIGHT, Notes
from tests.dataset.test_score import heads_of, kinds, piece

UPPER, LOWER = 0, 1


def both(notes: Notes) -> list[Score]:
    """The score that is printed and the one that is exact."""
    return [score_of(notes), score_of(notes, exact=True)]


def xml(notes: Notes, *, exact: bool = True) -> ElementTree.Element:
    return ElementTree.fromstring(to_musicxml(score_of(notes, exact=exact), notes))


def read(folder: Path) -> Callable[[str], Notes]:
    return lambda name: read_midi((folder / name).read_bytes())


@pytest.fixture
def case(midi_cases: Path) -> Callable[[str], Notes]:
    return read(midi_cases)


def elements(score: Score, bar: int, staff: int = UPPER, voice: int = 0) -> tuple[Element, ...]:
    return score.measures[bar].staves[staff].voices[voice]


def test_a_piece_that_drifts_keeps_its_bars(score_cases: Path) -> None:
    notes = read(score_cases)("drifts.mid")
    bars = [bar.start for bar in bars_of(notes.time_signatures, int(notes.end.max()))]
    assert bars == list(range(0, len(bars) * 96, 96))
    for score in both(notes):
        assert [measure.bar.start for measure in score.measures] == bars
        onsets = [tick for tick, _, _, head in heads_of(score) if tick < 96 and not head.tied_from]
        assert sorted(onsets) == [0, 24, 48, 72]
        shown = [e for staff in (UPPER, LOWER) for e in elements(score, 0, staff) if e.heads]
        assert [e.value.kind for e in shown if e.value] == ["quarter"] * 4
    assert [measure.get("number") for measure in xml(notes).iter("measure")] == [str(n + 1) for n in range(len(bars))]


def test_a_rest_of_a_beat_is_printed(case: Callable[[str], Notes]) -> None:
    notes = case("quarter_and_rest.mid")
    for score in both(notes):
        for bar in range(len(score.measures)):
            assert kinds(score, bar) == ["q", "-q", "q", "-q"]


def test_a_pickup_is_bar_0_of_the_time_signature_that_follows(case: Callable[[str], Notes]) -> None:
    notes = case("pickup_ts.mid")
    for score in both(notes):
        assert [(m.bar.number, m.bar.ticks) for m in score.measures[:3]] == [(0, 24), (1, 72), (2, 72)]
        assert kinds(score, 0) == ["q"]
        assert kinds(score, 1) == ["q", "q", "q"]
    measures = list(xml(notes).iter("measure"))
    assert [(m.get("number"), m.get("implicit")) for m in measures[:2]] == [("0", "yes"), ("1", None)]
    assert [(t.findtext("beats"), t.findtext("beat-type")) for t in xml(notes).iter("time")] == [("3", "4")]


def test_a_first_bar_may_begin_with_rests(case: Callable[[str], Notes]) -> None:
    for score in both(case("pickup_rest.mid")):
        assert score.measures[0].bar.number == 1
        assert kinds(score, 0) == ["-q", "-q", "q"]
        assert kinds(score, 1) == ["q", "q", "q"]


def test_quintuplets_are_quintuplets(case: Callable[[str], Notes]) -> None:
    notes = case("quintuplets.mid")
    for score in both(notes):
        first = elements(score, 0)
        assert [e.value.kind for e in first if e.value] == ["16th"] * 20
        assert {e.value.ratio for e in first if e.value} == {(5, 4)}
        assert [e.tuplet for e in first] == ["start", None, None, None, "stop"] * 4
        assert all(len(e.heads) == 1 for e in first)
    modified = [(t.findtext("actual-notes"), t.findtext("normal-notes")) for t in xml(notes).iter("time-modification")]
    assert set(modified) == {("5", "4")}
    [part, *_] = parts(notes)
    assert [note.quarterLength * 5 for note in part.measure(1).flatten().notes] == [1] * 20


def parts(notes: Notes) -> list[Any]:
    from music21 import converter

    return list(converter.parseData(to_musicxml(score_of(notes, exact=True), notes), format="musicxml").parts)


def test_sextuplets_are_two_triplets_of_sixteenths(case: Callable[[str], Notes]) -> None:
    for score in both(case("sextuplets.mid")):
        first = [e for e in elements(score, 0) if e.value]
        assert [e.value.kind for e in first if e.value] == ["16th"] * 24
        assert {e.value.ratio for e in first if e.value} == {(3, 2)}
        assert [e.tuplet for e in first] == ["start", None, "stop"] * 8


@pytest.mark.parametrize("span", [24, 48])
@pytest.mark.parametrize("actual", [5, 7])
def test_odd_tuplets_are_told_from_the_grid(actual: int, span: int) -> None:
    onsets = [round(n * span / actual) for n in range(actual)]
    ends = [*onsets[1:], span]
    rows = [(at, end - at, 72 + n) for n, (at, end) in enumerate(zip(onsets, ends, strict=True))]
    for score in both(piece(*rows, (48, 48, 72))):
        own = [e for e in elements(score, 0) if e.value and e.value.ratio == (actual, 4)]
        assert len(own) == actual
        assert {e.value.kind for e in own if e.value} == {"16th" if span == 24 else "eighth"}


def test_played_notes_off_the_plain_places_are_no_quintuplet() -> None:
    for score in both(piece((0, 6, 72), (5, 7, 74), (12, 12, 76), (24, 72, 77))):
        assert all(e.value.ratio[0] != 5 for e in elements(score, 0) if e.value)


def test_staves_are_the_hands_of_the_file(case: Callable[[str], Notes]) -> None:
    for score in both(case("type1_hands.mid")):
        for bar in range(len(score.measures)):
            assert kinds(score, bar, LOWER) == ["e"] * 8
            assert kinds(score, bar, UPPER) == ["q"] * 4


def test_a_key_of_both_hands_has_a_head_on_both_staves(case: Callable[[str], Notes]) -> None:
    notes = case("unison_hands.mid")
    for score in both(notes):
        middle = [(staff, head.note, e) for tick, staff, e, head in heads_of(score) if tick == 0 and head.pitch == 60]
        assert sorted(staff for staff, _, _ in middle) == [UPPER, LOWER]
        lengths = {staff: sum(e.ticks for s, _, e in middle if s == staff) for staff in (UPPER, LOWER)}
        assert lengths[LOWER] == 48
        assert lengths[UPPER] == 24
        assert {head.note for _, _, _, head in heads_of(score)} == set(range(len(notes)))


def test_key_signatures_change_with_the_file(case: Callable[[str], Notes]) -> None:
    notes = case("key_change.mid")
    for score in both(notes):
        said = [(m.fifths, m.mode) for m in score.measures]
        assert said == [(-2, "minor")] * 8 + [(4, "major")] * (len(said) - 8)
        names = {(head.letter, head.alter) for tick, _, _, head in heads_of(score) if tick < 768}
        assert {("B", -1), ("E", -1), ("F", 1)} <= names
        assert {("G", 1), ("D", 1)} <= {(h.letter, h.alter) for tick, _, _, h in heads_of(score) if tick >= 768}
        signs = [head.accidental for tick, _, _, head in heads_of(score) if tick >= 768 + 96]
        assert set(signs) == {None}
    found = [
        (measure.get("number"), key.findtext("fifths"), key.findtext("mode"))
        for measure in xml(notes).iter("measure")
        for key in measure.iter("key")
    ]
    assert found == [("1", "-2", "minor"), ("9", "4", "major")]


def test_pedal_marks_are_those_of_the_file(case: Callable[[str], Notes]) -> None:
    notes = case("pedal.mid")
    found = []
    bar = 0
    for measure in xml(notes).iter("measure"):
        for direction in measure.iter("direction"):
            mark = direction.find("direction-type/pedal")
            if mark is not None:
                found.append((bar + int(direction.findtext("offset") or 0), mark.get("type")))
        bar += 96
    wanted = [mark for _, start, end in notes.pedals for mark in ((start, "start"), (end, "stop"))]
    assert found == wanted
    assert [m.pedals for m in score_of(notes).measures] == [((0, True), (96, False))] * len(score_of(notes).measures)


def test_pedals_of_all_channels_are_one_line() -> None:
    pedals = [(0, 0, 48), (1, 24, 72), (1, 96, 120)]
    notes = Notes.of([0, 0, 96], [24] * 3, [48, 72, 72], [80] * 3, hand=[2, 1, 1], pedal_group=[0, 1, 1], pedals=pedals)
    assert [m.pedals for m in score_of(notes, exact=True).measures] == [
        ((0, True), (72, False)),
        ((0, True), (24, False)),
    ]


def test_a_pedal_that_comes_late_is_written_under_its_notes() -> None:
    notes = Notes.of(range(0, 192, 48), [48] * 4, [72] * 4, [80] * 4, pedals=[(0, 3, 49), (0, 53, 97), (0, 190, 192)])
    assert [m.pedals for m in score_of(notes).measures] == [((0, True), (48, False), (48, True), (96, False)), ()]


def dotted(score: Score, bar: int = 0, staff: int = UPPER) -> str:
    """The values of a bar, an apostrophe behind those with a staccato dot."""
    looks = zip(kinds(score, bar, staff), elements(score, bar, staff), strict=True)
    return " ".join(look + "'" * element.is_staccato for look, element in looks)


@pytest.mark.parametrize(
    "rows, looks",
    [
        ([(0, 6), (24, 6), (48, 6), (72, 6)], "q' q' q' q'"),
        ([(0, 12), (24, 12), (48, 12), (72, 12)], "q' q' q' q'"),
        ([(0, 20), (24, 20), (48, 20), (72, 20)], "q q q q"),
        ([(12 * n, 5) for n in range(8)], "e' e' e' e' e' e' e' e'"),
        ([(6 * n, 2) for n in range(4)] + [(24, 72)], "s s s s h."),
        ([(0, 6), (48, 6)], "e' -e -q e' -e -q"),
        ([(0, 24), (48, 23)], "q -q q -q"),
        ([(12, 10), (36, 10), (60, 10), (84, 10)], "-e e -e e -e e -e e"),
        ([(0, 23), (24, 14), (48, 23), (72, 23)], "q q q q"),
        ([(0, 46), (48, 44)], "h h"),
        ([(6, 14), (48, 23)], "-s e. -q q -q"),
    ],
)
def test_short_notes_have_dots_and_no_short_rests(rows: list[tuple[int, int]], looks: str) -> None:
    notes = piece(*((at, ticks, 72) for at, ticks in rows), (96, 96, 72))
    assert dotted(score_of(notes)) == looks
    dots = list(xml(notes, exact=False).iter("staccato"))
    assert len(dots) == looks.count("'")


def test_what_the_pedal_holds_has_no_dots() -> None:
    notes = Notes.of(range(0, 96, 24), [6] * 4, [72] * 4, [80] * 4, pedals=[(0, 0, 96)])
    assert dotted(score_of(notes)) == "q q q q"


@pytest.mark.parametrize("late", [-3, 2, 4])
def test_a_piece_beside_the_beat_is_printed_on_it_and_its_bars_stay(late: int) -> None:
    onsets = np.arange(1, 49) * 24
    notes = Notes.of(onsets + late, [20] * 48, [72] * 48, [80] * 48)
    printed, exact = both(notes)
    assert [m.bar.start for m in printed.measures] == [m.bar.start for m in exact.measures]
    assert [tick for tick, *_ in heads_of(printed)] == onsets.tolist()
    assert [tick for tick, _, _, head in heads_of(exact) if not head.tied_from] == (onsets + late).tolist()


def test_print_and_musicxml_have_the_same_bars_whatever_the_last_note_does() -> None:
    for last in (90, 94, 95, 96, 97, 100):
        notes = piece((0, 24, 72), (last, 3, 74))
        printed, exact = both(notes)
        assert [m.bar for m in printed.measures] == [m.bar for m in exact.measures]


@pytest.mark.parametrize(
    "meters, numbers",
    [
        ([(0, 1, 4), (24, 3, 4)], [0, 1, 2]),
        ([(0, 4, 4), (24, 4, 4)], [0, 1, 2]),  # a bar that is cut short
        ([(24, 3, 4)], [0, 1, 2]),
        ([(0, 4, 4), (96, 5, 4), (216, 4, 4)], [1, 2, 3]),  # the metre returns
        ([(0, 4, 4), (96, 3, 4)], [1, 2, 3]),  # longer than what follows
        ([(0, 3, 4)], [1, 2, 3]),
    ],
)
def test_only_a_short_first_bar_is_a_pickup(meters: list[tuple[int, int, int]], numbers: list[int]) -> None:
    notes = Notes.of([0, 300], [24, 24], [60, 72], [80, 80], [], meters)
    bars = bars_of(notes.time_signatures, 324)
    assert [bar.number for bar in bars[:3]] == numbers
    assert [m.bar for m in score_of(notes).measures] == bars


def test_the_beats_of_a_pickup_are_the_last_of_a_bar() -> None:
    notes = Notes.of([0, 12, 36], [12, 24, 96], [72, 74, 76], [80] * 3, [], [(0, 3, 8), (36, 4, 4)], hand=[RIGHT] * 3)
    assert bars_of(notes.time_signatures, 200)[0].beats == (0, 12, 36)
    assert kinds(score_of(notes)) == ["e", "q"]


def test_a_key_that_changes_within_a_bar_counts_from_the_nearer_bar_line() -> None:
    notes = Notes.of(
        range(0, 384, 24), [24] * 16, [60] * 16, [80] * 16, key_signatures=[(0, 1, 0), (100, 2, 0), (270, 3, 1)]
    )
    assert [(m.fifths, m.mode) for m in score_of(notes).measures] == [
        (1, "major"),
        (2, "major"),
        (2, "major"),
        (3, "minor"),
    ]
    assert LEFT not in notes.hand
