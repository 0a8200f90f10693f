"""Filters: each keeps what is just inside its limit and gives its reason just outside."""

from dataclasses import replace
from typing import Any

import pytest

from dataset.filters import DEFAULT_LIMITS, judge
from dataset.measure import UNREADABLE, Measures

GOOD = Measures(
    notes=700,
    tracks=2,
    duration_s=96.0,
    beats=196.0,
    polyphony=2.7,
    note_density=7.1,
    piano_share=1.0,
    drum_share=0.0,
    pitches=33,
)


def test_an_ordinary_piece_stays() -> None:
    assert judge(GOOD, DEFAULT_LIMITS) is None


@pytest.mark.parametrize(
    "reason, inside, outside",
    [
        ("too_few_notes", {"notes": 16}, {"notes": 15}),
        ("too_short", {"beats": 4.0}, {"beats": 3.99}),
        ("too_short", {"duration_s": 2.0}, {"duration_s": 1.99}),
        ("too_long", {"beats": 4000.0}, {"beats": 4000.1}),
        ("too_long", {"duration_s": 1800.0}, {"duration_s": 1800.1}),
        ("too_few_pitches", {"pitches": 4}, {"pitches": 3}),
        ("too_dense", {"note_density": 100.0}, {"note_density": 100.1}),
        ("not_piano", {"piano_share": 0.5}, {"piano_share": 0.49}),
        ("mostly_drums", {"drum_share": 0.5}, {"drum_share": 0.51}),
    ],
)
def test_a_limit_parts_inside_from_outside(reason: str, inside: dict[str, Any], outside: dict[str, Any]) -> None:
    assert judge(replace(GOOD, **inside), DEFAULT_LIMITS) is None
    verdict = judge(replace(GOOD, **outside), DEFAULT_LIMITS)
    assert verdict is not None
    assert verdict.reason == reason
    assert verdict.detail


def test_a_limit_of_zero_is_a_limit_not_off() -> None:
    verdict = judge(replace(GOOD, drum_share=0.01), replace(DEFAULT_LIMITS, most_drum_share=0.0))
    assert verdict is not None
    assert verdict.reason == "mostly_drums"


def test_what_has_no_measures_never_passes() -> None:
    assert judge(UNREADABLE, DEFAULT_LIMITS) is not None
