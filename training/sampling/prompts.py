"""Beginning, plan and end of new pieces, and the progress of composing them.

In: first notes of training pieces or the notes of a prime. Out: start and end of each stream.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from catalog.base.console import Report
from catalog.base.errors import UsageError
from dataset.notes.model import Notes
from dataset.notes.timing import MAX_TICK, TICKS_PER_QUARTER
from training.events import encoding
from training.events import fields as events
from training.events.fields import PITCH, PLACES, SHADES, bar_ticks
from training.events.plan_columns import HANDS, is_left
from training.events.plans import Plan
from training.events.vocabulary import UNKNOWN, Opening, Start, Vocabulary
from training.planning import continuation
from training.planning.forms import with_form, with_loop
from training.planning.harmony import harmony_scales, nearest_pitch, with_other_harmonies
from training.planning.similar import in_turn
from training.sampling.config import LOOP_BARS, OTHER, SamplingConfig
from training.two_sample import Scale

MAX_PLANNED = 1024  # bars for which there is a plan
LEAST_SHARE = 0.6  # of the notes asked for that a piece has whose plan is used; the plan is repeated where it ends
_ORDER = 2**32 - 1  # seed of the order of pieces, after the user's; streams have their numbers there

IntArray = npt.NDArray[np.int32]
Numbers = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Prompt:
    """The beginning of one stream: classes, onsets, tempos and meters.

    The last tempo and meter continue.
    """

    rows: IntArray  # [n, KNOWN]
    onsets: IntArray  # [n]
    tempos: tuple[tuple[int, float], ...]
    meters: tuple[tuple[int, int, int], ...]
    style: tuple[int, int]
    velocities: IntArray  # [VELOCITIES, SHADES], of each class
    plan: Plan | None = None
    prime_lines: IntArray | None = None  # bar lines of a prime [bars + 1], to which the first bars of the plan belong
    is_prime: bool = False

    @property
    def bar(self) -> int:
        """Length of a bar in ticks."""
        return bar_ticks(*self.meters[-1][1:])

    def with_form(self, form: str, section_bars: int) -> "Prompt":
        """Return this prompt with a plan of that form; unchanged if it has no plan."""
        return self if self.plan is None else replace(self, plan=with_form(self.plan, form, section_bars))

    def with_harmonies(self, others: Iterable[Plan], scales: Mapping[str, Scale], count: int) -> list["Prompt"]:
        """Return `count` prompts with harmonies of these pieces, to which the first note is moved; unchanged without any.

        See `with_other_harmonies`.
        """
        if self.plan is None:
            return [self] * count
        return [self._with_plan(plan) for plan in with_other_harmonies(self.plan, others, scales, count)]

    def _with_plan(self, plan: Plan) -> "Prompt":
        """Return this prompt with another plan, to whose harmony its first note is moved."""
        if plan is self.plan:
            return self
        rows = self.rows.copy()
        pitch = int(rows[0, PITCH])
        hand = HANDS[not is_left(pitch, plan.left_top[0], plan.right_bottom[0])]
        rows[0, PITCH] = nearest_pitch(pitch, int(getattr(plan, f"{hand}_chroma")[0] or plan.chroma[0]))
        return replace(self, plan=plan, rows=rows)

    def bar_line(self, tick: int) -> int:
        """Return the bar line at or before a tick."""
        return tick - (tick - self.meters[-1][0]) % self.bar

    def end_tick(self, seconds: float | None, bars: int | None) -> int:
        """Return the tick of the bar line at which the stream ends.

        The first of `seconds`, `bars` and the maximum length of a file applies. A new piece is counted from its first
        note, in bars from that note's bar; a continuation, from the end of the bar in which the prime's last note
        begins.
        """
        now = int(self.onsets[-1])
        first_line = self.bar_line(now) + self.bar * self.is_prime
        ends = [self.bar_line(MAX_TICK)]
        if bars is not None:
            ends.append(first_line + int(bars) * self.bar)
        if seconds is not None:
            ticks = float(seconds) * self.tempos[-1][1] * TICKS_PER_QUARTER / 60
            ends.append(self.bar_line(math.ceil((first_line if self.is_prime else now) + ticks) + self.bar - 1))
        return min(ends)

    def planned(self, config: SamplingConfig) -> tuple[Plan, IntArray] | None:
        """Return the plan, as long as it may be needed, with its bar lines in ticks."""
        if self.plan is None:
            return None
        if self.prime_lines is not None:
            return self._planned_after(self.plan, self.prime_lines, config)
        first = self.bar_line(int(self.onsets[0]))
        if config.loop:
            plan = with_loop(self.plan, config.intro, config.bars or LOOP_BARS)
            return plan, (first + np.arange(len(plan) + 1) * self.bar).astype(np.int32)
        bars = (self.end_tick(config.seconds, config.all_bars) - first) // self.bar
        plan = self.plan.of_length(min(bars, config.notes or MAX_PLANNED, MAX_PLANNED))
        lines = first + np.arange(len(plan) + 1) * self.bar
        return plan, lines.astype(np.int32)

    def _planned_after(self, plan: Plan, given: IntArray, config: SamplingConfig) -> tuple[Plan, IntArray]:
        """Return the plan of a prime and what follows, with bar lines; the bars of the prime stay as they are."""
        bars = max(1, (self.end_tick(config.seconds, config.all_bars) - int(given[-1])) // self.bar)
        bars = len(given) - 1 + min(bars, config.notes or MAX_PLANNED, MAX_PLANNED)
        lines = np.append(given, given[-1] + self.bar * np.arange(1, bars - len(given) + 2)).astype(np.int32)
        return plan.in_order(np.resize(np.arange(len(plan)), bars)) if bars != len(plan) else plan, lines


def with_harmony_scales(vocabulary: Vocabulary) -> Vocabulary:
    """Return a vocabulary with what tells its pieces' plans from those with another piece's harmony; itself if it has that."""
    if vocabulary.harmony:
        return vocabulary
    plans, bars = [piece.read_plan() for piece in vocabulary.openings], [piece.bar for piece in vocabulary.openings]
    return replace(vocabulary, harmony=harmony_scales(plans, bars))


def reason_unusable(prime: Notes) -> str | None:
    """Return why a prime cannot be continued, or None."""
    if not len(prime):
        return "it has no notes"
    prompt = _prompt_from_prime(prime)
    if prompt.bar_line(MAX_TICK) <= prompt.bar_line(int(prompt.onsets[-1])) + prompt.bar:
        return f"its last note begins {int(prompt.onsets[-1]) // TICKS_PER_QUARTER:,} quarter notes in, at the maximum length of a file"
    return None


def make_starts(
    vocabulary: Vocabulary,
    fitting: Sequence[Opening],
    config: SamplingConfig,
    prime: Notes | None,
    generators: Mapping[int, np.random.Generator],
) -> list[Prompt]:
    """Return the beginning of each stream, as `make_prompts` does, with the form and harmony that are asked for.

    `generators` are by the number of the stream, ascending. `config.per_plan` streams in a row follow the form of one piece
    with harmonies of their own, if these are another piece's.
    """
    tries: dict[int, list[np.random.Generator]] = {}
    for number, generator in generators.items():
        tries.setdefault(number // config.per_plan, []).append(generator)
    is_mixed = config.harmony == OTHER
    starts = make_prompts(vocabulary, fitting, prime, tries, config.notes or 1, config.seed, is_mixed=is_mixed)
    if config.form is not None:
        starts = [start.with_form(config.form, config.section_bars) for start in starts]
    return starts


def make_prompts(
    vocabulary: Vocabulary,
    fitting: Sequence[Opening],
    prime: Notes | None,
    tries: Mapping[int, Sequence[np.random.Generator]],
    notes: int,
    seed: int,
    *,
    is_mixed: bool = False,
) -> list[Prompt]:
    """Return the beginning of each stream: the prime, or the first note and plan of a training piece.

    `tries` has the generators of the streams that follow one piece, for each of these pieces, by its number, ascending.

    What follows a prime is planned as in a piece that begins like it, one with bars as long if there is any. Without a
    prime, pieces are taken in a random order, each once, then the other pieces that are most like them, and then all of these
    again from other bars. They have at least LEAST_SHARE of `notes` notes from there on, if there are such. A stream's piece
    does not depend on the number of streams. With `is_mixed`, plans have the harmony of another of the `fitting` pieces whose
    bars are as long, or else of any other one, if there is one. Raises UsageError for a prime that cannot be continued.
    """
    if prime is not None:
        if (reason := reason_unusable(prime)) is not None:
            raise UsageError(f"--prime: {reason}; choose another file")
        given = _prompt_from_prime(prime)
        change = np.array([abs(piece.bar - given.bar) for piece in fitting])
        alike = [fitting[number].read_plan() for number in np.flatnonzero(change == change.min()).tolist()]
        harmony = vocabulary.harmony if is_mixed else None
        most = max(map(len, tries.values()))
        plans, lines = continuation.plans_after(prime, alike, [*tries], [seed, _ORDER], harmony, most)
        if not plans:
            return [given for each in tries.values() for _ in each]
        return [
            replace(given, plan=plan, prime_lines=lines)
            for made, each in zip(plans, tries.values(), strict=True)
            for plan in made[: len(each)]
        ]
    least = notes * LEAST_SHARE
    own = [opening for opening in fitting if opening.notes >= least] or fitting
    others = _others(vocabulary, fitting)
    pieces = in_turn(own, [opening for opening in others if opening.notes >= least], max(tries), [seed, _ORDER])
    prompts = []
    for number, each in tries.items():
        turn, at = divmod(number, len(pieces))
        piece, styled = pieces[at]
        later = [start for start in piece.later if start.notes >= least] if turn else []
        start = later[int(each[0].integers(len(later)))] if later else None
        prompt = _prompt_from_opening(piece, vocabulary.style(styled.series, styled.game), start)
        if is_mixed:
            with_bar = [other for other, _ in pieces[: len(own)] if other.bar == piece.bar and other is not piece]
            with_bar = with_bar or [other for other in others if other.bar == piece.bar and other is not piece]
            harmonies = (with_bar[which].read_plan() for which in each[0].permutation(len(with_bar)).tolist())
            prompts += prompt.with_harmonies(harmonies, vocabulary.harmony, len(each))
        else:
            prompts += [prompt] * len(each)
    return prompts


def _others(vocabulary: Vocabulary, fitting: Sequence[Opening]) -> list[Opening]:
    """Return the pieces of the run, and of the run that it starts from, that are not among `fitting`."""
    own = set(fitting)
    return [opening for opening in (*vocabulary.openings, *vocabulary.related) if opening not in own]


def _prompt_from_prime(prime: Notes) -> Prompt:
    """Return a prime as a prompt.

    Tempo and meter are those at its last note; later changes are dropped.
    """
    rows, onsets = encoding.classes(prime)
    last = int(onsets[-1])
    tempos = tuple(change for change in prime.tempos if change[0] <= last)
    meters = tuple(change for change in prime.time_signatures if change[0] <= last)
    return Prompt(
        rows, onsets, tempos, meters, (UNKNOWN, UNKNOWN), events.velocities_of_classes(prime.velocity), is_prime=True
    )


def _prompt_from_opening(opening: Opening, style: tuple[int, int], later: Start | None = None) -> Prompt:
    first = opening if later is None else later
    bar = min(PLACES, opening.bar)
    return Prompt(
        np.array([[0, first.pitch, first.duration, first.velocity, first.place, bar]], np.int32),
        np.array([first.place], np.int32),
        ((0, opening.tempo),),
        ((0, opening.numerator, opening.denominator),),
        style,
        np.array(opening.velocities, np.int32).reshape(-1, SHADES),
        opening.read_plan(later),
    )


class ProgressCounter:
    """Progress of composing: in notes if only `notes` is given, else in bars."""

    def __init__(self, config: SamplingConfig, starts: list[Prompt], limits: Numbers, report: Report) -> None:
        self.report = report
        self.by_notes = config.seconds is None and config.bars is None
        self.start = np.array([int(b.onsets[-1]) for b in starts])
        self.bar = np.array([b.bar for b in starts])
        bars = np.maximum(1, (limits - self.start) // self.bar)
        self.all = np.full(len(starts), config.notes) if self.by_notes else bars
        self.done = np.full(len(starts), int(self.by_notes and not starts[0].is_prime))  # the prompt is the first note

    def add(self, live: Numbers, onsets: IntArray) -> None:
        """Count a note of each active stream."""
        passed = self.done[live] + 1 if self.by_notes else (onsets - self.start[live]) // self.bar[live]
        self.done[live] = np.minimum(self.all[live], passed)

    def report_live(self, live: Numbers) -> None:
        """Report the progress; streams that are not active count as done."""
        self.report(int(self.all.sum() - (self.all - self.done)[live].sum()), int(self.all.sum()))
