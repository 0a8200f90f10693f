"""The figures on a page: beside people's, beside the corpus, and as curves."""

import json
import re
import shutil
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from dataset.measures.measure import measure
from dataset.midi.midi_reader import Reading
from dataset.midi.midi_writer import write_midi
from dataset.notes.model import Notes, seconds
from tests.training import exhibited
from tests.training.exhibited import shown_pages, shown_root, shown_run  # noqa: F401 - fixtures
from tests.training.songs import song
from training.critic.critic import passages_of
from training.page.learning_curves import labels, plot, ticks
from training.page.people import LABELS, beside_people
from training.page.reference import FIRST_S, REFERENCE_FILE, figures, first_seconds, reference, strips
from training.page.run_page import page
from training.run import Run
from training.sampling.sample_files import samples


@pytest.fixture(scope="module")
def text(pages: Path) -> str:
    return (pages / "runs" / "shown" / "index.html").read_text()


def test_measures_of_the_samples_stand_beside_peoples(root: Path, run: Run, text: str, tmp_path: Path) -> None:
    rows = beside_people(run, samples(run.samples))
    assert [row.label for row in rows] == [*LABELS.values()]
    assert re.findall(r'<tr data-people="([^"]+)">', text) == [row.label for row in rows]
    theirs = [passage for piece in run.corpus(root).pieces("train") for passage in passages_of(piece.notes, 6)]
    for name, row in zip(LABELS, rows, strict=True):
        quartiles = np.nanpercentile([passage[name] for passage in theirs], (25, 50, 75))
        assert (row.low, row.people, row.high) == pytest.approx(quartiles, abs=1e-5)
    onset = np.repeat(np.arange(40) * 24 + 6, 2)  # off the beat, a semitone each
    clashes = Notes.of(onset, np.full(80, 6), np.tile([60, 61], 40), np.full(80, 80), [(0, 120.0)], [(0, 4, 4)])
    (tmp_path / "a.mid").write_bytes(write_midi(clashes))
    (tmp_path / "b.mid").write_bytes(b"no music")
    found = {row.label: row for row in beside_people(run, [tmp_path / "a.mid", tmp_path / "b.mid"])}
    semitones, beats = (found[LABELS[name]] for name in ("interval class 1 among what sounds", "onsets on the beat"))
    assert (semitones.samples, semitones.is_outside) == (1, True)
    assert (beats.samples, found["Notes that sound at an onset"].samples) == (0, 2)


def test_without_measures_of_people_the_page_has_none(root: Path, run: Run, tmp_path: Path) -> None:
    made = Path(shutil.copytree(run.path, tmp_path / "runs" / "shown"))
    (made / "critic.json").write_text("{}")
    assert beside_people(Run.open(tmp_path, "shown"), samples(run.samples)) == []
    assert beside_people(run, []) == []
    shutil.rmtree(made / "samples")
    assert "Beside people" not in page(root, Run.open(tmp_path, "shown"))


def test_measures_are_those_of_the_first_minute() -> None:
    long = song(2, bars=80)
    first = first_seconds(long, FIRST_S)
    assert seconds(long) > 2 * FIRST_S
    assert seconds(first) == pytest.approx(FIRST_S, abs=0.05)
    assert np.array_equal(first.onset, long.onset[: len(first)])
    assert first_seconds(first, FIRST_S) == first
    whole = measure(Reading(first, 1, len(first), 0, 0.0))
    assert figures(long)["note_density"] == whole.note_density
    assert figures(long)["loop_share"] == whole.loop_share


def test_a_value_is_told_beside_those_of_the_corpus(root: Path, run: Run, text: str) -> None:
    beside = reference(root, run, run.learned_from())
    assert beside is not None
    assert beside.pieces == exhibited.PIECES
    assert beside.held > 0
    of = beside.measures["note_density"]
    [middle] = strips({"note_density": of.median}, beside)
    assert middle.words == "as in half of the pieces"
    assert 0 < middle.at < 100
    [above] = strips({"note_density": of.most + 1}, beside)
    assert (above.words, above.at) == ("above all", 100)
    assert json.loads((run.path / REFERENCE_FILE).read_text())["measures"]["note_density"] == asdict(of)


def test_curves_lie_where_their_values_are() -> None:
    drawn = plot([60, 120, 180], {"training": [9, 8, 7], "validation": [9, float("nan"), 8]}, (2, 8))
    assert drawn is not None
    assert drawn.x_unit == "minutes"
    training, validation = (np.array([pair.split(",") for pair in line.points.split()], float) for line in drawn.lines)
    assert training[:, 0] == pytest.approx([33.33, 66.67, 100])
    assert np.diff(training[:, 1]) == pytest.approx([training[1, 1] - training[0, 1]] * 2, abs=0.02)
    assert len(validation) == 2
    assert drawn.mark is not None
    assert validation[-1] == pytest.approx([drawn.mark.x, 100 - drawn.mark.y], abs=0.02)
    assert not drawn.cut
    assert plot([1, 2, 3, 4, 5], {"x": [100, 3, 2.5, 2, 2]}).cut  # type: ignore[union-attr]
    assert plot([1.0], {"x": [float("nan")]}) is None
    assert plot([1.0], {"x": [2.0]}) is not None


def test_numbers_of_one_axis_have_as_many_decimals() -> None:
    assert labels([2.8, 3.0, 3.2]) == ["2.8", "3.0", "3.2"]
    assert labels([0.0, 5.0, 10.0]) == ["0", "5", "10"]
    assert labels([0.05, 0.1]) == ["0.05", "0.10"]
    assert labels([]) == []


@pytest.mark.parametrize(
    "low, high, expected",
    [
        (0, 10, [0, 2, 4, 6, 8, 10]),
        (7.1, 7.9, [7.2, 7.4, 7.6, 7.8]),
        (3, 3, [3]),
        (-1, 0.1, [-1, -0.8, -0.6, -0.4, -0.2, 0]),
    ],
)
def test_ticks_are_round(low: float, high: float, expected: list[float]) -> None:
    assert ticks(low, high) == expected
