"""The parts of samples that a page shows: each is made or says why not; passages, titles, loops."""

import os
import re
import shutil
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import pytest

from dataset.corpus.corpus import Corpus
from dataset.midi.midi_writer import write_midi
from dataset.notes.model import Notes
from dataset.notes.timing import tick_to_seconds
from tests.dataset.reported import HOSTILE
from tests.training import exhibited
from tests.training.exhibited import shown_root, shown_run, source_of  # noqa: F401 - fixtures
from tests.training.songs import song
from training.novelty.figures import find_copies
from training.novelty.training_index import TrainingIndex
from training.page import sample_parts as sample_module
from training.page.run_page import page
from training.page.run_summary import RunSummary
from training.page.sample_parts import mark_score, passages, sample_parts
from training.page.sample_view import COLOURS, by_sha256, find_origins
from training.run import Run
from training.sampling.config import SamplingConfig
from training.sampling.sample_files import samples
from training.sampling.sample_record import Draft, SampleRecord


def test_a_sample_says_of_how_many_drafts_it_was_chosen_and_a_damaged_record_costs_only_that(
    run: Run, tmp_path: Path
) -> None:
    for number in (1, 2):
        shutil.copy(run.samples / f"sample-{number}.mid", tmp_path)
    config = SamplingConfig(count=3, form="ABA", section_bars=2)
    record = SampleRecord.of(Draft(song(1)), config, run="r", number=7, drafts=12, distance=0.5, has_prime=False)
    (tmp_path / "sample-1.json").write_text(record.to_json())
    (tmp_path / "sample-2.json").write_text(record.to_json().replace('"draft": 7', '"draft": -7'))
    first, second = sample_parts(samples(tmp_path), None, kinds=())
    assert first.how == f"draft 7, 3 of 12 chosen · form {record.form} in sections of 2 bars"
    assert len(record.form) == 8
    assert second.how == ""
    assert second.troubles[0].startswith("sample-2.json cannot be read: draft: ")
    assert first.how in render_run(run, tmp_path)


def render_run(run: Run, folder: Path) -> str:
    """Return the page of a run whose samples are those of another folder."""
    moved = folder / "moved"
    shutil.copytree(run.path, moved, ignore=shutil.ignore_patterns("samples"))
    shutil.copytree(folder, moved / "samples", ignore=shutil.ignore_patterns("moved", "sample-2*"))
    return page(folder, Run.open(folder, str(moved)))


def test_a_part_that_kills_its_library_costs_only_itself(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sample_module, "TASK", "tests.training.test_sample_parts:part_or_dead")
    [shown] = sample_parts(samples(run.samples)[:1], run.sources)
    assert shown.score is None
    assert "The score could not be made" in shown.troubles[0]
    assert shown.analysis is not None
    assert shown.sound is not None


def part_or_dead(job: sample_module.Job) -> object:
    """Like `sample_parts.part`, but a score kills its process."""
    if job.kind == "score":
        import os
        import signal

        os.kill(os.getpid(), signal.SIGKILL)
    return sample_module.part(job)


def test_passages_count_notes_as_the_roll_does(run: Run) -> None:
    notes = exhibited.with_passage(Corpus.open(run.path.parents[1], "hostile").pieces("train")[0].notes, 20)
    [highlights] = passages(notes, find_copies(TrainingIndex.open(run.sources), notes))
    assert (highlights.copy.first, highlights.copy.last) == (15, 54)
    assert (highlights.first, highlights.last) == (15, 55)
    doubled = Notes.of([0, 0, 12], [6, 5, 6], [60, 60, 62], [80, 80, 80])
    found = replace(
        find_copies(TrainingIndex.open(run.sources), notes), copies=(replace(highlights.copy, first=0, last=0),)
    )
    [first] = passages(doubled, found)
    assert (first.first, first.last) == (0, 1)  # the double belongs to the note before it


