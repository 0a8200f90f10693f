"""The page of a run as text: it agrees with the run's files."""

import json
import os
import re
import shutil
import subprocess
import sys
from base64 import b64decode
from dataclasses import asdict, replace
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest

from dataset.corpus.corpus import Corpus, CorpusPiece
from dataset.measures.measure import measure
from dataset.midi.midi_reader import Reading, read_midi
from dataset.midi.midi_writer import write_midi
from dataset.notes.model import Notes, seconds
from dataset.notes.timing import tick_to_seconds
from tests.dataset.reported import HOSTILE
from tests.training import exhibited
from tests.training.conftest import command, song
from tests.training.exhibited import shown_root, shown_run  # noqa: F401 - fixtures
from tests.training.test_render import command as render_command
from training.choosing import stretches
from training.events.encoding import classes
from training.novelty.figures import find_copies
from training.novelty.training_index import TrainingIndex
from training.page import sample_parts as sample_module
from training.page.learning_curves import labels, plot, ticks
from training.page.people import LABELS, beside_people
from training.page.reference import FIRST_S, REFERENCE_FILE, figures, first_seconds, reference, strips
from training.page.run_page import page, whom, write_page
from training.page.run_summary import RunSummary
from training.page.sample_parts import mark_score, passages, sample_parts
from training.page.sample_view import COLOURS, by_sha256, find_origins
from training.page.source_links import is_web_address
from training.run import Run
from training.sampling.config import SamplingConfig
from training.sampling.sample_files import samples
from training.sampling.sample_record import Draft, SampleRecord


@pytest.fixture(scope="module")
def text(root: Path, run: Run) -> str:
    return write_page(root, run).read_text()


def test_it_says_what_the_runs_files_say(run: Run, text: str) -> None:
    said = re.sub(r"<[^>]+>", "", text)
    assert "8.00" in said
    assert 'data-best="8.0"' in text
    assert "at epoch 7" in said
    assert run.request.corpus_hash in said
    funnel = RunSummary.of(run).manifest.funnel  # type: ignore[union-attr]
    assert f'<b data-split="train">{funnel.train}</b>' in text
    assert "train --corpus hostile --recipe note-lstm --seed 0 --minutes 9" in said
    assert "9000" in said.replace("\u202f", "")


def test_the_same_run_gives_the_same_page(root: Path, run: Run, text: str) -> None:
    assert page(root, run) == text


def test_measures_of_the_samples_stand_beside_peoples(root: Path, run: Run, text: str, tmp_path: Path) -> None:
    rows = beside_people(run, samples(run.samples))
    assert [row.label for row in rows] == [*LABELS.values()]
    assert re.findall(r'<tr data-people="([^"]+)">', text) == [row.label for row in rows]
    theirs = [stretch for piece in run.corpus(root).pieces("train") for stretch in stretches(piece.notes)]
    for name, row in zip(LABELS, rows, strict=True):
        quartiles = np.nanpercentile([stretch[name] for stretch in theirs], (25, 50, 75))
        assert (row.low, row.people, row.high) == pytest.approx(quartiles, abs=1e-5)
    onset = np.repeat(np.arange(40) * 24 + 6, 2)  # off the beat, a semitone each
    clashes = Notes.of(onset, np.full(80, 6), np.tile([60, 61], 40), np.full(80, 80), [(0, 120.0)], [(0, 4, 4)])
    (tmp_path / "a.mid").write_bytes(write_midi(clashes))
    (tmp_path / "b.mid").write_bytes(b"no music")
    found = {row.label: row for row in beside_people(run, [tmp_path / "a.mid", tmp_path / "b.mid"])}
    semitones, beats = (found[LABELS[name]] for name in ("semitones among what sounds", "onsets on the beat"))
    assert (semitones.samples, semitones.is_outside) == (1, True)
    assert (beats.samples, found["Most notes at once"].samples) == (0, 2)


def test_without_measures_of_people_the_page_has_none(root: Path, run: Run, tmp_path: Path) -> None:
    made = Path(shutil.copytree(run.path, tmp_path / "runs" / "shown"))
    (made / "measures.json").write_text("{}")
    assert beside_people(Run.open(tmp_path, "shown"), samples(run.samples)) == []
    assert beside_people(run, []) == []
    shutil.rmtree(made / "samples")
    assert "Beside people" not in page(root, Run.open(tmp_path, "shown"))


def test_a_sample_that_is_no_music_costs_only_itself(text: str) -> None:
    assert "sample-10.mid cannot be read: not_midi" in text
    assert len(re.findall(r'src="data:audio/mpeg;base64,[\w+/=]{1000,}"', text)) == 2
    assert text.count('<svg xmlns="http://www.w3.org/2000/svg" class="roll"') == 2
    assert text.count('class="score"') == 2
    assert "no music" not in text


