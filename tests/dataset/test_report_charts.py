"""Properties of the plots and of the credits: every value and piece is shown."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.base.console import clean
from dataset.corpus.credits import UNNAMED, Credit, read_credits, write_credits
from dataset.reasons import describe_reason
from dataset.report.charts import axis, box, histogram, quantiles

numbers = st.lists(st.floats(0, 1e6) | st.integers(0, 60).map(float), min_size=1, max_size=60).map(np.array)
texts = st.text(st.sampled_from("aB:(-# )\\*[]`|\u202e\n\t.é") | st.characters(), max_size=12)


@given(numbers, st.booleans())
def test_every_value_is_in_one_bar_and_every_bar_on_the_axis(values: np.ndarray, whole: bool) -> None:
    values = np.round(values) if whole else values
    along = axis(values, whole=whole)
    bars = histogram(values, along)
    assert sum(bar.count for bar in bars) == len(values)
    assert max(bar.height for bar in bars) == 100
    assert abs(sum(bar.width for bar in bars) - 100) < 1
    assert along.low <= values.min()
    assert along.open_end or along.high >= values.max()


@given(numbers)
def test_a_box_lies_on_the_axis_in_order(values: np.ndarray) -> None:
    of = box(quantiles(values), axis(values, whole=False))
    assert 0 <= of.p5 <= of.p25 <= of.median <= of.p75 <= of.p95 <= 100


def test_few_whole_numbers_get_a_bar_each() -> None:
    values = np.array([1.0, 2, 2, 2, 5])
    along = axis(values, whole=True)
    assert [bar.count for bar in histogram(values, along)] == [1, 3, 0, 0, 1]
    assert (along.first, along.last) == (1, 5)


def test_shares_are_drawn_from_none_to_all() -> None:
    along = axis(np.array([0.4, 0.5]), whole=False, valid=(0.0, 1.0))
    assert (along.first, along.last) == (0, 1)


def test_a_single_giant_does_not_flatten_the_others() -> None:
    values = np.array([*range(200), 1e6])
    along = axis(values, whole=False)
    assert along.open_end
    assert sum(bar.count > 0 for bar in histogram(values, along)) > 20


@settings(max_examples=60)
@given(st.lists(st.builds(Credit, st.none() | texts, texts, texts, st.sampled_from(["vgmusic", "import"])), max_size=6))
def test_credits_are_read_as_they_were_written(credits_: list[Credit]) -> None:
    named = [credit for credit in credits_ if clean(credit.sequencer or "") != UNNAMED]
    cleaned = [Credit(clean(c.sequencer or "") or None, clean(c.game_title), clean(c.title), c.source) for c in named]
    by_name = sorted(cleaned, key=lambda c: (c.sequencer is None, (c.sequencer or "").casefold(), c.sequencer or ""))
    assert read_credits(write_credits("name", named)) == by_name


def test_a_filter_of_the_manifest_says_for_itself_why_it_is_there() -> None:
    assert (
        describe_reason("too_short", {"too_short": {"beats": 4, "why": "A jingle of one chord."}})
        == "A jingle of one chord."
    )
    assert describe_reason("only_drums", {"too_short": {"why": "No."}}) == "The file contains only drums."
    assert describe_reason("unheard_of", {}) == "Left out by the filter of the same name."
