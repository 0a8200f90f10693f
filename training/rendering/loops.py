"""Loops as game engines play them: Ogg, WAV, MIDI, and a JSON file that describes them.

In: notes, and the first tick of the loop and the tick after its last. Out: files that hold what comes before the loop, the
loop once, and the loop again; engines repeat the last turn. What rings on at the end of a turn sounds in the next one, so
the turns join without a hole, and the file ends exactly at the end of the loop.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from catalog.base.errors import TrainingError, UsageError
from dataset.midi.midi_writer import write_midi
from dataset.notes.meter import bars_of
from dataset.notes.model import Notes
from dataset.notes.timing import TICKS_PER_QUARTER, tick_to_seconds
from training.rendering.audio import MAX_SECONDS, RATE, Form, encode_audio, mix_notes, with_origin
from training.sound.loudness import level_gain
from training.sound.tags import Tags

LOOP_FORMS = ("ogg", "wav", "mid", "json")
LEAST_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class LoopRecord:
    """What the JSON file of a loop says. Frames count from the start of the sound files."""

    bpm: float  # quarter notes per minute; where the tempo changes within the loop, their mean
    beats: float  # quarter notes of the loop
    bars: int | None  # bars of the loop, None if it does not begin and end on a bar line
    time_signature: str  # where the loop begins, such as 4/4
    first_bar: int  # the bar in which the loop begins, from 1; 0 is a pickup
    seconds: float  # length of the loop
    sample_rate: int  # frames per second
    loop_start: int  # first frame of the loop
    loop_length: int  # frames of the loop
    samples: int  # frames of the file, which ends where the loop ends
    turns: int  # how often the file holds the loop; the last turn is the one to repeat


@dataclass(frozen=True, slots=True)
class LoopSound:
    """The sound of a loop: float32[frames, 2], and its first frame and the frame after its last."""

    sound: NDArray[np.float32]
    start: int
    end: int
    turns: int


def loop_of_bars(notes: Notes, first: int, last: int) -> tuple[int, int]:
    """Return the first tick of bar `first`, and the tick after bar `last`.

    Bars are numbered from 1, as in the score; a pickup is bar 0. Raises UsageError if the piece does not have them.
    """
    bars = bars_of(notes.time_signatures, int(notes.end.max(initial=1)))
    numbers = {bar.number: bar for bar in bars}
    if not (first in numbers and last in numbers and first <= last):
        raise UsageError(
            f"no loop from bar {first} to bar {last}: the piece has bars {bars[0].number} to {bars[-1].number}; "
            "give the first and the last bar of the loop, such as 5:20"
        )
    return numbers[first].start, numbers[last].end


def loop_notes(notes: Notes, start: int, end: int) -> Notes:
    """Return the notes before tick `end`, cut where the loop ends."""
    kept = np.flatnonzero(notes.onset < end)
    return replace(
        notes,
        onset=notes.onset[kept],
        duration=np.minimum(notes.duration[kept], end - notes.onset[kept]),
        pitch=notes.pitch[kept],
        velocity=notes.velocity[kept],
        hand=notes.hand[kept],
        pedal_group=notes.pedal_group[kept],
        pedals=tuple((group, down, min(up, end)) for group, down, up in notes.pedals if down < end),
        tempos=tuple(change for change in notes.tempos if change[0] < end),
        time_signatures=tuple(change for change in notes.time_signatures if change[0] < end),
        key_signatures=tuple(change for change in notes.key_signatures if change[0] < end),
    )


def check_loop(notes: Notes, start: int, end: int) -> tuple[int, int]:
    """Return the first frame of a loop and the frame after its last, in its first turn.

    Raises TrainingError for a loop without notes, of less than 0.1 seconds, or too long to synthesize.
    """
    first, after = np.rint(tick_to_seconds(notes.tempos, [start, end]) * RATE).astype(np.int64).tolist()
    if after - first < LEAST_SECONDS * RATE:
        raise TrainingError(
            f"the loop lasts {(after - first) / RATE:.2f} seconds, at least {LEAST_SECONDS} are possible"
        )
    if 2 * after - first > MAX_SECONDS * RATE:
        raise TrainingError(
            f"the loop's file would be longer than {MAX_SECONDS / 60:.0f} minutes: choose a shorter loop"
        )
    if not ((notes.onset >= start) & (notes.onset < end)).any():
        raise TrainingError("no note begins in the loop: choose other bars")
    return first, after


def synthesize_loop(notes: Notes, start: int, end: int, *, soundfont: Path | None = None) -> LoopSound:
    """Return the sound of a loop from tick `start` to before tick `end`, at 44.1 kHz and -16 LUFS.

    There are two turns, or more if notes ring on for longer than a turn: the last one begins and ends with the same sound
    ringing on. Notes that begin before the loop sound before the first turn only. Raises TrainingError as `check_loop` does.
    """
    loop_start, loop_end = check_loop(notes, start, end)
    length = loop_end - loop_start
    before, within = notes.onset < start, (notes.onset >= start) & (notes.onset < end)
    intro = mix_notes(notes, chosen=before, soundfont=soundfont) if before.any() else np.zeros((0, 2), np.float32)
    turn = mix_notes(notes, chosen=within, soundfont=soundfont)[loop_start:]
    turns = 1 + max(1, -(-(len(turn) - length) // length), -(-(len(intro) - loop_start) // length))
    sound = np.zeros((loop_start + (turns + 1) * length, 2), np.float32)  # one more, for what the limiter sees ahead
    sound[: min(len(intro), len(sound))] += intro[: len(sound)]
    for number in range(turns + 1):
        room = sound[loop_start + number * length :]
        room[: len(turn)] += turn[: len(room)]
    sound *= level_gain(sound, RATE)[:, None]
    last = loop_start + turns * length
    return LoopSound(np.ascontiguousarray(sound[:last]), last - length, last, turns)


def describe_loop(notes: Notes, start: int, end: int, made: LoopSound) -> LoopRecord:
    """Return what the JSON file of a loop says."""
    bars = bars_of(notes.time_signatures, end)
    inside = [bar for bar in bars if start <= bar.start < end]
    is_whole = bool(inside) and inside[0].start == start and inside[-1].end == end
    first = next(bar for bar in reversed(bars) if bar.start <= start)
    length, beats = made.end - made.start, (end - start) / TICKS_PER_QUARTER
    [begins, ends] = tick_to_seconds(notes.tempos, [start, end]).tolist()
    return LoopRecord(
        bpm=round(beats * 60 / (ends - begins), 4),
        beats=beats,
        bars=len(inside) if is_whole else None,
        time_signature=f"{first.numerator}/{first.denominator}",
        first_bar=first.number,
        seconds=round(length / RATE, 6),
        sample_rate=RATE,
        loop_start=made.start,
        loop_length=length,
        samples=made.end,
        turns=made.turns,
    )


def render_loop(
    notes: Notes,
    start: int,
    end: int,
    *,
    forms: Sequence[str] = LOOP_FORMS,
    tags: Tags | None = None,
    soundfont: Path | None = None,
) -> dict[str, bytes]:
    """Return the files of a loop from tick `start` to before tick `end`, by format.

    `ogg` has the comments LOOPSTART and LOOPLENGTH, in frames; `wav` has a chunk `smpl`; `mid` has markers and controller 111,
    with the notes before the loop and of one turn; `json` is a `LoopRecord`. Raises TrainingError as `check_loop` does.
    """
    tags = tags or Tags()
    files: dict[str, bytes] = {}
    check_loop(notes, start, end)
    made = synthesize_loop(notes, start, end, soundfont=soundfont) if set(forms) - {"mid"} else None
    for form in forms:
        if form == "mid":
            files[form] = write_midi(loop_notes(notes, start, end), name=tags.title, loop=(start, end))
        elif made is not None and form == "json":
            record = describe_loop(notes, start, end, made)
            files[form] = (json.dumps(asdict(record), indent=1) + "\n").encode()
        elif made is not None:
            known = replace(with_origin(tags, soundfont), loop=(made.start, made.end))
            files[form] = encode_audio(made.sound, cast("Form", form), RATE, known)
    return files
