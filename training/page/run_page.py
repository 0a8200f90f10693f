"""The page of a run, `index.html`: figures, samples and credits.

In: a run's files and, if it still exists, its corpus. Out: one self-contained HTML file with sound, scores and
script.
"""

import math
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
from dataset.midi.midi_reader import read_midi
from dataset.reasons import describe_reason, format_settings
from dataset.report.html import Script, render, script
from training.novelty.bar_sources import PieceSources, piece_sources
from training.novelty.figures import COPIED_NOTES, DRAFT_NOTES, DRAFTS, PASSAGE_LENGTHS
from training.novelty.note_sources import NoteSources
from training.novelty.passages import MIN_PASSAGE_NOTES
from training.novelty.training_index import TrainingIndex
from training.page.learning_curves import Plot, plot
from training.page.people import beside_people
from training.page.reference import Copied, reference
from training.page.run_summary import RunSummary
from training.page.sample_parts import MIN_HIGHLIGHT_NOTES, PARTS, PIXELS_A_SECOND, SampleParts, sample_parts
from training.page.sample_view import COLOURS, by_sha256, colours, view_samples
from training.page.train_command import train_commands
from training.rendering.roll import KEYBOARD
from training.run import Run
from training.sampling.sample_files import samples
from training.sampling.sample_record import read_record

PAGE_FILE = "index.html"
ROOM = "training.page"
SCRIPT_FILES = "hands.js", "falling.js", "player.js"  # later ones use earlier ones
MAX_SAMPLES = 12  # the latest; a minute of music takes about a megabyte
COPIED = "copied"  # column of metrics.csv, of recipes that measure it
ENDINGS = {"budget": "its budget was used", "no gain": "validation no longer improved"}


@dataclass(frozen=True, slots=True)
class FunnelStage:
    """A stage of a corpus's funnel, as `parts.html` draws it; without reasons."""

    name: str
    pieces: int
    before: int
    reasons: tuple[()] = ()


@dataclass(frozen=True, slots=True)
class Chart:
    """Curves with a title, and a description for readers who cannot see them."""

    id: str
    title: str
    description: str
    plot: Plot
    decimals: int = 3  # of the figures in its key
    people: str | None = None  # what people's pieces have, in words


