"""The page of a run: `index.html` in its folder, one file that shows what was trained on what, how that went, and what it plays.

In: a run's own files and, where it is still there, its corpus. Out: HTML with sound, scores and script within it, that asks for nothing.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

from catalog.base.console import Report
from catalog.base.errors import TrainingError
from catalog.storage.files import write_text
from catalog.storage.remote import AnyPath
from dataset.corpus.manifest import Funnel, Manifest
from dataset.corpus.schema import SPLITS
from dataset.reasons import describe_reason, format_settings
from dataset.report.html import Script, render, script
from training.novelty.figures import LEAST
from training.novelty.training_index import TrainingIndex
from training.page.learning_curves import Plot, plot
from training.page.reference import reference
from training.page.run_summary import RunSummary
from training.page.sample_parts import LIT, PARTS, SampleParts, sample_parts
from training.page.sample_view import COLOURS, Origin, colours, hang, named
from training.page.source_links import addresses
from training.page.train_command import train_commands
from training.run import Run
from training.sampling.sample_files import samples

PAGE_FILE = "index.html"
ROOM = "training.page"
SCRIPT_FILE = "player.js"
MOST_SAMPLES = 12  # the last ones; a minute of music takes about a megabyte
ENDINGS = {"budget": "its budget was used", "no gain": "validation no longer gained"}


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage of a corpus's funnel, as `parts.html` draws it; which reasons belong to it is not known here."""

    name: str
    pieces: int
    before: int
    reasons: tuple[()] = ()


@dataclass(frozen=True, slots=True)
class Chart:
    """Curves with a title, and what a reader who cannot see them is told."""

    id: str
    title: str
    description: str
    plot: Plot


def write_page(
    root: AnyPath,
    run: Run,
    report: Report = lambda done, total: None,
    missing: Callable[[str], None] = lambda reason: None,
) -> Path:
    """Write the page of `run` to index.html in its folder, and return where it is.

    A part of a sample that cannot be made is left out, with the reason in its place, which `missing` is told too. `report` is told how
    many parts are done. Raises TrainingError where a file of the run is damaged.
    """
    path = run.path / PAGE_FILE
    write_text(path, page(root, run, report, missing))
    return path


def page(
    root: AnyPath,
    run: Run,
    report: Report = lambda done, total: None,
    missing: Callable[[str], None] = lambda reason: None,
) -> str:
    """Return the page of `run` as the text of an HTML page; see `write_page`."""
    account = RunSummary.of(run)
    learned = sources_of(run)
    beside = reference(root, run, learned)
    files = samples(run.samples)
    made = sample_parts(files[-MOST_SAMPLES:], run.sources if learned is not None else None, kinds=PARTS, report=report)
    for exhibit in made:
        for trouble in exhibit.troubles:
            missing(f"{exhibit.path}: {trouble.removeprefix(exhibit.path.name).lstrip()}")
    shown, origins = hang(made, named(account.game_titles, account.games), beside)
    locate(root, origins)
    funnel = account.manifest.funnel if account.manifest else None
    return render(
        "run.html",
        room=ROOM,
        run=run,
        account=account,
        recipe=asdict(run.recipe),
        budget=_budget(run),
        commands=train_commands(run, account.manifest),
        length=length(account.minutes),
        endings=ENDINGS,
        charts_of=charts_of(account),
        shown=shown,
        more=len(files) - len(made),
        origins=origins,
        others=COLOURS,
        colours=colours(shown),
        lit=LIT,
        leasts=LEAST,
        longest=longest(made),
        reference=beside,
        funnel=funnel,
        games=len({credit.game_title for credit in account.credits}),
        stages=stages(funnel) if funnel else (),
        splits=SPLITS,
        reasons=reasons(account.manifest) if account.manifest else (),
        filters=[(name, format_settings(value)) for name, value in account.manifest.filters.items()]
        if account.manifest
        else (),
        script=player(),
        version=version("vgpiano"),
    )


def locate(root: AnyPath, origins: Sequence[Origin]) -> None:
    """Give the pieces that were copied from their addresses on the web, where the catalog has them."""
    found = addresses(root, [origin.sha256 for origin in origins])
    for origin in origins:
        origin.address = found.get(origin.sha256)


def player() -> Script:
    """Return the script that plays samples."""
    return script(SCRIPT_FILE, room=ROOM)


def sources_of(run: Run) -> TrainingIndex | None:
    """Return what the run learned from; None where it is not there or damaged, for a page is worth more than its figures."""
    try:
        return run.learned_from()
    except TrainingError:
        return None


def longest(made: Sequence[SampleParts]) -> int | None:
    """Return the longest passage that a sample copied, in notes; None where nothing is known of any."""
    known = [each.look.novelty.longest for each in made if each.look and each.look.novelty]
    return max(known, default=None)


def stages(funnel: Funnel) -> list[Stage]:
    """Return the stages of a funnel, each with how many pieces came to it."""
    names = ("listed", "fetched", "parsed", "kept", "unique")
    counts = [getattr(funnel, name) for name in names]
    return [Stage(*each) for each in zip(names, counts, counts[:1] + counts, strict=False)]


def reasons(manifest: Manifest) -> list[tuple[str, str, int]]:
    """Return (reason, what it means, pieces left out for it), the most frequent first."""
    by_count = sorted(manifest.reasons.items(), key=lambda item: (-item[1], item[0]))
    return [(name, describe_reason(name, manifest.filters), count) for name, count in by_count if count]


def charts_of(account: RunSummary) -> list[Chart]:
    """Return the charts of how training went: training and validation, and validation by field where it has fields."""
    terms, rows = account.terms, account.rows
    if not rows:
        return []
    seconds = [row["seconds"] for row in rows]
    best = account.best or account.best_loss
    place = [int(row["epoch"]) for row in rows].index(best.epoch) if best else 0

    def column(name: str) -> list[float]:
        return [row[name] for row in rows]

    both = {"training": column(terms.train), "validation": column(terms.held)}
    wanted: list[tuple[str, dict[str, list[float]], tuple[int, float] | None]] = [
        (f"Training and validation, {terms.unit}", both, (place, best.value) if best else None)
    ]
    if terms.fields:
        wanted.append((f"Validation by field, {terms.unit}", {name: column(name) for name in terms.fields}, None))
    made = [(title, series, plot(seconds, series, mark)) for title, series, mark in wanted]
    return [
        Chart(f"chart-{number}", title, _description(series), drawn)
        for number, (title, series, drawn) in enumerate(made)
        if drawn is not None
    ]


def length(minutes: float) -> str:
    """Return a time in the unit that suits it."""
    if minutes < 2:
        return f"{minutes * 60:.0f} s"
    return f"{minutes:.1f} min" if minutes < 120 else f"{minutes / 60:.1f} h"


def _description(series: dict[str, list[float]]) -> str:
    told = []
    for name, values in series.items():
        known = [value for value in values if value == value]
        if known:
            told.append(f"{name} from {known[0]:.3f} to {known[-1]:.3f}, lowest {min(known):.3f}")
    return "; ".join(told) + "."


def _budget(run: Run) -> str:
    budget = zip(run.budget(), ("minutes", "epochs"), strict=True)
    return " or ".join(f"{value:g} {unit}" for value, unit in budget if value) or "none"
