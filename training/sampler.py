"""New music from a trained network: many streams at once, note by note, in NumPy.

Each stream starts from the opening note of a training piece (its tempo and time signature come along) or from a prime; then time,
pitch, duration and velocity are drawn in turn. The same seed gives the same notes, however many streams are beside. `streams.py`
has the rules that hold whatever the network says.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from catalog.errors import TrainingError, UsageError
from dataset.notes import Notes
from training import beginnings, encoding
from training.beginnings import Beginning
from training.encoding import GUESS, TRUST
from training.events import DURATION, EDGES, FIELDS, PITCH, PLACE, TIME
from training.guard import Guard
from training.inference import Array, Network, State, guessed, tones
from training.passages import SEED, Index
from training.repeats import Repeats
from training.streams import Streams
from training.styles import openings, vector, wanted
from training.vocabulary import Vocabulary

PRIME_NOTES = 512  # as much of a prime's end as the network listens to; what is repeated is looked for in all of it
BLOCK = 64  # notes that luck is drawn for at once

IntArray = npt.NDArray[np.int32]
Numbers = npt.NDArray[Any]
ByField = float | Mapping[str, float]
"""One number for all fields, or numbers by field: time, pitch, duration, velocity; the default for those left out."""

TEMPERATURE, TOP_P, TOP_K = 1.0, 0.97, 0
MAX_COPY = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What to compose. A stream ends at `notes` notes, or on the bar line after `seconds` or `bars`, whichever comes first; what a
    prime holds is not counted. The last notes sound to a bar line.

    What is drawn from are the likeliest classes: `top_k` of them at most (0: any number) that hold `top_p` of the probability.
    """

    count: int = 1
    notes: int | None = None
    seconds: float | None = None
    bars: int | None = None
    temperature: ByField = TEMPERATURE  # > 0; below 1 plays safe, above 1 is bold
    top_p: ByField = TOP_P
    top_k: ByField = TOP_K
    seed: int = 0
    series: str | None = None
    game: str | None = None
    style: Mapping[str, float] | None = None  # games or series, each with its weight
    max_copy: int = MAX_COPY  # right notes of a passage that stands in what was learned, at most; 0 for any number

    def __post_init__(self) -> None:
        """Refuse what cannot be composed."""
        checks = (
            ("--count must be from 1 to 1,000", 1 <= self.count <= 1000),
            ("--notes must be from 2 to 100,000", self.notes is None or 2 <= self.notes <= 100_000),
            ("--seconds must be above 0 and at most 3,600", self.seconds is None or 0 < self.seconds <= 3600),
            ("--bars must be from 1 to 10,000", self.bars is None or 1 <= self.bars <= 10_000),
            ("--notes, --bars or --seconds must say how long", {self.notes, self.seconds, self.bars} != {None}),
            ("--temperature must be above 0 and at most 10", all(0 < t <= 10 for t in self.by_field("temperature"))),
            ("--top-p must be above 0 and at most 1", all(0 < p <= 1 for p in self.by_field("top_p"))),
            (
                f"--max-copy must be 0 for no limit, or from {SEED} to 10,000",
                self.max_copy == 0 or SEED <= self.max_copy <= 10_000,
            ),
            ("--top-k must be a whole number from 0 to 128", all(k in range(129) for k in self.by_field("top_k"))),
            (
                "--style and --series or --game both say what style; give one",
                not self.style or not (self.series or self.game),
            ),
        )
        for message, holds in checks:
            if not holds:
                raise UsageError(message)

    def by_field(self, setting: str) -> tuple[float, ...]:
        """Return temperature, top_p or top_k for each field. Raises UsageError for a field that is none."""
        value: ByField = getattr(self, setting)
        if not isinstance(value, Mapping):
            return (value,) * len(FIELDS)
        if unknown := sorted(set(value) - set(FIELDS)):
            raise UsageError(f"--{setting.replace('_', '-')}: no field {unknown[0]!r}; there are {', '.join(FIELDS)}")
        default = {"temperature": TEMPERATURE, "top_p": TOP_P, "top_k": TOP_K}[setting]
        return tuple(value.get(name, default) for name in FIELDS)


def compose(
    network: Network, vocabulary: Vocabulary, wish: Wish, prime: Notes | None = None, learned: Index | None = None
) -> list[Notes]:
    """Return `wish.count` new pieces. A prime's own notes come first in each. Raises UsageError for a style that is not known.

    `learned` is what the network has learned from; without it, nothing is kept from being copied.
    """
    generators = [np.random.default_rng([wish.seed, number]) for number in range(wish.count)]
    styles = wanted(vocabulary, wish.series, wish.game, wish.style)
    begun = beginnings.begun(vocabulary, openings(vocabulary, styles), prime, generators)
    if styles:
        style = np.repeat(vector(network, vocabulary, styles)[None], wish.count, axis=0)
    else:  # that of the piece whose opening it is
        style = network.style(np.array([beginning.style for beginning in begun], np.int32))
    limits = np.array([b.ends_at(wish.seconds, wish.bars) for b in begun])
    session = _Session(network, wish, begun, style, learned)
    written: list[list[IntArray]] = [[] for _ in begun]
    live, made = np.arange(wish.count), 0
    most = None if wish.notes is None else wish.notes - (prime is None)  # the opening is a piece's first note
    while len(live):
        if made % BLOCK == 0:
            luck = np.stack([generators[i].random((BLOCK, len(FIELDS))) for i in live])
        rows, onsets = session.draw(luck[:, made % BLOCK])
        within = onsets < limits[live]
        for i, row in zip(live[within], rows[within], strict=True):
            written[i].append(row)
        made += 1
        going = np.flatnonzero(within & (most is None or made < most))
        live, luck = live[going], luck[going]
        if len(live):
            session.add(rows, going)
    pieces = zip(begun, written, limits.tolist(), strict=True)
    return [beginnings.finished(beginning, rows, limit, prime) for beginning, rows, limit in pieces]


