"""Turning pieces into corpora: notes, measures, filters, duplicates, splits, the corpus format, exports, scores.

What `__all__` lists is for other programs; each name is imported from its module when it is first asked for.
"""

from typing import TYPE_CHECKING

from catalog.base.lazy import lazily

if TYPE_CHECKING:
    from dataset.build import build as build_corpus
    from dataset.build import ensure as ensure_corpus
    from dataset.corpus.corpus import Corpus, CorpusPiece
    from dataset.corpus.corpus import manifests as list_corpora
    from dataset.corpus.manifest import Funnel, Manifest
    from dataset.duplicates.find import Kin, find_kin
    from dataset.export.run import Exported
    from dataset.export.run import export as export_corpus
    from dataset.filters.load import load_filters
    from dataset.filters.rules import Filters
    from dataset.measure_catalog import Measured, measure_catalog
    from dataset.notation.musicxml import to_musicxml
    from dataset.notation.score import Score, score_of
    from dataset.notes.model import Notes, read_midi, tick_to_seconds, write_midi
    from dataset.parallel.dask_cluster import connect as connect_cluster
    from dataset.plan import Plan
    from dataset.report.report import write_report
else:
    __getattr__, __dir__ = lazily(
        __name__,
        {
            "Corpus": "dataset.corpus.corpus",
            "CorpusPiece": "dataset.corpus.corpus",
            "Exported": "dataset.export.run",
            "Filters": "dataset.filters.rules",
            "Funnel": "dataset.corpus.corpus",
            "Kin": "dataset.duplicates.find",
            "Manifest": "dataset.corpus.corpus",
            "Measured": "dataset.measure_catalog",
            "Notes": "dataset.notes.model",
            "Plan": "dataset.plan",
            "Score": "dataset.notation.score",
            "build_corpus": "dataset.build:build",
            "connect_cluster": "dataset.parallel.dask_cluster:connect",
            "ensure_corpus": "dataset.build:ensure",
            "export_corpus": "dataset.export.run:export",
            "find_kin": "dataset.duplicates.find",
            "list_corpora": "dataset.corpus.corpus:manifests",
            "load_filters": "dataset.filters.load",
            "measure_catalog": "dataset.measure_catalog",
            "read_midi": "dataset.notes.model",
            "score_of": "dataset.notation.score",
            "tick_to_seconds": "dataset.notes.model",
            "to_musicxml": "dataset.notation.musicxml",
            "write_midi": "dataset.notes.model",
            "write_report": "dataset.report.report",
        },
    )

__all__ = [
    "Corpus",
    "CorpusPiece",
    "Exported",
    "Filters",
    "Funnel",
    "Kin",
    "Manifest",
    "Measured",
    "Notes",
    "Plan",
    "Score",
    "build_corpus",
    "connect_cluster",
    "ensure_corpus",
    "export_corpus",
    "find_kin",
    "list_corpora",
    "load_filters",
    "measure_catalog",
    "read_midi",
    "score_of",
    "tick_to_seconds",
    "to_musicxml",
    "write_midi",
    "write_report",
]
