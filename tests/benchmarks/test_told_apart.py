"""Composed pieces against people's: what features count and classifiers find."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from dataset.midi.midi_writer import write_midi
from dataset.notes.model import Notes
from tests.training import exhibited

TOP = Path(__file__).parents[2]
BENCHMARKS = TOP / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))
import continuations  # noqa: E402 - neighbours of the scripts
import told_apart  # noqa: E402
import told_apart_table as tables  # noqa: E402
from music_features import FIRST, features  # noqa: E402
from music_features_cut import cut  # noqa: E402

QUARTER, BAR = 24, 96
C_MAJOR = (48, 64, 67, 72)
BROKEN, WIDER, FALLING = (0, 7, 4, 7, 0, 7, 4, 7), (0, 9, 5, 9, 0, 9, 5, 9), (7, 4, 0, 4, 7, 4, 0, 4)


def piece(chords: list[tuple[int, int, tuple[int, ...]]], velocity: list[int] | int = 80, meter: int = 4) -> Notes:
    """Return a piece of (onset, duration, pitches), with so many quarters a bar."""
    rows = [(onset, duration, pitch) for onset, duration, pitches in chords for pitch in pitches]
    onset, duration, pitch = zip(*rows, strict=True)
    loud = velocity if isinstance(velocity, list) else [velocity] * len(rows)
    return Notes.of(onset, duration, pitch, loud, time_signatures=[(0, meter, 4)])


def chorale(bars: int = 12) -> Notes:
    """Return one C major chord of two hands on each quarter."""
    return piece([(beat * QUARTER, QUARTER, C_MAJOR) for beat in range(4 * bars)])


def scale(step: int = 12, count: int = 64) -> Notes:
    """Return C major up an octave, repeated: a note each `step` ticks, half as long."""
    degrees = (60, 62, 64, 65, 67, 69, 71, 72)
    return piece([(n * step, max(1, step // 2), (degrees[n % 8],)) for n in range(count)])


def random_piece(rng: np.random.Generator, semitones: bool, notes: int = 80) -> Notes:
    """Return random eighths of C major, or with a semitone under each second one."""
    keys = rng.choice([60, 62, 64, 65, 67, 69, 71, 72, 74, 76], notes)
    return piece([(12 * n, 12, (k - 1, k) if semitones and n % 2 else (k,)) for n, k in enumerate(keys.tolist())])


def accompanied(roots: tuple[int, ...], shapes: tuple[tuple[int, ...], ...] = (BROKEN,), bars: int = 12) -> Notes:
    """Return a broken chord a bar on the next root, in the next shape, under quarters of a falling fifth."""
    left = [
        (bar * BAR + n * 12, 12, (roots[bar % len(roots)] + step,))
        for bar in range(bars)
        for n, step in enumerate(shapes[bar % len(shapes)])
    ]
    return piece(sorted(left + [(n * QUARTER, QUARTER, (84 - 7 * (n % 2),)) for n in range(4 * bars)]))


def figure(*steps: int, times: int = 16) -> Notes:
    """Return eighths in the right hand that go over these steps above G5 again and again."""
    return piece([(n * 12, 12, (79 + step,)) for n, step in enumerate(steps * times)])


def uneven() -> Notes:
    """Return G5 48 times, after a quarter and an eighth in turns, always held until the next."""
    return piece([(18 * n + 6 * (n % 2), 12 if n % 2 else 24, (79,)) for n in range(48)])


LEAST_COMPLEX = 2 * np.log2(47) / 47
"""The complexity of 47 moves that are all alike: the first is a phrase, and the others are one."""

CASES = [
    ("rhythm", chorale(), {"onsets_per_quarter": 48 / 47, "gap_4th": 1, "gap_entropy": 0, "gap_median": 24}),
    ("rhythm", scale(), {"gap_8th": 1, "gap_most_common": 1, "detached": 1, "articulation": 0.5, "duration_median": 6}),
    ("rhythm", scale(7), {"gap_other": 1, "gap_8th": 0}),
    ("meter", chorale(), {"on_one": 0.25, "on_beat": 1, "bars_with_one": 1, "place_entropy": 2, "onsets_per_bar": 4}),
    ("meter", scale(8), {"on_grid": 1, "on_eighth": 1 / 3 + 1 / 96, "on_triplet_only": 2 / 3 - 1 / 96}),
    ("pitch", chorale(), {"range": 24, "distinct_pitches": 4, "in_best_scale": 1, "on_tonic": 0.5, "minor": 0}),
    ("harmony", chorale(), {"triads": 1, "sounding_third": 0.5, "sounding_fourth": 1 / 3, "sounding_octave": 1 / 6}),
    ("harmony", chorale(), {"sounding_semitone": 0, "sounding_most": 4, "bass_on_tonic": 1, "bass_same": 1}),
    ("harmony", scale(), {"triads": 0, "struck_single": 1, "sounding_mean": 1, "harmony_changes": 1}),
    ("lines", scale(), {"top_step": 56 / 63, "top_octave": 7 / 63, "top_same": 0, "bottom_leap": 0}),
    ("lines", chorale(), {"top_same": 1, "top_move": 0, "bottom_spread": 0}),
    ("texture", chorale(), {"both_hands": 1, "left_notes": 1, "right_notes": 3, "hand_gap": 16, "left_share": 0.25}),
    ("texture", chorale(), {"chord_width": 24, "stretch_over_tenth": 0, "right_width": 8}),
    ("repetition", chorale(), {"bar_like_1": 1, "bar_like_8": 1, "bar_repeated": 1, "bar_new": 0}),
    ("repetition", chorale(), {"same_chord_run": 48}),
    ("repetition", scale(), {"figures_8_heard": 1 - 8 / 57, "rhythm_like_4": 1, "same_chord_run": 1}),
    ("loudness", chorale(), {"velocity_mean": 80, "velocity_spread": 0, "velocity_levels": 1, "velocity_same": 1}),
    # of the eleven whole bars, 10 follow another, 9 have one before that, and 7 one four bars before
    ("hands", accompanied((48,)), {"left_rhythm_same_1": 1, "left_bars_transposed": 0, "left_bars_contour": 0}),
    ("hands", accompanied((48, 50)), {"left_rhythm_same_2": 1, "left_bars_transposed": 10 / 26}),
    ("hands", accompanied((48,), (BROKEN, WIDER)), {"left_bars_contour": 10 / 26, "left_bars_transposed": 0}),
    ("hands", accompanied((48,), (BROKEN, FALLING)), {"left_bars_reshaped": 10 / 26, "left_bars_contour": 0}),
    ("hands", accompanied((48,), (BROKEN, BROKEN[:4])), {"left_rhythm_same_1": 0, "left_rhythm_same_2": 1}),
    ("hands", accompanied((48,)), {"right_rhythm_same_4": 1, "right_bars_transposed": 0, "right_size_changes": 0}),
    ("hands", chorale(), {"left_intervals_complexity": LEAST_COMPLEX, "left_figures_heard": 43 / 44}),
    ("hands", accompanied((48,)), {"right_intervals_complexity": 3 * np.log2(47) / 47, "right_figures_heard": 42 / 44}),
    ("hands", accompanied((48,)), {"right_motifs_transposed": 0}),
    # a line that goes up and down is heard again from the same pitches
    ("hands", figure(0, 2, 4, 5, 7, 5, 4, 2, times=8), {"right_motifs_transposed": 0}),
    ("melody", figure(0, 2), {"melody_turns": 1, "melody_steps": 1, "melody_wobbles": 1, "melody_stalls": 0}),
    ("hands", figure(0, 0, 0, 0, 7, 7, 7, 7, times=8), {"right_motifs_transposed": 0}),
    ("hands", figure(0, 2, 0, 7), {"right_figures_heard": 1 - 4 / 60}),  # steps and leaps are told apart
    ("melody", figure(0, 3), {"melody_steps": 0, "melody_wobbles": 0}),
    ("melody", figure(0, 0, 7, 7), {"melody_stalls": 0}),
    ("melody", figure(0, 2, 4, 0, 4, 2, times=8), {"melody_entropy_after_two": 0}),
    ("melody", figure(0, 6), {"melody_tritones": 1, "melody_wobbles": 0, "melody_entropy_after_two": 0}),
    ("melody", figure(0, 0, 0, 0, 7, times=8), {"melody_stalls": 8 / 37, "melody_turns": 1}),
    ("melody", chorale(), {"melody_stalls": 1, "melody_wobbles": 0, "bass_intervals_entropy": 0}),
    ("voices", chorale(), {"stream_length": 48, "streams_single": 0, "sounding_changes": 0, "seconds_struck": 0}),
    ("voices", scale(), {"stream_length": 64, "streams_single": 0}),
    ("durations", chorale(), {"duration_given_gap": 0, "repeated_bars_held_anew": 0}),
    ("durations", uneven(), {"duration_given_gap": 0}),
    ("hands", uneven(), {"right_rhythm_complexity": 3 * np.log2(47) / 47, "right_intervals_complexity": LEAST_COMPLEX}),
]


@pytest.mark.parametrize("group, notes, expected", CASES)
def test_a_feature_counts_what_it_says(group: str, notes: Notes, expected: dict[str, float]) -> None:
    found = features(notes)
    assert {name: found[name] for name in expected} == pytest.approx(expected)


def test_loudness_steps_from_chord_to_chord() -> None:
    notes = piece([(n * 12, 12, (60 + n % 5,)) for n in range(40)], velocity=[60, 90] * 20)
    found = features(notes)
    assert (found["velocity_step"], found["velocity_entropy"], found["velocity_same"]) == pytest.approx((30, 1, 0))
    assert features(piece([(n * 12, 12, (60,)) for n in range(40)], velocity=[80, 81] * 20))["velocity_values"] == 2


def test_bars_of_another_rhythm_are_not_transposed() -> None:
    left = [
        (bar * BAR + n * (12 + 12 * (bar % 2)), 12, (48 + bar % 2 + BROKEN[n],)) for bar in range(12) for n in range(4)
    ]
    found = features(piece(sorted(left + [(n * QUARTER, QUARTER, (84,)) for n in range(48)])))
    assert (found["left_rhythm_same_1"], found["left_rhythm_same_2"], found["left_bars_transposed"]) == (0, 1, 0)


def test_the_lines_of_hands_are_their_outer_notes() -> None:
    found = features(piece([(n * 24, 24, (36 + 2 * (n % 2), 48, 72, 79 + 2 * (n % 2))) for n in range(48)]))
    assert (found["melody_steps"], found["melody_wobbles"]) == (1, 1)
    assert found["left_intervals_complexity"] == pytest.approx(3 * np.log2(47) / 47)


def test_an_interval_of_the_bass_may_follow_from_the_one_before_or_not() -> None:
    found = features(accompanied((48,), ((0, 4, 0, 4, 0, 7, 0, 7),)))
    # what follows 24 falls of a third is open, as is what follows 23 falls of a fifth, 11 of which a third follows
    after_fifths = 12 * np.log2(23 / 12) + 11 * np.log2(23 / 11)
    assert found["bass_intervals_entropy"] == pytest.approx((24 + after_fifths) / 94)


def test_motifs_are_heard_again_from_another_pitch() -> None:
    rise = [0, 2, 4, 7]
    notes = piece([(n * 12, 12, (72 + n // 4 + rise[n % 4],)) for n in range(40)])  # ten times, a semitone up each time
    assert features(notes)["right_motifs_transposed"] == pytest.approx((9 + 8 + 8 + 8) / 37)


def test_chords_of_two_keep_their_interval_or_nearly_or_not() -> None:
    pairs = [(72, 76), (74, 77), (76, 79), (76, 79), (77, 82)]  # 4, 3, 3, 3 and 5 semitones
    notes = piece([(n * QUARTER, QUARTER, pairs[n % 5]) for n in range(32)])
    found = features(notes)  # of the moves, 7 are from 4 to 3, and 6 each from 3 to 3, from 3 to 5 and from 5 to 4
    assert (found["right_pairs_same"], found["right_pairs_near"]) == pytest.approx((6 / 25, 19 / 25))
    assert found["right_size_changes"] == 0


def test_seconds_are_counted_among_chords_and_alone() -> None:
    chords = [(72, 74), (72, 76), (72, 73, 79), (72,)]
    found = features(piece([(n * QUARTER, QUARTER, chords[n % 4]) for n in range(32)]))
    assert (found["seconds_struck"], found["seconds_bare"]) == pytest.approx((2 / 3, 1 / 2))


def test_notes_far_off_begin_streams() -> None:
    notes = piece([(n * QUARTER, QUARTER, (60, 96) if n % 8 == 7 else (60,)) for n in range(32)])
    found = features(notes)  # the high notes are eight quarters apart, which is too long to continue
    assert (found["stream_length"], found["streams_single"]) == pytest.approx((36 / 5, 4 / 5))
    assert found["sounding_changes"] == pytest.approx(7 / 31)


@pytest.mark.parametrize(
    "chords, held, length",
    [
        ([(60,), (84,)] * 20, 24, 20),  # out of reach of each other
        ([(60,), (61,)] * 20, 26, 40),
        ([(60,), (61,)] * 20, 27, 20),  # lasts too long for the next note, but not for the one after it
        ([(60,), (60, 62)] * 16, 24, 24),  # a stream takes one note of a chord
        ([(60, 70), (66,), (53, 66), *[(66,)] * 40], 24, 45 / 2),  # F sharp continues B flat, and the F below it C
    ],
)
def test_a_stream_continues_with_the_nearest_note(chords: list[tuple[int, ...]], held: int, length: float) -> None:
    notes = piece([(n * QUARTER, held, chord) for n, chord in enumerate(chords)])
    assert features(notes)["stream_length"] == pytest.approx(length)


def test_all_notes_are_those_of_one_keyboard() -> None:
    rows = [(0, 60, 30), (0, 60, 12), (24, 60, 96), (48, 64, 96), (96, 60, 96)]
    rows += [(192 + 24 * n, 62 + n % 2, 48) for n in range(40)]  # each key again as it is released
    onset, pitch, duration = np.array(rows).T
    found = cut(Notes.of(onset, duration, pitch, [80] * len(rows), (), ((0, 4, 4),)), 100)
    assert found.onset[:4].tolist() == [0, 24, 48, 96]
    assert found.duration[:5].tolist() == [24, 72, 96, 96, 48]  # until the key is struck again
    assert (found.duration[4:] == 48).all()
    files = [
        Notes.of(*(column[kept] for column in (onset, duration, pitch)), [80] * len(kept), (), ((0, 4, 4),))
        for kept in (np.arange(len(rows)), np.delete(np.arange(len(rows)), 1))
    ]
    assert features(files[0]) == pytest.approx(features(files[1]), nan_ok=True)


def test_durations_may_follow_from_the_rhythm_or_not_and_change_when_a_bar_is_repeated() -> None:
    notes = piece([(n * QUARTER, 12 if n // 4 % 2 else 24, (60 + n % 4,)) for n in range(65)])
    found = features(notes)  # bars of long and of short notes take turns: each equals the one before but for these
    assert found["repeated_bars_held_anew"] == 1
    assert found["duration_given_gap"] == pytest.approx(1)


def test_what_a_piece_has_no_case_of_is_unknown() -> None:
    found = features(scale())  # no chords; one hand plays all
    unknown = {name for name, value in found.items() if np.isnan(value)}
    assert {"seconds_struck", "seconds_bare", "right_pairs_near", "left_rhythm_same_1"} <= unknown
    assert not any(np.isinf(value) for value in found.values())


def test_bars_follow_the_meter() -> None:
    waltz = piece([(n * QUARTER, QUARTER, C_MAJOR) for n in range(36)], meter=3)
    assert features(waltz)["on_one"] == pytest.approx(1 / 3)


def test_a_held_bass_sounds_with_what_follows() -> None:
    notes = piece([(bar * BAR, BAR, (48,)) for bar in range(8)] + [(24 * n + 12, 12, (49,)) for n in range(32)])
    found = features(notes)
    assert found["sounding_semitone"] == 1
    assert found["minor_second_clash"] == pytest.approx(32 / 40)


def test_what_the_file_says_of_hands_and_pedal_and_later_notes_changes_nothing() -> None:
    notes = chorale(100)
    columns = [notes.onset, notes.duration, notes.pitch, notes.velocity]
    told = Notes(
        *columns,
        time_signatures=notes.time_signatures,
        hand=np.ones(len(notes), np.uint8),
        pedals=((0, 0, 40 * BAR),),
    )
    short = Notes(*(column[:FIRST] for column in columns), time_signatures=notes.time_signatures)
    assert features(told) == pytest.approx(features(notes), rel=0, abs=0, nan_ok=True)  # the same, and not nearly
    assert features(notes) == pytest.approx(features(short), nan_ok=True)


def test_a_piece_of_few_notes_has_no_features() -> None:
    with pytest.raises(ValueError, match="needs 32 notes"):
        features(piece([(0, 24, C_MAJOR)]))


def test_stuck_is_one_chord_too_often_in_a_row_however_many_notes_it_has() -> None:
    steady = piece([(n * 24, 24, C_MAJOR) for n in range(23)] + [(600, 24, (60,))])
    broken = piece([(n * 24, 24, C_MAJOR if n != 11 else (60,)) for n in range(23)])
    assert tables.longest_chord_run(steady) == 23
    assert tables.stuck([steady, broken]) == 0.5
    assert tables.stuck([steady], most=23) == 0


def test_drift_off_the_grid_is_seen_in_the_later_bars() -> None:
    early = [(n * QUARTER, 12, (60,)) for n in range(80)]
    late = [(20 * BAR + n * QUARTER + 1, 12, (60,)) for n in range(64)]
    assert tables.grid_drift([piece(early + late), chorale(31)]) == [1.0, 0.0, 1]


@pytest.mark.parametrize(
    "last, share", [((48, 64, 67), 1.0), ((48, 60), 1.0), ((52, 60, 67), 0.0), ((48, 64, 69), 0.0)]
)
def test_a_piece_ends_on_the_tonic_with_its_triad_over_it(last: tuple[int, ...], share: float) -> None:
    notes = piece([(n * 24, 24, chord) for n, chord in enumerate([C_MAJOR, (43, 62, 65, 71)] * 10)] + [(480, 24, last)])
    assert tables.ends_on_tonic([notes]) == share


def test_the_classifiers_tell_semitones_and_not_what_is_alike() -> None:
    pytest.importorskip("sklearn")
    rng = np.random.default_rng(0)
    names, real = told_apart.table([random_piece(rng, semitones=False) for _ in range(48)])
    _, other = told_apart.table([random_piece(rng, semitones=True) for _ in range(24)])
    apart = told_apart.told_apart(real, other, draws=1, count=24)
    assert apart["trees"] > 0.95
    assert apart["linear"] > 0.95
    assert apart["better"] == max(apart["trees"], apart["linear"])
    assert 0.25 < apart["people"] < 0.75
    assert apart["people_count"] == 24
    rows = tables.given_away(names, real, other)
    assert rows[0]["alone"] == 1
    semitones = next(row for row in rows if row["feature"] == "sounding_semitone")
    assert (semitones["people"], semitones["composed"], semitones["outside"]) == (0, 1, True)


def test_networks_are_told_beside_each_other_and_become_figures() -> None:
    pytest.importorskip("sklearn")
    rng = np.random.default_rng(1)
    real = [random_piece(rng, semitones=False) for _ in range(40)]
    sets = {
        name: [random_piece(rng, semitones=name == "ours") for _ in range(count)]
        for name, count in {"ours": 10, "a, peer": 10, "few": 4}.items()
    }
    sets["a, peer"].append(random_piece(rng, semitones=True, notes=40))  # too short to count
    found = told_apart.beside(real, sets, draws=2, first=64)
    assert list(found) == ["ours", "a, peer"]
    assert [one["count"] for one in found.values()] == [10, 10]
    assert found["ours"]["better"] > 0.9 > found["a, peer"]["better"]
    assert told_apart.beside(real[:9], sets, draws=2, first=64) == {}
    people, peer = told_apart.as_figures(found, "ours", {"a, peer": "a peer"}, "quality/told", "python x.py")
    assert (people.id, people.peer, peer.id, peer.peer) == (
        "quality/told/people",
        "people against people",
        "quality/told/a-peer",
        "a peer",
    )
    assert people.ours == peer.ours == tuple(found["ours"]["each"])
    assert np.mean(people.ours) == pytest.approx(found["ours"]["better"])
    assert people.theirs == tuple(found["ours"]["people_each"])
    assert np.mean(peer.theirs) == pytest.approx(found["a, peer"]["better"])
    assert "10 pieces a side" in people.note
    assert told_apart.as_figures({"a, peer": found["a, peer"]}, "ours", {}, "quality/told", "") == []


def test_features_that_tables_name_exist() -> None:
    assert set(tables.NAMED) <= set(features(chorale()))


@pytest.mark.parametrize(
    "words, code, said",
    [
        (["--corpus", "all"], 2, "one of the arguments --run --midi is required"),
        (["--corpus", "all", "--midi", ".", "--count", "2"], 2, "--count must be at least 5"),
        (["--corpus", "all", "--midi", ".", "--primed", "8"], 2, "--primed must be at least 1, and needs --run"),
        (["--corpus", "nowhere", "--midi", "."], 1, "no corpus 'nowhere'"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_line(
    words: list[str],
    code: int,
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "argv", ["told_apart.py", "--root", str(tmp_path), *words])
    with pytest.raises(SystemExit) as ended:
        told_apart.main()
    line = capsys.readouterr().err.splitlines()[-1] if code == 2 else str(ended.value.code)
    assert said in line
    assert (ended.value.code == 2) == (code == 2)


def test_a_beginning_is_cut_at_its_last_bar_line_and_keeps_the_meters_up_to_there() -> None:
    columns = [(24 * n, 48, pitch, 80) for n in range(40) for pitch in (60, 64)]
    notes = Notes.of(*zip(*columns, strict=True), time_signatures=[(0, 3, 4), (288, 4, 4), (480, 2, 4)])
    given = continuations.beginning(notes, 5)  # four bars of three quarters, one of four
    assert given is not None
    assert (given.onset.max(), given.end.max(), len(given)) == (15 * 24, 16 * 24, 32)
    assert given.time_signatures == ((0, 3, 4), (288, 4, 4))
    assert continuations.beginning(notes, 400) is None
    assert continuations.beginning(notes, 2) is None  # twelve notes


def test_each_held_out_work_that_is_long_enough_gives_one_beginning(tmp_path: Path) -> None:
    corpus = exhibited.corpus(tmp_path / "root")
    held = [piece for side in ("validation", "test") for piece in corpus.pieces(side)]
    found = continuations.beginnings(corpus, 5, 40)
    assert len(found) == len({piece.work for piece in held}) == len(held)
    assert all(any(np.array_equal(given.pitch, piece.notes.pitch[: len(given)]) for piece in held) for given in found)
    assert continuations.beginnings(corpus, 5, 100) == []


def test_a_folder_of_files_is_told_from_a_corpus(tmp_path: Path) -> None:
    pytest.importorskip("sklearn")
    corpus = exhibited.corpus(tmp_path / "root")
    assert len(told_apart.people(corpus, 100)) == len({piece.work for piece in corpus.pieces()})
    assert told_apart.people(corpus, 121) == []
    folder, out = tmp_path / "made", tmp_path / "told.json"
    folder.mkdir()
    for number in range(9):
        made = chorale(34) if number else chorale(6)  # the first one is too short
        (folder / f"{number}.mid").write_bytes(write_midi(made))
    words = ["--root", tmp_path / "root", "--corpus", "hostile", "--midi", folder, "--draws", 1, "--first", 100]
    line = [sys.executable, "-m", "benchmarks.told_apart", *map(str, words), "--out", str(out)]
    done = subprocess.run(line, capture_output=True, text=True, cwd=TOP, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(out.read_text("utf-8"))
    assert (found["people_pieces"], found["composed_pieces"], found["too_short"], found["count"]) == (16, 9, 1, 8)
    assert found["stuck"] == {"people": 0, "composed": 1}
    assert found["grid"]["composed"] == [1, 1, 8]
    assert found["better"] > 0.9
    assert f"told apart, 8 against 8, 1 draws: trees {found['trees']:.3f}" in done.stdout
    assert "| the same pitch again in the top voice | 0" in done.stdout
