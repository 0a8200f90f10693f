"""Validate the tables of a corpus: types, ids, enums, ranges, consistency.

In: a table from a file of any origin. Out: the same table under our schema, or a `FaultError` that names the column,
the first invalid row and its value. Whole columns are compared at once.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from catalog.schema import MEASURES, describe
from dataset.corpus.columns import (
    MAX_SHOWN,
    FaultError,
    check_ascending,
    check_items,
    check_items_range,
    check_one_of,
    check_pattern,
    check_range,
    check_rows,
    flat,
    list_lengths,
    list_starts,
    with_schema,
)
from dataset.corpus.schema import EXCLUDED, LISTS, NOTES, PROVENANCE, RELATIONS, SPLITS
from dataset.notes.timing import DENOMINATORS, FASTEST_QPM, MAX_NUMERATOR, MAX_TICK, MOST_SHARPS, SLOWEST_QPM
from dataset.reasons import QUERY
from dataset.reasons import RELATIONS as RELATION_MEANINGS

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,79}")  # a corpus name
SHA256 = "[0-9a-f]{64}"
FINGERPRINT = "[0-9a-f]{16}"
REASON = "[a-z][a-z0-9_]{0,99}"
TIME_SIGNATURE = "[1-9][0-9]?/[1-9][0-9]?"
MAX_TEXT = 64 * 201  # characters of the texts of a file: 64 lines of 200
DROPPED = "[a-z_]+ [1-9][0-9]*(, [a-z_]+ [1-9][0-9]*)*"
KEY = "[A-G][b#]? (major|minor)"
STAGES = (QUERY, "fetch", "parse", "filter", "duplicate", "split")


def check_manifest(name: object, files: Mapping[str, object], required: Iterable[str]) -> None:
    """Raise FaultError unless a manifest's name and file hashes are valid.

    `required` are the files that must have a SHA-256.
    """
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise FaultError(f"name: {str(name)[:MAX_SHOWN]!r} is not a valid corpus name")
    for file in required:
        sha256 = files.get(file)
        if not isinstance(sha256, str) or not re.fullmatch(SHA256, sha256):
            raise FaultError(f"files.{file}: {str(sha256)[:MAX_SHOWN]!r} is not a SHA-256")


def check_counts(funnel: Mapping[str, int], reasons: Mapping[str, int], notes: pa.Table, excluded: pa.Table) -> None:
    """Raise FaultError unless the counts of a manifest match the tables."""
    per_split = Counter(notes["split"].to_pylist())
    expected: dict[str, int] = {
        "listed": len(notes) + len(excluded) - excluded["stage"].to_pylist().count(QUERY),
        "unique": len(notes),
        **{str(split): per_split[split] for split in SPLITS},
    }
    for stage, count in expected.items():
        if funnel[stage] != count:
            raise FaultError(f"funnel.{stage}: {funnel[stage]!r}, but the tables have {count}")
    steps = [funnel[stage] for stage in ("listed", "fetched", "parsed", "kept", "unique")]
    if steps != sorted(steps, reverse=True):
        raise FaultError(f"funnel: {steps} must not increase")
    counted = Counter(excluded["reason"].to_pylist())
    for reason in {*reasons, *counted}:
        if reasons.get(reason, 0) != counted[reason]:
            raise FaultError(
                f"reasons.{reason[:MAX_SHOWN]}: {reasons.get(reason, 0)!r}, but excluded.parquet has {counted[reason]}"
            )


def checked(file: str, table: pa.Table, pieces: pa.Table | None = None) -> pa.Table:
    """Return the table of a corpus file under our schema.

    `pieces` are the checked notes. Raises FaultError if it is invalid.
    """
    if file == "notes.parquet":
        return checked_notes(table)
    if file == "excluded.parquet":
        return checked_excluded(table)
    if file == "relations.parquet":
        return checked_relations(table)
    if file == "provenance.parquet":
        return checked_provenance(table, pieces)
    return checked_measures(table, pieces)


def checked_notes(table: pa.Table) -> pa.Table:
    """Return a table of schema NOTES. Raises FaultError if it is invalid."""
    table = with_schema(table, NOTES, may_be_null=("sequencer",))
    if not len(table):
        raise FaultError("sha256: no rows, must be at least one piece")
    check_pattern(table, "sha256", SHA256)
    check_pattern(table, "cluster", FINGERPRINT)
    check_pattern(table, "work", FINGERPRINT)
    check_one_of(table, "split", SPLITS)
    lengths = list_lengths(table, "onset")
    check_rows(table, "onset", lengths < 1, "at least one note", lengths)
    for name in LISTS[1:]:
        own = list_lengths(table, name)
        check_rows(table, name, own != lengths, "one value for each onset", own)
    onset, duration, pitch, velocity, hand, _ = (flat(table, name) for name in LISTS)
    check_items_range(table, "onset", onset, 0, MAX_TICK)
    check_ascending(table, "onset", "onset", onset, strictly=False)
    check_items_range(table, "duration", duration, 1, MAX_TICK)
    ends = onset.astype(np.int64) + duration
    check_items(table, "duration", ends > MAX_TICK, f"an end by tick {MAX_TICK}", ends)
    check_items_range(table, "pitch", pitch, 0, 127)
    check_items_range(table, "velocity", velocity, 1, 127)
    check_items_range(table, "hand", hand, 0, 2)
    _changes(table, "tempos", {"qpm": (SLOWEST_QPM, FASTEST_QPM)})
    _changes(table, "time_signatures", {"numerator": (1, MAX_NUMERATOR), "denominator": (1, max(DENOMINATORS))})
    _changes(table, "key_signatures", {"fifths": (-MOST_SHARPS, MOST_SHARPS), "mode": (0, 1)}, is_complete=False)
    _check_pedals(table)
    under = flat(table, "time_signatures", "denominator")
    check_items(table, "time_signatures", ~np.isin(under, DENOMINATORS), "denominators that are powers of 2", under)
    return table


def checked_excluded(table: pa.Table) -> pa.Table:
    """Return a table of schema EXCLUDED. Raises FaultError if it is invalid."""
    table = with_schema(table, EXCLUDED, may_be_null=("sha256",))
    check_pattern(table, "sha256", SHA256)
    check_one_of(table, "stage", STAGES)
    check_pattern(table, "reason", REASON)
    return table


def checked_relations(table: pa.Table) -> pa.Table:
    """Return a table of schema RELATIONS. Raises FaultError if it is invalid."""
    table = with_schema(table, RELATIONS, may_be_null=("first_sequencer", "second_sequencer", "left_out"))
    check_one_of(table, "relation", tuple(RELATION_MEANINGS))
    check_pattern(table, "first", SHA256)
    check_pattern(table, "second", SHA256)
    for name, low, high in (
        ("share", 0, 1),
        ("notes", 0, None),
        ("transposition", -127, 127),
        ("tempo_ratio", 1e-6, 1e6),
        ("offset_first", 0, MAX_TICK),
        ("offset_second", 0, MAX_TICK),
    ):
        check_range(table, name, low, high)
    return table


def checked_provenance(table: pa.Table, pieces: pa.Table) -> pa.Table:
    """Return a table of schema PROVENANCE, a row for each row of `pieces`.

    Raises FaultError if it is invalid.
    """
    table = with_schema(table, PROVENANCE, may_be_null=("listed_at", "fetched_at"))
    _check_same_pieces(table, pieces)
    return table


def _check_same_pieces(table: pa.Table, pieces: pa.Table) -> None:
    if len(table) != len(pieces):
        raise FaultError(f"sha256: {len(table)} rows for {len(pieces)} pieces")
    same = pc.equal(table["sha256"], pieces["sha256"]).to_numpy()
    check_rows(table, "sha256", ~same, "that of the piece in the same row", table["sha256"])


def checked_measures(table: pa.Table, pieces: pa.Table) -> pa.Table:
    """Return a table of schema MEASURES with one row for each row of `pieces`.

    Columns that an older version did not measure are absent. Raises FaultError if it is invalid.
    """
    present = set(table.column_names)
    schema = pa.schema([field for field in MEASURES if field.name in present or field.name == "sha256"])
    nullable = [name for name in schema.names if name != "sha256"]
    table = with_schema(table, schema, may_be_null=nullable)
    check_pattern(table, "sha256", SHA256)
    _check_same_pieces(table, pieces)
    for name, pattern in (("time_signature", TIME_SIGNATURE), ("key", KEY), ("dropped", DROPPED)):
        if name in present:
            check_pattern(table, name, pattern)
    for name in ("texts", "copyright"):
        if name in present:
            lengths = pc.fill_null(pc.utf8_length(table[name]), 1).to_numpy()
            wrong = (lengths < 1) | (lengths > MAX_TEXT)
            check_rows(table, name, wrong, f"1 to {MAX_TEXT} characters", table[name])
    for field in describe(MEASURES):
        low, dash, high = field["range"].partition("–")
        if dash and field["name"] in present:
            check_range(table, field["name"], float(low or "-inf"), float(high) if high else None)
    return table


def _changes(
    table: pa.Table, name: str, ranges: Mapping[str, tuple[float, float]], *, is_complete: bool = True
) -> None:
    """Check lists of changes: ascending ticks, values in range.

    If complete, the first change must be at tick 0.
    """
    ticks = flat(table, name, "tick")
    if is_complete:
        lengths = list_lengths(table, name)
        check_rows(table, name, lengths < 1, "at least one change", lengths)
        first = np.zeros(len(ticks), bool)
        first[list_starts(table, name)] = True
        check_items(table, name, first & (ticks != 0), "a first change at tick 0", ticks)
    check_items_range(table, name, ticks, 0, MAX_TICK)
    check_ascending(table, name, "ticks", ticks, strictly=True)
    for part, (low, high) in ranges.items():
        check_items_range(table, name, flat(table, name, part), low, high)


def _check_pedals(table: pa.Table) -> None:
    """Check pedal intervals: in range, and ascending in each group without overlap."""
    start, end = (flat(table, "pedals", part).astype(np.int64) for part in ("start", "end"))
    check_items_range(table, "pedals", start, 0, MAX_TICK)
    check_items_range(table, "pedals", end, 0, MAX_TICK)
    check_items(table, "pedals", end <= start, "an end after its start", end)
    group = flat(table, "pedals", "group").astype(np.int64)
    place = (group << 48) | start
    invalid = np.zeros(len(place), bool)
    invalid[1:] = (place[1:] <= place[:-1]) | ((group[1:] == group[:-1]) & (start[1:] < end[:-1]))
    invalid[list_starts(table, "pedals")] = False
    check_items(table, "pedals", invalid, "intervals in ascending order by group", start)