def write_page(
    root: AnyPath,
    run: Run,
    report: Report = lambda done, total: None,
    missing: Callable[[str], None] = lambda reason: None,
) -> Path:
    """Write the page of `run` to index.html in its folder; return its path.

    A part of a sample that cannot be made is replaced by the reason, which `missing` receives too. `report` receives
    the number of finished parts. Raises TrainingError if a file of the run is damaged.
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
    """Return the page of `run` as HTML text; see `write_page`."""
    learned = training_index_of(run)
    summary = RunSummary.of(run, learned)
    beside = reference(root, run, learned)
    files = samples(run.samples)
    sources = run.sources if learned is not None else None
    made = sample_parts(files[-MAX_SAMPLES:], sources, run=run.name, root=root, kinds=PARTS, report=report)
    for sample in made:
        for trouble in sample.troubles:
            missing(f"{sample.path}: {trouble.removeprefix(sample.path.name).lstrip()}")
    shown, origins = view_samples(made, by_sha256(summary.pieces), beside)
    funnel = summary.manifest.funnel if summary.manifest else None
    return render(
        "run.html",
        room=ROOM,
        run=run,
        summary=summary,
        recipe=asdict(run.recipe),
        budget=_budget(run),
        commands=train_commands(run, summary.manifest),
        length=length(summary.minutes),
        endings=ENDINGS,
        charts_of=charts_of(summary, beside.copied if beside else None),
        shown=shown,
        more=len(files) - len(made),
        origins=origins,
        others=COLOURS,
        colours=colours(shown),
        min_notes=MIN_HIGHLIGHT_NOTES,
        passage_lengths=PASSAGE_LENGTHS,
        longest=longest(made),
        whom={
            sample.prefix: whom(sample.path, sample.midi, learned)
            for sample in made
            if sample.analysis and sample.midi and learned
        },
        least_notes=MIN_PASSAGE_NOTES,
        drafts=(DRAFTS, DRAFT_NOTES, COPIED_NOTES) if summary.lowest(COPIED) else None,
        keyboard=KEYBOARD,
        pixels_a_second=PIXELS_A_SECOND,
        reference=beside,
        people=beside_people(run, [sample.path for sample in made]),
        funnel=funnel,
        games=summary.games,
        stages=stages(funnel) if funnel else (),
        splits=SPLITS,
        reasons=reasons(summary.manifest) if summary.manifest else (),
        filters=[(name, format_settings(value)) for name, value in summary.manifest.filters.items()]
        if summary.manifest
        else (),
        script=player(),
        version=version("vgpiano"),
    )


def player() -> Script:
    """Return the script that plays samples."""
    return script(*SCRIPT_FILES, room=ROOM)


def training_index_of(run: Run) -> TrainingIndex | None:
    """Return the run's training index, or None if it is missing or damaged.

    The page is written without novelty figures then.
    """
    try:
        return run.learned_from()
    except TrainingError:
        return None


def longest(made: Sequence[SampleParts]) -> int | None:
    """Return the longest copied passage of the samples, in notes; None if unknown."""
    known = [each.analysis.novelty.longest for each in made if each.analysis and each.analysis.novelty]
    return max(known, default=None)


def whom(path: Path, midi: bytes, learned: TrainingIndex) -> PieceSources:
    """Return whom the notes of a sample are from; `midi` are the bytes of its file."""
    notes = read_midi(midi)
    try:
        record = read_record(path)
    except TrainingError:  # among the sample's troubles
        record = None
    back = () if record is None else tuple(map(int, record.back.split()))
    return piece_sources(notes, NoteSources.of(learned, notes), back)


def stages(funnel: Funnel) -> list[FunnelStage]:
    """Return the stages of a funnel, each with the number of pieces that entered it."""
    names = ("listed", "fetched", "parsed", "kept", "unique")
    counts = [getattr(funnel, name) for name in names]
    return [FunnelStage(*each) for each in zip(names, counts, counts[:1] + counts, strict=False)]


def reasons(manifest: Manifest) -> list[tuple[str, str, int]]:
    """Return (reason, meaning, excluded pieces), the most frequent first."""
    by_count = sorted(manifest.reasons.items(), key=lambda item: (-item[1], item[0]))
    return [(name, describe_reason(name, manifest.filters), count) for name, count in by_count if count]


def charts_of(summary: RunSummary, people: Copied | None = None) -> list[Chart]:
    """Return the charts of a training.

    Training and validation, validation by field if the recipe has fields, and copying where it was measured, beside
    that of held-out people's pieces.
    """
    terms, rows = summary.terms, summary.rows
    if not rows:
        return []
    seconds = [row["seconds"] for row in rows]
    best = summary.best or summary.best_loss
    place = [int(row["epoch"]) for row in rows].index(best.epoch) if best else 0

    def column(name: str) -> list[float]:
        return [row[name] for row in rows]

    both = {"training": column(terms.train), "validation": column(terms.held)}
    wanted: list[tuple[str, dict[str, list[float]], tuple[int, float] | None]] = [
        (f"Training and validation, {terms.unit}", both, (place, best.value) if best else None)
    ]
    if terms.fields:
        wanted.append((f"Validation by field, {terms.unit}", {name: column(name) for name in terms.fields}, None))
    made = [
        Chart(f"chart-{number}", title, _description(series), drawn)
        for number, (title, series, mark) in enumerate(wanted)
        if (drawn := plot(seconds, series, mark)) is not None
    ]
    return [*made, *_copying_chart(seconds, [100 * row.get(COPIED, math.nan) for row in rows], people)]


def _copying_chart(seconds: list[float], percents: list[float], people: Copied | None) -> list[Chart]:
    """Return the chart of copying while the network was trained; none if it was not measured."""
    series = {"drafts": percents}
    beside = () if people is None else (100 * people.low, 100 * people.share, 100 * people.high)
    drawn = plot(seconds, series, band=beside, from_zero=True)
    if drawn is None:
        return []
    said = "people {1:.1f}, 95 % confidence interval {0:.1f}–{2:.1f}".format(*beside) if beside else None
    told = "; ".join(filter(None, (_description(series, 1).rstrip("."), said))) + "."
    return [Chart("chart-copied", "Copied notes of short drafts, %", told, drawn, 1, said)]


def length(minutes: float) -> str:
    """Return a duration in a suitable unit."""
    if minutes < 2:
        return f"{minutes * 60:.0f} s"
    return f"{minutes:.1f} min" if minutes < 120 else f"{minutes / 60:.1f} h"


def _description(series: dict[str, list[float]], decimals: int = 3) -> str:
    parts = []
    for name, values in series.items():
        known = [value for value in values if value == value]
        if known:
            first, last, least = (f"{value:.{decimals}f}" for value in (known[0], known[-1], min(known)))
            parts.append(f"{name} from {first} to {last}, lowest {least}")
    return "; ".join(parts) + "."


def _budget(run: Run) -> str:
    budget = zip(run.budget(), ("minutes", "epochs"), strict=True)
    return " or ".join(f"{value:g} {unit}" for value, unit in budget if value) or "none"
