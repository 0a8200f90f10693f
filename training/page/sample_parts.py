"""A run's samples as a page shows them: sound, piano roll, score, what was copied, measures; each part made in a worker process.

In: MIDI files; out: texts and bytes that a template prints. A part over which a library fails or dies is left out with the reason, and
the others stay. What `render` wrote beside a sample is used where it is not older than the sample.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from catalog.base.console import Report
from catalog.base.errors import TrainingError
from dataset.measures.measure import Measures, measure
from dataset.notes.midi_reader import read, read_midi
from dataset.notes.model import Notes
from dataset.notes.timing import tick_to_seconds
from dataset.parallel.workers import Failure, work
from training.events.encoding import counted
from training.midi import read_piece
from training.novelty.figures import Copy, Novelty, find_copies
from training.novelty.training_index import TrainingIndex
from training.page import reference as reference
from training.rendering.roll import RollPassage, draw_roll, has_pedal, width_of

TASK = "training.page.sample_parts:part"
TIMEOUT_S = 120.0
LIT = 16  # right notes of a passage that is lit up; shorter ones, human pieces share with one another all the time
PIXELS_A_SECOND = 40.0  # of a roll
NOTE = re.compile(r'data-note="(\d+)"')

Kind = Literal["look", "sound", "score"]
PARTS: tuple[Kind, ...] = ("look", "sound", "score")


@dataclass(frozen=True, slots=True)
class Lit:
    """A copied passage as it is lit up: notes `first` to `last` of the piece's `Notes`, both counted in, between two seconds."""

    copy: Copy
    first: int
    last: int
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Look:
    """What the notes of a sample say: `roll` is SVG, the class of its passage number n is `c<n>`, and n is the place in `lit`."""

    seconds: float  # from tick 0 to the last end
    measures: Measures
    opening: dict[str, float]  # the measures of the first minute, as the yardstick has them
    novelty: Novelty | None  # None where nobody knows what was learned from
    lit: tuple[Lit, ...]
    roll: str
    width: float  # of the roll, px
    has_pedal: bool  # whether the roll shows notes that only the pedal holds


@dataclass(slots=True)
class SampleParts:
    """One sample; a part is None where it could not be made, and `troubles` says why."""

    path: Path
    prefix: str  # of its ids in the page
    of: str = ""  # whose it is, where a page shows several runs
    look: Look | None = None
    sound: bytes | None = None  # MP3
    score: str | None = None  # SVG, notes within passage n carry data-copy="n"
    troubles: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        """What it is called: "Sample 3" for sample-3.mid."""
        return self.path.stem.replace("-", " ").replace("_", " ").capitalize()

    @property
    def title(self) -> str:
        """Its name, and whose it is where that is not clear."""
        return f"{self.name} of {self.of}" if self.of else self.name


@dataclass(frozen=True, slots=True)
class Job:
    """One part to be made of one sample."""

    kind: Kind
    midi: bytes
    prefix: str
    title: str
    sources: Path | None


def sample_parts(
    files: Sequence[Path],
    sources: Path | None,
    *,
    prefix: str = "s",
    of: str = "",
    kinds: Sequence[Kind] = PARTS,
    workers: int | None = None,
    report: Report = lambda done, total: None,
) -> list[SampleParts]:
    """Return the samples in the order given, ids prefixed `<prefix>1-`, `<prefix>2-` …; `sources` is the folder of what was learned.

    `of` is whose they are, where a page shows several runs. Ids stay unique as long as each call of a page has a prefix of its own
    that does not end in a digit.
    """
    made = [SampleParts(path, f"{prefix}{number}-", of) for number, path in enumerate(files, 1)]
    jobs: list[Job] = []
    whose: list[SampleParts] = []
    for exhibit in made:
        midi = _bytes(exhibit)
        for kind in kinds if midi is not None else ():
            if kind == "sound" and (there := _rendered(exhibit.path, ".mp3")) is not None:
                exhibit.sound = there
                continue
            whose.append(exhibit)
            jobs.append(Job(kind, midi or b"", exhibit.prefix, exhibit.title, sources))
    for done, (index, result) in enumerate(work(TASK, jobs, workers=workers, timeout_s=TIMEOUT_S), 1):
        exhibit, job = whose[index], jobs[index]
        if isinstance(result, Failure):
            names = {"look": "piano roll", "sound": "sound", "score": "score"}
            exhibit.troubles.append(f"The {names[job.kind]} could not be made: {result.detail}")
        else:
            setattr(exhibit, job.kind, result)
        report(done, len(jobs))
    for exhibit in made:
        if exhibit.score is not None and exhibit.look is not None:
            exhibit.score = marked(exhibit.score, exhibit.look.lit)
    return made


