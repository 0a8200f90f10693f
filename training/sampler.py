"""New music from a trained network: many streams at once, note by note, in NumPy.

Each stream starts from the opening note of a training piece (its tempo and time signature come along) or from a prime; then time,
pitch, duration and velocity are drawn in turn. The same seed gives the same notes. Two rules hold whatever the network says: no rest
is longer than two bars, and no bar stands more than four times running.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from catalog.errors import UsageError
from dataset.notes import Notes, tick_to_seconds
from training import events
from training.events import DURATION, EDGES, FIELDS, PITCH, PLACE, TIME
from training.inference import Network
from training.repeats import Follower
from training.vocabulary import Opening, Vocabulary

LONGEST_REST = 2 * 96  # ticks
SAME_BARS = 4  # as often as a bar may stand running
PRIME_NOTES = 512  # as much of a prime's end as is listened to

IntArray = npt.NDArray[np.int32]
Bar = frozenset[tuple[int, int]]  # (ticks since the bar began, pitch)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What to compose. A stream ends at `notes` notes or after `seconds` seconds, whichever is asked and comes first."""

    count: int = 1
    notes: int | None = None
    seconds: float | None = None
    temperature: float = 1.0  # > 0; below 1 plays safe, above 1 is bold
    top_p: float = 0.97  # 0–1: only the likeliest classes that hold this share of the probability are drawn
    seed: int = 0
    series: str | None = None
    game: str | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be composed."""
        checks = (
            ("--count must be from 1 to 1,000", 1 <= self.count <= 1000),
            ("--notes must be from 2 to 100,000", self.notes is None or 2 <= self.notes <= 100_000),
            ("--seconds must be above 0 and at most 3,600", self.seconds is None or 0 < self.seconds <= 3600),
            ("--notes or --seconds must say how long", self.notes is not None or self.seconds is not None),
            ("--temperature must be above 0 and at most 10", 0 < self.temperature <= 10),
            ("--top-p must be above 0 and at most 1", 0 < self.top_p <= 1),
        )
        for message, holds in checks:
            if not holds:
                raise UsageError(message)


@dataclass(slots=True)
class _Stream:
    """One piece being composed."""

    start: int  # tick of the first note
    tempos: tuple[tuple[int, float], ...]
    meters: tuple[tuple[int, int, int], ...]
    rng: np.random.Generator
    follower: Follower = field(default_factory=Follower)
    rows: list[IntArray] = field(default_factory=list)  # five classes a note
    guesses: list[tuple[int, int, int, int]] = field(default_factory=list)  # at the note after each
    tick: int = 0
    sounding: int = 0  # notes at this onset
    bars: list[tuple[int, set[tuple[int, int]]]] = field(default_factory=list)  # (number, what stands in it)
    primed: int = 0

    def add(self, row: IntArray) -> None:
        """Take a note (five classes)."""
        step = int(EDGES[row[TIME]]) if self.rows else 0
        self.tick += step
        place, number = self.bar_at(self.tick)
        if not self.bars or self.bars[-1][0] != number:
            self.bars.append((number, set()))
            del self.bars[: -SAME_BARS - 1]
        self.bars[-1][1].add((place, int(row[PITCH])))
        self.rows.append(row)
        self.guesses.append(self.follower.add(int(row[TIME]), int(row[PITCH]), int(row[DURATION])))

    def bar_at(self, tick: int) -> tuple[int, int]:
        """Return (ticks since the bar began, number of the bar) at a tick, by the stream's last time signature."""
        began, numerator, denominator = self.meters[-1]
        length = events.bar_ticks(numerator, denominator)
        return (tick - began) % length, (tick - began) // length

    def stuck(self, number: int) -> Bar | None:
        """Return the bar that may not be played again in bar `number`, for it stood `SAME_BARS` times just before."""
        before = [(n, held) for n, held in self.bars if n < number][-SAME_BARS:]
        if [n for n, _ in before] != list(range(number - SAME_BARS, number)):
            return None
        if any(held != before[0][1] for _, held in before):
            return None
        return frozenset(before[0][1])

    def held_in(self, number: int) -> set[tuple[int, int]]:
        """Return what stands in bar `number` so far."""
        return self.bars[-1][1] if self.bars and self.bars[-1][0] == number else set()


def compose(network: Network, vocabulary: Vocabulary, wish: Wish, prime: Notes | None = None) -> list[Notes]:
    """Return `wish.count` new pieces. A prime's own notes come first in each. Raises UsageError for a style that is not known."""
    style = _style(vocabulary, wish)
    streams = [_begin(vocabulary, wish, prime, number) for number in range(wish.count)]
    styles = np.array([_style_of(vocabulary, style, stream_style) for _, stream_style in streams], np.int32)
    playing = [stream for stream, _ in streams]
    # every stream holds as many notes by now: one, or the prime
    heard = np.array([stream.rows[-PRIME_NOTES:] for stream in playing], np.int32)
    guesses = np.array([stream.guesses[-PRIME_NOTES:] for stream in playing], np.int32)
    above, state = network.advance(heard, guesses, styles, network.start(wish.count))
    live = np.arange(wish.count)
    while True:
        guesses = np.array([playing[i].guesses[-1] for i in live], np.int32)
        rows = _draw(network, [playing[i] for i in live], above[:, -1], guesses, wish)
        for i, row in zip(live, rows, strict=True):
            playing[i].add(row)
        again = np.flatnonzero([not _ended(playing[i], wish) for i in live])
        live = live[again]
        if not len(live):
            break
        guesses = np.array([playing[i].guesses[-1] for i in live], np.int32)
        state = [(h[again], c[again]) for h, c in state]
        above, state = network.advance(rows[again, None], guesses[:, None], styles[live], state)
    return [
        events.decode(np.array(stream.rows, np.int32), stream.tempos, stream.meters, stream.start) for stream in playing
    ]