def test_a_sample_says_of_how_many_drafts_it_was_chosen_and_a_damaged_record_costs_only_that(
    run: Run, tmp_path: Path
) -> None:
    for number in (1, 2):
        shutil.copy(run.samples / f"sample-{number}.mid", tmp_path)
    config = SamplingConfig(count=3, form="ABA", section_bars=2)
    record = SampleRecord.of(Draft(song(1)), config, run="r", number=7, drafts=12, distance=0.5, has_prime=False)
    (tmp_path / "sample-1.json").write_text(record.to_json())
    (tmp_path / "sample-2.json").write_text(record.to_json().replace("7", "-7"))
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
    monkeypatch.setattr(sample_module, "TASK", "tests.training.test_page:part_or_dead")
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


def test_the_planted_passage_is_lit_note_for_note_in_roll_and_score(root: Path, run: Run, text: str) -> None:
    first, last = exhibited.BEFORE, exhibited.BEFORE + exhibited.PLANTED  # one of its notes is there twice
    highlights = {int(number) for number in re.findall(r'id="s1-rn(\d+)"[^>]* class="copied c0"', text)}
    assert highlights == set(range(first, last + 1))
    written = {int(number) for number in re.findall(r'data-note="(\d+)" data-copy="0"', text)}
    assert written
    assert written <= highlights
    assert len(written) >= exhibited.PLANTED - 1
    source = Corpus.open(root, "hostile").pieces("train")[0]
    assert f"<code>{source.sha256}</code>" in text
    said = " ".join(re.sub(r"<[^>]+>", "", text).split())
    assert f"{exhibited.PLANTED} notes, bar" in said
    assert "moved up 3 semitones" in said


def test_the_page_says_beside_whose_pieces_the_notes_stand_bar_by_bar(root: Path, text: str) -> None:
    first, second = re.findall(r'data-beside="([\d.]+)"', text)
    assert float(first) == pytest.approx(exhibited.PLANTED / (60 + exhibited.PLANTED), abs=0.02)
    assert float(second) == 0
    [(notes, row)] = re.findall(r'<tr data-sequencer="(\d+)">(.*?)</tr>', text)
    assert int(notes) in range(exhibited.PLANTED, exhibited.PLANTED + 3)
    assert row.endswith("100&nbsp;%</td>")  # one sequencer made all of the training pieces
    source = Corpus.open(root, "hostile").pieces("train")[0]
    held = classes(source.notes)[1][20 : 20 + exhibited.PLANTED] // 96 + 1
    named = [row for row in re.findall(r'<tr data-bars="[^"]+">(.*?)</tr>', text) if "moved up 3 semitones" in row]
    assert named
    bars = [int(bar) for row in named for bar in re.search(r"bars? (\d+)(?:–(\d+))?", row).groups() if bar]  # type: ignore[union-attr]
    assert held[0] <= min(bars) <= max(bars) <= held[-1]
    assert text.count('class="theirs"') >= 1


def test_what_a_sample_repeats_of_its_own_is_read_from_its_record(run: Run, tmp_path: Path) -> None:
    file, learned = Path(shutil.copy(run.samples / "sample-2.mid", tmp_path)), TrainingIndex.open(run.sources)
    assert whom(file, file.read_bytes(), learned).own is None
    notes = read_midi(file.read_bytes())
    back = np.where(notes.onset[1:] >= 192, 192, 0)  # from bar 3, two bars before
    record = SampleRecord.of(
        Draft(notes, back=back.tolist()), SamplingConfig(notes=40), run="r", number=1, drafts=1, has_prime=False
    )
    file.with_suffix(".json").write_text(record.to_json())
    told = whom(file, file.read_bytes(), learned)
    assert told.own == pytest.approx((back > 0).mean() * len(back) / len(notes))
    [row] = told.own_rows()
    assert (row.bars[0], row.own) == (3, (1, row.bars[1] - 2))
    file.with_suffix(".json").write_text("{")
    assert whom(file, file.read_bytes(), learned).own is None


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


def source_of(root: Path) -> CorpusPiece:
    """The piece that the first sample copied from."""
    return Corpus.open(root, "hostile").pieces("train")[0]


def test_every_link_leads_somewhere_and_no_id_stands_twice(root: Path, text: str) -> None:
    ids = re.findall(r'\bid="([^"]+)"', text)
    assert len(ids) == len(set(ids))
    inner = set(re.findall(r'href="#([^"]+)"', text))
    assert inner - set(ids) == set()
    outer = set(re.findall(r'<a [^>]*href="([^#"][^"]*)"', text))
    address = f"https://example.org/{source_of(root).title.rpartition(' ')[2]}.mid"
    assert {each for each in outer if not each.startswith("data:")} == {address}


