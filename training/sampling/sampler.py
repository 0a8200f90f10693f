"""New music from a trained network: many streams at once, note by note, in NumPy.

Each stream starts from the opening note of a training piece (its tempo and time signature come along) or from a prime; then time,
pitch, duration and velocity are drawn in turn. The same seed gives the same notes, however many streams are beside. `streams.py`
has the rules that hold whatever the network says.
"""

from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from catalog.base.console import Report
from catalog.base.errors import TrainingError, UsageError
from dataset.notes.model import Notes
from training.events import encoding
from training.events.classes import DURATION, EDGES, FIELDS, PITCH, PLACE, TIME
from training.events.encoding import CONFIDENCE, GUESS
from training.events.repeat_models import Repeats
from training.events.vocabulary import Vocabulary
from training.network.inference import Array, Network, State, guessed, pitch_class_shares
from training.novelty.passages import Index
from training.sampling import prompts as beginnings
from training.sampling.conditioning import openings, vector, wanted
from training.sampling.config import SamplingConfig
from training.sampling.constraints import Constraints
from training.sampling.copy_guard import CopyGuard
from training.sampling.prompts import Prompt

__all__ = ["SamplingConfig", "choose", "compose"]

PRIME_NOTES = 512  # as much of a prime's end as the network listens to; what is repeated is looked for in all of it
BLOCK = 64  # notes that luck is drawn for at once

IntArray = npt.NDArray[np.int32]
Numbers = npt.NDArray[Any]


@np.errstate(over="ignore", invalid="ignore")  # what comes of it is checked
def compose(
    network: Network,
    vocabulary: Vocabulary,
    wish: SamplingConfig,
    prime: Notes | None = None,
    learned: Index | None = None,
    report: Report = lambda done, total: None,
) -> list[Notes]:
    """Return `wish.count` new pieces. A prime's own notes come first in each, unless the wish is `without_prime`.

    `learned` is what the network has learned from; without it, nothing is kept from being copied. `report` is told how many notes
    are written of those wished for, or how many bars where the wish is for bars or seconds. Raises UsageError for a style that is
    not known and for a prime that cannot be gone on from, TrainingError where the network's weights are no use.
    """
    if wish.without_prime and prime is None:
        raise UsageError("--without-prime leaves out the notes of a prime; give one with --prime")
    generators = [np.random.default_rng([wish.seed, number]) for number in range(wish.count)]
    styles = wanted(vocabulary, wish.series, wish.game, wish.style)
    begun = beginnings.begun(vocabulary, openings(vocabulary, styles), prime, generators)
    if styles:
        style = np.repeat(vector(network, vocabulary, styles)[None], wish.count, axis=0)
    else:  # that of the piece whose opening it is
        style = network.style(np.array([beginning.style for beginning in begun], np.int32))
    limits = np.array([b.ends_at(wish.seconds, wish.bars) for b in begun])
    account = _Account(wish, begun, limits, report)
    session = _Session(network, wish, begun, style, learned)
    written: list[list[IntArray]] = [[] for _ in begun]
    live, made = np.arange(wish.count), 0
    most = None if wish.notes is None else wish.notes - (prime is None)  # the opening is a piece's first note
    while len(live):
        if made % BLOCK == 0:
            uniforms = np.stack([generators[i].random((BLOCK, len(FIELDS))) for i in live])
        rows, onsets = session.draw(uniforms[:, made % BLOCK])
        within = onsets < limits[live]
        for i, row in zip(live[within], rows[within], strict=True):
            written[i].append(row)
        made += 1
        account.add(live, onsets)
        going = np.flatnonzero(within & (most is None or made < most))
        live, uniforms = live[going], uniforms[going]
        account.tell(live)
        if len(live):
            session.add(rows, going)
    pieces = zip(begun, written, limits.tolist(), strict=True)
    return [
        beginnings.finished(beginning, rows, limit, prime, without_prime=wish.without_prime)
        for beginning, rows, limit in pieces
    ]


