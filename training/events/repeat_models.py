"""Models of repetition: predict a piece's next note from its own past.

Game music loops, and a recurrent network cannot copy from far back. For each field of the coming note, in the order
of prediction, every model names one class: what followed the longest match of the latest notes (exact, transposed, or
rhythm only), what stood one loop ago, what the same pitch or place in the bar had last, or what stands in the bar that
the piece's plan repeats. Each guess has a confidence class. The network learns the value of each guess. The models have
no parameters and see the past only: context mixing as in PAQ (Mahoney 2005), with notes instead of bits.

`Repeats` advances many pieces together, note by note. Encoding a corpus and sampling use the same code.
"""

from collections.abc import Sequence

import numpy as np

from training.events.classes import BAR, DURATION, FIELDS, PITCH, TIME, VELOCITY, to_class
from training.events.past import HISTORY, Array, Guess, Numbers, Past
from training.events.plans import Plan

GUESSES = {"time": 6, "pitch": 6, "duration": 7, "velocity": 5}
"""Number of models per field; the last ones follow the piece's plan."""

PLAN_GUESSES = {"time": 2, "pitch": 1, "duration": 3, "velocity": 1}
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


class Repeats(Past):
    """The past of `streams` pieces that advance together, one note at a time.

    For each note call `times`, `pitches`, `durations`, `velocities` and `add`, in this order; the very first note is
    only added. Guesses are classes and confidences, each int16 [streams, GUESSES[field]].
    """

    def __init__(self, streams: int, longest: int, plans: Sequence[tuple[Plan, Numbers] | None] = ()) -> None:
        """Allocate space as `Past` does."""
        super().__init__(streams, longest, plans)
        self._interval = np.zeros((streams, self._room), np.int16)
        self._exact, self._moved, self._rhythm = (np.zeros((streams, self._room), np.uint8) for _ in range(3))
        self._lag, self._age = np.zeros(streams, np.int32), np.full(streams, 255, np.uint8)
        self._registers = {name: np.full((streams, count), 0b00001111, np.uint8) for name, count in GUESSES.items()}
        self._guessed: dict[str, tuple[Array, Array]] = {}
        # masks of the past notes that share a value with the current note
        self._same_time = self._same_place = self._same_pitch = np.zeros((streams, 0), bool)

    def keep(self, rows: Numbers) -> None:
        """Keep only these streams."""
        super().keep(rows)
        self._registers = {name: held[rows] for name, held in self._registers.items()}
        for name in ("_interval", "_exact", "_moved", "_rhythm", "_lag", "_age"):
            setattr(self, name, getattr(self, name)[rows])

    def times(self) -> tuple[Array, Array, Array]:
        """Return guesses and confidences for the time, and the longest match.

        The longest match is its predicted pitch and duration [streams, 2], 0 if there is no match.
        """
        time, exact, rhythm = self._past("time"), self._view(self._exact), self._view(self._rhythm)
        at, length = self._best(exact)
        first = time[self._rows, at]
        self._lag = np.where(length >= _LOOP, (self._key_of_last() - self._source_key(at)) >> 7, self._lag)
        self._age = np.where(length >= _LOOP, 0, np.minimum(self._age, 254) + 1).astype(np.uint8)
        other, shorter = self._best(exact * (time != first[:, None]))
        source, looped = self._first_after(self._key_of_last() - (self._lag << 7))
        looped &= self._lag > 0
        ticks = (self._view(self._key)[self._rows, source] >> 7) + self._lag - self.onset
        beat, pattern = self._best(rhythm)
        guesses = [
            (first, _BUCKET[length], length > 0),
            (time[self._rows, other], _BUCKET[shorter], shorter > 0),
            (to_class(np.maximum(ticks, 0)), _AGE[self._age], looped),
            (time[self._rows, beat], _BUCKET[pattern], pattern > 0),
            self._planned_time(),
            self._planned_step(self.plans.at, self.onset, self.plans.done),
        ]
        following = [np.where(length > 0, self._past(name)[self._rows, at], 0) for name in ("pitch", "duration")]
        return (*self._record_guesses("time", guesses), np.stack(following, axis=1).astype(np.int16))

    def pitches(self, time: Numbers, onset: Numbers, place: Numbers) -> tuple[Array, Array]:
        """Return guesses and confidences for the pitch.

        Needs the note's time (class), onset (ticks) and place, each [streams].
        """
        self._now = {"time": time, "onset": onset, "place": place}
        pitch, exact = self._past("pitch"), self._view(self._exact)
        last, chord = pitch[:, 0], time == 0
        above = ~chord[:, None] | (pitch > last[:, None])  # chords are sorted by ascending pitch
        self._same_time = same_time = self._past("time") == time[:, None]
        fits = exact * (same_time & above)
        at, length = self._best(fits)
        first = pitch[self._rows, at]
        other, shorter = self._best(fits * (pitch != first[:, None]))
        after = np.where(chord, last.astype(np.int32), -1)
        source, looped = self._first_after(((onset - self._lag) << 7) + after)
        # otherwise it belongs to another onset
        looped &= (self._lag > 0) & (self._view(self._key)[self._rows, source] >> 7 == onset - self._lag)
        self._lags = self.plans.lag(self.plans.bar_of(onset))
        begin, level, has_source = onset - self._lags[0], *self._lags[1:]
        planned, found = self._first_after((begin << 7) + after)
        found &= has_source & (self._view(self._key)[self._rows, planned] >> 7 == begin)
        turned, moved = self._best(self._view(self._moved) * same_time)
        carried = last + self._view(self._interval)[self._rows, turned]
        self._same_place = self._past("place") == place[:, None]
        in_bar = self._same_place & ((self._past("time") == 0) == chord[:, None]) & above
        here, standing = self._best(in_bar * (np.minimum(exact, 15) + np.uint8(1)))
        guesses = [
            (first, _BUCKET[length], length > 0),
            (pitch[self._rows, other], _BUCKET[shorter], shorter > 0),
            (pitch[self._rows, source], _AGE[self._age], looped),
            (np.clip(carried, 0, 127), _BUCKET[moved], (moved > 0) & (carried >= 0) & (carried <= 127)),
            (pitch[self._rows, here], _BUCKET[standing], standing > 0),
            (pitch[self._rows, planned], level, found),
        ]
        return self._record_guesses("pitch", guesses)

    def durations(self, pitch: Numbers) -> tuple[Array, Array]:
        """Return guesses and confidences for the duration, given the pitch."""
        self._now["pitch"] = pitch
        duration = self._past("duration")
        self._same_pitch = self._past("pitch") == pitch[:, None]
        likeness = (
            np.minimum(self._view(self._exact), 31) * np.uint8(4) + self._same_place * np.uint8(2) + self._same_time
        )
        key = self._same_pitch * (likeness + np.uint8(1))
        at, alike = self._best(key)
        first = duration[self._rows, at]
        other, less = self._best(key * (duration != first[:, None]))
        beat, pattern = self._best(self._same_time * (self._view(self._rhythm) + np.uint8(1)))
        guesses = [
            (first, _likeness(alike), alike > 0),
            (duration[self._rows, other], _likeness(less), less > 0),
            (duration[self._rows, beat], _BUCKET[np.minimum(pattern, _LONGEST)], pattern > 0),
            (duration[:, 0], np.minimum(self._now["time"], 1), True),
            self._planned_like(duration),
            self._planned_beside(duration),
            self._planned_step(self.plans.bar_of(self._now["onset"]), self._now["onset"], 0),
        ]
        return self._record_guesses("duration", guesses)

    def velocities(self, duration: Numbers) -> tuple[Array, Array]:
        """Return guesses and confidences for the velocity, given the duration."""
        self._now["duration"] = duration
        velocity = self._past("velocity")
        same = self._past("duration") == duration[:, None]
        match = np.minimum(self._view(self._exact), 31) * np.uint8(4)
        at, alike = self._best(self._same_pitch * (match + self._same_place * np.uint8(2) + same + np.uint8(1)))
        distance = np.abs(self._past("pitch")[:, :_NEIGHBOURS].astype(np.int16) - self._now["pitch"][:, None])
        near = (distance * 32 + ~same[:, :_NEIGHBOURS] * 16).argmin(axis=1)
        there, standing = self._best(match + self._same_place * np.uint8(2) + same)
        guesses = [
            (velocity[self._rows, at], _likeness(alike), alike > 0),
            (velocity[self._rows, near], _NEAR[distance[self._rows, near]], True),
            (velocity[:, 0], np.minimum(self._now["time"], 1), True),
            (velocity[self._rows, there], _likeness(standing + 1), standing > 0),
            self._planned_like(velocity),
        ]
        return self._record_guesses("velocity", guesses)

    def add(self, note: Numbers, onset: Numbers) -> None:
        """Append a note to each stream.

        `note` [streams, KNOWN] holds classes, place and bar; `onset` [streams] is in ticks.
        """
        self.plans.add(onset, note[:, PITCH])
        self.bar = note[:, BAR].astype(np.int32)
        for column, name in ((TIME, "time"), (PITCH, "pitch"), (DURATION, "duration"), (VELOCITY, "velocity")):
            if name in self._guessed:
                guess, confidence = self._guessed[name]
                register = self._registers[name]
                shifted = (register << 1) | (guess == note[:, column, None])
                self._registers[name] = np.where(confidence > 0, shifted, register).astype(np.uint8)
        self._guessed = {}
        new = dict(zip((*FIELDS, "place"), np.moveaxis(note[:, :BAR], 1, 0), strict=True))
        if self._front == 0:
            self._drop_old_notes()
        interval = np.zeros(len(note), np.int16)
        if self._front < self._room:
            interval = (new["pitch"] - self._past("pitch")[:, 0].astype(np.int16)).astype(np.int16)
            same_time = self._past("time") == new["time"][:, None]
            agree: tuple[tuple[Numbers, Numbers], ...] = (
                (self._exact, self._past("pitch") == new["pitch"][:, None]),
                (self._moved, self._view(self._interval) == interval[:, None]),
                (self._rhythm, self._past("place") == new["place"][:, None]),
            )
            for lengths, same in agree:
                longer = (np.minimum(self._view(lengths), _LONGEST - 1) + np.uint8(1)) * (same & same_time)
                lengths[:, self._front - 1 : self._end - 1] = longer
                lengths[:, self._end - 1] = 0
        self._front -= 1
        for name, held in self._notes.items():
            held[:, self._front] = new[name]
        self._interval[:, self._front] = interval
        self._pitch_class_memory *= _DECAYS
        self._pitch_class_memory[self._rows, :, new["pitch"] % 12] += 1
        self.onset = onset.astype(np.int32)
        self._key[:, self._front] = (self.onset << 7) + new["pitch"]

    def _drop_old_notes(self) -> None:
        everything: list[Numbers] = [*self._notes.values(), self._interval, self._key]
        for held in [*everything, self._exact, self._moved, self._rhythm]:
            held[:, self._room - HISTORY :] = held[:, :HISTORY].copy()
        self._front = self._room - HISTORY

    def _best(self, key: Numbers) -> tuple[Numbers, Numbers]:
        """Return the index of the highest key of each stream, and the key.

        On a tie, the latest note is returned.
        """
        at = key.argmax(axis=1)
        return at, key[self._rows, at]

    def _source_key(self, at: Numbers) -> Numbers:
        """Return the key of the note before `at`, the counterpart of the last note."""
        keys: Numbers = self._key[self._rows, np.minimum(self._front + at + 1, self._end - 1)]
        return keys

    def _record_guesses(self, name: str, guesses: list[Guess]) -> tuple[Array, Array]:
        """Return guesses and confidences as arrays; keep them until `add`."""
        shape = len(self._rows), len(guesses)
        classes, confidence, valid = np.empty(shape, np.int16), np.empty(shape, np.int16), np.empty(shape, bool)
        for column, (value, model_confidence, is_known) in enumerate(guesses):
            classes[:, column], confidence[:, column], valid[:, column] = value, model_confidence, is_known
        confidence *= 9
        confidence += 1
        confidence += _RIGHT[self._registers[name]]
        confidence *= valid
        classes *= valid
        self._guessed[name] = classes, confidence
        return classes, confidence


def _likeness(key: Numbers) -> Numbers:
    """Return the confidence, 0–19, of a key.

    The key is 1 + 4 × match length + 2 × same place + same time or duration.
    """
    rest = np.maximum(key, 1) - 1
    confidence: Numbers = _FEW[rest >> 2] * np.int16(4) + (rest & 3)
    return confidence
