"""Composes pieces with the note-level network, many at once, in NumPy.

Each stream starts from the first note of a training piece, with its tempo and time signature, or from a prime. Time,
pitch, duration and velocity are drawn in turn. The same seed gives the same notes, for any number of streams.
`constraints.py` has the rules that do not depend on the network.
"""

from copy import copy
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from catalog.base.console import Report
from catalog.base.errors import TrainingError, UsageError
from dataset.notes.model import Notes
from training.critic.critic import Critic
from training.events import encoding
from training.events.fields import BAR, DURATION, EDGES, FIELDS, KNOWN, PITCH, PITCHES, PLACE, PLACES, TIME
from training.events.plans import Plan
from training.events.repeat_models import Repeats
from training.events.vocabulary import Vocabulary
from training.network.inference import Array, NoteNetwork, State
from training.network.inputs import LAST, TOLD, VOICES, count_voices, told
from training.network.tables import on_one_thread
from training.novelty.passages import Index
from training.sampling.conditioning import named, openings, requested_styles, vector
from training.sampling.config import SamplingConfig
from training.sampling.constraints import Constraints
from training.sampling.copy_guard import CopyGuard
from training.sampling.drawing import SETTINGS, calm, choose, follow_contour, guess_texts, right_guesses, ticks_back
from training.sampling.finishing import finish_piece
from training.sampling.passages import PASSAGE, Written, choose_tries
from training.sampling.prompts import ProgressCounter, Prompt, make_starts
from training.sampling.sample_record import Draft

__all__ = ["SamplingConfig", "choose", "compose", "compose_drafts"]

PRIME_NOTES = 512  # last notes of a prime that the network reads; repeats are searched in all of it
MIN_ALLOWED = 0.5  # a chord goes on only if the pitches that it may have are this probable together
BLOCK = 64  # notes for which random numbers are drawn at once

_PITCHES = np.arange(PITCHES)[None]

IntArray = npt.NDArray[np.int32]
Numbers = npt.NDArray[Any]


def compose(
    network: NoteNetwork,
    vocabulary: Vocabulary,
    config: SamplingConfig,
    prime: Notes | None = None,
    learned: Index | None = None,
    report: Report = lambda done, total: None,
) -> list[Notes]:
    """Return the notes of the pieces of `compose_drafts`."""
    return [draft.notes for draft in compose_drafts(network, vocabulary, config, prime, learned, report)]


@np.errstate(over="ignore", invalid="ignore")  # the result is checked below
@on_one_thread
def compose_drafts(
    network: NoteNetwork,
    vocabulary: Vocabulary,
    config: SamplingConfig,
    prime: Notes | None = None,
    learned: Index | None = None,
    report: Report = lambda done, total: None,
    numbers: range | None = None,
    *,
    critic: Critic | None = None,
) -> list[Draft]:
    """Return `config.count` new pieces, each beginning with the prime if given.

    With `numbers`, return only the pieces with these numbers, from 0; they are the same as among all. With a `critic`, the
    pieces of one plan are tries of one piece (`passages`); `numbers` has all of them. With
    `config.without_prime`, the prime's notes are left out. `learned` is the index of the training pieces; without it,
    copies are not limited. `report` receives the notes written, or the bars if the length is in bars or seconds.
    Raises UsageError for an unknown style or a prime that cannot be continued, TrainingError if the weights
    are unusable.
    """
    if config.without_prime and prime is None:
        raise UsageError("--without-prime needs --prime FILE")
    if (config.form is not None or config.loop) and prime is not None:
        raise UsageError(f"{'--loop' if config.loop else '--form'} excludes --prime; give one")
    numbers = range(config.count) if numbers is None else numbers
    generators = {number: np.random.default_rng([config.seed, number]) for number in numbers}
    styles = requested_styles(vocabulary, config.series, config.game, config.style)
    starts = make_starts(vocabulary, openings(vocabulary, styles), config, prime, generators)
    if styles:
        style = np.repeat(vector(network, vocabulary, styles)[None], len(starts), axis=0)
    else:  # the style of the piece that the first note is from
        style = network.style(np.array([prompt.style for prompt in starts], np.int32))
    limits = np.array([b.end_tick(config.seconds, config.all_bars) for b in starts])
    counter = ProgressCounter(config, starts, limits, report)
    plans = [start.planned(config) for start in starts]
    session = _Session(network, config, starts, plans, style, learned)
    written = [Written() for _ in starts]
    live, made = np.arange(len(starts)), 0
    most = None if config.notes is None else config.notes - (prime is None)  # the prompt is the first note
    while len(live):
        if critic is not None and made and made % PASSAGE == 0:
            session.reorder(choose_tries(critic, live, config.per_plan, starts, plans, written))
        if made % BLOCK == 0:
            uniforms = np.stack([generators[numbers[i]].random((BLOCK, len(FIELDS))) for i in live])
        rows, onsets = session.draw(uniforms[:, made % BLOCK])
        within = onsets < limits[live]
        ticks = ticks_back(session.right[:, PITCH], onsets, session.past.followed).tolist()
        for i, at in zip(live[within].tolist(), within.nonzero()[0].tolist(), strict=True):
            written[i].add(rows[at], int(onsets[at]), session.right[at], ticks[at])
        made += 1
        counter.add(live, onsets)
        active = (within & (most is None or made < most)).nonzero()[0]
        live, uniforms = live[active], uniforms[active]
        counter.report_live(live)
        if len(live):
            session.add(rows, active)
    return [
        Draft(
            finish_piece(prompt, own.rows, limit, prime, plan, without_prime=config.without_prime, is_loop=config.loop),
            styles or named(vocabulary, prompt.style),
            guess_texts(own.right),
            tuple(own.back),
        )
        for prompt, plan, own, limit in zip(starts, plans, written, limits.tolist(), strict=True)
    ]


