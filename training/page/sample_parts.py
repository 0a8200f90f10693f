"""Parts of samples for a page: sound, analysis with piano roll, score, files to save.

In: MIDI files. Out: texts and bytes that a template prints. Each part is made in a worker process; if that fails, the
part is left out with the reason. A sound or MusicXML that `render` wrote is used unless it is older than the sample; a PDF
is shown only if `render` wrote it.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from catalog.base.console import Report
from catalog.base.errors import TrainingError
from catalog.storage.remote import AnyPath
from dataset.measures.measure import Measures, measure
from dataset.midi.loop_marks import loop_of
from dataset.midi.midi_reader import read, read_midi
from dataset.notes.meter import bars_of
from dataset.notes.model import Notes
from dataset.notes.timing import tick_to_seconds
from dataset.parallel.workers import Failure, Worker, work
from training.events.fields import counted
from training.midi import read_piece
from training.novelty.figures import Copy, Novelty, find_copies
from training.novelty.training_index import TrainingIndex
from training.page import reference as reference
from training.page.downloads import compress_musicxml
from training.rendering.origin import Listed, origin_if_known
from training.rendering.roll import RollPassage, draw_roll, has_pedal, width_of
from training.sampling.sample_record import ENDING, read_record

TASK = "training.page.sample_parts:part"
TIMEOUT_S = 300.0
MIN_HIGHLIGHT_NOTES = 16  # minimum notes of a highlighted passage; human pieces often share shorter ones
PIXELS_A_SECOND = 40.0  # of a roll
NOT_IN_NAMES = re.compile(r"\W+")  # of files to save
NOTE = re.compile(r'data-note="(\d+)"')

Kind = Literal["analysis", "sound", "hands", "score", "notation"]
PARTS: tuple[Kind, ...] = ("analysis", "sound", "hands", "score", "notation")
NAMES = {"analysis": "piano roll", "sound": "sound", "hands": "sound by hand", "score": "score", "notation": "MusicXML"}


@dataclass(frozen=True, slots=True)
class Highlight:
    """A highlighted passage: notes `first` to `last` (inclusive), times in seconds."""

    copy: Copy
    first: int
    last: int
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class SampleAnalysis:
    """Analysis of a sample's notes.

    `roll` is SVG; passage n, the n-th of `highlights`, has the class `c<n>`.
    """

    seconds: float  # from tick 0 to the last end
    bars_s: float  # from tick 0 to the end of the last bar
    measures: Measures
    opening: dict[str, float]  # the measures of the first minute, as in the reference
    novelty: Novelty | None  # None without a training index
    highlights: tuple[Highlight, ...]
    roll: str
    width: float  # of the roll, px
    loop: tuple[float, float] | None  # that the file marks, in seconds
    has_pedal: bool  # whether the roll shows notes that only the pedal holds


@dataclass(slots=True)
class SampleParts:
    """One sample; a part is None if it could not be made, see `troubles`."""

    path: Path
    prefix: str  # of its HTML ids
    of: str = ""  # the run's label, on pages with several runs
    run: str = ""  # the run's name
    origin: Listed | None = None  # title and origin in the catalog, of a file that is named by its SHA-256
    analysis: SampleAnalysis | None = None
    sound: bytes | None = None  # MP3
    hands: bytes | None = None  # MP3 with one hand in each channel; None if only one hand plays
    midi: bytes | None = None  # the sample's file; None if it cannot be read
    notation: bytes | None = None  # compressed MusicXML
    pdf: bytes | None = None  # of the score, if `render` wrote one
    how: str = ""  # how it was composed, in one line; empty if unknown
    score: str | None = None  # SVG, notes within passage n carry data-copy="n"
    troubles: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Display name: "Sample 3" for sample-3.mid, and the catalog's title for a file that is named by its SHA-256."""
        stem = self.path.stem.replace("-", " ").replace("_", " ")
        return self.origin[0] if self.origin else stem[:1].upper() + stem[1:]

    @property
    def title(self) -> str:
        """Display name, with the run's label on pages with several runs."""
        return f"{self.name} of {self.of}" if self.of else self.name

    @property
    def stem(self) -> str:
        """Name of the files to save, without ending: "<run>-sample-3", or the title."""
        if self.origin and (title := NOT_IN_NAMES.sub("-", self.origin[0]).strip("-")):
            return title
        return f"{self.run}-{self.path.stem}" if self.run else self.path.stem