def part(job: Job) -> Any:
    """Return one part of one sample: a Look, the bytes of an MP3, or the SVG of a score."""
    notes = read_midi(job.midi)
    if job.kind == "sound":
        from training.rendering.audio import mp3

        return mp3(notes)
    if job.kind == "score":
        from training.rendering.engrave import SCREEN, engrave_score

        return engrave_score(notes, prefix=job.prefix, paper=SCREEN)[0]
    found = None if job.sources is None else find_copies(TrainingIndex.open(job.sources), notes)
    lit = passages(notes, found) if found is not None else ()
    return Look(
        seconds=float(tick_to_seconds(notes.tempos, notes.end).max()),
        measures=measure(read(job.midi)),
        opening=reference.figures(notes),
        novelty=found,
        lit=lit,
        roll=draw_roll(
            notes,
            [RollPassage(each.first, each.last, told(each.copy)) for each in lit],
            prefix=job.prefix + "r",
            title=f"Piano roll of {job.title}",
            pixels_a_second=PIXELS_A_SECOND,
            background=False,
        ),
        width=width_of(notes, PIXELS_A_SECOND),
        has_pedal=has_pedal(notes),
    )


def passages(notes: Notes, found: Novelty) -> tuple[Lit, ...]:
    """Return the passages of LIT right notes or more, in the order of the piece, as stretches of `notes`.

    A copy counts the notes that `encoding.classes` keeps; a second note of one pitch at one onset belongs to the first.
    """
    kept = counted(notes)
    end = tick_to_seconds(notes.tempos, notes.end)
    start = tick_to_seconds(notes.tempos, notes.onset)
    lit = []
    for copy in sorted((copy for copy in found.copies if copy.notes >= LIT), key=lambda copy: copy.first):
        first = int(kept[copy.first])
        last = int(kept[copy.last + 1]) - 1 if copy.last + 1 < len(kept) else len(notes) - 1
        lit.append(Lit(copy, first, last, float(start[first]), float(end[first : last + 1].max())))
    return tuple(lit)


def told(copy: Copy) -> str:
    """Return one line that says where a passage comes from."""
    whose = f", sequenced by {copy.sequencer}" if copy.sequencer else ""
    return f"{copy.notes} notes of {copy.title}{whose}, from bar {copy.there_bars[0]}"


def marked(score: str, lit: Sequence[Lit]) -> str:
    """Return a score whose notes within passage n carry data-copy="n"."""
    inside = {note: number for number, each in enumerate(lit) for note in range(each.first, each.last + 1)}

    def mark(found: re.Match[str]) -> str:
        number = inside.get(int(found[1]))
        return found[0] if number is None else f'{found[0]} data-copy="{number}"'

    return NOTE.sub(mark, score)


def _bytes(exhibit: SampleParts) -> bytes | None:
    """Return the sample's bytes; None, and a trouble noted, where they are no MIDI."""
    try:
        return read_piece(exhibit.path, "remove it, or put a MIDI file in its place")[0]
    except TrainingError as error:
        reason = str(error).removeprefix(f"{exhibit.path}: ").removeprefix("cannot be read ")
        exhibit.troubles.append(f"{exhibit.path.name} cannot be read: {reason}")
        return None


def _rendered(path: Path, ending: str) -> bytes | None:
    """Return what `render` made of a sample; None where it is not there, or older than the sample."""
    there = path.with_suffix(ending)
    try:
        return there.read_bytes() if there.stat().st_mtime_ns >= path.stat().st_mtime_ns else None
    except OSError:
        return None
