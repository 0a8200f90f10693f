"""Queries of one and ten million pieces, beside pandas, DuckDB and Polars.

    python benchmarks/queries.py [--rows 1000000 10000000] [--times 5] [--root FOLDER] [--ways vgpiano pandas duckdb polars]

The catalog is made up (games, titles, digests, measures), in the real schema and layout, and written by the catalog's
own writer. Each query runs in its own process to measure its peak memory. Imports are excluded from the time, opening
files is included. All ways must return the same rows and columns. `pandas` is `read_parquet(folder).query(...)`, as it
is usually written; `pandas, columns` reads only the needed columns. For measures, pandas merges, and DuckDB and Polars
join, by SHA-256.
"""

import argparse
import importlib
import json
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pyarrow as pa
from figures import Figure, Setting
from made_catalog import make

from catalog.query.compiler import columns_of
from catalog.schema import MEASURED, PIECES
from catalog.store import ROWS, Catalog

OUT = ("game", "title", "sequencer", "bytes", "state")


@dataclass(frozen=True, slots=True)
class Question:
    """One query for vgpiano and pandas, the same as SQL, and the columns to return."""

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


def ours(root: Path, question: Question) -> Any:
    return Catalog(root).pieces(question.query, question.columns)


def of_pandas(root: Path, question: Question, *, columns_only: bool) -> Any:
    import pandas as pd

    def read(folder: str, columns: Sequence[str]) -> Any:
        return pd.read_parquet(root / "catalog" / folder, columns=list(columns) if columns_only else None)

    needed = {*question.columns, *columns_of(question.query)}
    frame = read("pieces", [n for n in PIECES.names if n in needed or (n == "sha256" and question.measured)])
    if question.measured:
        frame = frame.merge(read("measures", ["sha256", *question.measured]), how="left", on="sha256")
    return pa.Table.from_pandas(frame.query(question.query)[list(question.columns)], preserve_index=False)


def of_duckdb(root: Path, question: Question) -> Any:
    import duckdb

    source = f"read_parquet('{root}/catalog/pieces/*.parquet')"
    if question.measured:
        source += f" left join read_parquet('{root}/catalog/measures/*.parquet') using (sha256)"
    return duckdb.sql(f"select {', '.join(question.columns)} from {source} where {question.sql}").to_arrow_table()  # noqa: S608


def of_polars(root: Path, question: Question) -> Any:
    import polars as pl

    frame = pl.scan_parquet(root / "catalog" / "pieces")
    if question.measured:
        frame = frame.join(pl.scan_parquet(root / "catalog" / "measures"), on="sha256", how="left")
    found = pl.SQLContext(t=frame).execute(
        f"select {', '.join(question.columns)} from t where {question.sql.replace('contains(', 'regexp_like(')}"  # noqa: S608
    )
    return found.collect(engine="streaming").to_arrow()


WAYS: dict[str, Any] = {
    "vgpiano": ours,
    "pandas, columns": lambda root, question: of_pandas(root, question, columns_only=True),
    "pandas": lambda root, question: of_pandas(root, question, columns_only=False),
    "duckdb": of_duckdb,
    "polars": of_polars,
}
LIBRARY = {"pandas, columns": "pandas", "pandas": "pandas", "duckdb": "duckdb", "polars": "polars"}


def digest(table: pa.Table) -> list[int]:
    """Return the number of rows and the sum of their hashes, independent of order."""
    from pandas.util import hash_pandas_object

    same = table.cast(pa.schema([(field.name, ROWS.field(field.name).type) for field in table.schema]))
    return [len(same), int(hash_pandas_object(same.to_pandas(), index=False).sum()) % 2**53]


def run_question(way: str, root: Path, number: int) -> None:
    """Run one query once; print its time, memory and digest.

    The values are wall and CPU seconds, and the peak memory in MB.
    """
    if way in LIBRARY:
        importlib.import_module(LIBRARY[way])
    clock, processor = time.perf_counter(), time.process_time()
    found = WAYS[way](root, QUESTIONS[number])
    clock, processor = time.perf_counter() - clock, time.process_time() - processor
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": clock, "cpu": processor, "mb": peak, "digest": digest(found)}))


