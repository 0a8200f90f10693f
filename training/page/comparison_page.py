"""The page that compares runs: their figures and samples.

In: opened runs with labels. Out: one self-contained HTML file. Which runs are compared is decided by the caller.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from urllib.parse import quote

from catalog.base.console import Report
from catalog.storage.files import write_text
from catalog.storage.remote import AnyPath
from dataset.corpus.manifest import Funnel
from dataset.parallel.workers import Worker, stop_workers
from dataset.report.html import render
from training.novelty.figures import PASSAGE_LENGTHS
from training.novelty.training_index import TrainingIndex
from training.page.reference import Reference, reference
from training.page.run_page import PAGE_FILE, ROOM, length, longest, player, training_index_of
from training.page.run_summary import RunSummary
from training.page.sample_parts import MIN_HIGHLIGHT_NOTES, Kind, SampleParts, sample_parts
from training.page.sample_view import COLOURS, SampleView, by_sha256, colours, find_origins, view_samples
from training.run import Run
from training.sampling.sample_files import samples

SHOWN_KINDS: tuple[Kind, ...] = ("analysis", "sound", "hands")  # scores are on the runs' own pages
LETTERS = "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True)
class Original:
    """Figures of the original article for a run; None if not given there.

    Number of pieces, lowest training loss in nats per token, and its epoch.
    """

    pieces: int | None
    loss: float | None
    epoch: int | None


ZELDA: dict[str, Original] = {
    "ocarina-of-time": Original(16, None, None),
    "majoras-mask": Original(9, 0.0259, 106),
    "wind-waker": Original(14, 0.0105, 210),
    "twilight-princess": Original(10, 0.0324, 220),
    "zelda": Original(49, 0.0368, 234),
}
"""The original's five runs: four games and the whole series, by slug."""


ZELDA_LABELS = {
    "ocarina-of-time": "Ocarina of Time",
    "majoras-mask": "Majora’s Mask",
    "wind-waker": "The Wind Waker",
    "twilight-princess": "Twilight Princess",
    "zelda": "All of Zelda",
}
GAME_SAMPLES, ALL_SAMPLES = 1, 3  # as the original showed them


@dataclass(frozen=True, slots=True)
class Entry:
    """A run in a comparison, with label, number of samples to show, and a note.

    The first samples are shown, from `folder` if given, else from the run's samples/.
    """

    label: str
    run: Run
    samples: int = 1
    original: Original | None = None
    note: str = ""
    folder: Path | None = None


@dataclass(frozen=True, slots=True)
class ComparedRun:
    """An entry with all values for the template; `href` links to the run's page."""

    entry: Entry
    id: str
    summary: RunSummary
    funnel: Funnel | None
    length: str
    longest: int | None
    shares: tuple[float, ...]  # by PASSAGE_LENGTHS, of all notes of the shown samples; empty if unknown
    shown: Sequence[SampleView]
    reference: Reference | None
    href: str | None


def write_comparison(
    root: AnyPath,
    entries: Sequence[Entry],
    out: Path,
    *,
    title: str,
    lead: str = "",
    report: Report = lambda done, total: None,
) -> Path:
    """Write the page that compares `entries` to `out`; return its path.

    `lead` is printed below the title. `report` receives the number of finished entries. Raises TrainingError if a
    file of a run is damaged, ValueError for more than 26 entries.
    """
    if len(entries) > len(LETTERS):
        raise ValueError(f"{len(entries)} runs on one page: compare {len(LETTERS)} at most")
    learned: list[TrainingIndex | None] = []
    made: list[list[SampleParts]] = []
    pool: list[Worker] = []  # for the samples of all runs
    try:
        for done, (letter, entry) in enumerate(zip(LETTERS, entries, strict=False), 1):
            files = samples(entry.folder or entry.run.samples)[: entry.samples]
            learned.append(training_index_of(entry.run))
            folder = entry.run.sources if learned[-1] is not None else None
            made.append(
                sample_parts(
                    files,
                    folder,
                    prefix=letter,
                    of=entry.label,
                    run=entry.run.name,
                    root=root,
                    kinds=SHOWN_KINDS,
                    pool=pool,
                )
            )
            report(done, len(entries))
    finally:
        stop_workers(pool)
    summaries = [RunSummary.of(entry.run, sources) for entry, sources in zip(entries, learned, strict=True)]
    pieces = by_sha256(piece for summary in summaries for piece in summary.pieces)
    origins = find_origins([each for run in made for each in run], pieces)
    compared = []
    for letter, entry, summary, sources, parts in zip(LETTERS, entries, summaries, learned, made, strict=False):
        shown, _ = view_samples(parts, pieces, None, origins)
        compared.append(
            ComparedRun(
                entry,
                f"run-{letter}",
                summary,
                summary.manifest.funnel if summary.manifest else None,
                length(summary.minutes),
                longest(parts),
                _shares(parts),
                shown,
                reference(root, entry.run, sources),
                _link(entry.run.path / PAGE_FILE, out.parent),
            )
        )
    by_notes = sorted(origins.values(), key=lambda origin: (-origin.notes, origin.sha256))
    text = render(
        "compare.html",
        room=ROOM,
        title=title,
        lead=lead,
        compared=compared,
        has_original=any(entry.original for entry in entries),
        units=_units(summaries),
        origins=by_notes,
        others=COLOURS,
        colours=colours(each for run in compared for each in run.shown),
        min_notes=MIN_HIGHLIGHT_NOTES,
        passage_lengths=PASSAGE_LENGTHS,
        script=player(),
        version=version("vgpiano"),
    )
    write_text(out, text)
    return out


def _units(summaries: Sequence[RunSummary]) -> str:
    """Return a sentence that names the units, and whether figures are comparable."""
    units = {summary.run.recipe.kind: summary.terms.unit for summary in summaries}
    if len(set(units.values())) > 1:
        each = ", of ".join(
            f"{'recipe ' * (not number)}{kind}{', figures are' * (not number)} {unit}"
            for number, (kind, unit) in enumerate(sorted(units.items()))
        )
        return f"Of {each}. Figures of different recipes cannot be compared."
    return f"These runs’ figures are {next(iter(units.values()), '')}."


def _shares(made: Sequence[SampleParts]) -> tuple[float, ...]:
    found = [each.analysis.novelty for each in made if each.analysis and each.analysis.novelty]
    notes = sum(each.notes for each in found)
    if not notes:
        return ()
    return tuple(sum(each.shares[least] * each.notes for each in found) / notes for least in PASSAGE_LENGTHS)


def _link(target: Path, folder: Path) -> str | None:
    """Return the relative URL from a folder to a file, or None if it does not exist."""
    if not target.is_file():
        return None
    return quote(Path(os.path.relpath(target.resolve(), folder.resolve())).as_posix())
