"""Style by name or mixture: what a wish asks for, as the vector that the network takes and the openings that go with it."""

import difflib
from collections.abc import Mapping, Sequence

import numpy as np

from catalog.errors import UsageError
from training.inference import Array, Network
from training.vocabulary import Opening, Vocabulary

MOST_NAMED = 8

Styles = dict[tuple[str, str], float]
"""Weights of (series, game); the game is empty where all of the series is meant."""


def wanted(vocabulary: Vocabulary, series: str | None, game: str | None, mixture: Mapping[str, float] | None) -> Styles:
    """Return the styles that are asked for, none where none is.

    A part of a name will do where it fits one only. Raises UsageError for a name that the run does not know, or a weight of none.
    """
    styles: Styles = {}
    for text, weight in (mixture or {}).items():
        if not weight > 0:
            raise UsageError(f"--style {text}={weight:g}: a weight must be above 0")
        name = _known(text, [*vocabulary.games, *vocabulary.series], "game or series")
        style = (_series_of(vocabulary, name), name) if name in vocabulary.games else (name, "")
        styles[style] = styles.get(style, 0.0) + weight
    if game is not None:
        name = _known(game, vocabulary.games, "game")
        above = _series_of(vocabulary, name) if series is None else _known(series, vocabulary.series, "series")
        styles[above, name] = 1.0
    elif series is not None:
        styles[_known(series, vocabulary.series, "series"), ""] = 1.0
    return styles


def vector(network: Network, vocabulary: Vocabulary, styles: Styles) -> Array:
    """Return the mean of the styles' embeddings by weight, [STYLE_WIDTH]."""
    weights = np.array(list(styles.values()), np.float32)
    numbers = np.array([vocabulary.style(series, game) for series, game in styles], np.int32)
    mean: Array = (weights / weights.sum()) @ network.style(numbers)
    return mean


def openings(vocabulary: Vocabulary, styles: Styles) -> Sequence[Opening]:
    """Return the openings of pieces of these styles; all of them where there is no style or no such piece."""
    fitting = [o for o in vocabulary.openings if {(o.series, o.game), (o.series, "")} & styles.keys()]
    return fitting or vocabulary.openings


def _series_of(vocabulary: Vocabulary, game: str) -> str:
    return next((o.series for o in vocabulary.openings if o.game == game), "")


def _known(text: str, names: Sequence[str], kind: str) -> str:
    fitting = [text] if text in names else [name for name in names if text and text in name]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise UsageError(f"{text!r} fits {len(fitting)}: {', '.join(fitting[:MOST_NAMED])}; name one of them")
    nearest = difflib.get_close_matches(text, names, n=MOST_NAMED, cutoff=0.4) if len(names) > MOST_NAMED else names
    told = ", ".join(nearest) or f"{len(names)} others, which are in its vocabulary.json"
    raise UsageError(f"this run knows no {kind} {text!r}; it knows {told}")
