"""Models of repetition: predict a piece's next note from its own past.

Game music loops, and a recurrent network cannot copy from far back. For each field of the coming note, in the order
of prediction, every model names one class: what followed the longest match of the latest notes (exact, transposed, or
rhythm only), what stood one loop or one bar ago, what the same pitch or place in the bar had last, what stands in the
bar that the piece's plan repeats, or the figure of another bar on a new chord. Each guess has a confidence class. The
network learns the value of each guess. The models have no parameters and see the past only: context mixing as in PAQ
(Mahoney 2005), with notes instead of bits.

`Repeats` advances many pieces together, note by note. Encoding a corpus and sampling use the same code.
"""

from collections.abc import Sequence

import numpy as np

from dataset.notes.hand_form import TRANSPOSED
from training.events.fields import BAR, PITCH, PLACE, TIME, to_class
from training.events.past import MATCHES, Array, Numbers, Past
from training.events.plan_columns import LEVELS
from training.events.plans import Plan

GUESSES = {"time": 8, "pitch": 10, "duration": 7, "velocity": 5}
"""Number of models per field; the last ones follow the piece's plan."""

PLAN_GUESSES = {"time": 4, "pitch": 4, "duration": 3, "velocity": 1}
"""How many of them follow the plan."""

CONFIDENCES = 181
"""Number of confidence classes: 0 for no guess, else 1 + 9 × the model's own confidence (0–19) + correct guesses of its last 8."""

_LONGEST = 32  # maximum length of a match
# bucket of a match length
_BUCKET = np.array([0, 1, 2, 3, 4, 5, 5, 6, 6, *[7] * 4, *[8] * 4, *[9] * 8, *[10] * 8], np.uint8)
_FEW = np.array([0, 1, 2, 2, *[3] * 4, *[4] * 25], np.uint8)
_AGE = np.array([0, 1, 1, 2, 2, *[3] * 4, *[4] * 8, *[5] * 16, *[6] * 223], np.uint8)
_NEAR = np.array([0, 1, 1, 2, 2, 3, 3, 3, *[4] * 5, *[5] * 115], np.uint8)  # bucket of a distance in semitones
_RIGHT = np.array([bin(register).count("1") for register in range(256)], np.int16)
_LOOP = 4  # minimum match length, in notes, that determines the loop length
_DECAYS = np.array([[1 - 1 / 32], [1 - 1 / 256]], np.float32)  # per note, of the two pitch class memories
_NEIGHBOURS = 16  # notes searched for the nearest pitch
_ROWS = {
    name: slice(end - GUESSES[name], end)
    for name, end in zip(GUESSES, np.cumsum([*GUESSES.values()]).tolist(), strict=True)
}
_FIELD = np.repeat(np.arange(len(GUESSES)), [*GUESSES.values()])  # of each guess of a note