def test_the_page_holds_the_files_of_each_sample(run: Run, text: str) -> None:
    held = {name: b64decode(data) for data, name in re.findall(r'href="data:[^,"]+,([^"]+)" download="([^"]+)"', text)}
    assert list(held) == [f"shown-sample-{number}{ending}" for number in (1, 2) for ending in (".mid", ".mxl")]
    for number in (1, 2):
        assert held[f"shown-sample-{number}.mid"] == (run.samples / f"sample-{number}.mid").read_bytes()
        with ZipFile(BytesIO(held[f"shown-sample-{number}.mxl"])) as packed:
            [listed] = re.findall(r'full-path="([^"]+)"', packed.read("META-INF/container.xml").decode())
            score = packed.read(listed).decode()
        notes = read_midi(held[f"shown-sample-{number}.mid"])
        written = set(re.findall(r'<note id="n(\d+)[".]', score))
        assert len(notes) - 1 <= len(written) <= len(notes)  # of two at once of one pitch, one is written
        assert f"shown Sample {number}" in score


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


@pytest.mark.parametrize(
    "address, is_one",
    [
        ("https://example.org/a.mid", True),
        ("http://127.0.0.1:8000/a.mid", True),
        ("javascript:alert(1)", False),
        ("data:text/html,x", False),
        ("https:///a.mid", False),
        ("//example.org/a.mid", False),
        ("https://[a.mid", False),
        (None, False),
    ],
)
def test_only_addresses_of_the_web_become_links(address: str | None, is_one: bool) -> None:
    assert is_web_address(address) is is_one


def test_no_text_of_others_becomes_markup(text: str) -> None:
    own = re.findall(r"<script[^>]*>", text)
    assert own == ["<script>"]
    assert "<img" not in text
    assert "onerror=" not in re.sub(r"&quot;|&lt;img[^<]*", "", text)
    assert not set(text) & set("\u202e\u2066\x00\x07")


def test_a_page_is_made_again_without_the_corpus(root: Path, run: Run, text: str, tmp_path: Path) -> None:
    alone = shutil.copytree(run.path, tmp_path / "runs" / "moved")
    assert page(tmp_path, Run.open(tmp_path, "moved")).count('class="strip"') == text.count('class="strip"') > 10
    assert 'data-novelty="held-out"' in text
    (alone / REFERENCE_FILE).write_text("{}")
    for name in ("corpus.json", "CREDITS.md", "metrics.csv"):
        (alone / name).unlink()
    shutil.rmtree(alone / "sources")
    bare = page(tmp_path, Run.open(tmp_path, "moved"))
    assert "Copies are unknown" in bare
    assert "No epoch is finished yet" in bare
    assert bare.count('class="strip"') == 0
    assert bare.count("data-sound") == 2


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
    beside = reference(root, run, None)
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


def test_a_classic_run_shows_its_lowest_loss_as_the_original_did(tmp_path: Path) -> None:
    made = exhibited.classic(tmp_path)
    text = page(tmp_path, made)
    said = " ".join(re.sub(r"<[^>]+>", "", text).split())
    assert "Lowest loss1.0000 at epoch 4" in said
    assert "3.2000 nats per token, at epoch 2" in said
    assert "Make some with generate classic" in said


def test_a_page_needs_neither_tensorflow_nor_the_libraries_of_its_parts() -> None:
    heavy = ("tensorflow", "keras", "music21", "pandas", "verovio", "soundfile")
    asked = f"import sys, training.page.run_page, training.page.comparison_page; print([n for n in {heavy!r} if n in sys.modules])"
    assert subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True).stdout.strip() == "[]"


def test_train_and_generate_make_the_page_after_the_music(trained: Path) -> None:
    first = (trained / "runs" / "tiny" / "index.html").read_text()
    assert first.count("data-sound") >= 3
    copied = shutil.copytree(trained / "runs" / "tiny", trained / "runs" / "paged")
    for later in samples(copied / "samples")[3:]:  # another test may have composed more
        later.unlink()
    done = command("generate", "paged", "--count", "2", "--notes", "30", "--seed", "1", root=trained)
    assert done.returncode == 0, done.stderr
    names = [Path(line).name for line in done.stdout.splitlines()]
    assert names[:2] == ["sample-4.mid", "sample-5.mid"]
    assert names[-1] == "index.html"
    again = (trained / "runs" / "paged" / "index.html").read_text()
    assert again.count("data-sound") == 5
    assert re.search(r'href="data:application/pdf;base64,[^"]+" download="paged-sample-4.pdf"', again)
    quiet = command("generate", "paged", "--notes", "9", "--no-render", root=trained)
    assert "index.html" not in quiet.stdout
    away = command("generate", "paged", "--notes", "9", "--out", str(trained / "away"), root=trained)
    assert "index.html" not in away.stdout


def test_render_makes_the_page_of_a_run_again(root: Path, run: Run, tmp_path: Path) -> None:
    shutil.copytree(run.path, tmp_path / "runs" / "again")
    (tmp_path / "runs" / "again" / "samples" / "sample-10.mid").write_bytes(write_midi(song(3, bars=2)))
    done = render_command("again", "--page", "--root", tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [str(tmp_path / "runs" / "again" / "index.html")]
    (tmp_path / "a.mid").write_bytes(write_midi(song(1)))
    refused = render_command(tmp_path / "a.mid", "--page", cwd=tmp_path)
    assert refused.returncode == 2
    assert "name a run" in refused.stderr
