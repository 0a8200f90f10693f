"""Two hands: how long their notes last, which notes they can hold together, and when the others are released. Pure."""

from bisect import bisect_right
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from dataset.notes.hand_estimate import estimate_hands
from dataset.notes.model import LEFT, RIGHT
from training.events.character import DETACHED, FEW
from training.events.plans import Plan

HAND_NOTES = 5  # notes that a hand holds at once
HAND_SPAN = 16  # semitones between the outer notes of a hand: a tenth
LONGEST_STEP = 96  # ticks that a detached note is extended to, at most

IntArray = npt.NDArray[np.int32]


def is_playable(pitches: Sequence[int]) -> bool:
    """Return whether two hands can hold these pitches, ascending, together: five notes and a tenth each."""
    if len(pitches) > 2 * HAND_NOTES:
        return False
    if not pitches:
        return True
    left = min(bisect_right(pitches, pitches[0] + HAND_SPAN), HAND_NOTES)
    rest = pitches[left:]
    return not rest or (len(rest) <= HAND_NOTES and rest[-1] - rest[0] <= HAND_SPAN)


def articulate(
    onset: IntArray, duration: IntArray, pitch: npt.NDArray[np.integer], plan: Plan, lines: npt.NDArray[np.integer]
) -> IntArray:
    """Return durations with the articulation of the plan, whose bar lines [bars + 1] are given in ticks.

    A note's duration is drawn before the next onset is known. Where the plan has hardly any detached notes in a hand,
    they last until its next onset, if that is at most a bar of 4/4 away.
    """
    hands = estimate_hands(onset, duration, pitch)
    bar = np.searchsorted(lines, onset, side="right") - 1
    inside = (bar >= 0) & (bar < len(plan))
    new = np.array(duration, np.int32)
    for hand, name in ((RIGHT, "right"), (LEFT, "left")):
        begins = np.unique(onset[hands == hand])
        following = np.searchsorted(begins, onset, side="right")
        at = np.flatnonzero((hands == hand) & inside & (following < len(begins)))
        step = begins[following[at]] - onset[at]
        ratio = new[at] / step
        detached = getattr(plan, f"{name}_detached")[bar[at]]
        is_short = (ratio < DETACHED) & (detached <= FEW) & (detached > 0) & (step <= LONGEST_STEP)
        new[at] = np.where(is_short, step, new[at])
    return new


def repeat_durations(
    onset: IntArray, duration: IntArray, pitch: npt.NDArray[np.integer], lines: npt.NDArray[np.integer]
) -> IntArray:
    """Return durations where a bar with the onsets and pitches of an earlier bar has its durations, too.

    Bar lines [bars + 1] are in ticks; notes are sorted by onset, then pitch. The last bar keeps its durations.
    """
    new = np.array(duration, np.int32)
    first = np.searchsorted(onset, lines)
    first_durations: dict[bytes, IntArray] = {}
    for start, end, line in zip(first[:-1].tolist(), first[1:].tolist(), lines[:-1].tolist(), strict=True):
        if start < end < len(onset):
            notes = np.stack([onset[start:end] - line, pitch[start:end]]).astype(np.int32).tobytes()
            new[start:end] = first_durations.setdefault(notes, new[start:end])
    return new


def most_sounding(onset: IntArray, plan: Plan, lines: npt.NDArray[np.integer]) -> IntArray:
    """Return how many notes sound at once, at most, in the bar of each onset, as the plan says.

    Bar lines [bars + 1] are in ticks. Where the plan does not say it, ten notes can sound.
    """
    bar = np.searchsorted(lines, onset, side="right") - 1
    inside = (bar >= 0) & (bar < len(plan))
    voices = np.where(inside, plan.voices[bar.clip(0, len(plan) - 1)], 0)
    return np.where(voices > 0, np.maximum(voices - 1, 1), 2 * HAND_NOTES).astype(np.int32)


def release(
    onset: IntArray,
    duration: IntArray,
    pitch: npt.NDArray[np.integer],
    first: int = 0,
    most: IntArray | int = 2 * HAND_NOTES,
) -> IntArray:
    """Return durations with which two hands can play the notes, sorted by onset.

    Where a chord cannot be struck while others are held, or more than `most` notes (one number, or one for each note)
    would sound, the held notes are released, the earliest first; so are those of the pitch of a note that is struck, or a
    semitone from it. Notes before number `first` are left as they are.
    """
    shortened = np.array(duration, np.int32)
    limits = np.broadcast_to(most, len(onset)).tolist()
    end = (onset + duration).tolist()
    starts, pitches = onset.tolist(), pitch.tolist()
    held: list[int] = []

    def let_go(note: int, now: int) -> None:
        held.remove(note)
        if note >= first:
            shortened[note] = now - starts[note]

    at = 0
    while at < len(starts):
        now, begin = starts[at], at
        while at < len(starts) and starts[at] == now:
            at += 1
        struck = list(range(begin, at))
        held[:] = [note for note in held if end[note] > now]
        beside = {pitches[note] + step for note in struck for step in (-1, 0, 1)}
        for note in [note for note in held if pitches[note] in beside]:
            let_go(note, now)
        while held and (
            len(held) + len(struck) > limits[begin]
            or not is_playable(sorted({pitches[note] for note in (*held, *struck)}))
        ):
            let_go(held[0], now)
        held.extend(struck)
    return shortened
