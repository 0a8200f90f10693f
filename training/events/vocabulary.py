"""Vocabulary of a run: its series and games, and the first notes of its pieces.

Event classes are fixed and need no vocabulary. Number 0 stands for a style that is not given or unknown.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Annotated

import numpy as np
import numpy.typing as npt
from msgspec import Meta

from catalog.base.errors import TrainingError
from catalog.storage.reading import Above0, parse_json
from dataset.notes.meter import bar_ticks
from training.events.encoding import classes
from training.events.fields import (
    DURATION,
    PITCH,
    PLACE,
    PLACES,
    SHADES,
    SIZES,
    VELOCITIES,
    VELOCITY,
    velocities_of_classes,
)
from training.events.plans import PLAN_PATTERN, Plan
from training.two_sample import Scale

if TYPE_CHECKING:
    from dataset.corpus.corpus import CorpusPiece
    from dataset.notes.model import Notes

UNKNOWN = 0
STARTS_EVERY = 8  # bars from one bar at which a new piece may start to the next
_NO_PLAN = "vocabulary.json: the plan of a piece of {}: {}; not the vocabulary of a run; train it again"

Place = Annotated[int, Meta(ge=0, lt=PLACES)]
"""A class of place in the bar."""
Pitch = Annotated[int, Meta(ge=0, lt=SIZES["pitch"])]
"""A class of pitch."""
Duration = Annotated[int, Meta(ge=0, lt=SIZES["duration"])]
"""A class of duration."""
Velocity = Annotated[int, Meta(ge=0, lt=SIZES["velocity"])]
"""A class of velocity."""
Loudness = Annotated[int, Meta(ge=1, le=127)]
"""A MIDI velocity."""
Beats = Annotated[int, Meta(ge=1, le=255)]
"""Numerator or denominator of a time signature."""


@dataclass(frozen=True, slots=True)
class Start:
    """First note of a later bar of a training piece as classes; a new piece may start there."""

    bar: Annotated[int, Meta(ge=1, lt=2**31)]  # of the piece's plan
    place: Place  # class of place in the bar
    pitch: Pitch  # class of pitch
    duration: Duration  # class of duration
    velocity: Velocity  # class of velocity
    notes: Annotated[int, Meta(ge=1, lt=2**31)]  # from here to the end of the piece


@dataclass(frozen=True, slots=True)
class Opening:
    """First note of a training piece as classes, with style, tempo and meter."""

    series: str  # the slug
    game: str  # the slug
    place: Place  # class of place in the bar
    pitch: Pitch  # class of pitch
    duration: Duration  # class of duration
    velocity: Velocity  # class of velocity
    velocities: Annotated[
        tuple[Loudness, ...], Meta(min_length=VELOCITIES * SHADES, max_length=VELOCITIES * SHADES)
    ]  # of each class, see `fields.velocities_of_classes`
    tempo: Above0  # quarter notes per minute, of most of the piece
    numerator: Beats  # of the time signature of most of the piece
    denominator: Beats  # of that time signature
    notes: Annotated[int, Meta(ge=1, lt=2**31)]  # of the piece
    plan: Annotated[str, Meta(pattern=PLAN_PATTERN)]  # of the piece, see `Plan.to_text`
    later: tuple[Start, ...] = ()  # every STARTS_EVERY bars

    @property
    def bar(self) -> int:
        """Length of a bar in ticks."""
        return bar_ticks(self.numerator, self.denominator)

    def read_plan(self, start: Start | None = None) -> Plan:
        """Return the plan, from the bar of `start` on if given; raises TrainingError if numbers are out of range."""
        try:
            plan = Plan.from_text(self.plan)
        except (ValueError, OverflowError) as error:
            raise TrainingError(_NO_PLAN.format(self.game, error)) from None
        if start is None:
            return plan
        if start.bar >= len(plan):
            raise TrainingError(_NO_PLAN.format(self.game, f"it has {len(plan)} bars, and no bar {start.bar}"))
        return plan.from_bar(start.bar)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Numbers of series and games: `series[i]` and `games[i]` have number i + 1."""

    series: tuple[str, ...]  # slugs; with --init, those of the initial run come first
    games: tuple[str, ...]  # slugs, likewise
    openings: tuple[Opening, ...]  # one per training piece
    harmony: dict[str, Scale] = field(default_factory=dict)  # what tells plans with another piece's harmony, by measure
    related: tuple[Opening, ...] = ()  # of the other training pieces of the run that it starts from

    def style(self, series: str, game: str) -> tuple[int, int]:
        """Return the numbers of a series and a game; 0 if unknown."""
        return _number(self.series, series), _number(self.games, game)

    def to_json(self) -> str:
        """Return the text of vocabulary.json; deterministic."""
        return json.dumps(asdict(self), indent=1, sort_keys=True, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str, where: str) -> "Vocabulary":
        """Parse the text of vocabulary.json.

        Raises TrainingError, naming `where`, if it is not valid.
        """
        return parse_json(text, cls, where, fail=TrainingError, remedy="not the vocabulary of a run; train it again")

    @classmethod
    def of(cls, pieces: Sequence["CorpusPiece"], before: "Vocabulary | None" = None) -> "Vocabulary":
        """Return the vocabulary of training pieces.

        The names of `before` come first and keep their numbers, and what it has of `harmony`, usually from more pieces, stays.
        Its other pieces become `related`.
        """
        old_series, old_games = (before.series, before.games) if before else ((), ())
        own = tuple(_opening(piece) for piece in pieces)
        others = dict.fromkeys((*before.openings, *before.related)) if before else {}
        for opening in own:
            others.pop(opening, None)
        return cls(
            series=_extend(old_series, (piece.series for piece in pieces)),
            games=_extend(old_games, (piece.game for piece in pieces)),
            openings=own,
            harmony=dict(before.harmony) if before else {},
            related=tuple(others),
        )


