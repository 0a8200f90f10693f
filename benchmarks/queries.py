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
    """Answer one question once; print the seconds by the clock and of the processor, the peak of memory in MB by then, and the digest."""
    if way in LIBRARY:
        importlib.import_module(LIBRARY[way])
    clock, processor = time.perf_counter(), time.process_time()
    found = WAYS[way](root, QUESTIONS[number])
    clock, processor = time.perf_counter() - clock, time.process_time() - processor
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": clock, "cpu": processor, "mb": peak, "digest": digest(found)}))


def in_own_process(*arguments: object) -> str:
    """Run this file with these arguments and return what it printed; its peak of memory begins with ours, which stays small."""
    command = [sys.executable, __file__, *map(str, arguments)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def compare(root: Path, ways: Sequence[str], number: int, times: int) -> dict[str, dict[str, tuple[float, ...]]]:
    """Ask one question in every way, in turns, and return by way what `answer` told: seconds, cpu, mb. The first of `ways` is ours.

    Raises SystemExit where two ways do not find the same rows.
    """
    found: dict[str, list[dict[str, Any]]] = {way: [] for way in ways}
    for _ in range(times):
        for way in ways:
            told = json.loads(in_own_process("--answer", way, "--number", number, "--root", root))
            found[way].append(told)
            if told["digest"] != found[ways[0]][0]["digest"]:
                raise SystemExit(f"{QUESTIONS[number].query}: {way} gives other rows than {ways[0]}")
    rows = {way: (float(answers[0]["digest"][0]),) for way, answers in found.items()}
    return {
        way: {name: tuple(each[name] for each in answers) for name in ("seconds", "cpu", "mb")} | {"rows": rows[way]}
        for way, answers in found.items()
    }


def figures(setting: Setting) -> list[Figure]:
    """Every question at a million rows in every way, and at ten million beside DuckDB, and beside pandas for the most selective one."""
    found = []
    for size, full in (("1m", 1_000_000), ("10m", 10_000_000)):
        rows = max(20_000, round(full * setting.share))
        root = setting.work / size
        in_own_process("--make", rows, "--root", root)
        for number, question in enumerate(QUESTIONS):
            ways = list(WAYS) if size == "1m" else ["vgpiano", "duckdb", *(["pandas"] if number == 0 else [])]
            told = compare(root, ways, number, setting.times)
            found += beside(
                f"queries/{size}-{slug(question.name)}", f"query of {rows:,} rows: {question.name}", question, told
            )
        shutil.rmtree(root)
    return found


def beside(id_: str, name: str, question: Question, told: dict[str, dict[str, tuple[float, ...]]]) -> list[Figure]:
    """Seconds, CPU seconds and memory of one question, ours beside each peer."""
    note = f"`{question.query}`, {told['vgpiano']['rows'][0]:,.0f} rows."
    quantities = (("seconds", "", "s"), ("cpu", "-cpu", "s CPU"), ("mb", "-memory", "MB at the most"))
    return [
        Figure(
            f"{id_}{ending}/{slug(way)}",
            name,
            unit,
            told["vgpiano"][quantity],
            f"{way} {version(LIBRARY[way])}",
            told[way][quantity],
            note=note,
        )
        for quantity, ending, unit in quantities
        for way in told
        if way != "vgpiano"
    ]


def slug(name: str) -> str:
    """A name as a part of an id."""
    return "-".join(re.findall("[a-z0-9]+", name.lower()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000_000, 10_000_000])
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--ways", nargs="+", choices=list(WAYS), default=list(WAYS))
    parser.add_argument("--questions", type=int, nargs="+", help=f"0 to {len(QUESTIONS) - 1}; else all")
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
                tell(question, compare(root, ways, number, options.times))


def tell(question: Question, found: dict[str, dict[str, tuple[float, ...]]]) -> None:
    """Print a line for each way: median and spread of seconds, median of CPU seconds, highest peak of memory, and how often ours."""
    mine = found["vgpiano"]
    print(f"{question.query}: {mine['rows'][0]:,.0f} rows", flush=True)
    for way, told in found.items():
        ratios = (statistics.median(told[name]) / statistics.median(mine[name]) for name in ("seconds", "cpu"))
        print(
            f"    {way:<17}{statistics.median(told['seconds']):8.3f} s ({min(told['seconds']):.3f}–{max(told['seconds']):.3f})"
            f"{statistics.median(told['cpu']):8.3f} s CPU{max(told['mb']):7.0f} MB"
            + ("" if way == "vgpiano" else "   {:.2f} times ours, CPU {:.2f} times".format(*ratios)),
            flush=True,
        )


if __name__ == "__main__":
    main()
