"""The record type of a piece and the Arrow schemas of the catalog's two tables.

`pieces` holds what a source lists about a piece and its state. `measures` holds statistics of its
notes, one row per SHA-256. The meaning and unit of each field are in the field metadata.
"""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import pyarrow as pa

FETCHED, MISSING, QUARANTINED = "fetched", "missing", "quarantined"


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One listed piece, identified by (source, url, md5).

    If the MD5 of a URL changes on the site, the new row is a second piece.
    """

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
        _field("source", pa.string(), "where the piece comes from: vgmusic, mirror, or import for local files"),
        _field(
            "section",
            pa.string(),
            "section of the source that lists it, such as piano; the archive or folder of an import",
        ),
        _field("url", pa.string(), "absolute URL of the file; of an import, its path in the archive or folder"),
        _field("game_title", pa.string(), "title of the game as the source lists it"),
        _field("game", pa.string(), "slug of the game: the same for all spellings of one title"),
        _field("series", pa.string(), "slug of the series that the game belongs to"),
        _field("title", pa.string(), "title of the piece as listed, invisible characters removed"),
        _field("sequencer", pa.string(), "author of the MIDI file, as listed; null if the source leaves it blank"),
        _field(
            "state",
            pa.string(),
            "fetched: bytes stored and verified; missing: listed, but not available; quarantined: bytes failed a check",
        ),
        _field("reason", pa.string(), "why a piece is missing or quarantined; null if it is fetched"),
        _field("md5", pa.string(), "MD5 of the file, hexadecimal: as listed, else of the bytes received"),
        _field(
            "sha256",
            pa.string(),
            "SHA-256 of the stored bytes, hexadecimal: the name of the file under midi/; null if none are stored",
        ),
        _field("bytes", pa.int64(), "size of the file in bytes: as stored, else as listed"),
        _field("fetched_at", pa.timestamp("us", tz="UTC"), "when the bytes were first received, UTC"),
        _field("etag", pa.string(), "the ETag header that came with the bytes"),
        _field("last_modified", pa.string(), "the Last-Modified header that came with the bytes"),
        _field(
            "listed_at",
            pa.timestamp("us", tz="UTC"),
            "when the source listed the piece, by its own date read as UTC; null if it gives no date",
        ),
        _field(
            "gone_since",
            pa.timestamp("us", tz="UTC"),
            "when a run first found that the source no longer lists this file with this MD5, UTC; null while listed",
        ),
    ]
)
KEY = ("source", "url", "md5")

MEASURED_BY = 6
"""Version of the definitions of MEASURES.

