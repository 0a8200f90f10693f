"""Plans of a given form: letters, such as AABA, of which a repeated one repeats its first section, or a loop. Pure NumPy.

In: the plan of a training piece and the letters, one per section. Out: a plan whose bars have the character of the
piece's bars, and whose sources follow the letters.
"""

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import numpy as np
import numpy.typing as npt

from training.events.plan_columns import EQUAL, REMAINING, VARIED
from training.events.plans import Plan, with_source

VARIED_BARS = 2  # last bars of a repeated section that are varied

Numbers = npt.NDArray[Any]


def with_form(plan: Plan, form: str, section_bars: int) -> Plan:
    """Return a plan of `len(form)` sections of `section_bars` bars.

    Each letter takes the bars of one section of `plan`, such that different letters share as few bars as possible.
    Within a section, sources stay, and the first of the bars that go back to the same bar of another section is new. A
    repeated letter repeats its first section, the last bars with slight variation.
    """
    letters = list(dict.fromkeys(form))
    long = plan.of_length(max(len(plan), section_bars))
    begins = _sections(long, len(letters), section_bars)
    sections = [long.in_order(begin + np.arange(section_bars)) for begin in begins]
    of_form = [sections[letters.index(letter)] for letter in form]
    columns = {field.name: np.concatenate([getattr(plan, field.name) for plan in of_form]) for field in fields(Plan)}
    likeness = np.where(np.arange(section_bars) < section_bars - VARIED_BARS, EQUAL, VARIED)
    for number, letter in enumerate(form):
        first = form.index(letter)
        if first == number:
            continue
        section = slice(number * section_bars, (number + 1) * section_bars)
        with_source(columns, section, (number - first) * section_bars, likeness)
    return Plan(**columns)


def with_loop(plan: Plan, intro: int, bars: int) -> Plan:
    """Return a plan of `intro` bars and a loop of `bars` bars, followed by the beginning of its next turn.

    So what is composed leads on from the loop's last bar to its first one, and does not end.
    """
    order = np.resize(np.arange(len(plan)), intro + bars)
    again = np.resize(order[intro:], REMAINING)
    made = plan.in_order(np.append(order, again))
    with_source(
        {field.name: getattr(made, field.name) for field in fields(Plan)}, slice(intro + bars, None), bars, EQUAL
    )
    return made


def letters(source: Sequence[int] | Numbers, section_bars: int) -> str:
    """Return the form of a piece as letters, one per section of `section_bars` bars; an incomplete one counts.

    `source` has the number of the earlier bar that each bar repeats or varies, below 0 for none. A section is like an
    earlier one if at least half of its bars go back to the same bars. Letters after the 26th are "?".
    """
    root = _roots(np.asarray(source, np.int64))
    sections = [root[at : at + section_bars] for at in range(0, len(root), section_bars)]
    found: list[int] = []
    for number, section in enumerate(sections):
        same = [j for j in range(number) if 2 * (section == sections[j][: len(section)]).sum() >= len(section)]
        found.append(found[same[0]] if same else max(found, default=-1) + 1)
    return "".join(chr(ord("A") + letter) if letter < 26 else "?" for letter in found)


def _sections(plan: Plan, count: int, section_bars: int) -> list[int]:
    """Return the first bars of `count` sections of a plan: each has as little as possible of those before it.

    Sections are used again if the plan has too few.
    """
    root = _roots(np.arange(len(plan)) - np.where(plan.lag > 0, plan.lag, len(plan) + 1))
    starts = list(range(0, len(plan) - section_bars + 1, section_bars))
    taken: list[int] = []
    for _ in range(count):
        used = np.concatenate([np.zeros(0, np.int64), *(root[at : at + section_bars] for at in taken)])
        free = [at for at in starts if at not in taken] or starts
        taken.append(min(free, key=lambda at: float(np.isin(root[at : at + section_bars], used).mean())))
    return taken


def _roots(source: Numbers) -> Numbers:
    """Return the first bar of the chain of sources of each bar, itself if it has none."""
    root = np.arange(len(source))
    for bar, earlier in enumerate(source):
        if earlier >= 0:
            root[bar] = root[earlier]
    return root
