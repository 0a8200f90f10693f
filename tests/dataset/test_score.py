"""Scores: full bars, exact notes, and what a pianist expects to see."""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dataset.notation.records import Element, Head, Score
from dataset.notation.rhythm import KINDS
from dataset.notation.score import score_of
from dataset.notation.spelling import name_of
from dataset.notes.hands import hands_of
from dataset.notes.model import LEFT, RIGHT, Notes
from tests.dataset.conftest import tune

NATURAL = dict(zip("CDEFGAB", (0, 2, 4, 5, 7, 9, 11), strict=True))
TICKS = {kind: half / 2 for half, kind in KINDS.items()}
METERS = [(4, 4), (3, 4), (6, 8), (5, 8), (2, 2), (7, 8), (12, 8), (5, 64), (9, 16), (1, 4)]


def heads_of(score: Score) -> Iterator[tuple[int, int, Element, Head]]:
    """Yield (tick, staff, element, head) for every head, by bar, staff and voice."""
    for measure in score.measures:
        for number, staff in enumerate(measure.staves):
            for voice in staff.voices:
                yield from _placed(measure.bar.start, number, voice)


def _placed(tick: int, staff: int, voice: Sequence[Element]) -> Iterator[tuple[int, int, Element, Head]]:
    for element in voice:
        for head in element.heads:
            yield tick, staff, element, head
        tick += element.ticks


