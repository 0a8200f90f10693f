"""Measures of the whole real section."""

from pathlib import Path

import numpy as np
import pytest

from dataset.measure import to_table
from dataset.measures.measure import measure
from dataset.midi.midi_reader import read
from tests.dataset.test_measure import check_ranges

pytestmark = pytest.mark.road


@pytest.mark.real
def test_the_measures_of_the_real_section_lie_in_their_ranges_and_two_thirds_of_it_is_on_the_grid(
    real_site: Path,
) -> None:
    paths = sorted(real_site.rglob("*.mid"))
    table = to_table([path.name for path in paths], [measure(read(path.read_bytes())) for path in paths])
    check_ranges(table)
    missing = {name: table[name].null_count for name in table.column_names if table[name].null_count}
    assert (missing.pop("loop_start"), missing.pop("loop_bars")) == (379, 379)  # 342 have one
    assert missing == {"groove_consistency": 1, "dropped": 718, "texts": 34, "copyright": 438}  # one is less than a bar
    assert sum(table["licence_conflict"].to_pylist()) == 32
    assert (table["pedal_share"].to_numpy() > 0).sum() == 170
    kept, dropped, ons = (sum(table[name].to_pylist()) for name in ("notes", "dropped_notes", "note_ons"))
    assert (kept, dropped, kept + dropped) == (639_843, 1_992, ons)
    lengths = np.bincount(table["loop_bars"].drop_null())
    assert [int(bars) for bars in np.argsort(-lengths, kind="stable")[:4]] == [16, 24, 8, 32]
    assert table["loop_start"].to_pylist().count(1) == 189
    on_grid = table["on_grid"].to_numpy()
    assert ((on_grid == 1).sum(), (on_grid > 0.9).sum(), (on_grid < 0.1).sum()) == (485, 560, 128)
