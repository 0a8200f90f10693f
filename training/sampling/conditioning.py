"""Styles: names and mixtures as network input, and matching first notes."""

from __future__ import annotations  # modules that are slow to import are imported for type checkers only

import difflib
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from catalog.base.errors import UsageError
from catalog.games import game_of, match_spelling, series_of
from catalog.titles import fold, slug

if TYPE_CHECKING:
    from training.events.vocabulary import Opening, Vocabulary
    from training.network.inference import Array, NoteNetwork

MAX_NAMED = 8

Styles = dict[tuple[str, str], float]
"""Weights of (series, game); an empty game means the whole series."""


def requested_styles(
    vocabulary: Vocabulary, series: str | None, game: str | None, mixture: Mapping[str, float] | None
) -> Styles:
    """Return the requested styles; empty if none are given.

    Names are matched as by `dataset build --game`: a slug, a title in any spelling, or an unambiguous part of one.
    Raises UsageError for an unknown name or a weight that is not above 0.
    """
    styles: Styles = {}
    for text, weight in (mixture or {}).items():
        if not weight > 0:
            raise UsageError(f"--style {text}={weight:g}: a weight must be above 0")
        name = _match_name(text, vocabulary, games=True, series=True)
        style = (_series_of(vocabulary, name), name) if name in vocabulary.games else (name, "")
        styles[style] = min(styles.get(style, 0.0) + float(weight), sys.float_info.max)
    if game is not None:
        name = _match_name(game, vocabulary, games=True)
        above = _series_of(vocabulary, name) if series is None else _match_name(series, vocabulary, series=True)
        styles[above, name] = 1.0
    elif series is not None:
        styles[_match_name(series, vocabulary, series=True), ""] = 1.0
    return styles


def vector(network: NoteNetwork, vocabulary: Vocabulary, styles: Styles) -> Array:
    """Return the weighted mean of the styles' embeddings, [STYLE_WIDTH]."""
    weights = np.array(list(styles.values()), np.float64) / max(styles.values())  # scaled so that the sum is finite
    numbers = np.array([vocabulary.style(series, game) for series, game in styles], np.int32)
    mean: Array = (weights / weights.sum()).astype(np.float32) @ network.style(numbers)
    return mean


def named(vocabulary: Vocabulary, numbers: tuple[int, int]) -> Styles:
    """Return the style with these numbers of series and game; empty if both are unknown."""
    series, game = (
        names[number - 1] if number else ""
        for names, number in zip((vocabulary.series, vocabulary.games), numbers, strict=True)
    )
    return {(series, game): 1.0} if series or game else {}


def openings(vocabulary: Vocabulary, styles: Styles) -> Sequence[Opening]:
    """Return the first notes of pieces of these styles; all if there are none."""
    fitting = [o for o in vocabulary.openings if {(o.series, o.game), (o.series, "")} & styles.keys()]
    return fitting or vocabulary.openings


def _series_of(vocabulary: Vocabulary, game: str) -> str:
    return next((o.series for o in vocabulary.openings if o.game == game), "")


def _match_name(text: str, vocabulary: Vocabulary, *, games: bool = False, series: bool = False) -> str:
    """Return the game or series that `text` names.

    Raises UsageError, with the alternatives, for none or several.
    """
    of_games, of_series = vocabulary.games if games else (), vocabulary.series if series else ()
    names = list(dict.fromkeys([*of_games, *of_series]))  # a game and its series may share a name
    fitting = match_spelling(text, names)
    if not fitting:
        title = game_of(text)
        likely = [*[title.game] * games, *[series_of(text), title.series] * series]
        fitting = [one for one in likely if one in names][:1]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        more = f" and {len(fitting) - MAX_NAMED} more" if len(fitting) > MAX_NAMED else ""
        raise UsageError(f"{text!r} matches {len(fitting)}: {', '.join(fitting[:MAX_NAMED])}{more}; name one of them")
    nearest = (
        difflib.get_close_matches(slug(fold(text)), names, n=MAX_NAMED, cutoff=0.4) if len(names) > MAX_NAMED else names
    )
    names_text = ", ".join(nearest) or f"{len(names)} others, listed in its vocabulary.json"
    kind = " or ".join(["game"] * games + ["series"] * series)
    raise UsageError(f"this run knows no {kind} {text!r}; it knows {names_text}")
