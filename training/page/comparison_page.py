"""The page that compares runs: a row of figures for each, beside those of the original article where it has any, and samples to play.

In: opened runs with what to call them; out: one HTML file that asks for nothing. Which runs are trained, and on what, is not known here.
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
from dataset.report.html import render
from training.novelty.figures import LEAST
from training.novelty.training_index import TrainingIndex
from training.page.reference import Reference, reference
from training.page.run_page import PAGE_FILE, ROOM, length, longest, player, sources_of
from training.page.run_summary import RunSummary
from training.page.sample_parts import LIT, Kind, SampleParts, sample_parts
from training.page.sample_view import COLOURS, Shown, by_sha256, colours, found_in, hang
from training.run import Run
from training.sampling.sample_files import samples

SHOWN_KINDS: tuple[Kind, ...] = ("look", "sound")  # scores are on the runs' own pages
LETTERS = "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True)
class Original:
    """What the original article says of its run: pieces, lowest training loss in nats per token, and its epoch; None where it is silent."""

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


CALLED = {
    "ocarina-of-time": "Ocarina of Time",
    "majoras-mask": "Majora’s Mask",
    "wind-waker": "The Wind Waker",
    "twilight-princess": "Twilight Princess",
    "zelda": "All of Zelda",
}
GAME_SAMPLES, ALL_SAMPLES = 1, 3  # as the original showed them


@dataclass(frozen=True, slots=True)
class Entry:
    """A run in a comparison: what it is called there, how many of its samples are shown (the first), and a word on it.

    `folder` holds the samples, where they are not the run's own.
    """

    label: str
    run: Run
    samples: int = 1
    original: Original | None = None
    note: str = ""
    folder: Path | None = None


@dataclass(frozen=True, slots=True)
class Compared:
    """An entry with all that the page says of it; `href` leads to the run's own page, where there is one."""

    entry: Entry
    id: str
    account: RunSummary
    funnel: Funnel | None
    length: str
    longest: int | None
    shares: tuple[float, ...]  # by LEAST, of all notes of the samples that are shown; none where nothing is known
    shown: Sequence[Shown]
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
    """Write the page that compares `entries`, in the order given, to `out`, and return where it is.

    `lead` is what it says under its title. `report` is told how many entries are done. Raises TrainingError where a file of a run is
    damaged, ValueError for more than 26 entries.
    """
    if len(entries) > len(LETTERS):
        raise ValueError(f"{len(entries)} runs on one page: compare {len(LETTERS)} at most")
    learned: list[TrainingIndex | None] = []
    made: list[list[SampleParts]] = []
    for done, (letter, entry) in enumerate(zip(LETTERS, entries, strict=False), 1):
        files = samples(entry.folder or entry.run.samples)[: entry.samples]
        learned.append(sources_of(entry.run))
        folder = entry.run.sources if learned[-1] is not None else None
        made.append(sample_parts(files, folder, prefix=letter, of=entry.label, kinds=SHOWN_KINDS))
        report(done, len(entries))
    accounts = [RunSummary.of(entry.run, sources) for entry, sources in zip(entries, learned, strict=True)]
    pieces = by_sha256(piece for account in accounts for piece in account.pieces)
    origins = found_in([each for run in made for each in run], pieces)
    compared = []
    for letter, entry, account, sources, exhibited in zip(LETTERS, entries, accounts, learned, made, strict=False):
        shown, _ = hang(exhibited, pieces, None, origins)
        compared.append(
            Compared(
                entry,
                f"run-{letter}",
                account,
                account.manifest.funnel if account.manifest else None,
                length(account.minutes),
                longest(exhibited),
                _shares(exhibited),
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
        units=_units(accounts),
        origins=by_notes,
        others=COLOURS,
        colours=colours(each for run in compared for each in run.shown),
        lit=LIT,
        leasts=LEAST,
        script=player(),
        version=version("vgpiano"),
    )
    write_text(out, text)
    return out


def _units(accounts: Sequence[RunSummary]) -> str:
    """Return in words what the figures are, and whether they can be compared."""
    units = {account.run.recipe.kind: account.terms.unit for account in accounts}
    if len(set(units.values())) > 1:
        each = ", of ".join(
            f"{'recipe ' * (not number)}{kind}{', figures are' * (not number)} {unit}"
            for number, (kind, unit) in enumerate(sorted(units.items()))
        )
        return f"Of {each}: they cannot be compared with each other."
    return f"These runs’ figures are {next(iter(units.values()), '')}."


def _shares(made: Sequence[SampleParts]) -> tuple[float, ...]:
    found = [each.look.novelty for each in made if each.look and each.look.novelty]
    notes = sum(each.notes for each in found)
    if not notes:
        return ()
    return tuple(sum(each.shares[least] * each.notes for each in found) / notes for least in LEAST)


def _link(target: Path, folder: Path) -> str | None:
    """Return the way from a folder to a file as a relative URL; None where the file is not there."""
    if not target.is_file():
        return None
    return quote(Path(os.path.relpath(target.resolve(), folder.resolve())).as_posix())
