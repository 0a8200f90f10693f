"""Parse rows of the catalog, filter them, and relate the pieces that remain. Writes nothing.

In: rows of the catalog and a `Plan`. Out: `Related`, which says of each row whether it remains or why not, and of the
remaining pieces how they are related. Files that were parsed before are not parsed again.
"""

from concurrent.futures import Executor
from dataclasses import dataclass, field

from catalog.base.console import Report, stage
from catalog.base.errors import CorpusError
from catalog.schema import FETCHED
from catalog.storage.remote import AnyPath
from catalog.store import Catalog
from dataset.duplicates.decisions import DuplicateDecisions, decide_duplicates
from dataset.funnel import CatalogRow, FunnelRows
from dataset.notes.model import Notes
from dataset.parse import Parsed, ParseTask, parse_all
from dataset.plan import Plan

# the stages of excluded.parquet
FETCH, PARSING, FILTER, DUPLICATE, SPLIT = "fetch", "parse", "filter", "duplicate", "split"
NOT_FETCHED = "not_fetched"  # the reason for a state that this version does not know
BY_HAND = "by_hand"  # the reason for pieces that `catalog edit --exclude` leaves out


@dataclass(frozen=True, slots=True)
class Related:
    """Rows of the catalog after parsing and filters, and how the remaining pieces are related.

    `related` are the indices of the rows that passed the filters.
    """

    funnel_rows: FunnelRows
    counts: dict[str, int]
    found: dict[str, Parsed]
    related: list[int]
    decisions: DuplicateDecisions

    def names(self) -> list[str]:
        """Return the sha256 of each related piece."""
        return [self.funnel_rows.rows[index]["sha256"] for index in self.related]


@dataclass(frozen=True, slots=True)
class Parser:
    """How rows are parsed and filtered, and what was parsed before."""

    root: AnyPath
    plan: Plan
    workers: int | None
    executor: Executor | None
    report: Report
    task: str
    parsed: dict[str, Parsed] = field(default_factory=dict)  # by sha256, with the plan's `piano_tracks`

    def related(self, rows: list[CatalogRow]) -> Related:
        """Parse and filter the pieces of `rows`, and relate those that remain."""
        funnel_rows = FunnelRows(rows, list(range(len(rows))), {})
        for index, row in enumerate(rows):
            if row["state"] != FETCHED or row["sha256"] is None:
                reason = row["state"] if row["state"] != FETCHED else NOT_FETCHED
                funnel_rows.drop(index, FETCH, reason, row["reason"] or "")
        counts = {"listed": len(rows), "fetched": funnel_rows.remove_dropped()}
        found = self._parse(funnel_rows)
        counts["parsed"] = funnel_rows.remove_dropped()
        for index in funnel_rows.remaining:
            if rows[index].get("excluded") is not None:
                funnel_rows.drop(index, FILTER, BY_HAND, rows[index]["excluded"])
                continue
            verdict = self.plan.filters.judge(found[rows[index]["sha256"]].measures)
            if verdict:
                funnel_rows.drop(index, FILTER, verdict.reason, verdict.detail)
        counts["kept"] = funnel_rows.remove_dropped()
        related = list(funnel_rows.remaining)
        decisions = decide_duplicates(
            [rows[index] for index in related],
            [notes_of(found[rows[index]["sha256"]]) for index in related],
            self.plan.filters.drop,
            stage(self.report, "comparing"),
        )
        return Related(funnel_rows, counts, found, related, decisions)

    def _parse(self, funnel_rows: FunnelRows) -> dict[str, Parsed]:
        """Parse each distinct file once, and drop the pieces without notes."""
        names = dict.fromkeys(funnel_rows.rows[index]["sha256"] for index in funnel_rows.remaining)
        wanted = [sha256 for sha256 in names if sha256 not in self.parsed]
        with Catalog(self.root).nearby(wanted) as near:
            tasks = [ParseTask(each, near.blob_path(each), piano_only=self.plan.piano_tracks) for each in wanted]
            done = parse_all(tasks, workers=self.workers, executor=self.executor, task=self.task)
            for count, (item, parsed) in enumerate(done, start=1):
                self.parsed[item.sha256] = parsed
                self.report(count, len(tasks))
        for index in funnel_rows.remaining:
            parsed = self.parsed[funnel_rows.rows[index]["sha256"]]
            if parsed.notes is None:
                funnel_rows.drop(index, PARSING, parsed.reason or "no_notes", parsed.detail)
        return self.parsed


def notes_of(parsed: Parsed) -> Notes:
    """Return the notes of a piece that has some."""
    if parsed.notes is None:
        raise CorpusError("a piece without notes passed the filters; please report it")
    return parsed.notes
