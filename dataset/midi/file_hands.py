"""Which hand plays the parts of a file, where the file says so.

It says so by the names of its tracks, or by having two piano tracks.

A part is one channel of one track. Nothing here looks at single notes; where a file does not say, see
`dataset.notes.hand_estimate`.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from catalog.midi.text import decode_text
from dataset.notes.model import LEFT, RIGHT, UNKNOWN

_RIGHT = re.compile(r"\b(right|rh|r\.\s?h|treble|upper|rechts|rechte|droite|md|m\.\s?d|destra|derecha|direita)\b|右")
_LEFT = re.compile(r"\b(left|lh|l\.\s?h|bass|lower|links|linke|gauche|mg|m\.\s?g|sinistra|izquierda|esquerda)\b|左")


@dataclass(frozen=True, slots=True)
class Part:
    """One channel of one track: name, mean pitch, whether a piano plays it all."""

    name: bytes
    mean_pitch: float
    is_piano: bool


@lru_cache(1024)
def hand_of_name(name: bytes) -> int:
    """Return the hand that a track's name states; UNKNOWN where none or both."""
    text = re.sub(r"[_\-\d]", " ", decode_text(name))
    words = text.lower() + " " + re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text).lower()
    is_right, is_left = (pattern.search(words) is not None for pattern in (_RIGHT, _LEFT))
    return UNKNOWN if is_right == is_left else RIGHT if is_right else LEFT


def hands_of_parts(parts: Sequence[Part], names: Sequence[bytes]) -> NDArray[np.uint8]:
    """Return the hand of each part: uint8[parts].

    Names count where the file names both a right and a left hand, in `names`, those of all its tracks. Without such names two
    parts, both a piano, are the two hands: the one of the lower mean pitch is the left one, of equals the second.
    """
    named = {hand_of_name(name) for name in names}
    if RIGHT in named and LEFT in named:
        return np.array([hand_of_name(part.name) if part.is_piano else UNKNOWN for part in parts], np.uint8)
    if len(parts) == 2 and all(part.is_piano for part in parts):
        is_second_lower = parts[0].mean_pitch >= parts[1].mean_pitch
        return np.array([RIGHT, LEFT] if is_second_lower else [LEFT, RIGHT], np.uint8)
    return np.full(len(parts), UNKNOWN, np.uint8)
