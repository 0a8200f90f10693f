"""Turning pieces into corpora: notes, measures, filters, duplicates, splits, the corpus format, exports, scores.

What `__all__` lists is for other programs; each name is imported from its module when it is first asked for.
"""

from typing import TYPE_CHECKING

from catalog.lazy import lazily

if TYPE_CHECKING:
    from dataset.build import build as build_corpus
    from dataset.build import ensure as ensure_corpus
    from dataset.cluster import connect as connect_cluster
    from dataset.corpus import Corpus, CorpusPiece, Funnel, Manifest
    from dataset.corpus import manifests as list_corpora
    from dataset.export import Exported
    from dataset.export import export as export_corpus
    from dataset.filter_file import load_filters
    from dataset.filters import Filters
    from dataset.kin import Kin, find_kin
    from dataset.musicxml import to_musicxml
    from dataset.notes import Notes, read_midi, tick_to_seconds, write_midi
    from dataset.plan import Plan
    from dataset.remeasure import Measured, measure_catalog
    from dataset.report import write_report
    from dataset.score import Score, score_of
else:
    __getattr__, __dir__ = lazily(
        __name__,
        {
            "Corpus": "dataset.corpus",
            "CorpusPiece": "dataset.corpus",
            "Exported": "dataset.export",
            "Filters": "dataset.filters",
            "Funnel": "dataset.corpus",
            "Kin": "dataset.kin",
            "Manifest": "dataset.corpus",
            "Measured": "dataset.remeasure",
            "Notes": "dataset.notes",
            "Plan": "dataset.plan",
            "Score": "dataset.score",
            "build_corpus": "dataset.build:build",
            "connect_cluster": "dataset.cluster:connect",
            "ensure_corpus": "dataset.build:ensure",
            "export_corpus": "dataset.export:export",
            "find_kin": "dataset.kin",
            "list_corpora": "dataset.corpus:manifests",
            "load_filters": "dataset.filter_file",
            "measure_catalog": "dataset.remeasure",
            "read_midi": "dataset.notes",
            "score_of": "dataset.score",
            "tick_to_seconds": "dataset.notes",
            "to_musicxml": "dataset.musicxml",
            "write_midi": "dataset.notes",
            "write_report": "dataset.report",
        },
    )

__distribution__ = "vgpiano"  # `vgpiano.py` looks for this line: other distributions have a package of this name

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