def in_own_process(*arguments: object) -> str:
    """Run this file with these arguments and return its output.

    Its peak memory starts at that of this process, which stays small.
    """
    command = [sys.executable, __file__, *map(str, arguments)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def compare(root: Path, ways: Sequence[str], number: int, times: int) -> dict[str, dict[str, tuple[float, ...]]]:
    """Run one query in every way, alternately; return seconds, cpu and mb by way.

    The first of `ways` is ours. Raises SystemExit if two ways return different rows.
    """
    found: dict[str, list[dict[str, Any]]] = {way: [] for way in ways}
    for _ in range(times):
        for way in ways:
            results = json.loads(in_own_process("--answer", way, "--number", number, "--root", root))
            found[way].append(results)
            if results["digest"] != found[ways[0]][0]["digest"]:
                raise SystemExit(f"{QUESTIONS[number].query}: {way} returns other rows than {ways[0]}")
    rows = {way: (float(answers[0]["digest"][0]),) for way, answers in found.items()}
    return {
        way: {name: tuple(each[name] for each in answers) for name in ("seconds", "cpu", "mb")} | {"rows": rows[way]}
        for way, answers in found.items()
    }


def figures(setting: Setting) -> list[Figure]:
    """Every query on a million rows in every way, and on ten million beside DuckDB.

    The most selective query is also compared with pandas on ten million rows.
    """
    found = []
    for size, full in (("1m", 1_000_000), ("10m", 10_000_000)):
        rows = max(20_000, round(full * setting.share))
        root = setting.work / size
        in_own_process("--make", rows, "--root", root)
        for number, question in enumerate(QUESTIONS):
            ways = list(WAYS) if size == "1m" else ["vgpiano", "duckdb", *(["pandas"] if number == 0 else [])]
            results = compare(root, ways, number, setting.times)
            found += beside(
                f"queries/{size}-{slug(question.name)}", f"query of {rows:,} rows: {question.name}", question, results
            )
        shutil.rmtree(root)
    return found


def beside(id_: str, name: str, question: Question, results: dict[str, dict[str, tuple[float, ...]]]) -> list[Figure]:
    """Return seconds, CPU seconds and memory of one query, ours beside each peer."""
    note = f"`{question.query}`, {results['vgpiano']['rows'][0]:,.0f} rows."
    quantities = (("seconds", "", "s"), ("cpu", "-cpu", "s CPU"), ("mb", "-memory", "peak MB"))
    return [
        Figure(
            f"{id_}{ending}/{slug(way)}",
            name,
            unit,
            results["vgpiano"][quantity],
            f"{way} {version(LIBRARY[way])}",
            results[way][quantity],
            note=note,
        )
        for quantity, ending, unit in quantities
        for way in results
        if way != "vgpiano"
    ]


def slug(name: str) -> str:
    """Return a name as part of an id."""
    return "-".join(re.findall("[a-z0-9]+", name.lower()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000_000, 10_000_000])
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--ways", nargs="+", choices=list(WAYS), default=list(WAYS))
    parser.add_argument("--questions", type=int, nargs="+", help=f"0 to {len(QUESTIONS) - 1}; by default all")
    parser.add_argument("--root", type=Path, help="folder that keeps the catalogs; by default a temporary folder")
    parser.add_argument("--answer", choices=list(WAYS), help=argparse.SUPPRESS)
    parser.add_argument("--make", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--number", type=int, default=0, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.make:
        make(options.root, options.make)
        return
    if options.answer:
        run_question(options.answer, options.root, options.number)
        return
    ways = ["vgpiano", *(way for way in options.ways if way != "vgpiano")]
    with tempfile.TemporaryDirectory(prefix="vgpiano-") as folder:
        for rows in options.rows:
            root = (options.root or Path(folder)) / str(rows)
            start = time.perf_counter()
            in_own_process("--make", rows, "--root", root)
            megabytes = sum(path.stat().st_size for path in root.rglob("*.parquet")) / 1e6
            print(f"{rows:,} pieces in {megabytes:,.0f} MB, written in {time.perf_counter() - start:.0f} s", flush=True)
            for number, question in enumerate(QUESTIONS):
                if options.questions and number not in options.questions:
                    continue
                print_times(question, compare(root, ways, number, options.times))


def print_times(question: Question, found: dict[str, dict[str, tuple[float, ...]]]) -> None:
    """Print a line for each way: seconds, CPU seconds, peak memory, ratio to ours.

    Seconds are medians with their range, CPU seconds medians, memory the highest peak.
    """
    mine = found["vgpiano"]
    print(f"{question.query}: {mine['rows'][0]:,.0f} rows", flush=True)
    for way, results in found.items():
        ratios = (statistics.median(results[name]) / statistics.median(mine[name]) for name in ("seconds", "cpu"))
        print(
            f"    {way:<17}{statistics.median(results['seconds']):8.3f} s ({min(results['seconds']):.3f}–{max(results['seconds']):.3f})"
            f"{statistics.median(results['cpu']):8.3f} s CPU{max(results['mb']):7.0f} MB"
            + ("" if way == "vgpiano" else "   {:.2f} times ours, CPU {:.2f} times".format(*ratios)),
            flush=True,
        )


if __name__ == "__main__":
    main()
