"""Queries of a catalog of a million and of ten million pieces, beside pandas, DuckDB and Polars on the same files.

    python benchmarks/queries.py [--rows 1000000 10000000] [--times 5] [--root FOLDER] [--ways vgpiano pandas duckdb polars]

The catalog is made up (games, titles, digests, measures), in the real schema and layout: catalog's own writer writes it. Each query
runs in a process of its own, so that its peak of memory is its own; imports are left out of the time, opening files is in it. All must
give the same rows in the same columns. `pandas` is `read_parquet(folder).query(...)` as one writes it, `pandas, columns` is told which
columns are needed; where a measure is asked for, both merge, and DuckDB and Polars join, the measures by SHA-256.
"""

import argparse
import importlib
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from catalog.parts import PartsWriter
from catalog.query import columns_of
from catalog.schema import MEASURED, MEASURES, PIECES
from catalog.store import ROWS, Catalog

_WORDS = """
boss castle cave dungeon ending field fire forest ice island lost main menu moon night opening river shop sky snow stage star storm temple
theme title tower town valley victory village water wind woods world
"""
WORDS = _WORDS.split()
SECTIONS, GAMES, SERIES, SEQUENCERS = 60, 40_000, 12_000, 20_000
BLOCK = 100_000  # rows made at a time
OUT = ("game", "title", "sequencer", "bytes", "state")


@dataclass(frozen=True, slots=True)
class Question:
    """One query, as ours and pandas take it, as SQL, and the columns wanted of the rows."""

    name: str
    query: str
    sql: str
    columns: tuple[str, ...] = OUT

    @property
    def measured(self) -> list[str]:
        return [name for name in MEASURED if name in {*self.columns, *columns_of(self.query)}]


QUESTIONS = (
    Question("one game", "game == 'game-01234'", "game = 'game-01234'"),
    Question("fast pieces (0.3 %)", "tempo_bpm >= 270", "tempo_bpm >= 270", (*OUT, "tempo_bpm")),
    Question("part of a title", "title.str.contains('moon castle moon')", "contains(title, 'moon castle moon')"),
    Question(
        "a conjunction",
        "series == 'series-00012' and tempo_bpm > 140 and title.str.contains('castle')",
        "series = 'series-00012' and tempo_bpm > 140 and contains(title, 'castle')",
        (*OUT, "tempo_bpm"),
    ),
    Question("half of all", "bytes > 13500", "bytes > 13500"),
)