def _style(vocabulary: Vocabulary, wish: Wish) -> tuple[int, int] | None:
    for name, known, kind in ((wish.series, vocabulary.series, "series"), (wish.game, vocabulary.games, "game")):
        if name is not None and name not in known:
            raise UsageError(f"this run knows no {kind} {name!r}; it knows {', '.join(known)}")
    if wish.series is None and wish.game is None:
        return None
    return vocabulary.style(wish.series or "", wish.game or "")


def _style_of(vocabulary: Vocabulary, asked: tuple[int, int] | None, opening: Opening | None) -> tuple[int, int]:
    """Return the style asked for, else that of the piece whose opening the stream took, else none."""
    if asked is not None:
        return asked
    return vocabulary.style(opening.series, opening.game) if opening else (0, 0)


def _begin(vocabulary: Vocabulary, wish: Wish, prime: Notes | None, number: int) -> tuple[_Stream, Opening | None]:
    rng = np.random.default_rng([wish.seed, number])
    if prime is not None:
        rows = events.encode(prime)[:, : PLACE + 1]
        if not len(rows):
            raise UsageError("--prime: the file has no notes; choose another")
        stream = _Stream(int(prime.onset[0]), prime.tempos, prime.time_signatures, rng, primed=len(rows))
        stream.tick = stream.start
        for row in rows:
            stream.add(row)
        return stream, None
    fits = [
        o for o in vocabulary.openings if wish.game in (None, o.game) and (wish.game or wish.series in (None, o.series))
    ]
    opening = (fits or vocabulary.openings)[int(rng.integers(len(fits or vocabulary.openings)))]
    meters = ((0, opening.numerator, opening.denominator),)
    stream = _Stream(opening.place, ((0, opening.tempo),), meters, rng)
    stream.tick = stream.start
    stream.add(np.array([0, opening.pitch, opening.duration, opening.velocity, opening.place], np.int32))
    return stream, opening


def _ended(stream: _Stream, wish: Wish) -> bool:
    new = len(stream.rows) - stream.primed
    if wish.notes is not None and new >= wish.notes:
        return True
    if wish.seconds is None:
        return False
    return _seconds(stream) >= wish.seconds


def _seconds(stream: _Stream) -> float:
    end = stream.tick + int(EDGES[stream.rows[-1][DURATION]])
    since, until = (float(t) for t in tick_to_seconds(stream.tempos, np.array([stream.start, end])))
    return until - since


def _draw(
    network: Network, streams: Sequence[_Stream], above: npt.NDArray[np.float32], guesses: IntArray, wish: Wish
) -> IntArray:
    """Return the next note of each stream, [streams, 5], drawn field by field."""
    rows = np.zeros((len(streams), PLACE + 1), np.int32)
    seen = network.seen(guesses)
    for column, name in enumerate(FIELDS):
        logits = network.logits(name, above, seen, guesses)
        if name == "time":
            logits[:, EDGES > LONGEST_REST] = -np.inf
        for slot, stream in enumerate(streams):
            _forbid(logits[slot], name, stream, rows[slot])
        rows[:, column] = _choose(logits, [stream.rng.random() for stream in streams], wish)
        if column == TIME:
            for slot, stream in enumerate(streams):
                place, _ = stream.bar_at(stream.tick + int(EDGES[rows[slot, TIME]]))
                rows[slot, PLACE] = min(place, events.PLACES - 1)
        seen[name] = network.embed(name, rows[:, column])
        if column == TIME:
            seen["place"] = network.embed("place", rows[:, PLACE])
    return rows


def _forbid(logits: npt.NDArray[np.float32], name: str, stream: _Stream, row: IntArray) -> None:
    """Rule out, in place, what may not come next in this field whatever the network says."""
    if name == "time":
        lowest = int(stream.rows[-1][PITCH])
        if lowest == events.PITCHES - 1:
            logits[0] = -np.inf  # no higher pitch is left for this chord
    elif name == "pitch":
        step = int(EDGES[row[TIME]])
        if step == 0:
            logits[: int(stream.rows[-1][PITCH]) + 1] = -np.inf  # a chord is written from its lowest note up
        place, number = stream.bar_at(stream.tick + step)
        worn = stream.stuck(number)
        held = stream.held_in(number)
        if worn is not None and held <= worn:
            forbidden = [pitch for at, pitch in worn if at == place]
            if np.isfinite(np.delete(logits, forbidden)).any():
                logits[forbidden] = -np.inf


def _choose(logits: npt.NDArray[np.float32], luck: Sequence[float], wish: Wish) -> npt.NDArray[np.intp]:
    """Draw a class from each row of logits [streams, classes] at the wish's temperature, from the likeliest that hold top_p
    of the probability; `luck` is a number in [0, 1) for each."""
    scaled = logits.astype(np.float64) / wish.temperature
    shares = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    order = np.argsort(-shares, axis=1, kind="stable")
    held = np.cumsum(np.take_along_axis(shares, order, axis=1), axis=1)
    last = np.minimum((held < wish.top_p).sum(axis=1), shares.shape[1] - 1)
    each = np.arange(len(shares))
    drawn = (held <= (np.asarray(luck) * held[each, last])[:, None]).sum(axis=1)
    chosen: npt.NDArray[np.intp] = order[each, np.minimum(drawn, last)]
    return chosen
