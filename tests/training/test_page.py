"""The page of a run as text: it agrees with the run's files."""

import json
import re
import shutil
import subprocess
import sys
from base64 import b64decode
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest

from dataset.corpus.corpus import Corpus
from dataset.midi.midi_reader import read_midi
from dataset.midi.midi_writer import write_midi
from tests.training import exhibited
from tests.training.conftest import command
from tests.training.exhibited import shown_pages, shown_root, shown_run, source_of  # noqa: F401 - fixtures
from tests.training.songs import song
from tests.training.test_render import command as render_command
from training.events.encoding import classes
from training.novelty.figures import DRAFT_NOTES, DRAFTS
from training.novelty.training_index import TrainingIndex
from training.page.reference import REFERENCE_FILE, Copied, reference
from training.page.run_page import charts_of, page, whom
from training.page.run_summary import RunSummary
from training.page.sample_view import is_web_address
from training.run import Run
from training.sampling.config import SamplingConfig
from training.sampling.sample_files import samples
from training.sampling.sample_record import Draft, SampleRecord


@pytest.fixture(scope="module")
def text(pages: Path) -> str:
    return (pages / "runs" / "shown" / "index.html").read_text()


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


def test_a_sample_that_is_no_music_costs_only_itself(text: str) -> None:
    assert "sample-10.mid cannot be read: not_midi" in text
    assert len(re.findall(r'src="data:audio/mpeg;base64,[\w+/=]{1000,}"', text)) == 2
    assert text.count('<svg xmlns="http://www.w3.org/2000/svg" class="roll"') == 2
    assert text.count('class="score"') == 2
    assert "no music" not in text


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
    assert text.count('class="their-bars"') == 1  # in the key of the sample that has such bars
    assert text.count('<div class="whom"') == 1


def test_copying_by_epoch_stands_beside_that_of_people(run: Run, text: str) -> None:
    said = " ".join(re.sub(r"<[^>]+>", "", text).split())
    assert (
        "drafts from 6.0 to 18.0, lowest 6.0; people 0.0, 95 % confidence interval 0.0–0.0." in said
    )  # no six notes recur
    assert f"{DRAFTS} drafts of {DRAFT_NOTES} notes" in said
    summary = RunSummary.of(run)
    without = replace(summary, rows=({**summary.rows[0], "copied": float("nan")},))
    assert len(charts_of(summary)) == len(charts_of(without)) + 1
    [*_, chart] = charts_of(summary, Copied(0.02, 0.01, 0.18))
    [line] = chart.plot.lines
    assert chart.plot.band is not None
    assert [dot.y for dot in line.dots] == pytest.approx(
        [100 * epoch / 50 / (1.06 * 0.18) for epoch in range(3, 10)], abs=0.1
    )
    assert (chart.plot.band.low, chart.plot.band.high) == pytest.approx((line.dots[0].y / 6, line.dots[-1].y), abs=0.1)


def test_a_reference_of_an_earlier_version_is_made_again_where_the_corpus_is(
    root: Path, run: Run, tmp_path: Path
) -> None:
    file = run.path / REFERENCE_FILE
    made = json.loads(file.read_text())
    old = json.dumps({name: value for name, value in made.items() if name != "copied"})
    file.write_text(old)
    kept = reference(tmp_path, run, run.learned_from())
    assert kept is not None
    assert (kept.pieces, kept.copied) == (made["pieces"], None)
    assert file.read_text() == old
    again = reference(root, run, run.learned_from())
    assert again is not None
    assert again.copied is not None
    assert json.loads(file.read_text()) == made


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
    for number, sound in enumerate(re.findall(r'src="data:audio/mpeg;base64,([^"]+)"', text), 1):
        (alone / "samples" / f"sample-{number}.mp3").write_bytes(b64decode(sound))  # as `render` writes it: found there
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


def test_a_classic_run_shows_its_lowest_loss_as_the_original_did(tmp_path: Path) -> None:
    made = exhibited.classic(tmp_path)
    text = page(tmp_path, made)
    said = " ".join(re.sub(r"<[^>]+>", "", text).split())
    assert "Lowest loss1.0000 at epoch 4" in said
    assert "3.2000 nats per token, at epoch 2" in said
    assert "Make some with generate classic" in said
    assert "drafts" not in said


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
