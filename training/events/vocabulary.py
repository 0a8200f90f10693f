"""What a run knows by name: the series and games it was trained on, and how their pieces begin.

The events themselves need no vocabulary, for their classes are fixed. Number 0 stands for a style that is not said, or not known.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated

from msgspec import Meta

from catalog.base.errors import TrainingError
from catalog.storage.reading import Above0, parse_json
from training.events.classes import DURATION, PITCH, PLACE, PLACES, SIZES, VELOCITY
from training.events.encoding import classes

if TYPE_CHECKING:
    from dataset.corpus.corpus import CorpusPiece

UNKNOWN = 0

Place = Annotated[int, Meta(ge=0, lt=PLACES)]
"""A class of place in the bar."""
Pitch = Annotated[int, Meta(ge=0, lt=SIZES["pitch"])]
"""A class of pitch."""
Duration = Annotated[int, Meta(ge=0, lt=SIZES["duration"])]
"""A class of duration."""
Velocity = Annotated[int, Meta(ge=0, lt=SIZES["velocity"])]
"""A class of velocity."""
Beats = Annotated[int, Meta(ge=1, le=255)]
"""A number of a time signature."""


@dataclass(frozen=True, slots=True)
class Opening:
    """The first note of a training piece, as classes, with the piece's style, first tempo and first time signature."""

    series: str  # the slug
    game: str  # the slug
    place: Place  # class of its place in the bar
    pitch: Pitch  # class of its pitch
    duration: Duration  # class of its duration
    velocity: Velocity  # class of its velocity
    tempo: Above0  # quarter notes a minute
    numerator: Beats  # of the time signature
    denominator: Beats  # of the time signature


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Names to numbers: `series[i]` and `games[i]` have number i + 1."""

    series: tuple[str, ...]  # slugs; those of a run that it began from come first
    games: tuple[str, ...]  # slugs, likewise
    openings: tuple[Opening, ...]  # one for each training piece

    def style(self, series: str, game: str) -> tuple[int, int]:
        """Return the numbers of a series and a game, 0 for one that is not known."""
        return _number(self.series, series), _number(self.games, game)

    def to_json(self) -> str:
        """Return the vocabulary as JSON text, the same for the same vocabulary."""
        return json.dumps(asdict(self), indent=1, sort_keys=True, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str, where: str) -> "Vocabulary":
        """Return the vocabulary that `text` holds. Raises TrainingError where it is none."""
        return parse_json(text, cls, where, fail=TrainingError, remedy="not the vocabulary of a run; train it again")

    @classmethod
    def of(cls, pieces: Sequence["CorpusPiece"], before: "Vocabulary | None" = None) -> "Vocabulary":
        """Return the vocabulary of the training pieces; the names of `before` come first and keep their numbers."""
        old_series, old_games = (before.series, before.games) if before else ((), ())
        return cls(
            series=_extend(old_series, (piece.series for piece in pieces)),
            games=_extend(old_games, (piece.game for piece in pieces)),
            openings=tuple(_opening(piece) for piece in pieces),
        )


def _number(names: tuple[str, ...], name: str) -> int:
    return names.index(name) + 1 if name in names else UNKNOWN


def _extend(old: tuple[str, ...], new: Iterable[str]) -> tuple[str, ...]:
    return (*old, *sorted(set(new) - set(old)))


def _opening(piece: "CorpusPiece") -> Opening:
    first = classes(piece.notes)[0][0]
    _, numerator, denominator = piece.notes.time_signatures[0]
    return Opening(
        piece.series,
        piece.game,
        int(first[PLACE]),
        int(first[PITCH]),
        int(first[DURATION]),
        int(first[VELOCITY]),
        piece.notes.tempos[0][1],
        numerator,
        denominator,
    )