@dataclass(frozen=True, slots=True)
class Job:
    """One part of one sample."""

    kind: Kind
    midi: bytes
    prefix: str
    title: str
    run: str
    origin: Listed | None
    sources: Path | None
    soundfont: Path | None


def sample_parts(
    files: Sequence[Path],
    sources: Path | None,
    *,
    prefix: str = "s",
    of: str = "",
    run: str = "",
    root: AnyPath | None = None,
    listed: Mapping[str, Listed] = MappingProxyType({}),
    soundfont: Path | None = None,
    kinds: Sequence[Kind] = PARTS,
    workers: int | None = None,
    pool: list[Worker] | None = None,
    report: Report = lambda done, total: None,
) -> list[SampleParts]:
    """Return the parts of the samples, in the order given.

    HTML ids are prefixed `<prefix>1-`, `<prefix>2-` and so on; each call for the same page needs its own prefix that
    does not end in a digit. `sources` is the folder of the training index, `of` the run's label on pages with several
    runs, `run` the run's name, `listed` the titles of files by SHA-256, `root` the data root whose catalog knows others,
    `soundfont` the piano, `pool` workers that are kept for later calls.
    """
    made = [
        SampleParts(path, f"{prefix}{number}-", of, run, listed.get(path.stem) or origin_if_known(root, path.stem))
        for number, path in enumerate(files, 1)
    ]
    jobs: list[Job] = []
    owners: list[SampleParts] = []
    for sample in made:
        sample.midi, sample.how = _bytes(sample), _how(sample)
        if sample.midi is None:
            continue
        sample.sound, score, sample.pdf = (_rendered(sample.path, end) for end in (".mp3", ".musicxml", "-score.pdf"))
        sample.notation = None if score is None else compress_musicxml(score)
        for kind in kinds:
            if getattr(sample, kind) is None:
                owners.append(sample)
                jobs.append(Job(kind, sample.midi, sample.prefix, sample.title, run, sample.origin, sources, soundfont))
    for done, (index, result) in enumerate(work(TASK, jobs, workers=workers, timeout_s=TIMEOUT_S, pool=pool), 1):
        sample, job = owners[index], jobs[index]
        if isinstance(result, Failure):
            sample.troubles.append(f"The {NAMES[job.kind]} could not be made: {result.detail}")
        else:
            setattr(sample, job.kind, result)
        report(done, len(jobs))
    for sample in made:
        if sample.score is not None and sample.analysis is not None:
            sample.score = mark_score(sample.score, sample.analysis.highlights)
    return made


def part(job: Job) -> Any:
    """Worker task: return a SampleAnalysis, the bytes of MP3s or of compressed MusicXML, or a score as SVG."""
    notes = read_midi(job.midi)
    if job.kind == "hands":
        from training.rendering.audio import render_hands

        return render_hands(notes, soundfont=job.soundfont)
    if job.kind in ("sound", "notation"):
        from training.rendering.render import Output, RenderPiece, render_output

        if job.origin is None:
            piece = RenderPiece(job.title, notes, f"{job.run} {job.title}".strip(), run=job.run)
        else:
            piece = RenderPiece(job.title, notes, job.origin[0], known=job.origin[1])
        if job.kind == "sound":
            return render_output((replace(piece, soundfont=job.soundfont), Output("audio", "mp3")))
        return compress_musicxml(render_output((piece, Output("score", "musicxml"))))
    if job.kind == "score":
        from training.rendering.engrave import SCREEN, engrave_score

        return engrave_score(notes, prefix=job.prefix, paper=SCREEN)[0]
    found = None if job.sources is None else find_copies(TrainingIndex.open(job.sources), notes)
    highlights = passages(notes, found) if found is not None else ()
    return SampleAnalysis(
        seconds=float(tick_to_seconds(notes.tempos, notes.end).max()),
        bars_s=float(tick_to_seconds(notes.tempos, [bars_of(notes.time_signatures, int(notes.end.max()))[-1].end])[0]),
        measures=measure(read(job.midi)),
        opening=reference.figures(notes),
        novelty=found,
        highlights=highlights,
        roll=draw_roll(
            notes,
            [RollPassage(each.first, each.last, passage_label(each.copy)) for each in highlights],
            prefix=job.prefix + "r",
            title=f"Piano roll of {job.title}",
            pixels_a_second=PIXELS_A_SECOND,
            background=False,
        ),
        width=width_of(notes, PIXELS_A_SECOND),
        loop=_loop(job.midi, notes),
        has_pedal=has_pedal(notes),
    )


