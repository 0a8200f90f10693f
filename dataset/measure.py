"""Bring the catalog's measures up to date: every stored file that a query gives is parsed and gets its row of measures."""

from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import asdict, dataclass
from itertools import islice

import pyarrow as pa
import pyarrow.compute as pc

from catalog.base.console import Report
from catalog.schema import MEASURED_BY, MEASURES
from catalog.storage.remote import AnyPath
from catalog.store import Catalog
from dataset.measures.measure import Measures
from dataset.parse import PARSE, ParseTask, parse_all

BATCH = 1000  # measures written at a time: what a killed run loses at most


@dataclass(frozen=True, slots=True)
class Measured:
    """What a run did: files the query gave, those measured before, those measured now, and why some hold no notes."""

    files: int
    before: int  # by these very definitions; what an earlier version measured is measured again
    now: int
    unreadable: Mapping[str, int]  # reason: files; they are among `now`, with 0 notes


def measure_catalog(
    root: AnyPath,
    query: str | None = None,
    *,
    again: bool = False,
    workers: int | None = None,
    executor: Executor | None = None,
    report: Report | None = None,
    task: str = PARSE,
) -> Measured:
    """Measure the fetched files of `query` (all without one) that this version has not measured, or all of them `again`.

    `workers` processes of our own parse them, or an `executor` that is given (see parse.parse_all).
    Raises QueryError for a wrong query, CatalogError while another process writes to the catalog.
    """
    catalog = Catalog(root)
    listed = catalog.pieces(query, columns=["sha256"])["sha256"].drop_null().unique().to_pylist()
    measured = catalog.measures()
    known = (
        set() if again else set(measured.filter(pc.equal(measured["measured_by"], MEASURED_BY))["sha256"].to_pylist())
    )
    wanted = [sha256 for sha256 in listed if sha256 not in known]
    unreadable: Counter[str] = Counter()
    done = 0
    if wanted or catalog.was_left():  # the writer merges what a killed one left
        with catalog.writer() as writer, catalog.nearby(wanted) as near:
            files = [ParseTask(sha256, near.blob_path(sha256)) for sha256 in wanted]
            results = parse_all(files, workers=workers, executor=executor, task=task)
            while batch := list(islice(results, BATCH)):
                items, parsed = zip(*batch, strict=True)
                writer.add_measures(to_table([item.sha256 for item in items], [result.measures for result in parsed]))
                unreadable.update(result.reason for result in parsed if result.reason is not None)
                done += len(batch)
                if report:
                    report(done, len(wanted))
    return Measured(len(listed), len(listed) - len(wanted), done, dict(sorted(unreadable.items())))


def to_table(sha256: Sequence[str], measures: Sequence[Measures]) -> pa.Table:
    """Return a table of schema MEASURES, a row for each piece."""
    pairs = zip(sha256, measures, strict=True)
    rows = [{**asdict(values), "sha256": name, "measured_by": MEASURED_BY} for name, values in pairs]
    return pa.Table.from_pylist(rows, schema=MEASURES)
