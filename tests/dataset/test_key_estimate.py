"""Key signatures to print: stated, contradicted by the notes, or estimated."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from catalog.base.errors import DatasetError
from dataset.midi.midi_reader import read
from dataset.notes.key_estimate import estimate_key, estimate_keys, printed_keys
from dataset.notes.meter import bars_of
from dataset.notes.model import Notes
from dataset.notes.timing import KeySignatureChange, canonical_key_signatures

MAJOR, MINOR = 0, 1
FLATS_TO_SHARPS = range(-6, 6)
# chords of four bars, in semitones from the tonic: tonic, subdominant, dominant, tonic
MAJOR_CADENCE = ((0, 12, 16, 19), (5, 12, 17, 21), (7, 11, 14, 19), (0, 12, 16, 19))
MINOR_CADENCE = ((0, 12, 15, 19), (5, 12, 17, 20), (7, 11, 14, 19), (0, 12, 15, 19))
MAJOR_SCALE, NATURAL_MINOR = (0, 2, 4, 5, 7, 9, 11, 12), (0, 2, 3, 5, 7, 8, 10, 12)


def tonic(fifths: int, mode: int) -> int:
    """The lowest pitch from C2 up of the tonic of a key."""
    return 36 + (fifths * 7 - 3 * mode) % 12


def cadences(fifths: int, mode: int, times: int = 2, start: int = 0) -> list[tuple[int, int, int]]:
    """(onset, duration, pitch) of a cadence, a chord a bar, from a tick on."""
    chords = (MINOR_CADENCE if mode else MAJOR_CADENCE) * times
    return [
        (start + 96 * bar, 96, tonic(fifths, mode) + step) for bar, chord in enumerate(chords) for step in sorted(chord)
    ]


def columns(notes: Sequence[tuple[int, int, int]]) -> tuple[list[int], list[int], list[int]]:
    onset, duration, pitch = zip(*notes, strict=True)
    return list(onset), list(duration), list(pitch)


@pytest.mark.parametrize("mode", [MAJOR, MINOR])
@pytest.mark.parametrize("fifths", FLATS_TO_SHARPS)
def test_a_cadence_has_its_key_in_every_transposition(fifths: int, mode: int) -> None:
    piece = columns(cadences(fifths, mode))
    assert estimate_key(*piece) == (fifths, mode)
    assert estimate_keys(*piece) == printed_keys([], *piece) == ((0, fifths, mode),)


@pytest.mark.parametrize("mode, scale", [(MAJOR, MAJOR_SCALE), (MINOR, NATURAL_MINOR)])
@pytest.mark.parametrize("fifths", FLATS_TO_SHARPS)
def test_a_scale_up_and_down_has_its_key(fifths: int, mode: int, scale: tuple[int, ...]) -> None:
    steps = (scale + scale[::-1]) * 2
    piece = columns([(12 * place, 12, 24 + tonic(fifths, mode) + step) for place, step in enumerate(steps)])
    assert estimate_key(*piece) == (fifths, mode)


def test_without_notes_there_are_no_accidentals_but_those_that_are_stated() -> None:
    assert estimate_key([], [], []) == (0, MAJOR)
    assert estimate_keys([], [], []) == printed_keys([], [], [], []) == ((0, 0, MAJOR),)
    assert printed_keys([(0, -3, MINOR)], [], [], []) == ((0, -3, MINOR),)


def test_of_keys_that_fit_alike_the_one_of_fewest_accidentals_is_taken() -> None:
    assert estimate_key(range(12), [24] * 12, range(60, 72)) == (0, MAJOR)


def test_a_note_that_its_file_never_ends_does_not_decide() -> None:
    notes = sorted([*cadences(2, MAJOR, 1), (0, 10**6, 60)])
    assert estimate_key(*columns(notes)) == (2, MAJOR)


def test_a_piece_that_modulates_changes_key_at_a_bar() -> None:
    piece = columns([*cadences(-3, MINOR, 4), *cadences(2, MAJOR, 4, start=16 * 96)])
    assert estimate_keys(*piece) == ((0, -3, MINOR), (16 * 96, 2, MAJOR))


def test_a_piece_that_goes_away_and_comes_back_has_three_signatures() -> None:
    parts = [*cadences(0, MAJOR, 4), *cadences(-4, MAJOR, 4, 16 * 96), *cadences(0, MAJOR, 4, 32 * 96)]
    assert [key[1] for key in estimate_keys(*columns(parts))] == [0, -4, 0]


def test_two_bars_of_another_key_change_no_signature() -> None:
    away = [(onset, length, pitch) for onset, length, pitch in cadences(4, MAJOR, 1, 16 * 96) if onset < 18 * 96]
    piece = columns([*cadences(0, MAJOR, 4), *away, *cadences(0, MAJOR, 4, 18 * 96)])
    assert estimate_keys(*piece) == ((0, 0, MAJOR),)


def test_changes_stand_at_the_bars_that_are_given() -> None:
    quick = [(onset * 3 // 4, 72, pitch) for onset, _, pitch in [*cadences(-3, MINOR, 4), *cadences(2, MAJOR, 4, 1536)]]
    assert [key[0] for key in estimate_keys(*columns(quick), range(0, 32 * 72, 72))] == [0, 16 * 72]


def test_six_accidentals_are_flats_alone_and_sharps_beside_sharps() -> None:
    after = columns([*cadences(3, MAJOR, 4), *cadences(-6, MAJOR, 4, start=16 * 96)])
    before = columns([*cadences(-6, MAJOR, 4), *cadences(3, MAJOR, 4, start=16 * 96)])
    beside_flats = columns([*cadences(-3, MAJOR, 4), *cadences(-6, MAJOR, 4, start=16 * 96)])
    assert estimate_key(*columns(cadences(6, MAJOR))) == (-6, MAJOR)
    assert [key[1] for key in estimate_keys(*after)] == [3, 6]
    assert [key[1] for key in estimate_keys(*before)] == [6, 3]
    assert [key[1] for key in estimate_keys(*beside_flats)] == [-3, -6]


@pytest.mark.parametrize(
    "stated",
    [
        ((0, 7, MAJOR),),
        ((0, 0, MINOR),),  # no program writes that by default
        ((0, -2, MINOR), (4 * 96, 4, MAJOR)),
        ((0, 0, MAJOR), (4 * 96, 1, MAJOR)),
    ],
)
def test_what_a_file_states_is_printed_whatever_its_notes_say(stated: tuple[KeySignatureChange, ...]) -> None:
    assert printed_keys(stated, *columns(cadences(-5, MAJOR))) == stated


@pytest.mark.parametrize("fifths", [fifths for fifths in FLATS_TO_SHARPS if fifths])
def test_a_default_that_the_notes_contradict_is_replaced(fifths: int) -> None:
    piece = columns(cadences(fifths, MAJOR))
    assert printed_keys([(0, 0, MAJOR)], *piece) == printed_keys([(0, 0, MAJOR)] * 3, *piece) == ((0, fifths, MAJOR),)


def test_a_default_stays_where_the_notes_agree_or_leave_it_open() -> None:
    c_major, a_minor = columns(cadences(0, MAJOR)), columns(cadences(0, MINOR))
    common = [(24 * place, 24, 60 + step) for place, step in enumerate((0, 2, 4, 7, 9, 7, 4, 2) * 4)]  # no F and no B
    for piece in (c_major, a_minor, columns(common)):
        assert printed_keys([(0, 0, MAJOR)], *piece) == ((0, 0, MAJOR),)


def test_a_first_statement_within_a_bar_of_the_first_note_holds_from_the_start() -> None:
    piece = columns(cadences(0, MAJOR))
    assert printed_keys([(7, -3, MAJOR)], *piece) == ((0, -3, MAJOR),)


def test_before_a_late_first_statement_the_default_holds_unless_the_notes_contradict_it() -> None:
    later = cadences(-3, MAJOR, 2, start=8 * 96)
    stated = [(8 * 96, -3, MAJOR)]
    assert printed_keys(stated, *columns([*cadences(0, MAJOR), *later])) == ((0, 0, MAJOR), *stated)
    assert printed_keys(stated, *columns([*cadences(3, MAJOR), *later])) == ((0, 3, MAJOR), *stated)
    assert printed_keys(stated, *columns([*cadences(-3, MAJOR), *later])) == ((0, -3, MAJOR),)


def test_a_statement_after_the_last_note_is_not_printed() -> None:
    assert printed_keys([(0, 1, MAJOR), (9999, 2, MAJOR)], *columns(cadences(1, MAJOR))) == ((0, 1, MAJOR),)


def test_of_statements_at_one_tick_a_default_gives_way() -> None:
    for stated in ([(0, 0, 0), (0, 2, 1)], [(0, 2, 1), (0, 0, 0)]):
        assert canonical_key_signatures([*stated, (96, 2, 1), (192, 0, 0)]) == ((0, 2, 1), (192, 0, 0))


@pytest.mark.parametrize("key", [(-1, 0, 0), (0, 8, 0), (0, -8, 1), (0, 1, 2)])
def test_a_statement_out_of_range_is_refused(key: KeySignatureChange) -> None:
    with pytest.raises(DatasetError, match="key signature"):
        printed_keys([key], [], [], [])


@pytest.mark.real
def test_real_pieces_get_the_accidentals_that_their_files_state_first(real_site: Path) -> None:
    from symusic import Score

    right, stretch, contradicted = [], [], []
    for data in {path.read_bytes() for path in sorted(real_site.rglob("*.mid"))}:
        if b"\xff\x59\x02" not in data or data.find(b"MThd") < 0:
            continue
        score = Score.from_midi(data[data.find(b"MThd") :], sanitize_data=True)
        notes, division = read(data).notes, score.ticks_per_quarter
        stated = canonical_key_signatures(
            (key.time * 24 // division, key.key, key.tonality) for key in score.key_signatures
        )
        piece = notes.onset, notes.duration, notes.pitch, np.array(bar_starts(notes))
        if [key[1:] for key in stated] == [(0, MAJOR)]:
            contradicted.append(printed_keys(stated, *piece) != stated)
        if stated[0][1:] == (0, MAJOR):
            continue
        right.append((estimate_keys(*piece)[0][1] - stated[0][1]) % 12 == 0)
        end = np.searchsorted(notes.onset, stated[1][0]) if len(stated) > 1 else len(notes)
        begin = np.searchsorted(notes.onset, stated[0][0]) if stated[0][0] - notes.onset[0] > 96 else 0
        part = (*(column[begin:end] for column in piece[:3]), piece[3])
        stretch.append((estimate_key(*part)[0] - stated[0][1]) % 12 == 0)
        printed = printed_keys(stated, *piece)
        assert printed[-1][1:] == stated[-1][1:] or stated[-1][0] > notes.onset[-1]
    assert np.mean(right) >= 0.72
    assert np.mean(stretch) >= 0.76
    assert 0.2 < np.mean(contradicted) < 0.5


def bar_starts(notes: Notes) -> list[int]:
    return [bar.start for bar in bars_of(notes.time_signatures, int(notes.end.max()))]
