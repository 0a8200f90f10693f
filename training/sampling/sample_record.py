"""How a sample was composed: `SampleRecord`, a small JSON file beside its MIDI file.

In: a draft, and how it was chosen. Out: `sample-3.json` beside `sample-3.mid`, and back.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated

from msgspec import Meta

from catalog.base.errors import TrainingError
from catalog.storage.reading import Above0, Count, Finite, NotNegative, Positive, Share, read_json
from dataset.notes.form import find_form
from dataset.notes.meter import bar_ticks
from dataset.notes.model import Notes
from training.events.fields import FIELDS
from training.planning.forms import letters
from training.sampling.conditioning import Styles
from training.sampling.config import OWN, Harmony, SamplingConfig

FORMAT = 1
ENDING = ".json"
NO_GUESS = "-"
GUESS_NAMES = {
    "time": (
        "the longest match",
        "the longest match that says otherwise",
        "one loop ago",
        "the longest match of the rhythm",
        "the bar that the plan repeats",
        "the bar whose rhythm the plan repeats",
        "the bar whose rhythm the left hand repeats",
        "the bar whose rhythm the right hand repeats",
    ),
    "pitch": (
        "the longest match",
        "the longest match that says otherwise",
        "one loop ago",
        "the longest match transposed",
        "the same place in the bar",
        "the figure of the bar before, moved",
        "the bar that the plan repeats",
        "the bar whose rhythm the left hand repeats, moved as planned",
        "the bar whose rhythm the right hand repeats, moved as planned",
        "the interval struck last by the same hand",
    ),
    "duration": (
        "the same pitch",
        "the same pitch, where it says otherwise",
        "the longest match of the rhythm",
        "the note before",
        "the bar that the plan repeats",
        "the bar whose rhythm the hand repeats",
        "the step in the bar whose rhythm the hand repeats",
    ),
    "velocity": (
        "the same pitch",
        "the nearest pitch",
        "the note before",
        "the most similar context",
        "the bar that the plan, or the hand, repeats",
    ),
}
"""What each guess of a field follows, in the order of `training.events.repeat_models`."""

Guesses = Annotated[str, Meta(pattern=r"^[0-9-]*$")]
"""One character per note."""

TicksBack = Annotated[str, Meta(pattern=r"^([0-9]+( [0-9]+)*)?$")]
"""A number per note, separated by spaces."""


@dataclass(frozen=True, slots=True, eq=False)
class Draft:
    """A piece that a run composed: its notes, style and guesses."""

    notes: Notes
    style: Styles = field(default_factory=dict)  # weights of (series, game)
    guesses: Mapping[str, str] = field(default_factory=dict)  # by field, as in SampleRecord
    back: Sequence[int] = ()  # as in SampleRecord


@dataclass(frozen=True, slots=True)
class StyleShare:
    """A style with its weight."""

    series: str  # the slug
    game: str  # the slug; empty for the whole series
    share: Share  # of all styles


MOST_ACCENT = 0.7
"""Accent of a loop's beginning above which another loop is preferred; in sound, fewer of its seams stand out then."""


@dataclass(frozen=True, slots=True)
class Seam:
    """How surprising the first bar of the next turn is, in bits per note, beside the other bars of the loop."""

    bits: float
    usual_bits: float  # median over the bars of the loop but the first
    accent: float = 0.0  # share of the loop's other onsets at which the sound changes less than at its beginning

    @property
    def is_accented(self) -> bool:
        """Whether the sound changes so much at the first chord of the loop that each turn is heard to begin."""
        return self.accent > MOST_ACCENT

    @property
    def excess(self) -> float:
        """Bits per note above the usual; below 0 if the next turn follows better than bars usually do."""
        return self.bits - self.usual_bits