class _Session:
    """The streams with all that goes on beside them: the network's state, and each piece's past."""

    def __init__(
        self, network: Network, wish: Wish, begun: list[Beginning], style: Array, learned: Index | None
    ) -> None:
        self.network, self.wish, self.style = network, wish, style
        self.settings = list(zip(*(wish.by_field(name) for name in ("temperature", "top_p", "top_k")), strict=True))
        length = len(begun[0].rows)  # all begin alike: with one note, or with the prime
        self.past = Repeats(len(begun), length + (wish.notes or 2**20))
        self.streams = Streams([b.meters[-1] for b in begun], [int(b.onsets[0]) for b in begun])
        self.guard = Guard(learned, wish.max_copy, len(begun)) if learned is not None and wish.max_copy else None
        rows = np.stack([b.rows for b in begun])
        onsets = np.stack([b.onsets for b in begun])
        told = np.zeros((len(begun), length, encoding.COLUMNS), np.int16)
        for at in range(length):
            if at:
                encoding.foretell(self.past, rows[:, at], onsets[:, at], told[:, at])
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
        encoding.foresee(self.past, self.now)
        above, self.state = self.network.advance(last[:, None], self.now[:, None], self.style, state)
        self.above = above[:, 0]

    def draw(self, luck: Numbers) -> tuple[IntArray, IntArray]:
        """Return the next note of each stream, [streams, 5], drawn field by field, and its onset; `luck` is [streams, 4]."""
        rows, onset, stuck = self._drawn(luck, None)
        refused = np.zeros((len(luck), len(EDGES)), bool)
        while stuck.any():  # at that time every pitch that is allowed would copy too much
            refused[stuck, rows[stuck, TIME]] = True
            rows, onset, stuck = self._drawn(luck, refused)
        return rows, onset

    def _drawn(self, luck: Numbers, refused: Numbers | None) -> tuple[IntArray, IntArray, Numbers]:
        """Draw notes as `draw` does, at none of the times that are `refused` [streams, classes]; say which have no pitch left."""
        now, streams, past = self.now, self.streams, self.past
        stuck = np.zeros(len(now), bool)
        rows = np.zeros((len(now), PLACE + 1), np.int32)
        seen: dict[str, Numbers] = {"tones": tones(now)}
        onset = streams.tick
        for column, name in enumerate(FIELDS):
            if name == "pitch":
                now[:, GUESS[name]], now[:, TRUST[name]] = past.pitches(rows[:, TIME], onset, rows[:, PLACE])
            elif name == "duration":
                now[:, GUESS[name]], now[:, TRUST[name]] = past.durations(rows[:, PITCH])
            elif name == "velocity":
                now[:, GUESS[name]], now[:, TRUST[name]] = past.velocities(rows[:, DURATION])
            logits = self.network.logits(name, self.above, seen | guessed(name, now), now)
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
                rows[:, column], stuck = self.guard.draw(logits, rows[:, TIME], luck[:, column], draw)
            else:
                rows[:, column] = draw(logits, luck[:, column])
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


def choose(logits: Numbers, luck: Numbers, settings: tuple[float, float, float]) -> Numbers:
    """Draw a class from each row of logits [streams, classes], from the likeliest only; `luck` is a number in [0, 1) for each.

    `settings` are temperature, top_p and top_k.

    Nucleus sampling (Holtzman et al. 2020): the fewest classes that hold `top_p` of the probability, and of these `top_k` at most.
    """
    temperature, top_p, top_k = settings
    scaled = logits.astype(np.float64)
    scaled /= temperature
    order = np.argsort(scaled, axis=1)[:, ::-1]
    rows = np.arange(len(order))[:, None]
    falling = scaled[rows, order]
    held = np.exp(falling - falling[:, :1]).cumsum(axis=1)
    last = (held < top_p * held[:, -1:]).sum(axis=1)
    last = np.minimum(last, (int(top_k) or len(order[0])) - 1)
    last = np.minimum(last, np.isfinite(falling).sum(axis=1) - 1)
    drawn = (held <= (luck * held[rows[:, 0], last])[:, None]).sum(axis=1)
    chosen: Numbers = order[rows[:, 0], np.minimum(drawn, last)]
    return chosen