class _Account:
    """How much of what was wished for is composed: in notes where a number of them was wished for alone, else in bars."""

    def __init__(self, wish: SamplingConfig, begun: list[Prompt], limits: Numbers, report: Report) -> None:
        self.report = report
        self.by_notes = wish.seconds is None and wish.bars is None
        self.start = np.array([int(b.onsets[-1]) for b in begun])
        self.bar = np.array([b.bar for b in begun])
        bars = np.maximum(1, (limits - self.start) // self.bar)
        self.all = np.full(len(begun), wish.notes) if self.by_notes else bars
        self.done = np.full(
            len(begun), int(self.by_notes and not begun[0].is_prime)
        )  # the opening is a piece's first note

    def add(self, live: Numbers, onsets: IntArray) -> None:
        """Take a note of each stream that is live."""
        passed = self.done[live] + 1 if self.by_notes else (onsets - self.start[live]) // self.bar[live]
        self.done[live] = np.minimum(self.all[live], passed)

    def tell(self, live: Numbers) -> None:
        """Report, with the streams that are no longer live as done."""
        self.report(int(self.all.sum() - (self.all - self.done)[live].sum()), int(self.all.sum()))


class _Session:
    """The streams with all that goes on beside them: the network's state, and each piece's past."""

    def __init__(
        self, network: Network, wish: SamplingConfig, begun: list[Prompt], style: Array, learned: Index | None
    ) -> None:
        self.network, self.wish, self.style = network, wish, style
        self.settings = list(zip(*(wish.by_field(name) for name in ("temperature", "top_p", "top_k")), strict=True))
        length = len(begun[0].rows)  # all begin alike: with one note, or with the prime
        self.past = Repeats(len(begun), length + (wish.notes or 2**20))
        self.streams = Constraints([b.meters[-1] for b in begun], [int(b.onsets[0]) for b in begun])
        self.guard = CopyGuard(learned, wish.max_copy, len(begun)) if learned is not None and wish.max_copy else None
        rows = np.stack([b.rows for b in begun])
        onsets = np.stack([b.onsets for b in begun])
        told = np.zeros((len(begun), length, encoding.COLUMNS), np.int16)
        for at in range(length):
            if at:
                encoding.predict_repeats(self.past, rows[:, at], onsets[:, at], told[:, at])
            self.past.add(rows[:, at], onsets[:, at])
            if at:  # a prime's onsets are its own, finer than the classes
                self.streams.tick = onsets[:, at] - EDGES[rows[:, at, TIME]]
            self.streams.add(rows[:, at])
            if self.guard is not None:
                self.guard.add(rows[:, at])
        state = network.start(len(begun))
        if length > 1:
            heard = slice(max(0, length - 1 - PRIME_NOTES), length - 1)
            _, state = network.advance(rows[:, heard], told[:, 1:][:, heard], style, state)
        self._foresee(rows[:, -1], state)

    def _foresee(self, last: IntArray, state: State) -> None:
        """Advance the network over the last notes, with what is foreseen of the next."""
        self.now = np.zeros((len(last), encoding.COLUMNS), np.int16)
        encoding.predict_known(self.past, self.now)
        above, self.state = self.network.advance(last[:, None], self.now[:, None], self.style, state)
        self.above = above[:, 0]

    def draw(self, uniforms: Numbers) -> tuple[IntArray, IntArray]:
        """Return the next note of each stream, [streams, 5], drawn field by field, and its onset; `luck` is [streams, 4]."""
        rows, onset, stuck = self._drawn(uniforms, None)
        refused = np.zeros((len(uniforms), len(EDGES)), bool)
        while stuck.any():  # at that time every pitch that is allowed would copy too much
            refused[stuck, rows[stuck, TIME]] = True
            rows, onset, stuck = self._drawn(uniforms, refused)
        return rows, onset

    def _drawn(self, uniforms: Numbers, refused: Numbers | None) -> tuple[IntArray, IntArray, Numbers]:
        """Draw notes as `draw` does, at none of the times that are `refused` [streams, classes]; say which have no pitch left."""
        now, streams, past = self.now, self.streams, self.past
        stuck = np.zeros(len(now), bool)
        rows = np.zeros((len(now), PLACE + 1), np.int32)
        seen: dict[str, Numbers] = {"tones": pitch_class_shares(now)}
        onset = streams.tick
        for column, name in enumerate(FIELDS):
            if name == "pitch":
                now[:, GUESS[name]], now[:, CONFIDENCE[name]] = past.pitches(rows[:, TIME], onset, rows[:, PLACE])
            elif name == "duration":
                now[:, GUESS[name]], now[:, CONFIDENCE[name]] = past.durations(rows[:, PITCH])
            elif name == "velocity":
                now[:, GUESS[name]], now[:, CONFIDENCE[name]] = past.velocities(rows[:, DURATION])
            logits = self.network.logits(name, self.above, seen | guessed(name, now), now)
            if not np.isfinite(logits).all():
                raise TrainingError(
                    "the network gives no probabilities: its weights are damaged or no use; train the run again"
                )
            draw = partial(choose, settings=self.settings[column])
            if name == "time":
                streams.forbid_time(logits)
                if refused is not None:
                    logits[refused] = -np.inf
                    if not np.isfinite(logits).any(axis=1).all():
                        most = self.wish.max_copy
                        raise TrainingError(f"--max-copy {most}: whatever comes next is copied; allow longer passages")
            elif name == "pitch":
                streams.forbid_pitch(logits, rows[:, TIME], onset)
            if name == "pitch" and self.guard is not None:
                rows[:, column], stuck = self.guard.draw(logits, rows[:, TIME], uniforms[:, column], draw)
            else:
                rows[:, column] = draw(logits, uniforms[:, column])
            seen[name] = rows[:, column]
            if name == "time":
                onset = streams.onset(rows[:, TIME])
                rows[:, PLACE] = seen["place"] = streams.place(onset)
        return rows, onset, stuck

    def add(self, rows: IntArray, going: Numbers) -> None:
        """Take the notes that were drawn, and go on with the streams `going` only."""
        state = self.state
        self.past.add(rows, self.streams.onset(rows[:, TIME]))
        self.streams.add(rows)
        if self.guard is not None:
            self.guard.add(rows)
        if len(going) < len(rows):
            self.past.keep(going)
            self.streams.keep(going)
            if self.guard is not None:
                self.guard.keep(going)
            state, self.style = [(h[going], c[going]) for h, c in state], self.style[going]
        self._foresee(rows[going], state)


def choose(logits: Numbers, uniforms: Numbers, settings: tuple[float, float, float]) -> Numbers:
    """Draw a class from each row of logits [streams, classes], from the likeliest only; `luck` is a number in [0, 1) for each.

    `settings` are temperature, top_p and top_k.

    Nucleus sampling (Holtzman et al. 2020): the fewest classes that hold `top_p` of the probability, and of these `top_k` at most.
    """
    temperature, top_p, top_k = settings
    scaled = logits.astype(np.float64)
    scaled -= scaled.max(axis=1, keepdims=True)
    with np.errstate(
        over="ignore"
    ):  # the coldest temperatures leave the likeliest class alone, with 0, and the others at -inf
        scaled /= temperature
    order = np.argsort(scaled, axis=1)[:, ::-1]
    rows = np.arange(len(order))[:, None]
    falling = scaled[rows, order]
    held = np.exp(falling).cumsum(axis=1)
    last = (held < top_p * held[:, -1:]).sum(axis=1)
    last = np.minimum(last, (int(top_k) or len(order[0])) - 1)
    last = np.minimum(last, np.isfinite(falling).sum(axis=1) - 1)
    drawn = (held <= (uniforms * held[rows[:, 0], last])[:, None]).sum(axis=1)
    chosen: Numbers = order[rows[:, 0], np.minimum(drawn, last)]
    return chosen
