"""Build a corpus: list, fetch, parse, filter, deduplicate, split and write.

In: a catalog and a `Plan`. Out: a corpus folder. Each listed piece is either in notes.parquet or, with a stage and a
reason, in excluded.parquet, which also has the pieces of the same games that the query leaves out. The same catalog,
query, seed and filters give the same bytes, for any number of workers.
"""

from collections import Counter
from concurrent.futures import Executor
from dataclasses import replace

from catalog.base.console import Report, stage
from catalog.base.errors import CorpusError
from catalog.base.names import validate_name
from catalog.edits.entries import edits_of
from catalog.hints import empty_catalog_message, name_hints
from catalog.named import with_slugs
from catalog.storage.remote import AnyPath
from catalog.store import Catalog
from dataset.corpus.corpus import Corpus, CorpusPiece
from dataset.corpus.folder_store import corpora_folder, locked, recover, replacing_folder
from dataset.corpus.manifest import MANIFEST_FILE, Funnel
from dataset.corpus.schema import SPLITS
from dataset.corpus.split_ledger import read_splits, write_splits
from dataset.duplicates.decisions import SPANS_SPLITS, SplitAssignment, assign_splits
from dataset.filters.rules import Filters
from dataset.funnel import CatalogRow, check, write_corpus
from dataset.measure import to_table as measures_table
from dataset.parse import PARSE
from dataset.plan import COLUMNS, Plan, identity
from dataset.related import DUPLICATE, SPLIT, Parser, Related, notes_of
from dataset.unmatched import unmatched

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
    parse = Parser(root, plan, workers, executor, report, task)
    held = parse.related(rows)
    for position, (kept, reason) in held.decisions.left_out.items():
        row = rows[held.related[kept]]
        held.funnel_rows.drop(held.related[position], DUPLICATE, reason, f"{row['sha256']} {row['url']}")
    funnel_rows, found, counts = held.funnel_rows, held.found, held.counts
    whole = _whole_catalog(root, parse, held)
    stage(report, "writing")(0, 0)
    with locked(folder.parent) as hold, replacing_folder(folder, hold) as new:
        for each in whole:
            _assign(root, plan.seed, each)
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
    if told := name_hints(catalog, query):
        return f"; {told[0]}" + ("" if "nearest" in told[0] else "; run `catalog games` to list the games")
    return "; run `catalog games` to list the games"


def _whole_catalog(root: AnyPath, parse: Parser, held: Related) -> list[Related]:
    """Return what splits are assigned over before the corpus gets its own: the whole catalog.

    Nothing if each piece of the corpus has a split. Otherwise first the pieces that pass the default filters, as the
    catalog lists them. If others remain, then all pieces with notes. So splits depend neither on the order in which
    corpora are built, nor on their filters or edits.
    """
    known = read_splits(root, parse.plan.seed).keys()
    if set(held.names()) <= known:
        return []
    catalog = Catalog(root)
    rows: list[CatalogRow] = catalog.pieces(columns=[*COLUMNS, *DATES], edited=False).to_pylist()
    default = Plan(query=parse.plan.query, seed=parse.plan.seed)
    has_default = (parse.plan.filters.filters, parse.plan.piano_tracks) == (default.filters.filters, False)
    if has_default and len(rows) == len(held.funnel_rows.rows) and not catalog.edits():
        return []  # the corpus itself is the whole catalog
    whole = replace(parse, plan=default, parsed={} if parse.plan.piano_tracks else parse.parsed)
    found = [whole.related(rows)]
    if not set(held.names()) <= known | set(found[0].names()):
        unfiltered = replace(default, filters=Filters((), default.filters.duplicates))
        found.append(replace(whole, plan=unfiltered).related(rows))
    return found


def _assign(root: AnyPath, seed: int, held: Related) -> SplitAssignment:
    """Assign permanent splits to related pieces and store them."""
    known = read_splits(root, seed)
    assigned = assign_splits([held.funnel_rows.rows[i] for i in held.related], held.decisions, known, seed)
    splits = zip(held.names(), assigned.splits, strict=True)
    new = {sha256: split_name for sha256, split_name in splits if split_name is not None}
    if not new.keys() <= known.keys():
        write_splits(root, seed, known | new)
    return assigned


def _split(root: AnyPath, seed: int, held: Related) -> list[CorpusPiece]:
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
                notes=notes_of(held.found[row["sha256"]]),
            )
        )
    return pieces


def _folder(root: AnyPath, name: str) -> AnyPath:
    return corpora_folder(root) / validate_name(name, "corpus", max_length=80, lower=True)