Increment it when one is added or changed, so that `dataset measure` measures again.
"""


def _measure(name: str, kind: pa.DataType, meaning: str, unit: str = "", valid: str = "") -> pa.Field:
    """Return a field of MEASURES.

    `valid` is its range: "0–1" includes both ends, "0–" has no upper end.
    """
    return pa.field(name, kind, metadata={"description": meaning, "unit": unit, "range": valid})


MEASURES = pa.schema(
    [
        _measure("sha256", pa.string(), "SHA-256 of the bytes measured, hexadecimal"),
        _measure(
            "measured_by",
            pa.int16(),
            "version of the definitions that the row was computed with; null in rows older than versions",
            valid="2–",
        ),
        _measure("notes", pa.int32(), "notes in all tracks except drums; 0 if the file cannot be read", "notes", "0–"),
        _measure("tracks", pa.int16(), "tracks with notes, including drums", "tracks", "0–"),
        _measure(
            "duration_s",
            pa.float64(),
            "time from the first onset to the last release of a key, at the piece's tempos",
            "seconds",
            "0–",
        ),
        _measure(
            "beats", pa.float64(), "quarter notes from first onset to last release of a key", "quarter notes", "0–"
        ),
        _measure(
            "tempo_bpm",
            pa.float64(),
            "the tempo that is in effect for the longest time",
            "quarter notes per minute",
            "3.576–60000000",
        ),
        _measure(
            "time_signature", pa.string(), "the time signature that is in effect for the longest time, such as 3/4"
        ),
        _measure(
            "key",
            pa.string(),
            "the key estimated from all notes, as for a score whose file states none, such as C major; "
            "null if all twelve pitch classes have the same duration",
        ),
        _measure("pitch_low", pa.int16(), "lowest pitch", "MIDI number", "0–127"),
        _measure("pitch_high", pa.int16(), "highest pitch", "MIDI number", "0–127"),
        _measure("pitches", pa.int16(), "number of different pitches", "pitches", "0–128"),
        _measure(
            "pitch_class_entropy",
            pa.float64(),
            "Shannon entropy of the notes' pitch classes: 0 for a single one, 3.585 for a uniform distribution",
            "bits",
            "0–3.585",
        ),
        _measure(
            "scale_consistency",
            pa.float64(),
            "share of notes in the major or natural minor scale that contains most of them",
            "share of notes",
            "0.583–1",
        ),
        _measure(
            "polyphony",
            pa.float64(),
            "mean number of different pitches that sound together while any sounds, with the pedal, weighted by time in beats",
            "pitches",
            "1–128",
        ),
        _measure(
            "polyphony_rate",
            pa.float64(),
            "share of beats, from the start of the file to the end of the last sound, in which three or more pitches sound, "
            "with the pedal",
            "share of beats",
            "0–1",
        ),
        _measure(
            "empty_beat_rate",
            pa.float64(),
            "share of whole beats, from the start of the file to the end of the last sound, in which no note sounds, "
            "with the pedal",
            "share of beats",
            "0–1",
        ),
        _measure(
            "groove_consistency",
            pa.float64(),
            "similarity of onsets in neighbouring bars of time_signature: 1 minus the share of a bar's ticks "
            "(1/24 quarter) that differ; null if the piece is no longer than a bar or a bar is not whole ticks",
            "share of ticks",
            "0–1",
        ),
        _measure(
            "loop_share",
            pa.float64(),
            "share of notes with the time and pitch that followed the last 3 to 16 notes when they occurred earlier",
            "share of notes",
            "0–1",
        ),
        _measure("loop_start", pa.int32(), "first bar of the loop, as numbered in the score", "bar number", "0–"),
        _measure(
            "loop_bars", pa.int32(), "bars after which it returns, until the piece ends; null without one", "bars", "1–"
        ),
        _measure("note_density", pa.float64(), "notes divided by duration_s", "notes per second", "0–"),
        _measure(
            "left_share",
            pa.float64(),
            "share of notes in the left hand: as the file's tracks or their names say, else by an estimate that follows "
            "both hands through the piece",
            "share of notes",
            "0–1",
        ),
        _measure(
            "piano_share",
            pa.float64(),
            "share of notes, excluding drums, played by a General MIDI piano (programs 0–7)",
            "share of notes",
            "0–1",
        ),
        _measure(
            "drum_share", pa.float64(), "share of all notes that are on the drum channel", "share of notes", "0–1"
        ),
        _measure(
            "on_grid",
            pa.float64(),
            "share of notes that begin exactly on a multiple of 1/24 quarter note, before rounding: 1 if a piece is "
            "quantised, near 0 if its timing is free, whether played or written by a notation program",
            "share of notes",
            "0–1",
        ),
        _measure(
            "grid_error",
            pa.float64(),
            "mean distance of onsets from the nearest multiple of 1/24 quarter note",
            "ticks of 1/24 quarter note",
            "0–0.5",
        ),
        _measure(
            "pedal_share",
            pa.float64(),
            "share of notes that the sustain pedal holds longer than their key",
            "share of notes",
            "0–1",
        ),
        _measure(
            "note_ons",
            pa.int32(),
            "note-ons in the bytes of the file: notes and dropped_notes together; null where the file cannot be read",
            "note-ons",
            "0–",
        ),
        _measure("dropped_notes", pa.int32(), "note-ons that are not among the notes", "note-ons", "0–"),
        _measure(
            "dropped", pa.string(), "how many note-ons were dropped by reason, such as drums 120; null where none was"
        ),
        _measure(
            "unended_notes",
            pa.int32(),
            "note-ons without a note-off of their own: the note ends at the key's next note-on or at the end of its track",
            "note-ons",
            "0–",
        ),
        _measure("cut_short", pa.int8(), "1 if the file ends within a track, else 0", "0 or 1", "0–1"),
        _measure(
            "texts",
            pa.string(),
            "the texts and track names in the file, decoded, one a line, equal ones once; 64 at most, of 200 characters "
            "each; null where there is none",
        ),
        _measure(
            "copyright", pa.string(), "the copyright notices in the file, in the same form; null where there is none"
        ),
        _measure(
            "licence_conflict",
            pa.int8(),
            "1 if a text or notice in the file contradicts that the site offers it to everybody: it reserves all rights "
            "in somebody's name, forbids use, copying or change, or asks for permission; else 0",
            "0 or 1",
            "0–1",
        ),
    ]
)
MEASURE_COLUMNS = [name for name in MEASURES.names if name != "sha256"]


def to_table(pieces: list[Piece]) -> pa.Table:
    """Return `pieces` as a table of schema PIECES, in the order given."""
    return pa.Table.from_pylist([asdict(piece) for piece in pieces], schema=PIECES)


def describe(schema: pa.Schema) -> list[dict[str, Any]]:
    """Return {name, type, unit, range, description} of each field of `schema`.

    `unit` and `range` may be empty strings.
    """
    keys = ("unit", "range", "description")
    return [
        {"name": field.name, "type": str(field.type)}
        | {key: field.metadata.get(key.encode(), b"").decode() for key in keys}
        for field in schema
    ]