def hexadecimal(numbers: np.ndarray[Any, np.dtype[np.uint64]], width: int) -> pa.Array:
    """`width` hexadecimal digits for each number, which begin with those of the number itself: in the numbers' order."""
    words, state = [numbers], numbers
    for _ in range(width // 16 - 1):  # the rest by splitmix64
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
    """A made-up catalog of so many pieces; the same number gives the same rows."""

    def __init__(self, rows: int) -> None:
        self.rows = rows
        luck = np.random.default_rng(rows)
        share = luck.lognormal(0, 1.2, GAMES)
        game = np.sort(luck.choice(GAMES, rows, p=share / share.sum()))
        self.game = game[
            np.argsort(game % SECTIONS, kind="stable")
        ]  # by section, then by game: the order of the catalog
        self.digest = luck.permutation(rows).astype(np.uint64) * np.uint64(2**64 // rows)
        self.gone = luck.random(rows) < 0.02

    def pieces(self) -> Iterator[pa.Table]:
        """The rows in the catalog's order, whole games at a time."""
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
        luck, rows = np.random.default_rng([self.rows, start]), end - start
        game, gone, digest = self.game[start:end], self.gone[start:end], self.digest[start:end]
        words = [pa.array(WORDS).take(pa.array(luck.integers(0, len(WORDS), rows))) for _ in range(3)]
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
            "title": pc.binary_join_element_wise(*words, named("", luck.integers(0, 1000, rows)), " "),
            "sequencer": unless(luck.random(rows) < 0.05, named("sequencer ", luck.integers(0, SEQUENCERS, rows))),
            "state": pc.if_else(pa.array(gone), "missing", "fetched"),
            "reason": unless(~gone, pa.repeat("http_404: not found", rows)),
            "md5": hexadecimal(digest ^ np.uint64(0x5DEECE66D), 32),
            "sha256": unless(gone, hexadecimal(digest, 64)),
            "bytes": pa.array(luck.lognormal(9.5, 0.8, rows).astype(np.int64)),
            "fetched_at": unless(gone, moment),
            "etag": unless(gone, hexadecimal(digest * np.uint64(3), 16)),
            "last_modified": pa.repeat("Mon, 01 Jan 2001 00:00:00 GMT", rows),
            "listed_at": unless(luck.random(rows) < 0.9, moment),
            "gone_since": unless(luck.random(rows) < 0.99, moment),
        }
        return pa.table([columns[field.name].cast(field.type) for field in PIECES], schema=PIECES)

    def measures(self) -> Iterator[pa.Table]:
        """The measures of all pieces that are held, by SHA-256."""
        digests = np.sort(self.digest[~self.gone])
        for start in range(0, len(digests), BLOCK):
            luck, some = np.random.default_rng([self.rows, start, 1]), digests[start : start + BLOCK]
            rows = len(some)
            known = {
                "sha256": hexadecimal(some, 64),
                "measured_by": pa.repeat(2, rows),
                "tempo_bpm": pa.array(np.round(luck.lognormal(4.75, 0.3, rows), 2)),
                "notes": pa.array(luck.lognormal(6.5, 0.8, rows).astype(np.int32)),
                "time_signature": pa.array(["4/4", "3/4", "6/8", "2/4"]).take(pa.array(luck.integers(0, 4, rows))),
                "key": pa.array([f"{tonic} major" for tonic in "CDEFGAB"]).take(pa.array(luck.integers(0, 7, rows))),
            }
            columns = [
                known[field.name]
                if field.name in known
                else pa.array(luck.integers(0, 128, rows) if pa.types.is_integer(field.type) else luck.random(rows))
                for field in MEASURES
            ]
            yield pa.table([values.cast(f.type) for values, f in zip(columns, MEASURES, strict=True)], schema=MEASURES)


def make(root: Path, rows: int) -> None:
    """Write the catalog below `root`, unless it is there. In a process of its own: a child's peak of memory begins with its parent's."""
    catalog, made = Catalog(root), Made(rows)
    if catalog.is_empty():  # written as a merge writes: through `add` it would be merged once a million rows
        PartsWriter(catalog._pieces, lambda: None).write_base(made.pieces())
        PartsWriter(catalog._measures, lambda: None).write_base(made.measures())


def ours(root: Path, asked: Question) -> Any:
    return Catalog(root).pieces(asked.query, asked.columns)


def of_pandas(root: Path, asked: Question, *, told: bool) -> Any:
    import pandas as pd

    def read(folder: str, columns: Sequence[str]) -> Any:
        return pd.read_parquet(root / "catalog" / folder, columns=list(columns) if told else None)

    needed = {*asked.columns, *columns_of(asked.query)}
    frame = read("pieces", [n for n in PIECES.names if n in needed or (n == "sha256" and asked.measured)])
    if asked.measured:
        frame = frame.merge(read("measures", ["sha256", *asked.measured]), how="left", on="sha256")
    return pa.Table.from_pandas(frame.query(asked.query)[list(asked.columns)], preserve_index=False)


def of_duckdb(root: Path, asked: Question) -> Any:
    import duckdb

    source = f"read_parquet('{root}/catalog/pieces/*.parquet')"
    if asked.measured:
        source += f" left join read_parquet('{root}/catalog/measures/*.parquet') using (sha256)"
    return duckdb.sql(f"select {', '.join(asked.columns)} from {source} where {asked.sql}").to_arrow_table()  # noqa: S608


def of_polars(root: Path, asked: Question) -> Any:
    import polars as pl

    frame = pl.scan_parquet(root / "catalog" / "pieces")
    if asked.measured:
        frame = frame.join(pl.scan_parquet(root / "catalog" / "measures"), on="sha256", how="left")
    found = pl.SQLContext(t=frame).execute(
        f"select {', '.join(asked.columns)} from t where {asked.sql.replace('contains(', 'regexp_like(')}"  # noqa: S608
    )
    return found.collect(engine="streaming").to_arrow()


WAYS: dict[str, Any] = {
    "vgpiano": ours,
    "pandas, columns": lambda root, asked: of_pandas(root, asked, told=True),
    "pandas": lambda root, asked: of_pandas(root, asked, told=False),
    "duckdb": of_duckdb,
    "polars": of_polars,
}
LIBRARY = {"pandas, columns": "pandas", "pandas": "pandas", "duckdb": "duckdb", "polars": "polars"}


def digest(table: pa.Table) -> list[int]:
    """What must be the same whoever answers, in whatever order: how many rows, and the sum of the rows' hashes."""
    from pandas.util import hash_pandas_object

    same = table.cast(pa.schema([(field.name, ROWS.field(field.name).type) for field in table.schema]))
    return [len(same), int(hash_pandas_object(same.to_pandas(), index=False).sum()) % 2**53]


def answer(way: str, root: Path, number: int) -> None:
    """Answer one question once; print the seconds, the peak of memory in MB by then, and the digest of the rows."""
    if way in LIBRARY:
        importlib.import_module(LIBRARY[way])
    start = time.perf_counter()
    found = WAYS[way](root, QUESTIONS[number])
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "mb": peak, "digest": digest(found)}))


