"""The rows of the catalog: one record type, and the two Arrow schemas with every field's meaning and unit in their metadata.

`pieces` holds what a source says of a piece and what became of it; `measures` what its notes say, one row a sha256.
"""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import pyarrow as pa

FETCHED, MISSING, QUARANTINED = "fetched", "missing", "quarantined"


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One listed piece. Its key is (source, url, md5): a row whose MD5 changes on the site becomes a second piece."""

    source: str
    section: str
    url: str
    game_title: str
    game: str
    series: str
    title: str
    state: str
    sequencer: str | None = None
    md5: str | None = None
    sha256: str | None = None
    bytes: int | None = None
    fetched_at: datetime | None = None
    etag: str | None = None
    last_modified: str | None = None
    reason: str | None = None
    listed_at: datetime | None = None
    gone_since: datetime | None = None


def _field(name: str, kind: pa.DataType, meaning: str) -> pa.Field:
    return pa.field(name, kind, metadata={"description": meaning})


PIECES = pa.schema(
    [
        _field(
            "source", pa.string(), "where the piece comes from: vgmusic, or import: files that somebody had already"
        ),
        _field(
            "section",
            pa.string(),
            "the section of the source that lists it: piano; of an import, the archive or folder",
        ),
        _field("url", pa.string(), "address of the file, absolute; of an import, its place in the archive or folder"),
        _field("game_title", pa.string(), "title of the game as the source lists it"),
        _field("game", pa.string(), "the game's slug: one for all spellings of one title"),
        _field("series", pa.string(), "the slug of the series that the game belongs to"),
        _field("title", pa.string(), "title of the piece as listed, invisible characters removed"),
        _field("sequencer", pa.string(), "who made the MIDI file, as listed; null where the source leaves it blank"),
        _field(
            "state",
            pa.string(),
            "fetched: bytes held and verified; missing: listed, not to be had; quarantined: bytes failed a check",
        ),
        _field("reason", pa.string(), "why a piece is missing or quarantined; null where it is fetched"),
        _field("md5", pa.string(), "MD5 of the file, hexadecimal: as listed, else of the bytes received"),
        _field(
            "sha256",
            pa.string(),
            "SHA-256 of the bytes held, hexadecimal: the name of the file under midi/; null where none are held",
        ),
        _field("bytes", pa.int64(), "size of the file in bytes: as held, else as listed"),
        _field("fetched_at", pa.timestamp("us", tz="UTC"), "when the bytes were first received, UTC"),
        _field("etag", pa.string(), "the ETag header that came with the bytes"),
        _field("last_modified", pa.string(), "the Last-Modified header that came with the bytes"),
        _field(
            "listed_at",
            pa.timestamp("us", tz="UTC"),
            "when the source says it listed the piece, its clock taken as UTC; null where it gives no date",
        ),
        _field(
            "gone_since",
            pa.timestamp("us", tz="UTC"),
            "when a run first found the source no longer listing this file with this MD5, UTC; null while it is listed",
        ),
    ]
)
KEY = ("source", "url", "md5")

MEASURES = pa.schema(
    [
        _field("sha256", pa.string(), "SHA-256 of the bytes measured, hexadecimal"),
        _field("notes", pa.int32(), "notes in all tracks but drums; 0 where the file cannot be read"),
        _field("tracks", pa.int16(), "tracks that hold notes, drums included"),
        _field(
            "duration_s", pa.float64(), "seconds from the first onset to the last end, under the piece's own tempos"
        ),
        _field("beats", pa.float64(), "quarter notes from the first onset to the last end"),
        _field("tempo_bpm", pa.float64(), "quarter notes a minute: the tempo in force for the longest time"),
        _field("time_signature", pa.string(), "the time signature in force for the longest time, such as 3/4"),
        _field("key", pa.string(), "the key that the pitch classes fit best (Krumhansl–Schmuckler), such as C major"),
        _field("pitch_low", pa.int16(), "lowest MIDI pitch, 0–127"),
        _field("pitch_high", pa.int16(), "highest MIDI pitch, 0–127"),
        _field("polyphony", pa.float64(), "mean number of notes that sound together while any note sounds"),
        _field("note_density", pa.float64(), "notes a second, over duration_s"),
        _field(
            "piano_share",
            pa.float64(),
            "share of notes, drums left out, played by a General MIDI piano (programs 0–7), 0–1",
        ),
        _field("drum_share", pa.float64(), "share of all notes that are on the drum channel, 0–1"),
        _field(
            "grid_error",
            pa.float64(),
            "mean distance of onsets from the nearest 1/24 of a quarter note, in ticks of 1/24, 0–0.5",
        ),
    ]
)
MEASURED = [name for name in MEASURES.names if name != "sha256"]


def to_table(pieces: list[Piece]) -> pa.Table:
    """Return `pieces` as a table of schema PIECES, in the order given."""
    return pa.Table.from_pylist([asdict(piece) for piece in pieces], schema=PIECES)


def describe(schema: pa.Schema) -> list[dict[str, Any]]:
    """Return one {name, type, description} for each field, for people to read."""
    return [
        {"name": field.name, "type": str(field.type), "description": field.metadata[b"description"].decode()}
        for field in schema
    ]
