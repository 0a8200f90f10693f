"""From what was drawn for a stream to its notes: onsets, durations as hands can hold them, and what a prime brings along."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from catalog.base.errors import TrainingError
from dataset.notes.model import UNKNOWN as UNKNOWN_HAND
from dataset.notes.model import Notes
from training.events import fields as events
from training.events.fields import DURATION, EDGES, KNOWN, PITCH, TIME
from training.events.plans import Plan
from training.sampling.playable import HAND_NOTES, articulate, most_sounding, release, repeat_durations
from training.sampling.prompts import Prompt

MAX_PEDALS = 7  # of a prime that is continued: two hands with so many are as many as a MIDI file has channels for

IntArray = npt.NDArray[np.int32]
Numbers = npt.NDArray[Any]


def finish_piece(
    prompt: Prompt,
    made: list[IntArray],
    limit: int,
    prime: Notes | None,
    plan: tuple[Plan, IntArray] | None = None,
    *,
    without_prime: bool = False,
    is_loop: bool = False,
) -> Notes:
    """Return a stream's notes with the articulation of its plan, the last ones extended to a bar line unless it loops.

    Notes end with the bar of the last onset, those of a loop with the loop.

    With `without_prime`, only notes after the prime are returned, from the first bar that is not the prime's. Raises
    TrainingError if there are none.
    """
    rows = np.concatenate([prompt.rows, np.array(made, np.int32).reshape(-1, KNOWN)])
    first = len(prompt.rows)
    onset = np.concatenate([prompt.onsets, prompt.onsets[-1] + np.cumsum(EDGES[rows[first:, TIME]])])
    duration = np.maximum(1, EDGES[rows[:, DURATION]])
    velocity = prompt.velocities[rows[:, events.VELOCITY], events.shade_of_place(rows[:, events.PLACE])]
    pitch = rows[:, PITCH]
    bar_line = limit if is_loop else min(limit, prompt.bar_line(int(onset[-1])) + prompt.bar)
    cut = np.minimum(duration, np.maximum(1, bar_line - onset))
    duration = cut if is_loop else np.where(onset == onset[-1], bar_line - onset, cut)
    most: IntArray | int = 2 * HAND_NOTES
    if plan is not None:
        duration = repeat_durations(onset, articulate(onset, duration, pitch, *plan), pitch, plan[1])
        most = most_sounding(onset, *plan)
    duration = release(onset, duration, pitch, first if prime is not None else 0, most)
    if prime is None:
        return Notes.of(onset, duration, pitch, velocity, prompt.tempos, prompt.meters)
    new = [column[first:] for column in (onset, duration, pitch, velocity)]
    if not without_prime:
        return _after_prime(prime, prompt, new, bar_line)
    if not made:
        raise TrainingError("nothing follows the prime within this length; increase it, or use another --seed")
    start = prompt.bar_line(min(int(onset[first]), int(prompt.onsets[-1]) + prompt.bar))
    tempo, meter = (0, prompt.tempos[-1][1]), (0, *prompt.meters[-1][1:])
    keys = [(0, fifths, mode) for _, fifths, mode in _keys(prime, prompt)[-1:]]
    return Notes.of(new[0] - start, new[1], new[2], new[3], [tempo], [meter], keys)


def _after_prime(prime: Notes, prompt: Prompt, new: Sequence[Numbers], end: int) -> Notes:
    """Return a prime and the notes that continue it, until tick `end`: onsets, durations, pitches and velocities.

    The prime keeps its hands, pedal and key signatures; its notes are unchanged, but that they end with the piece. No
    pedal holds the new notes.
    """
    old: tuple[Numbers, ...] = (prime.onset, np.minimum(prime.duration, end - prime.onset), prime.pitch, prime.velocity)
    onset, duration, pitch, velocity = (np.concatenate(both) for both in zip(old, new, strict=True))
    pedals = [(group, down, min(up, end)) for group, down, up in prime.pedals if down < end]
    groups = {*prime.pedal_group.tolist()}
    free = min(groups - {group for group, *_ in pedals}, default=max(groups) + 1)
    if len(groups | {free}) > MAX_PEDALS:
        pedals = []
    group = np.append(prime.pedal_group, np.full(len(new[0]), free)) if pedals else ()
    hand = np.append(prime.hand, np.full(len(new[0]), UNKNOWN_HAND))
    changes = prompt.tempos, prompt.meters, _keys(prime, prompt)
    return Notes.of(onset, duration, pitch, velocity, *changes, hand, group, pedals)


def _keys(prime: Notes, prompt: Prompt) -> list[tuple[int, int, int]]:
    """Return the key signatures of a prime, without those after its last note."""
    return [change for change in prime.key_signatures if change[0] <= int(prompt.onsets[-1])]