def _loop(midi: bytes, notes: Notes) -> tuple[float, float] | None:
    """Return the loop that a MIDI file marks, in seconds."""
    found = loop_of(midi)
    if found is None:
        return None
    start, end = tick_to_seconds(notes.tempos, found).tolist()
    return start, end


def passages(notes: Notes, found: Novelty) -> tuple[Highlight, ...]:
    """Return the passages of at least MIN_HIGHLIGHT_NOTES notes, in order.

    `Copy` numbers the notes that `encoding.classes` keeps; repeated pitches at one onset belong to the first of them.
    """
    kept = counted(notes)
    end = tick_to_seconds(notes.tempos, notes.end)
    start = tick_to_seconds(notes.tempos, notes.onset)
    highlights = []
    for copy in sorted(
        (copy for copy in found.copies if copy.notes >= MIN_HIGHLIGHT_NOTES), key=lambda copy: copy.first
    ):
        first = int(kept[copy.first])
        last = int(kept[copy.last + 1]) - 1 if copy.last + 1 < len(kept) else len(notes) - 1
        highlights.append(Highlight(copy, first, last, float(start[first]), float(end[first : last + 1].max())))
    return tuple(highlights)


def passage_label(copy: Copy) -> str:
    """Return one line that names the source of a passage."""
    owners = f", sequenced by {copy.sequencer}" if copy.sequencer else ""
    return f"{copy.notes} notes of {copy.title}{owners}, from bar {copy.there_bars[0]}"


def mark_score(score: str, highlights: Sequence[Highlight]) -> str:
    """Mark notes of passage n in a score with data-copy="n"."""
    inside = {note: number for number, each in enumerate(highlights) for note in range(each.first, each.last + 1)}

    def mark(found: re.Match[str]) -> str:
        number = inside.get(int(found[1]))
        return found[0] if number is None else f'{found[0]} data-copy="{number}"'

    return NOTE.sub(mark, score)


def _bytes(sample: SampleParts) -> bytes | None:
    """Return the sample's bytes, or None and add the reason to `troubles`."""
    try:
        return read_piece(sample.path, "remove it, or put a MIDI file in its place")[0]
    except TrainingError as error:
        reason = str(error).removeprefix(f"{sample.path}: ").removeprefix("cannot be read ")
        sample.troubles.append(f"{sample.path.name} cannot be read: {reason}")
        return None


def _how(sample: SampleParts) -> str:
    """Return how the sample was composed, or who made it; empty if unknown. A damaged record is added to `troubles`."""
    try:
        record = read_record(sample.path)
    except TrainingError as error:
        reason = str(error).removeprefix(f"{sample.path.with_suffix(ENDING)}: ")
        sample.troubles.append(f"{sample.path.stem}{ENDING} cannot be read: {reason}")
        return ""
    if record is None and sample.origin is not None:
        known = sample.origin[1]
        return ", ".join(filter(None, (known.game, known.sequencer and f"sequenced by {known.sequencer}")))
    return "" if record is None else record.line


def _rendered(path: Path, ending: str) -> bytes | None:
    """Return a rendering of a sample; None if it is missing or older than the sample."""
    there = path.with_name(path.stem + ending)
    try:
        return there.read_bytes() if there.stat().st_mtime_ns >= path.stat().st_mtime_ns else None
    except OSError:
        return None