@st.composite
def pieces(draw: st.DrawFn, off_grid: bool = True) -> Notes:
    """Any small piece: notes on the grid or on sixteenths, and any changing metre."""
    step = 1 if off_grid else 6
    place = st.integers(0, 40 * 6 // step).map(lambda n: n * step)
    rows = draw(st.lists(st.tuples(place, st.integers(1, 20), st.integers(24, 100)), min_size=1, max_size=24))
    meters = draw(st.lists(st.tuples(st.integers(0, 200), st.sampled_from(METERS)), max_size=2))
    onset, length, pitch = zip(*rows, strict=True)
    return Notes.of(
        onset,
        [n * step for n in length],
        pitch,
        [80] * len(rows),
        [(0, draw(st.floats(40, 200)))],
        [(tick, *meter) for tick, meter in meters],
    )


def chord(*pitches: int, at: int = 0, ticks: int = 24) -> list[tuple[int, int, int]]:
    return [(at, ticks, pitch) for pitch in pitches]


def piece(*rows: tuple[int, int, int], meter: tuple[int, int] = (4, 4), right_from: int = 60) -> Notes:
    """Rows of (onset, ticks, pitch); the right hand plays from a pitch upwards."""
    onset, ticks, pitch = zip(*rows, strict=True)
    hand = [RIGHT if each >= right_from else LEFT for each in pitch]
    return Notes.of(onset, ticks, pitch, [80] * len(rows), [], [(0, *meter)], hand=hand)


def voices(score: Score) -> Iterator[tuple[int, tuple[Element, ...]]]:
    for measure in score.measures:
        for staff in measure.staves:
            for voice in staff.voices:
                yield measure.bar.ticks, voice


def kinds(score: Score, bar: int = 0, staff: int = 0, voice: int = 0) -> list[str]:
    """Return one voice of a bar in short notation.

    q. is a dotted quarter, - a rest, ~ a tie, 3 a triplet.
    """
    short = {"whole": "w", "half": "h", "quarter": "q", "eighth": "e", "16th": "s", "32nd": "t", "64th": "x"}
    return [
        ("" if element.heads else "-")
        + (short[element.value.kind] if element.value else "bar")
        + "." * (element.value.dots if element.value else 0)
        + ("3" if element.value and element.value.tuplet is not None else "")
        + ("~" if any(head.tied_to for head in element.heads) else "")
        for element in score.measures[bar].staves[staff].voices[voice]
    ]


@given(pieces(), st.booleans())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_every_bar_is_full_and_every_value_is_as_long_as_it_looks(notes: Notes, exact: bool) -> None:
    score = score_of(notes, exact=exact)
    assert [m.bar.start for m in score.measures] == [0, *(m.bar.end for m in score.measures[:-1])]
    for ticks, voice in voices(score):
        assert sum(element.ticks for element in voice) == ticks
        for element in voice:
            if element.value is not None and element.value.kind != "64th":
                looks = TICKS[element.value.kind] * (1.5 if element.value.dots else 1)
                over, under = element.value.ratio if element.value.tuplet is not None else (1, 1)
                rounding = 1 if over in (5, 7) else 1e-9  # their places are not on the grid
                assert abs(element.ticks - looks * under / over) < rounding


@given(pieces())
@settings(max_examples=150, deadline=None)
def test_an_exact_score_holds_every_onset_pitch_and_length(notes: Notes) -> None:
    wanted: dict[tuple[int, int], int] = {}
    key = list(zip(hands_of(notes).tolist(), notes.pitch.tolist(), strict=True))
    for hand, pitch in set(key):  # a hand that strikes a key again ends the note before
        own = sorted(
            (o, e) for o, e, k in zip(notes.onset.tolist(), notes.end.tolist(), key, strict=True) if k == (hand, pitch)
        )
        longest = {onset: max(e for o, e in own if o == onset) for onset, _ in own}
        for (onset, end), after in zip(longest.items(), [*list(longest)[1:], None], strict=True):
            written = min(end, after) if after is not None else end
            wanted[onset, pitch] = max(wanted.get((onset, pitch), 0), written)
    found: dict[tuple[int, int], int] = {}
    for tick, _, element, head in heads_of(score_of(notes, exact=True)):
        assert head.pitch == notes.pitch[head.note]
        onset = int(notes.onset[head.note])
        assert head.tied_from == (tick > onset)
        found[onset, head.pitch] = max(found.get((onset, head.pitch), 0), tick + element.ticks)
    assert found == wanted


@given(pieces())
@settings(max_examples=100, deadline=None)
def test_a_printed_score_holds_every_note_near_its_onset(notes: Notes) -> None:
    heads = [(tick, head) for tick, _, _, head in heads_of(score_of(notes)) if not head.tied_from]
    rows = zip(notes.onset.tolist(), notes.pitch.tolist(), strict=True)
    printed = Counter(head.pitch for _, head in heads)
    assert all(abs(tick - int(notes.onset[head.note])) <= 6 for tick, head in heads)
    assert printed <= Counter(pitch for _, pitch in rows)
    assert set(printed) == set(notes.pitch.tolist())


@given(pieces(off_grid=False))
@settings(max_examples=100, deadline=None)
def test_what_lies_on_sixteenths_is_printed_where_it_lies(notes: Notes) -> None:
    if any(denominator > 16 or 96 * n % (denominator * 6) for _, n, denominator in notes.time_signatures):
        return
    if any(tick % 6 for tick, _, _ in notes.time_signatures):
        return
    heads = {(tick, head.pitch) for tick, _, _, head in heads_of(score_of(notes)) if not head.tied_from}
    assert heads == set(zip(notes.onset.tolist(), notes.pitch.tolist(), strict=True))


@given(pieces())
@settings(max_examples=100, deadline=None)
def test_a_name_says_its_pitch_and_a_bar_says_each_alteration(notes: Notes) -> None:
    score = score_of(notes)
    order = "FCGDAEB"
    usual = dict.fromkeys(order, 0)
    for letter in order[: score.fifths] if score.fifths > 0 else order[score.fifths :] if score.fifths else "":
        usual[letter] = 1 if score.fifths > 0 else -1
    for measure in score.measures:
        for staff in measure.staves:
            read = dict[tuple[str, int], int]()
            events = []
            for voice in staff.voices:
                tick = 0
                for element in voice:
                    events += [(tick, head.pitch, head) for head in element.heads]
                    tick += element.ticks
            for _, pitch, head in sorted(events, key=lambda event: event[:2]):
                assert 12 * (head.octave + 1) + NATURAL[head.letter] + head.alter == pitch
                place = head.letter, head.octave
                if head.accidental is not None:
                    assert head.accidental == head.alter
                    read[place] = head.alter
                elif not head.tied_from:
                    assert read.get(place, usual[head.letter]) == head.alter


@given(pieces())
@settings(max_examples=60, deadline=None)
def test_triplets_and_beams_begin_and_end(notes: Notes) -> None:
    for _, voice in voices(score_of(notes, exact=True)):
        inside = False
        for element in voice:
            if element.tuplet == "start":
                assert not inside
                inside = True
            if element.tuplet == "stop":
                assert inside
                inside = False
        assert not inside
        for level in range(4):
            beams = [e.beams[level] for e in voice if len(e.beams) > level and "hook" not in e.beams[level]]
            assert all(
                (b in ("continue", "end")) == (a in ("begin", "continue"))
                for a, b in pairwise(["end", *beams, "begin"])
            )


@given(pieces())
@settings(max_examples=60, deadline=None)
def test_a_beam_and_a_triplet_never_overlap_in_part(notes: Notes) -> None:
    for _, voice in voices(score_of(notes, exact=True)):
        beamed, group = [], 0
        for element in voice:
            outer = element.beams[0] if element.beams else ""
            group += outer in ("begin", "")
            beamed.append((group if outer else None, element.value.tuplet if element.value else None))
        for beam in {beam for beam, _ in beamed if beam is not None}:
            triplets = {triplet for b, triplet in beamed if b == beam}
            whole = all({b for b, t in beamed if t == triplet} == {beam} for triplet in triplets if triplet is not None)
            assert whole or len(triplets) == 1


def test_a_held_note_under_moving_ones_gets_a_voice_of_its_own() -> None:
    notes = piece((0, 96, 48), *((12 * n, 12, 55 + n % 3) for n in range(8)), *((24 * n, 24, 76) for n in range(4)))
    score = score_of(notes)
    assert len(score.measures[0].staves[1].voices) == 2
    assert kinds(score, staff=1, voice=1) == ["w"]
    assert len(score.measures[0].staves[0].voices) == 1


def test_arpeggios_whose_notes_overlap_stay_one_line() -> None:
    rows = [(12 * n, 24, (48, 55, 60, 64)[n % 4]) for n in range(8)] + [(24 * n, 24, 79) for n in range(4)]
    score = score_of(piece(*rows, right_from=70))
    assert len(score.measures[0].staves[1].voices) == 1
    assert "".join(kinds(score, staff=1)).strip("~") == "e" * 8


@pytest.mark.parametrize(
    "meter, ticks, looks",
    [
        ((4, 4), [12, 24, 12, 48], "e q e h"),
        ((4, 4), [24, 48, 24], "q h q"),
        ((4, 4), [36, 24, 36], "q. e~ e q."),
        ((4, 4), [60, 36], "h~ e q."),
        ((4, 4), [18, 6, 6, 18, 6, 12, 6, 24], "e. s s e. s e s q"),
        ((4, 4), [8, 8, 8, 16, 8, 48], "e3 e3 e3 q3 e3 h"),
        ((4, 4), [16, 16, 16, 48], "q3 q3 q3 h"),
        ((4, 4), [4, 4, 4, 12, 72], "s3 s3 s3 e h."),
        ((4, 4), [96], "w"),
        ((3, 4), [36, 36], "q. q."),
        ((3, 4), [72], "h."),
        ((6, 8), [24, 12, 12, 24], "q e e q"),
        ((6, 8), [36, 36], "q. q."),
        ((6, 8), [12, 48, 12], "e q~ q e"),
        ((12, 8), [72, 36, 36], "h. q. q."),
        ((5, 8), [36, 24], "q. q"),
    ],
)
def test_values_show_the_beats(meter: tuple[int, int], ticks: list[int], looks: str) -> None:
    starts = np.cumsum([0, *ticks[:-1]])
    notes = piece(
        *((int(at), length, 72 + n) for n, (at, length) in enumerate(zip(starts, ticks, strict=True))), meter=meter
    )
    assert " ".join(kinds(score_of(notes))) == looks
    assert " ".join(kinds(score_of(notes, exact=True))) == looks


def test_rests_are_whole_beats_and_little_gaps_are_none() -> None:
    notes = piece((0, 22, 72), (24, 11, 74), (36, 12, 76), (72, 10, 77), (96, 96, 79))
    assert kinds(score_of(notes)) == ["q", "e", "e", "-q", "q"]
    assert kinds(score_of(notes), staff=1) == ["-bar"]


def test_what_somebody_played_is_printed_on_the_beat() -> None:
    rng = np.random.default_rng(1)
    steady = np.arange(32) * 12 + 24
    played = Notes.of(
        steady + rng.integers(-2, 3, 32), rng.integers(8, 12, 32), [60 + n % 12 for n in range(32)], [80] * 32
    )
    ticks = [tick for tick, _, _, head in heads_of(score_of(played)) if not head.tied_from]
    assert sorted(ticks) == steady.tolist()


@pytest.mark.parametrize(
    "tonic, mode, names",
    [
        (4, "major", "E F#1 G#1 A B C#1 D#1"),
        (3, "major", "Eb-1 F G Ab-1 Bb-1 C D"),
        (9, "minor", "A B C D E F G#1"),
        (0, "minor", "C D Eb-1 F G Ab-1 B"),
        (6, "minor", "F#1 G#1 A B C#1 D E#1"),
    ],
)
def test_notes_are_named_after_the_key(tonic: int, mode: str, names: str) -> None:
    steps = (0, 2, 4, 5, 7, 9, 11) if mode == "major" else (0, 2, 3, 5, 7, 8, 11)
    rows = [
        row
        for bar in range(4)
        for n, step in enumerate(steps)
        for row in chord(60 + tonic + step, at=bar * 192 + 24 * n)
    ]
    rows += [
        row
        for bar in range(8)
        for row in chord(48 + tonic, 48 + tonic + steps[2], 48 + tonic + 7, at=bar * 96, ticks=96)
    ]
    score = score_of(piece(*rows))
    assert score.mode == mode
    heads = [
        head for tick, _, _, head in heads_of(score) if head.pitch >= 60 + tonic and tick < 192 and not head.tied_from
    ]
    names_of = [
        head.letter + ("#" * head.alter + f"{head.alter}" if head.alter > 0 else f"b{head.alter}" if head.alter else "")
        for head in heads
    ]
    assert " ".join(names_of[:7]) == names


@pytest.mark.parametrize(
    "key, pitch, name",
    [((-5, 0), 69, ("A", 0)), ((-7, 0), 69, ("B", -2)), ((4, 0), 67, ("G", 0)), ((5, 1), 67, ("F", 2))],
)
def test_double_accidentals_are_for_keys_that_have_them(
    key: tuple[int, int], pitch: int, name: tuple[str, int]
) -> None:
    scale = [(key[0] * 7 + step) % 12 + 60 for step in (0, 2, 4, 5, 7, 9, 11)] * 4
    notes = [*scale, pitch, *scale]
    at = range(0, 24 * len(notes), 24)
    score = score_of(Notes.of(at, [24] * len(notes), notes, [80] * len(notes), key_signatures=[(0, *key)]))
    [head] = [head for tick, _, _, head in heads_of(score) if tick == 24 * len(scale)]
    assert (head.letter, head.alter) == name


def test_a_name_on_the_line_of_fifths_keeps_its_octave() -> None:
    assert name_of(12, 72) == ("B", 1, 4)
    assert name_of(-7, 71) == ("C", -1, 5)
    assert name_of(0, 60) == ("C", 0, 4)


def test_a_staff_changes_its_clef_where_it_stays_and_not_for_one_note() -> None:
    bars = [
        row
        for bar in range(12)
        for row in (*chord(96, at=96 * bar, ticks=96), *chord(72 if bar >= 4 else 48, at=96 * bar, ticks=96))
    ]
    score = score_of(piece(*bars, right_from=80))
    assert [m.staves[1].clef.is_bass for m in score.measures] == [True] * 4 + [False] * 8
    once = [row for bar in range(12) for row in (*chord(84, at=96 * bar), *chord(67 if bar == 4 else 48, at=96 * bar))]
    assert all(m.staves[1].clef.is_bass for m in score_of(piece(*once, right_from=80)).measures)


def test_a_slowing_down_is_no_row_of_metronome_marks() -> None:
    tempos = [(0, 120.0), *((480 + 24 * n, 118.0 - 4 * n) for n in range(6)), (624, 80.0)]
    notes = tune(1, 80)
    slower = Notes(notes.onset, notes.duration, notes.pitch, notes.velocity, tuple(tempos), notes.time_signatures)
    marks = [mark for m in score_of(slower).measures for mark in m.tempos]
    assert [round(qpm) for _, qpm, is_printed in marks if is_printed] == [120, 80]


def test_nothing_is_a_score_of_one_empty_bar() -> None:
    score = score_of(Notes.of([], [], [], []), title="Silence")
    assert [kinds(score, staff=n) for n in (0, 1)] == [["-bar"], ["-bar"]]
