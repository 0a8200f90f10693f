"""Bring the catalog's measures up to date.

In: a catalog and a query. Every stored file that matches is parsed and gets its row of measures.
"""

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

BATCH = 1000  # measures written at a time: the most that a killed run loses


@dataclass(frozen=True, slots=True)
class Measured:
    """Counts of a run: files, those measured before and now, unreadable ones."""

    files: int
    before: int  # by the current definitions; older measures are replaced
    now: int
    unreadable: Mapping[str, int]  # reason: number of files; they are included in `now`, with 0 notes


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
    """Measure the fetched files of `query` that this version has not measured.

    Without a query all files are considered; with `again` measured ones are measured again. `workers` and `executor`
    are as in `dataset.parse.parse_all`. Raises QueryError for an invalid query, CatalogError while another process
    writes to the catalog.
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
    if wanted or catalog.was_left():  # opening the writer merges the files of a killed one
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
    """Return a table of schema MEASURES, one row per piece."""
    pairs = zip(sha256, measures, strict=True)
    rows = [{**asdict(values), "sha256": name, "measured_by": MEASURED_BY} for name, values in pairs]
    return pa.Table.from_pylist(rows, schema=MEASURES)
