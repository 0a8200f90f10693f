"""Continuing a prime: length, meter and tempo, with and without its notes."""

from pathlib import Path

import numpy as np
import pytest

from catalog.base.errors import TrainingError, UsageError
from dataset.midi.midi_reader import read_midi
from dataset.midi.midi_writer import write_midi
from dataset.notes.model import Notes
from dataset.notes.timing import MAX_TICK, tick_to_seconds
from tests.training.conftest import command
from tests.training.test_sampler import VOCABULARY, saying, weights
from training.events.fields import EDGES, to_class
from training.network import inference
from training.sampling.sampler import SamplingConfig, compose

EIGHTHS = saying(time={12: 40}, duration={12: 40})  # goes on in eighth notes
BAR = 96


def prime(
    bars: int = 4, tempos: tuple[tuple[int, float], ...] = (), meters: tuple[tuple[int, int, int], ...] = ()
) -> Notes:
    """Bars of eighth notes in 4/4 at 120, with these changes of tempo and meter."""
    count = 8 * bars
    onset = np.arange(count) * 12
    return Notes.of(onset, [12] * count, 60 + np.arange(count) % 7, [80] * count, tempos, meters)


def overhanging(note: int, ticks: int) -> Notes:
    """Four bars with one note that is held for `ticks`."""
    plain = prime()
    duration = plain.duration.copy()
    duration[note] = ticks
    return Notes(plain.onset, duration, plain.pitch, plain.velocity, plain.tempos, plain.time_signatures)


def length(notes: Notes) -> int:
    return int(notes.end.max())


CHANGES = {
    "none": prime(),
    "a slow tempo later": prime(tempos=((960, 30.0),)),
    "a slow tempo at once": prime(tempos=((384, 10.0),)),
    "a slow tempo within the last note": prime(tempos=((380, 10.0),)),
    "another meter within a bar": prime(meters=((432, 3, 4),)),
    "another meter at once": prime(meters=((384, 7, 8),)),
    "many of both": prime(tempos=((500, 300.0), (5000, 20.0)), meters=((390, 5, 4), (7000, 2, 4))),
    "a last note that is held": overhanging(31, 5 * BAR),
    "a first note that is held": overhanging(0, 40 * BAR),
    "a last note that is a little late": overhanging(31, 18),
}


@pytest.mark.parametrize("what", CHANGES)
def test_what_follows_is_as_long_as_asked_whatever_stands_after_the_last_note(what: str) -> None:
    for wish, bars in (
        (SamplingConfig(bars=3), 3),
        (SamplingConfig(seconds=7.0), 4),
        (SamplingConfig(seconds=8.0), 4),
        (SamplingConfig(bars=9, seconds=1.9), 1),
    ):
        [whole] = compose(EIGHTHS, VOCABULARY, wish, CHANGES[what])
        assert length(whole) == (4 + bars) * BAR
        assert whole.time_signatures == ((0, 4, 4),)
        assert float(tick_to_seconds(whole.tempos, [length(whole)])[0]) == pytest.approx(2.0 * (4 + bars))


def test_what_changes_before_the_last_note_goes_on() -> None:
    changed = prime(tempos=((192, 60.0), (900, 30.0)), meters=((192, 2, 4), (500, 4, 4)))
    [whole] = compose(EIGHTHS, VOCABULARY, SamplingConfig(seconds=10.0), changed)
    assert whole.tempos == ((0, 120.0), (192, 60.0))
    assert whole.time_signatures == ((0, 4, 4), (192, 2, 4))
    assert length(whole) == 384 + 240  # ten quarters at 60


def test_a_prime_of_one_note_is_a_prime() -> None:
    [whole] = compose(EIGHTHS, VOCABULARY, SamplingConfig(bars=2), Notes.of([0], [24], [60], [80]))
    assert length(whole) == 3 * BAR


@pytest.mark.parametrize("wish", [{"bars": 5}, {"seconds": 9.0}, {"notes": 40}])
@pytest.mark.parametrize("what", [*CHANGES, "half a bar more", "another meter before"])
def test_without_the_prime_its_continuation_alone_is_written_from_its_first_bar(
    what: str, wish: dict[str, float]
) -> None:
    more = {
        "half a bar more": Notes.of(np.arange(36) * 12, [12] * 36, [60] * 36, [80] * 36),
        "another meter before": prime(tempos=((96, 90.0),), meters=((192, 3, 4), (400, 4, 4))),
    }
    given = (CHANGES | more)[what]
    network = inference.NoteNetwork(weights())
    both = [
        compose(network, VOCABULARY, SamplingConfig(count=3, seed=5, without_prime=without, **wish), given)  # type: ignore[arg-type]
        for without in (False, True)
    ]
    for whole, alone in zip(*both, strict=True):
        own = {(int(o), int(p)) for o, p in zip(given.onset, given.pitch, strict=True)}
        rest = [n for n in rows(whole) if (n[0], n[2]) not in own]
        shift = rest[0][0] - rows(alone)[0][0]
        assert rows(alone) == [(onset - shift, *others) for onset, *others in rest]
        last_bar = int(given.onset[-1]) // BAR * BAR if what != "another meter before" else 192 + (372 - 192) // 72 * 72
        bar = BAR if what != "another meter before" else 72
        assert shift in (last_bar, last_bar + bar)
        assert rows(alone)[0][0] < bar or shift == last_bar + bar
        assert alone.tempos == ((0, whole.tempos[-1][1]),)
        assert alone.time_signatures == ((0, *whole.time_signatures[-1][1:]),)