@dataclass(frozen=True, slots=True)
class Answer:
    """What one way took for one question: seconds of each time, the highest peak of memory in MB, and what it found."""

    seconds: tuple[float, ...]
    mb: float
    digest: tuple[int, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)


def asked(way: str, root: Path, number: int, times: int) -> Answer:
    """Answer one question so many times, each in a process of its own."""
    command = [sys.executable, __file__, "--answer", way, "--number", str(number), "--root", str(root)]
    done = [
        json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout) for _ in range(times)
    ]
    return Answer(
        seconds=tuple(each["seconds"] for each in done),
        mb=max(each["mb"] for each in done),
        digest=tuple(done[0]["digest"]),
    )


def compare(root: Path, rows: int, times: int, ways: Sequence[str]) -> dict[str, dict[str, Answer]]:
    """Ask every question in every way, print a line for each, and return the answers by question and way.

    Raises SystemExit where two ways do not find the same rows.
    """
    found: dict[str, dict[str, Answer]] = {}
    for number, question in enumerate(QUESTIONS):
        answers = found[question.name] = {way: asked(way, root, number, times) for way in ways}
        mine = answers["vgpiano"]
        for way, theirs in answers.items():
            spread = f"{min(theirs.seconds):.3f}–{max(theirs.seconds):.3f}"
            ratio = "" if way == "vgpiano" else f"  {theirs.median / mine.median:6.2f} times ours"
            print(
                f"{rows:>10,}  {question.name:<22}{way:<17}{theirs.median:8.3f} s ({spread})  {theirs.mb:7.0f} MB  "
                f"{theirs.digest[0]:>9,} rows{ratio}",
                flush=True,
            )
            if theirs.digest != mine.digest:
                raise SystemExit(
                    f"{question.query}: {way} gives other rows than vgpiano: {theirs.digest} and {mine.digest}"
                )
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000_000, 10_000_000])
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--ways", nargs="+", choices=list(WAYS), default=list(WAYS))
    parser.add_argument("--root", type=Path, help="where the catalogs are made and kept; else a temporary folder")
    parser.add_argument("--answer", choices=list(WAYS), help=argparse.SUPPRESS)
    parser.add_argument("--make", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--number", type=int, default=0, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.make:
        make(options.root, options.make)
        return
    if options.answer:
        answer(options.answer, options.root, options.number)
        return
    with tempfile.TemporaryDirectory(prefix="vgpiano-") as folder:
        for rows in options.rows:
            root = (options.root or Path(folder)) / str(rows)
            start = time.perf_counter()
            subprocess.run([sys.executable, __file__, "--make", str(rows), "--root", str(root)], check=True)
            took = time.perf_counter() - start
            megabytes = sum(path.stat().st_size for path in root.rglob("*.parquet")) / 1e6
            print(f"{rows:>10,}  pieces in {megabytes:,.0f} MB, written in {took:.0f} s", flush=True)
            compare(root, rows, options.times, ["vgpiano", *(way for way in options.ways if way != "vgpiano")])


if __name__ == "__main__":
    main()
