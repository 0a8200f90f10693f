"""The scene that a piece was written for, by the words of its title: battle, town, ending and so on.

The words are in scenes.toml beside this module. `tests/catalog/scenes.toml` has titles with the right scenes.
"""

import re
import tomllib
import unicodedata
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

SCENE = pa.field(
    "scene",
    pa.string(),
    metadata={
        "description": "the scene of the game that the title names: boss, battle, title, ending, opening, jingle, menu, stage, town, "
        "field or dungeon; null if it names none. It is not stored, but derived from the title on reading"
    },
)
NUMBER = r"(?:\d+|[ivx]+|one|two|three)"
_OTHER = re.compile(r"[^a-z0-9]+")


@cache
def scenes() -> Mapping[str, str]:
    """Return the meaning of each scene."""
    return {name: table["means"] for name, table in _tables().items()}


def scene_of(title: str) -> str | None:
    """Return the scene that `title` tells, or None."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower().replace("'", "")
    words = _OTHER.sub(" ", plain).strip()
    return next((name for name, pattern in _patterns().items() if pattern.search(words)), None)


def scene_column(titles: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return the scene of each title; each different title is looked at once."""
    encoded = titles.combine_chunks().dictionary_encode()
    found = pa.array([scene_of(title) for title in encoded.dictionary.to_pylist()], pa.string())
    return pa.chunked_array([pc.take(found, encoded.indices)])


@cache
def _tables() -> Mapping[str, Mapping[str, Any]]:
    return tomllib.loads(resources.files("catalog").joinpath("scenes.toml").read_text(encoding="utf-8"))


@cache
def _patterns() -> Mapping[str, re.Pattern[str]]:
    return {name: _pattern(table["words"]) for name, table in _tables().items()}


def _pattern(words: list[str]) -> re.Pattern[str]:
    each = (re.escape(word).replace(r"\#", NUMBER).replace(r"\*", r"\w*") for word in words)
    return re.compile(rf"\b(?:{'|'.join(each)})\b")