def rows(notes: Notes) -> list[tuple[int, int, int, int]]:
    columns = (notes.onset, notes.duration, notes.pitch, notes.velocity)
    return list(zip(*(column.tolist() for column in columns), strict=True))


PEDAL = ((0, 0, 90), (0, 372, 500))
"""The second is down over the end of the prime."""


def played(groups: int = 1, pedals: tuple[tuple[int, int, int], ...] = PEDAL) -> Notes:
    """Four bars with hands, keys and pedal; a key signature stands after the last note."""
    plain, number = prime(), np.arange(32)
    keys = ((0, -3, 1), (192, 2, 0), (900, 4, 0))
    columns = (plain.onset, plain.duration, plain.pitch, plain.velocity)
    return Notes.of(*columns, (), (), keys, 1 + number % 2, number % groups, pedals)


@pytest.mark.parametrize(
    "given",
    [
        played(),
        played(2),  # one of which no pedal holds
        played(2, (*PEDAL, (1, 24, 48))),
        played(1, ((0, 0, 4 * BAR),)),
        played(1, ((0, 0, 90), (0, 40 * BAR, 41 * BAR))),  # again after the end
        played(1, ()),
    ],
)
def test_a_prime_sounds_and_is_written_as_it_is_before_it_is_continued(given: Notes) -> None:
    network = inference.NoteNetwork(weights())
    [whole] = compose(network, VOCABULARY, SamplingConfig(notes=100, seed=3), given)
    assert read_midi(write_midi(whole)) is not None
    own = np.isin(whole.onset * 128 + whole.pitch, given.onset * 128 + given.pitch)
    assert own.sum() == len(given) < len(whole)
    for name in ("onset", "pitch", "velocity", "duration", "hand"):
        assert getattr(whole, name)[own].tolist() == getattr(given, name).tolist()
    alone = Notes.of(*(column[own] for column in (whole.onset, whole.sounding, whole.pitch, whole.velocity)))
    assert (alone.duration <= given.sounding).all()
    struck = {
        int(pitch): int(onset) for onset, pitch in zip(whole.onset[~own][::-1], whole.pitch[~own][::-1], strict=True)
    }
    free = [int(pitch) not in struck for pitch in given.pitch]
    assert alone.duration[free].tolist() == given.sounding[free].tolist()
    assert (whole.sounding == whole.duration)[~own].all(), "no pedal holds what is composed"
    assert not {group for group, *_ in whole.pedals} & set(whole.pedal_group[~own].tolist())
    assert whole.key_signatures == ((0, -3, 1), (192, 2, 0))
    [rest] = compose(network, VOCABULARY, SamplingConfig(notes=20, seed=3, without_prime=True), given)
    assert rest.key_signatures == ((0, 2, 0),)
    assert rest.pedals == ()


def test_a_prime_with_more_pedals_than_there_are_channels_is_continued_without_them() -> None:
    many = played(8, tuple((group, group, 90 + group) for group in range(8)))
    [whole] = compose(EIGHTHS, VOCABULARY, SamplingConfig(bars=2), many)
    assert whole.pedals == ()
    assert len(read_midi(write_midi(whole))) == len(whole)


def test_where_there_is_nothing_to_write_or_no_room_it_is_said() -> None:
    rest = int(to_class(161))
    assert EDGES[rest] > 150
    rests = saying(time={rest: 90}, duration={12: 40})  # waits longer than is asked for
    with pytest.raises(TrainingError, match="increase it"):
        compose(rests, VOCABULARY, SamplingConfig(bars=1, without_prime=True), prime())
    with pytest.raises(UsageError, match="--prime"):
        compose(EIGHTHS, VOCABULARY, SamplingConfig(bars=1, without_prime=True))
    late = Notes.of([MAX_TICK - 30], [24], [60], [80])
    with pytest.raises(UsageError, match="maximum length of a file"):
        compose(EIGHTHS, VOCABULARY, SamplingConfig(bars=1), late)
    early = Notes.of([MAX_TICK - 5 * BAR], [24], [60], [80])
    [whole] = compose(EIGHTHS, VOCABULARY, SamplingConfig(notes=500), early)
    assert length(whole) <= MAX_TICK


def test_the_command_writes_it_and_names_a_prime_that_it_cannot_read(trained: Path, tmp_path: Path) -> None:
    given = tmp_path / "given.mid"
    given.write_bytes(write_midi(CHANGES["a slow tempo later"]))
    words = ("generate", "tiny", "--no-render", "--seed", "1", "--bars", "2", "--out", str(tmp_path / "out"), "--prime")
    for more in ((), ("--without-prime",)):
        done = command(*words, str(given), *more, root=trained)
        assert done.returncode == 0, done.stderr
    whole, alone = (read_midi(file.read_bytes()) for file in sorted((tmp_path / "out").glob("*.mid")))
    assert (length(whole), length(alone)) == (6 * BAR, 2 * BAR)
    assert len(whole) == 32 + len(alone)
    (tmp_path / "empty.mid").write_bytes(b"")
    (tmp_path / "text.mid").write_text("no music")
    (tmp_path / "folder.mid").mkdir()
    (tmp_path / "silent.mid").write_bytes(write_midi(Notes.of([], [], [], [])))
    (tmp_path / "late.mid").write_bytes(write_midi(Notes.of([MAX_TICK - 30], [24], [60], [80])))
    for name in ("empty", "text", "folder", "silent", "late", "missing"):
        done = command(*words, str(tmp_path / f"{name}.mid"), root=trained)
        assert done.returncode == (2 if name == "missing" else 1)
        assert f"{name}.mid" in done.stderr
        assert len(done.stderr.splitlines()) == 1
    assert len(list((tmp_path / "out").glob("*.mid"))) == 2