def test_a_file_of_the_catalog_is_shown_by_its_title(root: Path, run: Run, tmp_path: Path) -> None:
    source = source_of(root)
    file = tmp_path / f"{source.sha256}.mid"
    file.write_bytes(write_midi(song(1)))
    unlisted = Path(shutil.copy(file, tmp_path / f"{'0' * 64}.mid"))
    [known] = sample_parts([file], None, root=root, run="shown", kinds=("notation",))
    assert known.name == source.title
    assert known.how == f"Hostile: {HOSTILE[1]}, sequenced by {source.sequencer}"
    assert re.fullmatch(r"\w+(-\w+)*", known.stem)
    score = ZipFile(BytesIO(known.notation or b"")).read("score.musicxml").decode()
    assert source.title.rpartition(" ")[2] in re.sub(r"<[^>]+>", " ", score).split()
    assert "shown" not in score
    for place, catalog in ((unlisted, root), (file, tmp_path), (file, None)):
        [unknown] = sample_parts([place], None, root=catalog, kinds=())
        assert (unknown.name.lower(), unknown.how, unknown.troubles) == (place.stem, "", [])


def test_a_loop_that_the_file_marks_is_known_in_seconds(tmp_path: Path) -> None:
    (tmp_path / "a.mid").write_bytes(write_midi(song(1), loop=(96, 192)))
    (tmp_path / "b.mid").write_bytes(write_midi(Notes.of([0], [12], [60], [80], [(0, 120.0)], [(0, 4, 4)])))
    marked, plain = sample_parts([tmp_path / "a.mid", tmp_path / "b.mid"], None, kinds=("analysis",))
    assert marked.analysis is not None
    assert plain.analysis is not None
    assert marked.analysis.loop == pytest.approx(tick_to_seconds(song(1).tempos, [96, 192]))
    assert plain.analysis.loop is None
    assert (plain.analysis.seconds, plain.analysis.bars_s) == (0.25, 2)


def test_a_rendered_score_is_held_unless_it_is_older(run: Run, tmp_path: Path) -> None:
    midi = Path(shutil.copy(run.samples / "sample-2.mid", tmp_path))
    (tmp_path / "sample-2-score.pdf").write_bytes(b"%PDF")
    (tmp_path / "sample-2.musicxml").write_bytes(b"<score-partwise/>")
    [shown] = sample_parts([midi], None, kinds=("notation",))
    assert shown.pdf == b"%PDF"
    assert ZipFile(BytesIO(shown.notation or b"")).read("score.musicxml") == b"<score-partwise/>"
    for made in ("sample-2-score.pdf", "sample-2.musicxml"):
        os.utime(tmp_path / made, (1, 1))
    [again] = sample_parts([midi], None, kinds=())
    assert (again.pdf, again.notation) == (None, None)


def test_a_game_and_an_address_are_those_of_the_runs_own_sources(run: Run) -> None:
    learned = run.learned_from()
    pieces = (
        replace(learned.pieces[0], game_title="Doom", url="javascript:alert(1)"),
        *learned.pieces[1:],
    )
    [shown] = sample_parts(samples(run.samples)[:1], run.sources, kinds=("analysis",))
    [origin] = find_origins([shown], by_sha256(pieces)).values()
    assert (origin.sha256, origin.game, origin.address) == (pieces[0].sha256, "Doom", None)
    [origin] = find_origins([shown], by_sha256(learned.pieces)).values()
    assert origin.address == learned.pieces[0].url
    [unknown] = find_origins([shown], {}).values()
    assert (unknown.game, unknown.address) == ("hostile", None)
    summary = RunSummary.of(run, learned)
    assert sum(maker.count for maker in summary.makers) == len(learned.pieces)
    assert RunSummary.of(run).makers == []


def test_the_most_copied_pieces_have_colours_of_their_own(run: Run) -> None:
    [shown] = sample_parts(samples(run.samples)[:1], run.sources, kinds=("analysis",))
    assert shown.analysis is not None
    [highlights] = shown.analysis.highlights
    many = tuple(
        replace(highlights, copy=replace(highlights.copy, sha256=f"{n:064x}", notes=100 - n)) for n in range(8)
    )
    shown.analysis = replace(shown.analysis, highlights=many)
    found = find_origins([shown], {})
    assert [origin.colour for origin in found.values()] == [0, 1, 2, 3, 4, COLOURS, COLOURS, COLOURS]


def test_notes_within_a_passage_are_marked_in_the_score_and_no_others(run: Run) -> None:
    [shown] = sample_parts(samples(run.samples)[:1], run.sources, kinds=("analysis",))
    assert shown.analysis is not None
    score = '<g data-note="14"/><g data-note="15"/><g data-note="55"/><g data-note="56"/>'
    assert mark_score(score, shown.analysis.highlights) == (
        '<g data-note="14"/><g data-note="15" data-copy="0"/><g data-note="55" data-copy="0"/><g data-note="56"/>'
    )