def _number(names: tuple[str, ...], name: str) -> int:
    return names.index(name) + 1 if name in names else UNKNOWN


def _extend(old: tuple[str, ...], new: Iterable[str]) -> tuple[str, ...]:
    return (*old, *sorted(set(new) - set(old)))


def _main_tempo(notes: "Notes") -> float:
    """Return the tempo at or below which half of the piece is, in ticks; a slow first bar does not set it."""
    start, tempo = (np.array(column) for column in zip(*notes.tempos, strict=True))
    ticks = np.diff(np.append(start, max(start[-1], int(notes.onset[-1])) + 1))
    order = tempo.argsort(kind="stable")
    return float(tempo[order][np.searchsorted(ticks[order].cumsum(), ticks.sum() / 2)])


def _main_meter(notes: "Notes") -> tuple[int, int]:
    """Return numerator and denominator of the time signature that most of the piece has."""
    changes = notes.time_signatures
    ends = [*(tick for tick, *_ in changes[1:]), max(changes[-1][0], int(notes.onset[-1])) + 1]
    ticks: dict[tuple[int, int], int] = {}
    for (start, numerator, denominator), end in zip(changes, ends, strict=True):
        ticks[numerator, denominator] = ticks.get((numerator, denominator), 0) + end - start
    return max(ticks, key=lambda meter: ticks[meter])


def _opening(piece: "CorpusPiece") -> Opening:
    rows, onset = classes(piece.notes)
    first = rows[0]
    numerator, denominator = _main_meter(piece.notes)
    plan, lines = Plan.of(piece.notes)
    return Opening(
        piece.series,
        piece.game,
        min(int(first[PLACE]), bar_ticks(numerator, denominator) - 1),
        int(first[PITCH]),
        int(first[DURATION]),
        int(first[VELOCITY]),
        tuple(velocities_of_classes(piece.notes.velocity).ravel().tolist()),
        _main_tempo(piece.notes),
        numerator,
        denominator,
        len(rows),
        plan.to_text(),
        _later_starts(rows, onset, lines, bar_ticks(numerator, denominator)),
    )


def _later_starts(
    rows: npt.NDArray[np.int32], onset: npt.NDArray[np.int32], lines: npt.NDArray[np.int32], bar: int
) -> tuple[Start, ...]:
    """Return the first notes of every STARTS_EVERY-th bar that has notes and is as long as `bar`, in ticks.

    `rows` [n, KNOWN] and `onset` [n] are the notes of the piece, as `encoding.classes` gives them.
    """
    found = []
    for number in range(STARTS_EVERY, len(lines) - 1, STARTS_EVERY):
        first = int(np.searchsorted(onset, lines[number]))
        place = int(onset[first] - lines[number]) if first < len(rows) else bar
        if place < bar == lines[number + 1] - lines[number]:
            pitch, duration, velocity = (int(rows[first][field]) for field in (PITCH, DURATION, VELOCITY))
            found.append(Start(number, min(place, PLACES - 1), pitch, duration, velocity, len(rows) - first))
    return tuple(found)
