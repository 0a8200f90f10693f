"""Track the remaining and the dropped pieces of a build, and write its files."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

import pyarrow as pa

from catalog.base.errors import CorpusError
from catalog.edits.entries import Edits, format_edits
from catalog.storage import checksums as sums
from catalog.table import parquet
from dataset.corpus.corpus import CorpusPiece, to_table
from dataset.corpus.credits import Credit, write_credits
from dataset.corpus.manifest import (
    CREDITS_FILE,
    EDITS_FILE,
    EDITS_HEAD,
    EXCLUDED_FILE,
    FILES,
    MANIFEST_FILE,
    MEASURES_FILE,
    NOTES_FILE,
    PROVENANCE_FILE,
    RELATIONS_FILE,
    Funnel,
    Manifest,
    Settings,
)
from dataset.corpus.schema import EXCLUDED, PROVENANCE, RELATIONS
from dataset.plan import Plan, digest, identity, inputs, versions
from dataset.reasons import QUERY

CatalogRow = dict[str, Any]  # one listed piece


@dataclass(slots=True, eq=False)
class FunnelRows:
    """The remaining pieces, by index in catalog order, and why others were dropped."""

    rows: list[CatalogRow]
    remaining: list[int]
    dropped: dict[int, tuple[str, str, str]]  # index: (stage, reason, detail)

    def drop(self, index: int, stage: str, reason: str, detail: str) -> None:
        """Record why a piece is dropped; `remove_dropped` then removes it."""
        self.dropped[index] = (stage, reason, detail)

    def remove_dropped(self) -> int:
        """Remove the dropped pieces and return how many remain."""
        self.remaining = [index for index in self.remaining if index not in self.dropped]
        return len(self.remaining)

    def describe_reasons(self) -> str:
        """Return the reasons with their counts, as one line."""
        counts = Counter(reason for _, reason, _ in self.dropped.values())
        return ", ".join(f"{reason} {count}" for reason, count in counts.most_common())


def check(funnel: Funnel, pieces: Sequence[CorpusPiece], funnel_rows: FunnelRows) -> None:
    """Raise CorpusError if the counts do not add up, which would be a bug."""
    steps = (funnel.listed, funnel.fetched, funnel.parsed, funnel.kept, funnel.unique)
    sound = (
        funnel.listed == len(pieces) + len(funnel_rows.dropped)
        and funnel.unique == len(pieces) == funnel.train + funnel.validation + funnel.test
        and list(steps) == sorted(steps, reverse=True)
    )
    if not sound:
        raise CorpusError(
            f"the funnel does not add up: {asdict(funnel)}, {len(funnel_rows.dropped)} excluded; please report it"
        )


def write_corpus(
    folder: Path,
    name: str,
    plan: Plan,
    funnel: Funnel,
    pieces: list[CorpusPiece],
    funnel_rows: FunnelRows,
    measures: pa.Table,
    relations: Sequence[Any],
    edits: Edits,
    unmatched: Sequence[CatalogRow],
) -> None:
    """Write all files of a corpus into `folder`, the manifest last.

    `edits` are those that apply to its listed pieces; without any, there is no file of edits. `unmatched` are the
    pieces that its query leaves out, with the condition.
    """
    rows = funnel_rows.rows
    left_out = [(row, (QUERY, QUERY, row["detail"])) for row in unmatched]
    left_out += [(rows[index], funnel_rows.dropped[index]) for index in sorted(funnel_rows.dropped)]
    excluded = [
        {**{key: row[key] for key in ("url", "title", "game", "sha256")}, **_why(dropped)} for row, dropped in left_out
    ]
    _write_parquet(to_table(pieces), folder / NOTES_FILE)
    _write_parquet(pa.Table.from_pylist(excluded, schema=EXCLUDED), folder / EXCLUDED_FILE)
    texts = zip(measures["copyright"].to_pylist(), measures["texts"].to_pylist(), strict=True)
    credits_ = (
        Credit(piece.sequencer, piece.game_title, piece.title, piece.source, *found)
        for piece, found in zip(pieces, texts, strict=True)
    )
    _write_parquet(measures, folder / MEASURES_FILE)
    _write_parquet(pa.Table.from_pylist(list(relations), RELATIONS), folder / RELATIONS_FILE)
    kept = [{name: rows[index][name] for name in PROVENANCE.names} for index in funnel_rows.remaining]
    _write_parquet(pa.Table.from_pylist(kept, PROVENANCE), folder / PROVENANCE_FILE)
    (folder / CREDITS_FILE).write_text(write_credits(name, credits_))
    if edits:
        (folder / EDITS_FILE).write_text(format_edits(edits, EDITS_HEAD))
    files = (*FILES, *([EDITS_FILE] if edits else []))
    manifest = Manifest(
        name=name,
        query=plan.query,
        identity=identity(plan, rows, unmatched),
        seed=plan.seed,
        filters=cast(dict[str, Settings], plan.filters.settings()),
        piano_tracks=plan.piano_tracks,
        preset=plan.preset,
        versions=versions(),
        input_sha256=digest(inputs(rows)),
        files={file: hashlib.sha256((folder / file).read_bytes()).hexdigest() for file in files},
        funnel=funnel,
        reasons=dict(sorted(Counter(row["reason"] for row in excluded).items())),
    )
    (folder / MANIFEST_FILE).write_text(manifest.to_json())
    listed = {file: (folder / file).read_bytes() for file in (*files, MANIFEST_FILE)}
    (folder / sums.SUMS_FILE).write_text(sums.format_sums(listed))


def _write_parquet(table: pa.Table, path: Path) -> None:
    parquet.write(table, path, rows_a_group=4096)


def _why(dropped: tuple[str, str, str]) -> dict[str, str]:
    return dict(zip(("stage", "reason", "detail"), dropped, strict=True))