class _Session:
    """The streams, the network's state, and each piece's past."""

    def __init__(
        self,
        network: NoteNetwork,
        config: SamplingConfig,
        starts: list[Prompt],
        plans: list[tuple[Plan, IntArray] | None],
        style: Array,
        learned: Index | None,
    ) -> None:
        self.network, self.config, self.style = network, config, style
        self.settings = list(zip(*(config.by_field(name) for name in SETTINGS), strict=True))
        length = len(starts[0].rows)  # all start with one note, or all with the prime
        self.past = Repeats(len(starts), length + (config.notes or 2**20), plans)
        self.streams = Constraints([b.meters[-1] for b in starts], [int(b.onsets[0]) for b in starts])
        self.guard = (
            CopyGuard(learned, config.max_copy, len(starts)) if learned is not None and config.max_copy else None
        )
        rows = np.stack([b.rows for b in starts])
        onsets = np.stack([b.onsets for b in starts])
        encoded = np.zeros((len(starts), length, encoding.COLUMNS), np.int16)
        for at in range(length):
            if at:
                encoding.predict_repeats(self.past, rows[:, at], onsets[:, at], encoded[:, at])
            self.past.add(rows[:, at], onsets[:, at])
            if at:  # a prime's onsets are exact, not rounded to classes
                self.streams.tick = onsets[:, at] - EDGES[rows[:, at, TIME]]
            self.streams.add(rows[:, at])
            if self.guard is not None:
                self.guard.add(rows[:, at])
        if self.guard is not None:
            self.guard.begin()
        state = network.start(len(starts))
        if length > 1:
            tail = slice(max(0, length - 1 - PRIME_NOTES), length - 1)
            _, state = network.advance(told(rows[:, tail], encoded[:, 1:][:, tail]), style, state)
        self._advance(rows[:, -1], state)

    def _advance(self, last: IntArray, state: State) -> None:
        """Advance the network over the last notes, with the predictions of the next."""
        self.now = np.zeros((len(last), TOLD), np.int32)
        self.now[:, LAST:VOICES] = last
        encoding.predict_time(self.past, self.now)
        above, self.state = self.network.advance(self.now[:, None], self.style, state)
        self.above = above[:, 0]

    def draw(self, uniforms: Numbers) -> tuple[IntArray, IntArray]:
        """Return the next note of each stream, [streams, KNOWN], and its onset.

        `uniforms` [streams, 4] are random numbers in [0, 1). Sets `right`, see `drawing.right_guesses`.
        """
        rows, onset, is_stuck = self._draw_once(uniforms, None)
        refused = np.zeros((len(uniforms), len(EDGES)), bool)
        while is_stuck.any():  # at that time every allowed pitch would copy too much, or the chord is complete
            which = np.flatnonzero(is_stuck)
            refused[which, rows[which, TIME]] = True
            few = self._only(which)
            rows[which], onset[which], is_stuck[which] = few._draw_once(uniforms[which], refused[which])
            self.past.set_guesses(which, few.past)
            self.right[which] = few.right
        return rows, onset

    def _only(self, which: Numbers) -> "_Session":
        """Return the session of these streams alone, before their next note."""
        few = copy(self)
        few.past, few.streams, few.guard = self.past.only(which), copy(self.streams), copy(self.guard)
        few.now, few.above = self.now[which], self.above[which]
        few.streams.keep(which)
        if few.guard is not None:
            few.guard.keep(which)
        return few

    def _draw_once(self, uniforms: Numbers, refused: Numbers | None) -> tuple[IntArray, IntArray, Numbers]:
        """Draw notes once; also return which streams have no pitch left at the time drawn.

        `refused` [streams, classes] marks times that are excluded.
        """
        now, streams, past = self.now, self.streams, self.past
        is_stuck = np.zeros(len(now), bool)
        rows = np.zeros((len(now), KNOWN), np.int32)
        rows[:, BAR] = np.minimum(streams.bar, PLACES)
        onset, rounds = streams.tick, streams.rounds()
        gains: dict[str, Array] = {}
        for column, name in enumerate(FIELDS):
            if name == "pitch":
                encoding.predict_pitch(past, rows[:, TIME], onset, rows[:, PLACE], now)
                count_voices(now)
            elif name == "duration":
                encoding.predict_duration(past, rows[:, PITCH], now)
            elif name == "velocity":
                encoding.predict_velocity(past, rows[:, DURATION], now)
            logits = self.network.logits(name, self.above, now, gains)
            if not np.isfinite(logits).all():
                raise TrainingError(
                    "the network gives no probabilities: its weights are damaged or unusable; train the run again"
                )
            calm(name, logits, now, gains[name], self.settings[column][0], rounds)
            if name == "time":
                streams.forbid_time(logits, now[:, encoding.BAR_VOICES])
                if refused is not None:
                    self._refuse(logits, refused)
            if name == "pitch":
                rows[:, column], is_stuck = self._draw_pitch(logits, rows[:, TIME], onset, uniforms[:, column])
            else:
                rows[:, column] = choose(logits, uniforms[:, column], self.settings[column])
            now[:, column] = rows[:, column]
            if name == "time":
                onset = streams.onset(rows[:, TIME])
                rows[:, PLACE] = now[:, PLACE] = streams.place(onset)
        self.right = right_guesses(now, gains)
        return rows, onset, is_stuck

    def _refuse(self, logits: Numbers, refused: Numbers) -> None:
        """Exclude times, in place; raises TrainingError if a stream has none left."""
        logits[refused] = -np.inf
        if np.isfinite(logits).any(axis=1).all():
            return
        if self.guard is None:
            raise TrainingError("no next note is possible: the network allows no pitch; use another --seed")
        raise TrainingError(
            f"--max-copy {self.config.max_copy}: every possible next note is a copy, or unlikely in its chord; allow "
            "longer passages, or use another --seed"
        )

    def _draw_pitch(
        self, logits: Numbers, time: IntArray, onset: IntArray, uniforms: Numbers
    ) -> tuple[Numbers, Numbers]:
        """Draw a pitch for each stream; also return which streams have none at this time.

        That is where every pitch would copy too much, or where the network finds the pitches that may follow in the
        chord improbable: then the chord is complete.
        """
        follow_contour(logits, self.past.plans.in_left(onset, _PITCHES), self.past.contour)
        is_complete = time == 0
        before = np.exp(logits - logits.max(axis=1, keepdims=True), dtype=np.float64) if is_complete.any() else None
        self.streams.forbid_pitch(logits, time, onset)
        if before is not None:
            left = np.where(np.isfinite(logits), before, 0).sum(axis=1)
            is_complete &= left < MIN_ALLOWED * before.sum(axis=1)
        draw = partial(choose, settings=self.settings[PITCH])
        if self.guard is None:
            return draw(logits, uniforms), is_complete
        pitch, is_stuck = self.guard.draw(logits, time, uniforms, draw)
        return pitch, is_stuck | is_complete

    def reorder(self, order: Numbers) -> None:
        """Continue each stream from the stream with the number in its place; a stream may be repeated."""
        self._keep(order)
        self.now, self.above = self.now[order], self.above[order]

    def add(self, rows: IntArray, active: Numbers) -> None:
        """Append the drawn notes, and continue with the streams `active` only."""
        self.past.add(rows, self.streams.onset(rows[:, TIME]))
        self.streams.add(rows)
        if self.guard is not None:
            self.guard.add(rows)
        if len(active) < len(rows):
            self._keep(active)
        self._advance(rows[active], self.state)

    def _keep(self, streams: Numbers) -> None:
        self.past.keep(streams)
        self.streams.keep(streams)
        if self.guard is not None:
            self.guard.keep(streams)
        self.state, self.style = [(h[streams], c[streams]) for h, c in self.state], self.style[streams]
