"""MIDI files built by hand, and small catalogs.

The files do not depend on our own MIDI writer.
"""

import hashlib
import struct
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest

from catalog.schema import FETCHED, MISSING, Piece
from catalog.storage.remote import AnyPath
from catalog.store import Catalog
from dataset.midi.midi_writer import write_midi
from dataset.notes.model import Notes

Event = tuple[int, bytes]  # (delta time in ticks of the file, message)


def delta(value: int) -> bytes:
    """Return a variable-length quantity."""
    out = bytes([value & 0x7F])
    while value := value >> 7:
        out = bytes([value & 0x7F | 0x80]) + out
    return out


def on(time: int, pitch: int, velocity: int = 64, channel: int = 0) -> Event:
    return time, bytes([0x90 | channel, pitch, velocity])


def off(time: int, pitch: int, channel: int = 0) -> Event:
    return time, bytes([0x80 | channel, pitch, 64])


def meta(time: int, kind: int, body: bytes) -> Event:
    return time, bytes([0xFF, kind]) + delta(len(body)) + body


def midi(*tracks: Iterable[Event], division: int = 480, kind: int = 1) -> bytes:
    """Return a Standard MIDI File of these tracks."""
    chunks = [struct.pack(">4sIHHH", b"MThd", 6, kind, len(tracks), division)]
    for events in tracks:
        body = b"".join(delta(time) + message for time, message in events) + b"\x00\xff\x2f\x00"
        chunks.append(struct.pack(">4sI", b"MTrk", len(body)) + body)
    return b"".join(chunks)


def tune(number: int, length: int = 40) -> Notes:
    """Return a small piece of music, a different one for each number."""
    random = np.random.default_rng(number)
    onset = np.cumsum(random.integers(0, 4, length) * 6)
    pitch = 40 + random.permutation(50)[np.arange(length) % 50]  # no key is struck while it is held
    velocity = random.integers(40, 120, length)
    return Notes.of(onset, random.integers(3, 30, length), pitch, velocity, [(0, 100.0 + number)], [(0, 3, 4)])


def fill(
    root: AnyPath,
    files: Mapping[str, bytes],
    *,
    game: str = "a-game",
    missing: Sequence[str] = (),
    anonymous: bool = False,
) -> None:
    """Add `files` (title: bytes) to the catalog of `root`, and list `missing` ones."""
    with Catalog(root).writer() as writer:
        pieces = [
            Piece(
                source="vgmusic",
                section="piano",
                url=f"https://example.org/{game}/{number}.mid",
                game_title=game.title(),
                game=game,
                series=game.split("-")[0],
                title=title,
                state=FETCHED,
                sequencer=None if anonymous else f"Sequencer {number % 3}",
                md5=hashlib.md5(data).hexdigest(),
                sha256=writer.put_blob(data),
                bytes=len(data),
            )
            for number, (title, data) in enumerate(files.items())
        ]
        missing_pieces = [
            Piece(
                source="vgmusic",
                section="piano",
                url=f"https://example.org/{game}/{title}",
                game_title=game.title(),
                game=game,
                series=game.split("-")[0],
                title=title,
                state=MISSING,
                reason="404",
            )
            for title in missing
        ]
        writer.add(pieces + missing_pieces)


def tunes(count: int, first: int = 0) -> dict[str, bytes]:
    """Return files of `count` different pieces."""
    return {f"Tune {number}": write_midi(tune(number)) for number in range(first, first + count)}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A data root with a catalog of twelve valid pieces of one game."""
    fill(tmp_path, tunes(12))
    return tmp_path
