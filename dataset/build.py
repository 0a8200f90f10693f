"""Build a corpus: list, fetch, parse, filter, deduplicate, split and write.

In: a catalog and a `Plan`. Out: a corpus folder. Each listed piece is either in notes.parquet or, with a stage and a
reason, in excluded.parquet, which also has the pieces of the same games that the query leaves out. The same catalog,
query, seed and filters give the same bytes, for any number of workers.
"""

import difflib
import re
from collections import Counter
from concurrent.futures import Executor
from dataclasses import dataclass, replace

from catalog.base.console import Report
from catalog.base.errors import CorpusError
from catalog.base.names import validate_name
from catalog.edits.entries import edits_of
from catalog.hints import empty_catalog_message
from catalog.named import with_slugs
from catalog.schema import FETCHED
from catalog.storage.remote import AnyPath
from catalog.store import Catalog
from dataset.corpus.corpus import Corpus, CorpusPiece
from dataset.corpus.folder_store import corpora_folder, locked, recover, replacing_folder
from dataset.corpus.manifest import MANIFEST_FILE, Funnel
from dataset.corpus.schema import SPLITS
from dataset.corpus.split_ledger import read_splits, write_splits
from dataset.duplicates.decisions import (
    SPANS_SPLITS,
    DuplicateDecisions,
    SplitAssignment,
    assign_splits,
    decide_duplicates,
)
from dataset.funnel import CatalogRow, FunnelRows, check, write_corpus
from dataset.measure import to_table as measures_table
from dataset.notes.model import Notes
from dataset.parse import PARSE, Parsed, ParseTask, parse_all
from dataset.plan import COLUMNS, Plan, identity
from dataset.unmatched import unmatched

# the stages of excluded.parquet
FETCH, PARSING, FILTER, DUPLICATE, SPLIT = "fetch", "parse", "filter", "duplicate", "split"
NOT_FETCHED = "not_fetched"  # the reason for a state that this version does not know
BY_HAND = "by_hand"  # the reason for pieces that `catalog edit --exclude` leaves out
DATES = ("listed_at", "fetched_at")  # of provenance.parquet
IGNORE_PROGRESS: Report = lambda done, total: None  # noqa: E731


def ensure_corpus(
    root: AnyPath,
    query: str,
    name: str | None = None,
    *,
    seed: int = 0,
    executor: Executor | None = None,
    report: Report = IGNORE_PROGRESS,
) -> Corpus:
    """Return the corpus for `query`, building it unless an up-to-date one exists.

    An existing corpus is up to date if it was built from the same catalog rows, settings and versions. Raises
    QueryError for an invalid query, CorpusError if no piece matches or none remains.
    """
    plan = Plan(query=_slugged(root, query), seed=seed)
    folder = _folder(root, name or plan.name)
    recover(folder)
    if (folder / MANIFEST_FILE).is_file():
        try:
            corpus = Corpus.open(root, folder.name)
        except CorpusError:  # damaged or in an older format: build it again
            return build_corpus(root, plan, name, executor=executor, report=report)
        rows = _list(root, plan.query)
        if corpus.manifest.identity == identity(plan, rows, unmatched(Catalog(root), plan.query, rows)):
            return corpus
    return build_corpus(root, plan, name, executor=executor, report=report)


def build_corpus(
    root: AnyPath,
    plan: Plan,
    name: str | None = None,
    *,
    workers: int | None = None,
    executor: Executor | None = None,
    report: Report = IGNORE_PROGRESS,
    task: str = PARSE,
) -> Corpus:
    """Build the corpus of `plan` under `root`/corpora and return it.

    A corpus of the same name is replaced as a whole. `workers` is the number of parsing processes, by default one per
    core. If an `executor` is given, it does the parsing; the corpus is byte-identical. `task` names the parsing
    function (see `dataset.parse.parse_all`). Raises UsageError for an invalid name, QueryError for an invalid query,
    CorpusError if no piece matches, none remains, or another build holds the lock for too long.
    """
    plan = replace(plan, query=_slugged(root, plan.query))
    folder = _folder(root, name or plan.name)
    rows = _list(root, plan.query)
    parse = _Parser(root, plan, workers, executor, report, task)
    held = parse.related(rows)
    for position, (kept, reason) in held.decisions.left_out.items():
        row = rows[held.related[kept]]
        held.funnel_rows.drop(held.related[position], DUPLICATE, reason, f"{row['sha256']} {row['url']}")
    funnel_rows, found, counts = held.funnel_rows, held.found, held.counts
    whole = _whole_catalog(root, plan.seed, parse, held)
    with locked(folder.parent) as hold, replacing_folder(folder, hold) as new:
        if whole is not None:
            _assign(root, plan.seed, whole)
        pieces = _split(root, plan.seed, held)
        counts["unique"] = funnel_rows.remove_dropped()
        splits = Counter(piece.split for piece in pieces)
        funnel = Funnel(**counts, **{split: splits[split] for split in SPLITS})
        check(funnel, pieces, funnel_rows)
        if not pieces:
            raise CorpusError(f"none of {len(rows)} pieces remains: {funnel_rows.describe_reasons()}")
        measured = [found[piece.sha256].measures for piece in pieces]
        measures = measures_table([piece.sha256 for piece in pieces], measured)
        edits = edits_of(Catalog(root).edits(), rows)
        relations, others = held.decisions.relations, unmatched(Catalog(root), plan.query, rows)
        write_corpus(new, folder.name, plan, funnel, pieces, funnel_rows, measures, relations, edits, others)
    return Corpus.open(root, folder.name)


