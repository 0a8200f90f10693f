"""A made-up catalog in the real schema and layout.

It is written by the catalog's own writer.

Games, titles, digests and measures are random. The same number of pieces gives the same rows.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from catalog.schema import MEASURES, PIECES
from catalog.store import Catalog
from catalog.table.parts import PartsWriter

_WORDS = """
boss castle cave dungeon ending field fire forest ice island lost main menu moon night opening river shop sky snow stage star storm temple
theme title tower town valley victory village water wind woods world
"""
WORDS = _WORDS.split()
SECTIONS, GAMES, SERIES, SEQUENCERS = 60, 40_000, 12_000, 20_000
BLOCK = 100_000  # rows made at a time


def hexadecimal(numbers: np.ndarray[Any, np.dtype[np.uint64]], width: int) -> pa.Array:
    """Return `width` hexadecimal digits for each number, sorted as the numbers are."""
    words, state = [numbers], numbers
    for _ in range(width // 16 - 1):  # further digits by splitmix64
        state = (state + np.uint64(0x9E3779B97F4A7C15)) * np.uint64(0xBF58476D1CE4E5B9)
        words.append(state ^ (state >> np.uint64(27)))
    digits = np.frombuffer(np.stack(words, axis=1).astype(">u8").tobytes().hex().encode(), np.uint8)
    offsets = np.arange(len(numbers) + 1, dtype=np.int32) * width
    return pa.StringArray.from_buffers(len(numbers), pa.py_buffer(offsets), pa.py_buffer(digits))


def named(prefix: str, numbers: Any) -> pa.Array:
    return pc.binary_join_element_wise(
        prefix, pc.utf8_lpad(pc.cast(pa.array(numbers), pa.string()), 5, padding="0"), ""
    )


def unless(missing: Any, values: pa.Array) -> pa.Array:
    return pc.if_else(pa.array(missing), pa.scalar(None, values.type), values)


class Made:
    """A made-up catalog; the same number of pieces gives the same rows."""

    def __init__(self, rows: int) -> None:
        self.rows = rows
        rng = np.random.default_rng(rows)
        share = rng.lognormal(0, 1.2, GAMES)
        game = np.sort(rng.choice(GAMES, rows, p=share / share.sum()))
        self.game = game[
            np.argsort(game % SECTIONS, kind="stable")
        ]  # by section, then by game: the order of the catalog
        self.digest = rng.permutation(rows).astype(np.uint64) * np.uint64(2**64 // rows)
        self.is_missing = rng.random(rows) < 0.02

    def pieces(self) -> Iterator[pa.Table]:
        """Yield the rows in the catalog's order, whole games at a time."""
        ends = np.flatnonzero(np.diff(self.game, append=-1)) + 1
        start = 0
        while start < self.rows:
            end = int(ends[min(len(ends) - 1, np.searchsorted(ends, start + BLOCK))])
            table = self._block(start, end)
            yield table.take(
                pc.sort_indices(table, [(name, "ascending") for name in ("section", "game", "title", "url")])
            )
            start = end

    def _block(self, start: int, end: int) -> pa.Table:
        rng, rows = np.random.default_rng([self.rows, start]), end - start
        game, is_missing, digest = self.game[start:end], self.is_missing[start:end], self.digest[start:end]
        words = [pa.array(WORDS).take(pa.array(rng.integers(0, len(WORDS), rows))) for _ in range(3)]
        moment = pa.array(1_700_000_000_000_000 + np.arange(start, end) * 1_000_000).cast(pa.timestamp("us", tz="UTC"))
        section, slug = named("section-", game % SECTIONS), named("game-", game)
        address = ("https://www.vgmusic.com/music/", section, "/", slug, "_", named("", np.arange(start, end)), ".mid")
        columns = {
            "source": pa.repeat("vgmusic", rows),
            "section": section,
            "url": pc.binary_join_element_wise(*address, ""),
            "game_title": named("The Game Number ", game),
            "game": slug,
            "series": named("series-", game % SERIES),
            "title": pc.binary_join_element_wise(*words, named("", rng.integers(0, 1000, rows)), " "),
            "sequencer": unless(rng.random(rows) < 0.05, named("sequencer ", rng.integers(0, SEQUENCERS, rows))),
            "state": pc.if_else(pa.array(is_missing), "missing", "fetched"),
            "reason": unless(~is_missing, pa.repeat("http_404: not found", rows)),
            "md5": hexadecimal(digest ^ np.uint64(0x5DEECE66D), 32),
            "sha256": unless(is_missing, hexadecimal(digest, 64)),
            "bytes": pa.array(rng.lognormal(9.5, 0.8, rows).astype(np.int64)),
            "fetched_at": unless(is_missing, moment),
            "etag": unless(is_missing, hexadecimal(digest * np.uint64(3), 16)),
            "last_modified": pa.repeat("Mon, 01 Jan 2001 00:00:00 GMT", rows),
            "listed_at": unless(rng.random(rows) < 0.9, moment),
            "gone_since": unless(rng.random(rows) < 0.99, moment),
        }
        return pa.table([columns[field.name].cast(field.type) for field in PIECES], schema=PIECES)

    def measures(self) -> Iterator[pa.Table]:
        """Return the measures of all stored pieces, by SHA-256."""
        digests = np.sort(self.digest[~self.is_missing])
        for start in range(0, len(digests), BLOCK):
            rng, some = np.random.default_rng([self.rows, start, 1]), digests[start : start + BLOCK]
            rows = len(some)
            known = {
                "sha256": hexadecimal(some, 64),
                "measured_by": pa.repeat(2, rows),
                "tempo_bpm": pa.array(np.round(rng.lognormal(4.75, 0.3, rows), 2)),
                "notes": pa.array(rng.lognormal(6.5, 0.8, rows).astype(np.int32)),
                "time_signature": pa.array(["4/4", "3/4", "6/8", "2/4"]).take(pa.array(rng.integers(0, 4, rows))),
                "key": pa.array([f"{tonic} major" for tonic in "CDEFGAB"]).take(pa.array(rng.integers(0, 7, rows))),
            }
            columns = [
                known[field.name]
                if field.name in known
                else pa.array(rng.integers(0, 128, rows) if pa.types.is_integer(field.type) else rng.random(rows))
                for field in MEASURES
            ]
            yield pa.table([values.cast(f.type) for values, f in zip(columns, MEASURES, strict=True)], schema=MEASURES)


def make(root: Path, rows: int) -> None:
    """Write the catalog below `root` unless it exists."""
    catalog, made = Catalog(root), Made(rows)
    if catalog.is_empty():  # written directly: `add` would merge the catalog every million rows
        PartsWriter(catalog._pieces, lambda: None).write_base(made.pieces())
        PartsWriter(catalog._measures, lambda: None).write_base(made.measures())
