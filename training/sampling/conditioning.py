"""Style by name or mixture: what a wish asks for, as the vector that the network takes and the openings that go with it."""

import difflib
import sys
from collections.abc import Mapping, Sequence

import numpy as np

from catalog.base.errors import UsageError
from catalog.games import game_of, spelled
from training.events.vocabulary import Opening, Vocabulary
from training.network.inference import Array, NoteNetwork

MAX_NAMED = 8

Styles = dict[tuple[str, str], float]
"""Weights of (series, game); the game is empty where all of the series is meant."""


def requested_styles(
    vocabulary: Vocabulary, series: str | None, game: str | None, mixture: Mapping[str, float] | None
) -> Styles:
    """Return the styles that are asked for, none where none is.

    Names are as free as those of `dataset build --game`: a slug, a title in any spelling, or a part of one where it fits one only.
    Raises UsageError for a name that the run does not know, or a weight of none.
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
    """Return the mean of the styles' embeddings by weight, [STYLE_WIDTH]."""
    weights = np.array(list(styles.values()), np.float64) / max(styles.values())  # whose sum is a number
    numbers = np.array([vocabulary.style(series, game) for series, game in styles], np.int32)
    mean: Array = (weights / weights.sum()).astype(np.float32) @ network.style(numbers)
    return mean


def openings(vocabulary: Vocabulary, styles: Styles) -> Sequence[Opening]:
    """Return the openings of pieces of these styles; all of them where there is no style or no such piece."""
    fitting = [o for o in vocabulary.openings if {(o.series, o.game), (o.series, "")} & styles.keys()]
    return fitting or vocabulary.openings


def _series_of(vocabulary: Vocabulary, game: str) -> str:
    return next((o.series for o in vocabulary.openings if o.game == game), "")


def _match_name(text: str, vocabulary: Vocabulary, *, games: bool = False, series: bool = False) -> str:
    """Return the one game or series of the run that `text` means. Raises UsageError, with what it may be, for none or several."""
    of_games, of_series = vocabulary.games if games else (), vocabulary.series if series else ()
    names = list(dict.fromkeys([*of_games, *of_series]))  # a game and its series may share a name
    fitting = spelled(text, names)
    if not fitting:
        title = game_of(text)
        fitting = [title.game] * (title.game in of_games) or [title.series] * (title.series in of_series)
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        more = f" and {len(fitting) - MAX_NAMED} more" if len(fitting) > MAX_NAMED else ""
        raise UsageError(f"{text!r} fits {len(fitting)}: {', '.join(fitting[:MAX_NAMED])}{more}; name one of them")
    nearest = difflib.get_close_matches(text, names, n=MAX_NAMED, cutoff=0.4) if len(names) > MAX_NAMED else names
    names_text = ", ".join(nearest) or f"{len(names)} others, which are in its vocabulary.json"
    kind = " or ".join(["game"] * games + ["series"] * series)
    raise UsageError(f"this run knows no {kind} {text!r}; it knows {names_text}")