def _slugged(root: AnyPath, query: str) -> str:
    """Return `query` with slugs for names, so that corpora of one query have one name."""
    return with_slugs(query, lambda columns: Catalog(root).pieces(columns=columns))


def _list(root: AnyPath, query: str) -> list[CatalogRow]:
    catalog = Catalog(root)
    rows: list[CatalogRow] = catalog.pieces(query, columns=[*COLUMNS, *DATES, "md5", "excluded"]).to_pylist()
    if not rows:
        if catalog.is_empty():
            raise CorpusError(empty_catalog_message(root))
        raise CorpusError(f"no piece matches {query}{_suggestion(catalog, query)}")
    return rows


def _suggestion(catalog: Catalog, query: str) -> str:
    table = catalog.pieces(columns=["game", "series"])
    known = sorted({*table["game"].to_pylist(), *table["series"].to_pylist()})
    for _, text in re.findall(r"(['\"])(.*?)\1", query):
        near = difflib.get_close_matches(text, known, 1, 0.6) or [slug for slug in known if text and text in slug]
        if near and text not in known:
            return f"; did you mean {near[0]!r}?"
    return "; run `catalog games` to list the games"


@dataclass(frozen=True, slots=True)
class _Related:
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
class _Parser:
    """How rows are parsed and filtered."""

    root: AnyPath
    plan: Plan
    workers: int | None
    executor: Executor | None
    report: Report
    task: str

    def related(self, rows: list[CatalogRow]) -> _Related:
        """Parse and filter the pieces of `rows`, and relate those that remain."""
        funnel_rows = FunnelRows(rows, list(range(len(rows))), {})
        for index, row in enumerate(rows):
            if row["state"] != FETCHED or row["sha256"] is None:
                reason = row["state"] if row["state"] != FETCHED else NOT_FETCHED
                funnel_rows.drop(index, FETCH, reason, row["reason"] or "")
        counts = {"listed": len(rows), "fetched": funnel_rows.remove_dropped()}
        names = [rows[index]["sha256"] for index in funnel_rows.remaining]
        with Catalog(self.root).nearby(names) as near:
            found = self._parse(near, funnel_rows)
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
            [_notes(found[rows[index]["sha256"]]) for index in related],
            self.plan.filters.drop,
        )
        return _Related(funnel_rows, counts, found, related, decisions)

    def _parse(self, catalog: Catalog, funnel_rows: FunnelRows) -> dict[str, Parsed]:
        """Parse each distinct file once, and drop the pieces without notes."""
        names = dict.fromkeys(funnel_rows.rows[index]["sha256"] for index in funnel_rows.remaining)
        tasks = [ParseTask(sha256, catalog.blob_path(sha256), piano_only=self.plan.piano_tracks) for sha256 in names]
        found: dict[str, Parsed] = {}
        for item, parsed in parse_all(tasks, workers=self.workers, executor=self.executor, task=self.task):
            found[item.sha256] = parsed
            self.report(len(found), len(tasks))
        for index in funnel_rows.remaining:
            parsed = found[funnel_rows.rows[index]["sha256"]]
            if parsed.notes is None:
                funnel_rows.drop(index, PARSING, parsed.reason or "no_notes", parsed.detail)
        return found


def _whole_catalog(root: AnyPath, seed: int, parse: _Parser, held: _Related) -> _Related | None:
    """Return all pieces of the catalog if a piece of the corpus has no split yet, else None.

    Splits are assigned over the whole catalog as it is listed, so that they depend neither on the order in which
    corpora are built nor on edits.
    """
    if held.names() and not set(held.names()) <= read_splits(root, seed).keys():
        catalog = Catalog(root)
        rows: list[CatalogRow] = catalog.pieces(columns=[*COLUMNS, *DATES], edited=False).to_pylist()
        if len(rows) > len(held.funnel_rows.rows) or catalog.edits():
            return parse.related(rows)
    return None


def _assign(root: AnyPath, seed: int, held: _Related) -> SplitAssignment:
    """Assign permanent splits to related pieces and store them."""
    known = read_splits(root, seed)
    assigned = assign_splits([held.funnel_rows.rows[i] for i in held.related], held.decisions, known, seed)
    splits = zip(held.names(), assigned.splits, strict=True)
    new = {sha256: split_name for sha256, split_name in splits if split_name is not None}
    if not new.keys() <= known.keys():
        write_splits(root, seed, known | new)
    return assigned


def _notes(parsed: Parsed) -> Notes:
    if parsed.notes is None:
        raise CorpusError("a piece without notes passed the filters; please report it")
    return parsed.notes


def _split(root: AnyPath, seed: int, held: _Related) -> list[CorpusPiece]:
    """Assign a permanent split to every piece; return those kept, in order."""
    assigned = _assign(root, seed, held)
    pieces = []
    for position, (index, split_name) in enumerate(zip(held.related, assigned.splits, strict=True)):
        row = held.funnel_rows.rows[index]
        if index in held.funnel_rows.dropped:
            continue
        if split_name is None:
            held.funnel_rows.drop(index, SPLIT, SPANS_SPLITS, "related to pieces of different splits")
            continue
        pieces.append(
            CorpusPiece(
                **{
                    key: row[key]
                    for key in ("sha256", "game", "series", "title", "sequencer", "game_title", "source", "url")
                },
                cluster=assigned.cluster[position],
                work=assigned.work[position],
                split=split_name,
                notes=_notes(held.found[row["sha256"]]),
            )
        )
    return pieces


def _folder(root: AnyPath, name: str) -> AnyPath:
    return corpora_folder(root) / validate_name(name, "corpus", max_length=80, lower=True)
