"""The report of a corpus: a self-contained HTML page made from its files.

The page is not listed in the manifest. A new build removes it with the old folder.
"""

from pathlib import Path

from catalog.storage.files import write_text
from catalog.storage.remote import AnyPath
from dataset.build_command import build_commands
from dataset.corpus.corpus import Corpus
from dataset.corpus.schema import SPLITS
from dataset.reasons import format_settings, why_of
from dataset.report.html import render
from dataset.report.summary import MAX_EXAMPLES, Summary

REPORT_FILE = "report.html"


def write_report(corpus: Corpus, out: Path | None = None) -> AnyPath:
    """Write the report of `corpus` to `out` and return its path.

    The default is report.html in the corpus's folder.
    """
    path = out or corpus.path / REPORT_FILE
    write_text(path, report(corpus))
    return path


def report(corpus: Corpus) -> str:
    """Return the report as HTML; the same corpus gives the same text."""
    summary = Summary(corpus, corpus.credits())
    groups, more_groups = summary.groups()
    manifest = corpus.manifest
    return render(
        "report.html",
        manifest=manifest,
        commands=build_commands(manifest),
        splits=SPLITS,
        filters=[(name, format_settings(value)) for name, value in manifest.filters.items()],
        whys={name: why for name, value in manifest.filters.items() if (why := why_of(value))},
        funnel=summary.funnel(),
        reasons=summary.reasons(),
        most_examples=MAX_EXAMPLES,
        relations=summary.relations(),
        groups=groups,
        more_groups=more_groups,
        distributions=summary.distributions(),
        levels=summary.levels(),
        game_splits=summary.splits(),
        makers=summary.makers(),
    )