@dataclass(frozen=True, slots=True)
class SampleLoop:
    """The loop of a sample, and how well its end leads on to its beginning."""

    start: Count  # first tick
    end: Positive  # tick after the last
    bars: Positive  # its length
    seam_bits: NotNegative  # bits per note of its first bar after its last one, for the network
    usual_bits: NotNegative  # median of the bits per note of its other bars


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleRecord:
    """How a sample was composed."""

    format: Count  # version of the file
    run: str  # name of the run
    seed: Annotated[int, Meta(ge=0)]  # as given with --seed, or drawn
    draft: Positive  # number of the draft among those composed with the seed, from 1
    drafts: Positive  # number of drafts composed
    kept: Positive  # number of drafts that were kept
    distance: NotNegative | None  # standard deviations beyond the middle half of human pieces, mean; null if unmeasured
    advantage: Finite | None  # log of how much likelier a passage is in human pieces than in drafts, mean; or null
    style: tuple[StyleShare, ...]  # what the network was told; empty for none
    tempo: Above0  # quarter notes per minute, at the beginning
    meter: tuple[Positive, Positive]  # numerator and denominator, at the beginning
    temperature: dict[str, float]  # by field
    top_p: dict[str, float]  # by field
    top_k: dict[str, float]  # by field
    min_p: dict[str, float]  # by field
    max_copy: Count  # as given with --max-copy
    harmony: Harmony = OWN  # as given with --harmony
    has_prime: bool  # whether the sample continues a file
    asked_form: str | None  # as given with --form
    form: str  # form that was found in the notes: a letter per section; the same letter for versions of the same music
    section_bars: Positive  # bars of a section
    sources: tuple[Count, ...]  # for each bar, the earlier bar, from 1, that it repeats or varies; 0 for none
    loop: SampleLoop | None = None  # null if the sample is no loop
    guesses: dict[
        str, Guesses
    ]  # by field, one character per note drawn: the number of the right guess with the greatest gain, or "-"
    back: TicksBack = ""  # for each note drawn, ticks back to the note that the guess at its pitch follows; 0 for none

    @classmethod
    def of(
        cls,
        draft: Draft,
        config: SamplingConfig,
        *,
        run: str,
        number: int,
        drafts: int,
        has_prime: bool,
        distance: float | None = None,
        advantage: float | None = None,
        seam: Seam | None = None,
    ) -> "SampleRecord":
        """Return the record of draft `number`, from 1, of `drafts`; `config.count` of them are kept."""
        notes = draft.notes
        source = find_form(notes).source if len(notes) else ()
        by_field = {
            setting: dict(zip(FIELDS, config.by_field(setting), strict=True))
            for setting in ("temperature", "top_p", "top_k", "min_p")
        }
        return cls(
            format=FORMAT,
            run=run,
            seed=int(config.seed),
            draft=number,
            drafts=drafts,
            kept=int(config.count),
            distance=None if distance is None else round(distance, 4),
            advantage=None if advantage is None else round(advantage, 4),
            style=_shares(draft.style),
            tempo=round(notes.tempos[0][1], 2),
            meter=notes.time_signatures[0][1:],
            **by_field,
            max_copy=int(config.max_copy),
            harmony=config.harmony,
            has_prime=has_prime,
            asked_form=config.form,
            form=letters(source, config.section_bars),
            section_bars=int(config.section_bars),
            sources=tuple(int(bar) + 1 for bar in source),
            loop=None if seam is None else _loop(notes, config, seam),
            guesses=dict(draft.guesses),
            back=" ".join(map(str, draft.back)),
        )

    @property
    def line(self) -> str:
        """What is shown of the sample, in one line."""
        is_chosen = self.distance is not None or (self.loop is not None and self.drafts > self.kept)
        chosen = "" if not is_chosen else f"draft {self.draft}, {self.kept} of {self.drafts} chosen"
        form = f"form {self.form} in sections of {self.section_bars} bars" if len(self.form) > 1 else ""
        loop = "" if self.loop is None else f"a loop of {self.loop.bars} bars"
        return " · ".join(filter(None, (chosen, loop, form)))

    @property
    def style_names(self) -> str:
        """The games or series in whose style it was composed, such as "ocarina of time"; empty for none."""
        return ", ".join((share.game or share.series).replace("-", " ") for share in self.style)

    def to_json(self) -> str:
        """Return the text of the file; deterministic."""
        return json.dumps(asdict(self), indent=1, ensure_ascii=False) + "\n"


def _loop(notes: Notes, config: SamplingConfig, seam: Seam) -> SampleLoop:
    """Return the loop of a piece that was composed with `config`."""
    bars, bar = config.bars or 1, bar_ticks(*notes.time_signatures[0][1:])
    start = config.intro * bar
    return SampleLoop(start, start + bars * bar, bars, round(seam.bits, 4), round(seam.usual_bits, 4))


def _shares(styles: Styles) -> tuple[StyleShare, ...]:
    """Return styles with their share of all weights."""
    if not styles:
        return ()
    most = max(styles.values())  # so that the sum is finite
    total = sum(weight / most for weight in styles.values())
    return tuple(StyleShare(*name, round(weight / most / total, 6)) for name, weight in styles.items())


def read_record(midi: Path) -> SampleRecord | None:
    """Return the record beside a sample's MIDI file, None if there is none.

    Raises TrainingError if it is damaged.
    """
    path = midi.with_suffix(ENDING)
    try:
        return read_json(path, SampleRecord, fail=TrainingError, remedy="remove it", version=FORMAT)
    except FileNotFoundError:
        return None