class Repeats(Past):
    """The past of `streams` pieces that advance together, one note at a time.

    For each note call `times`, `pitches`, `durations`, `velocities` and `add`, in this order; the very first note is
    only added. Guesses are classes and confidences, each int16 [streams, GUESSES[field]].
    """

    def __init__(self, streams: int, longest: int, plans: Sequence[tuple[Plan, Numbers] | None] = ()) -> None:
        """Allocate space as `Past` does."""
        super().__init__(streams, longest, plans)
        self._lag, self._age = np.zeros(streams, np.int32), np.full(streams, 255, np.uint8)
        # of all guesses at a note: its class, its confidence, 0 for none, and which of the model's last eight were right
        shape = len(_FIELD), streams
        self._guess, self._confidence = np.zeros(shape, np.int16), np.zeros(shape, np.int16)
        self._register = np.full(shape, 0b00001111, np.uint8)
        self.followed = np.zeros(
            (GUESSES["pitch"], streams), np.int32
        )  # onset of the note that each pitch guess follows

    def keep(self, rows: Numbers) -> None:
        """Keep only these streams."""
        super().keep(rows)
        self._lag, self._age = self._lag[rows], self._age[rows]
        for name in ("_guess", "_confidence", "_register", "followed"):
            setattr(self, name, getattr(self, name)[:, rows])

    def set_guesses(self, rows: Numbers, others: "Repeats") -> None:
        """Replace the guesses at the coming note of these streams by those of `others`, which has them alone."""
        self._guess[:, rows], self._confidence[:, rows] = others._guess, others._confidence
        self.followed[:, rows] = others.followed
        self._coming_counterparts[:, rows] = others._coming_counterparts

    def times(self) -> tuple[Array, Array, Array]:
        """Return guesses and confidences for the time, and the longest match.

        The longest match is its predicted pitch and duration [streams, 2], 0 if there is no match.
        """
        time, exact, plans = self.seen["time"], self.seen["exact"], self.plans
        at, length = self._best(exact)
        first = self.note("time", at)
        last_key = self._key(self._start)
        is_loop = length >= _LOOP
        before = np.minimum(at + 1, self._start + (self._last - self._front - 1))  # counterpart of the last note
        self._lag = np.where(is_loop, (last_key - self._key(before)) >> 7, self._lag)
        self._age = np.where(is_loop, 0, np.minimum(self._age, 254) + 1).astype(np.uint8)
        other, shorter = self._best(exact * _differs(time, first))
        source, looped = self._first_after(last_key - (self._lag << 7))
        beat, pattern = self._best(self.seen["rhythm"])
        low = np.array([last_key & 127, np.full(len(at), 127), *self._struck])
        now, following = plans.sources(plans.at), plans.sources(plans.after(plans.at))
        steps, levels, are_planned = self._planned_steps(self.onset, low, now, following, plans.done)
        guess, confidence, valid = self._slots("time")
        guess[0], guess[1], guess[3] = first, self.note("time", other), self.note("time", beat)
        guess[2] = to_class(self.note("onset", source) + self._lag - self.onset)
        guess[4:] = steps
        confidence[0], confidence[1], confidence[3] = _BUCKET.take(length), _BUCKET.take(shorter), _BUCKET.take(pattern)
        confidence[2] = _AGE.take(self._age)
        confidence[4:] = levels
        valid[0], valid[1], valid[2], valid[3] = length, shorter, looped & (self._lag > 0), pattern
        valid[4:] = are_planned
        following_note = np.empty((len(at), 2), np.int16)
        following_note[:, 0], following_note[:, 1] = self.note("pitch", at), self.note("duration", at)
        following_note *= valid[0][:, None]
        return (*self._recorded("time", valid), following_note)

    def pitches(self, time: Numbers, onset: Numbers, place: Numbers) -> tuple[Array, Array]:
        """Return guesses and confidences for the pitch.

        Needs the note's time (class), onset (ticks) and place, each [streams].
        """
        seen, plans = self.seen, self.plans
        bar = plans.bar_of(onset)
        sources = plans.sources(bar)
        chord = time == 0
        last = self.note("pitch", self._start)
        lowest = (last + np.uint8(1)) * chord.view(np.uint8)  # chords are sorted by ascending pitch
        above = (seen["pitch"] >= lowest[:, None]).view(np.uint8)
        same_time, same_place = _equals(seen["time"], time), _equals(seen["place"], place)
        fits = same_time & above
        fits *= seen["exact"]
        at, length = self._best(fits)
        first = self.note("pitch", at)
        other, shorter = self._best(fits * _differs(seen["pitch"], first))
        # what follows in the loop and in the bar's source, after the pitch of a chord's last note
        begin = onset - np.array([self._lag, sources.lag[0]])
        source, found = self._first_after((begin << 7) + np.where(chord, last.astype(np.int32), -1))
        found &= self.note("onset", source) == begin  # else it belongs to another onset
        turned, moved = self._best(seen["moved"] * same_time)
        carried = last + self.note("interval", turned)
        here = same_place & above
        here &= _equals((seen["time"] == 0).view(np.uint8), chord)
        here *= np.minimum(seen["exact"], 15) + np.uint8(1)
        standing_at, standing = self._best(here)
        # a match counts four, the same place two
        likeness = np.minimum(seen["exact"], 31)
        likeness += likeness
        likeness += same_place
        likeness += likeness
        self._now = {"time": time, "onset": onset, "same_time": same_time, "likeness": likeness, "bar": bar}
        self._sources = sources
        guess, confidence, valid = self._slots("pitch")
        figures, figured, closeness = self._figures(onset, place, chord, sources)
        pair, is_pair = self._pairs(chord, bar)
        in_harmony, has_harmony = self._in_harmony(figured[1:], bar)
        models = np.array(
            [at, other, source[0], turned, standing_at, *figures[:1], source[1], *figures[1:], self._start]
        )
        guess[:], self.followed[:] = self.note("pitch", models), self.note("onset", models)
        guess[3] = np.minimum(np.maximum(carried, 0), 127)
        is_exact = (sources.moves >= TRANSPOSED) | ~has_harmony
        guess[5], guess[7:9], guess[9] = figured[0], np.where(is_exact, figured[1:], in_harmony), pair
        confidence[0], confidence[1], confidence[3] = _BUCKET.take(length), _BUCKET.take(shorter), _BUCKET.take(moved)
        confidence[2], confidence[4], confidence[6] = _AGE.take(self._age), _BUCKET.take(standing), sources.level[0]
        confidence[5], confidence[7:9], confidence[9] = closeness[0], closeness[1:], 2 - plans.was_left
        valid[0], valid[1], valid[2] = length, shorter, found[0] & (self._lag > 0)
        valid[3] = (moved > 0) & (carried == guess[3])
        valid[4], valid[6] = standing, found[1] & sources.has_source[0]
        valid[5], valid[7:9], valid[9] = closeness[0] >= 0, closeness[1:] >= 0, is_pair
        return self._recorded("pitch", valid)

    def durations(self, pitch: Numbers) -> tuple[Array, Array]:
        """Return guesses and confidences for the duration, given the pitch."""
        now, plans, duration = self._now, self.plans, self.seen["duration"]
        same_pitch = _equals(self.seen["pitch"], pitch)
        key = now["likeness"] + now["same_time"]
        key += np.uint8(1)
        key *= same_pitch
        at, alike = self._best(key)
        first = self.note("duration", at)
        other, less = self._best(key * _differs(duration, first))
        beat, pattern = self._best(now["same_time"] * (self.seen["rhythm"] + np.uint8(1)))
        of_left = plans.in_left(now["onset"], pitch)
        self._planned = self._planned_notes(now["onset"], pitch, of_left, self._sources)
        notes, levels, are_planned = self._planned
        following = plans.sources(plans.after(now["bar"]))
        of_hands = self._planned_steps(now["onset"], 127, self._sources, following, 0)
        step, of_step, is_step = (held[3 - of_left, self._rows] for held in of_hands)
        self._now |= {"pitch": pitch, "same_pitch": same_pitch}
        guess, confidence, valid = self._slots("duration")
        guess[:6] = self.note("duration", np.array([at, other, beat, self._start, *notes]))
        guess[6] = step
        confidence[:2] = _likeness(np.array([alike, less]))
        confidence[2], confidence[3] = _BUCKET.take(pattern, mode="clip"), np.minimum(now["time"], 1)
        confidence[4:6], confidence[6] = levels, of_step
        valid[0], valid[1], valid[2], valid[3] = alike, less, pattern, True
        valid[4:6], valid[6] = are_planned, is_step
        return self._recorded("duration", valid)

    def velocities(self, duration: Numbers) -> tuple[Array, Array]:
        """Return guesses and confidences for the velocity, given the duration."""
        now = self._now
        same = _equals(self.seen["duration"], duration)
        key = now["likeness"] + same
        there, standing = self._best(key)
        key += np.uint8(1)
        key *= now["same_pitch"]
        at, alike = self._best(key)
        distance = np.abs(self.seen["pitch"][:, :_NEIGHBOURS].astype(np.int16) - now["pitch"][:, None])
        near = (distance * 2 - same[:, :_NEIGHBOURS]).argmin(axis=1)
        notes, levels, are_planned = self._planned
        guess, confidence, valid = self._slots("velocity")
        of_plan = np.where(are_planned[0], *notes)
        guess[:] = self.note("velocity", np.array([at, self._start + near, self._start, there, of_plan]))
        likeness = _likeness(np.array([alike, standing + np.uint8(1)]))
        confidence[0], confidence[3] = likeness[0], likeness[1]
        confidence[1], confidence[2] = _NEAR.take(distance[self._rows, near]), np.minimum(now["time"], 1)
        confidence[4] = np.where(are_planned[0], levels[0], LEVELS + levels[1])
        valid[0], valid[1:3], valid[3], valid[4] = alike, True, standing, are_planned.any(axis=0)
        return self._recorded("velocity", valid)

    def add(self, note: Numbers, onset: Numbers) -> None:
        """Append a note to each stream.

        `note` [streams, KNOWN] holds classes, place and bar; `onset` [streams] is in ticks.
        """
        self.plans.add(onset, note[:, PITCH])
        self.bar = note[:, BAR].astype(np.int32)
        is_right = self._guess == note.T.take(_FIELD, axis=0)
        self._register = np.where(self._confidence > 0, (self._register << 1) | is_right, self._register)
        self._confidence[:] = 0
        if self._front == 0:
            self._drop_old_notes()
        interval = np.zeros(len(note), np.int16)
        if self._front < self._room:
            interval = (note[:, PITCH] - self.note("pitch", self._start)).astype(np.int16)
            self._lengthen_matches(note, interval)
        self._add_note(note, onset, interval)
        self._pitch_class_memory *= _DECAYS
        self._pitch_class_memory[self._rows, :, note[:, PITCH] % 12] += 1

    def _lengthen_matches(self, note: Numbers, interval: Numbers) -> None:
        """Note for each past note how long the match is of the notes up to it, and up to the one that is added.

        The lengths are stored with the note that follows, which is a column to the left.
        """
        seen = self.seen
        same = np.empty((3, *seen["time"].shape), bool)
        np.equal(seen["pitch"], note[:, PITCH, None].astype(np.uint8), out=same[0])
        np.equal(seen["interval"], interval[:, None], out=same[1])
        np.equal(seen["place"], note[:, PLACE, None].astype(np.uint8), out=same[2])
        same &= seen["time"] == note[:, TIME, None].astype(np.uint8)
        lengths = self._narrow[MATCHES]
        longer = np.minimum(lengths[:, :, self._front : self._last], _LONGEST - 1)
        longer += np.uint8(1)
        np.multiply(longer, same.view(np.uint8), out=lengths[:, :, self._front - 1 : self._last - 1])
        lengths[:, :, self._last - 1] = 0

    def _best(self, key: Numbers) -> tuple[Numbers, Numbers]:
        """Return the position of the highest key [streams, notes] of each stream, and the key.

        On a tie, the latest note is returned.
        """
        at = key.argmax(axis=1)
        return at + self._start, key[self._rows, at]

    def _slots(self, name: str) -> tuple[Numbers, Numbers, Numbers]:
        """Return arrays for a field's guesses, their confidences, and whether there is one, [guesses, streams]."""
        guess = self._guess[_ROWS[name]]
        return guess, self._confidence[_ROWS[name]], np.empty(guess.shape, bool)

    def _recorded(self, name: str, valid: Numbers) -> tuple[Array, Array]:
        """Complete the confidences of a field's guesses; return guesses and confidences."""
        guess, confidence = self._guess[_ROWS[name]], self._confidence[_ROWS[name]]
        confidence *= 9
        confidence += 1
        confidence += _RIGHT.take(self._register[_ROWS[name]])
        confidence *= valid
        guess *= valid
        return guess.T, confidence.T


def _equals(past: Numbers, now: Numbers) -> Numbers:
    """Return where past notes [streams, notes], uint8, have the value of the current note [streams]: 1, else 0."""
    same: Numbers = (past == now.astype(np.uint8)[:, None]).view(np.uint8)
    return same


def _differs(past: Numbers, now: Numbers) -> Numbers:
    """Return where `_equals` has 0."""
    differs: Numbers = (past != now.astype(np.uint8)[:, None]).view(np.uint8)
    return differs


def _likeness(key: Numbers) -> Numbers:
    """Return the confidence, 0–19, of a key.

    The key is 1 + 4 × match length + 2 × same place + same time or duration.
    """
    rest = np.maximum(key, 1) - 1
    confidence: Numbers = _FEW.take(rest >> 2) * np.int16(4) + (rest & 3)
    return confidence
