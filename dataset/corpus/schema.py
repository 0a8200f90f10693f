"""The schemas of the tables of a corpus: NOTES, EXCLUDED and RELATIONS.

The metadata of each field describes it. The fourth table, the measures, has the schema `catalog.schema.MEASURES`.
"""

from typing import Literal, get_args

import pyarrow as pa

TICKS = "ticks of 1/24 quarter"

Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = get_args(Split)


def _field(name: str, kind: pa.DataType, meaning: str) -> pa.Field:
    return pa.field(name, kind, metadata={"description": meaning})


NOTES = pa.schema(
    [
        _field("sha256", pa.string(), "SHA-256 of the MIDI file, hexadecimal"),
        _field("game", pa.string(), "the game's slug"),
        _field("series", pa.string(), "the slug of the series that the game belongs to"),
        _field("title", pa.string(), "title of the piece as listed"),
        _field("sequencer", pa.string(), "who made the MIDI file, as listed; null where the source leaves it blank"),
        _field("game_title", pa.string(), "title of the game as the source lists it"),
        _field("source", pa.string(), "where the piece comes from: vgmusic, mirror, or import"),
        _field("url", pa.string(), "address of the file; of an import, its place in the archive or folder"),
        _field("cluster", pa.string(), "pieces of one cluster hold the same notes in good part"),
        _field(
            "work", pa.string(), "pieces of one work are the same music, also in other notes: a split never parts them"
        ),
        _field("split", pa.string(), "train, validation or test"),
        _field("onset", pa.list_(pa.int32()), f"start of each note, {TICKS} from the start of the file"),
        _field("duration", pa.list_(pa.int32()), f"how long each key is held, {TICKS}, at least 1"),
        _field("pitch", pa.list_(pa.uint8()), "MIDI pitch, 0-127"),
        _field("velocity", pa.list_(pa.uint8()), "MIDI velocity, 1-127"),
        _field("hand", pa.list_(pa.uint8()), "hand of each note as the file states it: 0 unknown, 1 right, 2 left"),
        _field("pedal_group", pa.list_(pa.uint8()), "the group of `pedals` that holds each note"),
        _field(
            "tempos",
            pa.list_(pa.struct([("tick", pa.int32()), ("qpm", pa.float64())])),
            "tempo changes, quarter notes per minute, the first at tick 0",
        ),
        _field(
            "time_signatures",
            pa.list_(pa.struct([("tick", pa.int32()), ("numerator", pa.uint8()), ("denominator", pa.uint8())])),
            "time-signature changes, the first at tick 0",
        ),
        _field(
            "key_signatures",
            pa.list_(pa.struct([("tick", pa.int32()), ("fifths", pa.int8()), ("mode", pa.uint8())])),
            "key signatures as the file states them, sharps or, below 0, flats; mode 0 major, 1 minor; often empty",
        ),
        _field(
            "pedals",
            pa.list_(pa.struct([("group", pa.uint8()), ("start", pa.int32()), ("end", pa.int32())])),
            f"when the sustain pedal is down, {TICKS}, for the notes of each group",
        ),
    ]
)
TEXT = (*("sha256", "game", "series", "title", "sequencer", "game_title", "source", "url", "cluster", "work", "split"),)
LISTS = ("onset", "duration", "pitch", "velocity", "hand", "pedal_group")

PROVENANCE = pa.schema(
    [
        _field("sha256", pa.string(), "SHA-256 of the MIDI file, hexadecimal"),
        _field("url", pa.string(), "address of the file; of an import, its place in the archive or folder"),
        _field("source", pa.string(), "where the piece comes from"),
        _field(
            "listed_at", pa.timestamp("us", tz="UTC"), "when the source says it listed the piece; null without a date"
        ),
        _field("fetched_at", pa.timestamp("us", tz="UTC"), "when the bytes were first received, UTC"),
    ]
)
"""Dates of the pieces kept, in the order of NOTES; no part of a corpus's identity."""

EXCLUDED = pa.schema(
    [
        _field("url", pa.string(), "address of the file"),
        _field("title", pa.string(), "title of the piece as listed"),
        _field("game", pa.string(), "the game's slug"),
        _field("sha256", pa.string(), "SHA-256 of the MIDI file; null where none was fetched"),
        _field("stage", pa.string(), "where it was left out: query, fetch, parse, filter, duplicate or split"),
        _field("reason", pa.string(), "a stable snake_case id"),
        _field(
            "detail",
            pa.string(),
            "the value that decided; for a duplicate, the sha256 and address of the piece kept; by hand, the why; by the query, "
            "the condition that does not hold",
        ),
    ]
)

RELATIONS = pa.schema(
    [
        _field("relation", pa.string(), "bytes, notes, near, contained or work"),
        _field("first", pa.string(), "SHA-256 of the one piece; of contained ones the whole"),
        _field("second", pa.string(), "SHA-256 of the other piece; of contained ones the part"),
        _field("share", pa.float64(), "share of the notes of the shorter piece that stand in the other, 0-1"),
        _field("notes", pa.int32(), "how many notes match"),
        _field("transposition", pa.int16(), "semitones from the second piece up to the first"),
        _field("tempo_ratio", pa.float64(), "ticks of the first piece for each tick of the second"),
        _field("offset_first", pa.int32(), f"where the match begins in the first piece, {TICKS}"),
        _field("offset_second", pa.int32(), f"where the match begins in the second piece, {TICKS}"),
        *(
            _field(f"{side}_{name}", pa.string(), f"the {side} piece's {name}")
            for side in ("first", "second")
            for name in ("url", "title", "game", "sequencer")
        ),
        _field(
            "left_out", pa.string(), "address of the piece that is left out for the other's sake; null where both stay"
        ),
    ]
)
