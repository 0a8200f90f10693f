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

MEASURED_BY = 3
"""Version of the definitions of MEASURES; raise it when one is added or changed, so that `dataset measure` measures again."""


def _measure(name: str, kind: pa.DataType, meaning: str, unit: str = "", valid: str = "") -> pa.Field:
    """Return a field of MEASURES; `valid` is its range, "0–1" with both ends or "0–" without an upper one."""
    return pa.field(name, kind, metadata={"description": meaning, "unit": unit, "range": valid})


MEASURES = pa.schema(
    [
        _measure("sha256", pa.string(), "SHA-256 of the bytes measured, hexadecimal"),
        _measure(
            "measured_by",
            pa.int16(),
            "version of these definitions by which the row was made; null in one made before there were versions",
            valid="2–",
        ),
        _measure("notes", pa.int32(), "notes in all tracks but drums; 0 where the file cannot be read", "notes", "0–"),
        _measure("tracks", pa.int16(), "tracks that hold notes, drums included", "tracks", "0–"),
        _measure(
            "duration_s",
            pa.float64(),
            "time from the first onset to the last release of a key, under the piece's own tempos",
            "seconds",
            "0–",
        ),
        _measure(
            "beats",
            pa.float64(),
            "quarter notes from the first onset to the last release of a key",
            "quarter notes",
            "0–",
        ),
        _measure(
            "tempo_bpm",
            pa.float64(),
            "the tempo in force for the longest time",
            "quarter notes a minute",
            "3.576–60000000",
        ),
        _measure("time_signature", pa.string(), "the time signature in force for the longest time, such as 3/4"),
        _measure(
            "key",
            pa.string(),
            "the key that the time of the pitch classes fits best (Krumhansl–Schmuckler), such as C major; "
            "null where all twelve sound for the same time",
        ),
        _measure("pitch_low", pa.int16(), "lowest pitch", "MIDI number", "0–127"),
        _measure("pitch_high", pa.int16(), "highest pitch", "MIDI number", "0–127"),
        _measure("pitches", pa.int16(), "different pitches", "pitches", "0–128"),
        _measure(
            "pitch_class_entropy",
            pa.float64(),
            "Shannon entropy of the notes' pitch classes: 0 for a single one, 3.585 for all twelve alike",
            "bits",
            "0–3.585",
        ),
        _measure(
            "scale_consistency",
            pa.float64(),
            "share of notes that lie in the one major or natural minor scale that holds most of them",
            "share of notes",
            "0.583–1",
        ),
        _measure(
            "polyphony",
            pa.float64(),
            "mean number of different pitches that sound together while any sounds, with the pedal, by beats",
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
            "how alike neighbouring bars of time_signature are in where notes begin: 1 less the share of a bar's ticks "
            "(1/24 quarter) that differ; null where the piece does not outlast a bar or a bar is no whole ticks",
            "share of ticks",
            "0–1",
        ),
        _measure(
            "loop_share",
            pa.float64(),
            "share of notes whose time and pitch are those that followed when the last 3 to 16 notes stood earlier",
            "share of notes",
            "0–1",
        ),
        _measure("note_density", pa.float64(), "notes over duration_s", "notes a second", "0–"),
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
            "share of notes, drums left out, played by a General MIDI piano (programs 0–7)",
            "share of notes",
            "0–1",
        ),
        _measure(
            "drum_share", pa.float64(), "share of all notes that are on the drum channel", "share of notes", "0–1"
        ),
        _measure(
            "on_grid",
            pa.float64(),
            "share of notes that begin exactly on a 1/24 of a quarter note, before rounding: 1 where a piece is "
            "quantised, near 0 where its timing is free, be it a player's or a notation program's",
            "share of notes",
            "0–1",
        ),
        _measure(
            "grid_error",
            pa.float64(),
            "mean distance of onsets from the nearest 1/24 of a quarter note",
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
            "dropped",
            pa.string(),
            "how many note-ons were dropped for each reason, such as drums 120, other_instruments 7; null where none was",
        ),
        _measure(
            "unended_notes",
            pa.int32(),
            "note-ons without a note-off of their own: the note ends at the key's next note-on or at the end of its track",
            "note-ons",
            "0–",
        ),
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
MEASURED = [name for name in MEASURES.names if name != "sha256"]


def to_table(pieces: list[Piece]) -> pa.Table:
    """Return `pieces` as a table of schema PIECES, in the order given."""
    return pa.Table.from_pylist([asdict(piece) for piece in pieces], schema=PIECES)


def describe(schema: pa.Schema) -> list[dict[str, Any]]:
    """Return one {name, type, unit, range, description} for each field, for people to read; unit and range may be ""."""
    keys = ("unit", "range", "description")
    return [
        {"name": field.name, "type": str(field.type)}
        | {key: field.metadata.get(key.encode(), b"").decode() for key in keys}
        for field in schema
    ]
