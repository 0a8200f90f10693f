"""Training from the command line: real processes, kills, resumption, errors."""

import csv
import json
import shutil
import signal
import subprocess
from dataclasses import asdict
from pathlib import Path

import pytest

from catalog.base.errors import TrainingError, UsageError
from dataset.build import build_corpus
from dataset.midi.midi_reader import read_midi
from dataset.midi.midi_writer import write_midi
from dataset.notes.model import seconds
from dataset.plan import Plan
from tests import forked
from tests.dataset.conftest import fill, tunes
from tests.training.conftest import BIN, command
from tests.training.test_engrave import struck, through_musicxml
from training import recipe as recipes
from training.classic.recipe import ClassicRecipe
from training.generate import SAMPLE_SECONDS, music
from training.loop.interrupt import between_steps
from training.network.weights import load_weights
from training.note_lstm.pieces import parts
from training.note_lstm.recipe import NoteLSTMRecipe
from training.progress import Budget, overfitting_warning
from training.run import Run
from training.sampling.sampler import SamplingConfig


def metrics(run: Path) -> list[dict[str, str]]:
    with (run / "metrics.csv").open() as file:
        return list(csv.DictReader(file))


def copy_of(trained: Path, tmp_path: Path) -> Path:
    root = tmp_path / "root"
    shutil.copytree(trained, root)
    return root


def test_a_run_holds_all_that_it_needs(trained: Path) -> None:
    run = trained / "runs" / "tiny"
    there = {"recipe.json", "vocabulary.json", "run.json", "metrics.csv", "model.keras", "weights.npz", "samples"}
    assert there <= {path.name for path in run.iterdir()}
    assert [int(row["epoch"]) for row in metrics(run)] == [1, 2, 3, 4, 5]
    assert list((run / "tensorboard").glob("events.out.tfevents.*"))


def test_training_learns_and_the_best_epoch_is_kept(trained: Path) -> None:
    rows = metrics(trained / "runs" / "tiny")
    held_out = [float(row["validation_bits"]) for row in rows]
    assert min(held_out) < held_out[0] - 1
    assert float(rows[-1]["train_bits"]) < float(rows[0]["train_bits"]) - 1
    _, meta = load_weights(trained / "runs" / "tiny" / "weights.npz")
    assert meta.validation_bits == pytest.approx(min(held_out))
    for row in rows:
        fields = sum(float(row[name]) for name in ("time", "pitch", "duration", "velocity"))
        assert fields == pytest.approx(float(row["validation_bits"]))


def test_three_samples_are_written_that_play_as_long_as_is_asked(trained: Path) -> None:
    """A minute, but in forked processes of tests less; those of `tests/test_road.py` play for a minute."""
    asked = forked.SHORT
    assert SAMPLE_SECONDS == 60
    files = sorted((trained / "runs" / "tiny" / "samples").glob("*.mid"))
    assert [file.name for file in files[:3]] == ["sample-1.mid", "sample-2.mid", "sample-3.mid"]
    for file in files[:3]:
        notes = read_midi(file.read_bytes())
        bar = (
            4 * 60 / notes.tempos[0][1]
        )  # seconds, at most; where the next note would come too late, a piece ends with its bar
        assert asked - 2 * bar <= seconds(notes) <= asked + 2 * bar


def test_evaluate_says_what_training_said_and_needs_no_tensorflow(trained: Path) -> None:
    done = command("evaluate", "tiny", "--split", "validation", "--json", root=trained)
    found = json.loads(done.stdout)
    coarse = {"bits_per_note_coarse", "fields_coarse"}
    assert set(found) == {"bits_per_note", "fields", "notes", "pieces"} | coarse
    assert set(found["fields"]) == set(found["fields_coarse"]) == {"time", "pitch", "duration", "velocity"}
    best = min(float(row["validation_bits"]) for row in metrics(trained / "runs" / "tiny"))
    assert found["bits_per_note"] == pytest.approx(best)
    assert found["bits_per_note_coarse"] == pytest.approx(sum(found["fields_coarse"].values()))
    assert found["bits_per_note_coarse"] <= found["bits_per_note"] + 1e-6
    said = command("evaluate", "tiny", "--split", "validation", root=trained).stdout
    assert f"\n{found['bits_per_note_coarse']:.3f} at the coarse classes of earlier versions" in said


def test_evaluate_reads_a_folder_and_names_what_it_leaves_out(trained: Path, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    shutil.copytree(trained / "runs" / "tiny" / "samples", folder / "deep")
    (folder / "broken.mid").write_bytes(b"MThd and then nothing")
    done = command("evaluate", "tiny", "--midi", str(folder), "--json", root=trained)
    assert json.loads(done.stdout)["pieces"] == len(list((folder / "deep").glob("*.mid")))
    assert "broken.mid" in done.stderr


def test_generate_and_evaluate_import_no_tensorflow(trained: Path) -> None:
    code = (
        "import sys\nfrom training.commands import evaluate, generate\n"
        "for app, words in ((generate.app, ['tiny', '--notes', '9', '--no-render']), (evaluate.app, ['tiny'])):\n"
        "    app([*words, '--root', sys.argv[1]], standalone_mode=False)\n"
        "print('LOADED', *sorted({'tensorflow', 'keras', 'music21', 'jax'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [str(BIN / "python"), "-c", code, str(trained)], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.splitlines()[-1] == "LOADED"


def test_the_methods_of_a_run_do_what_the_commands_do(trained: Path, tmp_path: Path) -> None:
    run = Run.open(trained, "tiny")
    words = (
        "generate",
        "tiny",
        "--notes",
        "30",
        "--seed",
        "8",
        "--draft",
        "--no-render",
        "--out",
        str(tmp_path / "out"),
    )
    assert command(*words, root=trained).returncode == 0
    [piece] = run.generate(SamplingConfig(notes=30, seed=8))
    assert read_midi(write_midi(piece)) == read_midi((tmp_path / "out" / "sample-1.mid").read_bytes())
    told = json.loads(command("evaluate", "tiny", "--json", root=trained).stdout)
    assert told == asdict(run.evaluate(trained))


def test_generate_with_a_seed_gives_the_same_bytes_and_overwrites_nothing(trained: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    words = ("generate", "tiny", "--count", "2", "--notes", "30", "--seed", "8", "--no-render", "--out", str(out))
    assert command(*words, root=trained).returncode == 0
    assert command(*words, root=trained).returncode == 0
    files = [out / f"sample-{n}.mid" for n in (1, 2, 3, 4)]
    assert files[0].read_bytes().replace(b"sample-1", b"") == files[2].read_bytes().replace(b"sample-3", b"")
    assert {path.name for path in out.iterdir()} == {
        f"{file.stem}{ending}" for file in files for ending in (".mid", ".json")
    }


def test_generate_names_its_midi_first_and_then_what_it_rendered(trained: Path, tmp_path: Path) -> None:
    done = command("generate", "tiny", "--count", "2", "--notes", "40", "--out", str(tmp_path), root=trained)
    assert done.returncode == 0, done.stderr
    said = [Path(line).name for line in done.stdout.splitlines()]
    assert said[:2] == ["sample-1.mid", "sample-2.mid"]
    made = {f"sample-{n}{end}" for n in (1, 2) for end in (".mid", ".mp3", ".musicxml", "-score.pdf", "-roll.svg")}
    assert set(said) == made
    assert made | {"sample-1.json", "sample-2.json"} == {path.name for path in tmp_path.iterdir()}


def test_thirty_samples_go_to_musicxml_and_back_with_the_same_notes(trained: Path) -> None:
    pieces = music(Run.open(trained, "tiny"), SamplingConfig(count=30, notes=80, seed=5))
    assert len(pieces) == 30
    for notes in pieces:
        assert struck(through_musicxml(notes)) == struck(notes)


def test_generate_goes_on_from_a_midi_file(trained: Path, tmp_path: Path) -> None:
    prime = trained / "runs" / "tiny" / "samples" / "sample-1.mid"
    words = ("tiny", "--prime", str(prime), "--notes", "20", "--seed", "1", "--no-render", "--out", str(tmp_path))
    assert command("generate", *words, root=trained).returncode == 0
    before, after = read_midi(prime.read_bytes()), read_midi((tmp_path / "sample-1.mid").read_bytes())
    assert len(after.onset) == len(before.onset) + 20
    assert (after.pitch[: len(before.pitch)] == before.pitch).all()


@pytest.mark.parametrize(
    "words, code, says",
    [
        (("train",), 2, "--query"),
        (("train", "--query", "serie == 'temple'"), 2, "series"),
        (("train", "--query", "series == 'temple'", "--recipe", "nonsense"), 2, "note-lstm, classic"),
        (("train", "--corpus", "nowhere"), 1, "nowhere"),
        (("train", "--query", "series == 'temple'", "--name", "tiny"), 1, "--resume"),
        (("train", "--name", "nobody", "--resume"), 1, "no run 'nobody'"),
        (("train", "--query", "series == 'temple'", "--minutes", "-3"), 2, "--minutes"),
        (("train", "--query", "series == 'temple'", "--name", "../up"), 2, "not a valid name for a run"),
        (("generate", "nobody"), 1, "tiny"),
        (("generate", "tiny", "--game", "fire"), 2, "water, wood"),
        (("generate", "tiny", "--prime", "none.mid"), 2, "none.mid"),
        (("evaluate", "tiny", "--split", "dev"), 2, "validation"),
        (("evaluate", "tiny", "--midi", "nowhere"), 2, "nowhere"),
    ],
)
def test_mistakes_get_one_clear_line(trained: Path, words: tuple[str, ...], code: int, says: str) -> None:
    done = command(*words, root=trained)
    assert done.returncode == code
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_a_corpus_too_small_to_validate_on_is_refused_before_a_run_is_made(trained: Path) -> None:
    done = command("train", "--query", "title == 'Song 3'", "--name", "single", root=trained)
    assert done.returncode == 1
    assert "has 1 pieces, too few" in done.stderr
    assert not (trained / "runs" / "single").exists()


@pytest.mark.parametrize("file", ["recipe.json", "vocabulary.json"])
def test_a_run_refuses_parts_that_are_not_its_own(trained: Path, tmp_path: Path, file: str) -> None:
    root = copy_of(trained, tmp_path)
    path = root / "runs" / "tiny" / file
    path.write_text(path.read_text().replace('"wood"', '"wool"').replace('"head": 16', '"head": 17'))
    done = command("generate", "tiny", "--notes", "9", root=root)
    assert done.returncode == 1
    assert "does not belong to this run" in done.stderr


def test_a_run_refuses_weights_of_another_run(trained: Path) -> None:
    run = Run.open(trained, "tiny")
    _, meta = load_weights(run.weights)
    run.check_weights(meta.recipe_sha256, meta.vocabulary_sha256, run.weights)
    with pytest.raises(TrainingError, match="another recipe or vocabulary"):
        run.check_weights("0" * 64, meta.vocabulary_sha256, run.weights)


def test_fine_tuning_begins_from_the_weights_of_another_run_and_a_budget_that_loading_alone_uses_up_gives_a_run_that_plays(
    trained: Path, tiny_recipe: Path
) -> None:
    words = ("--query", "game == 'wood'", "--recipe", str(tiny_recipe), "--minutes", "0.001", "--name", "tuned")
    done = command("train", *words, "--no-render", "--init", "tiny", root=trained, first=forked.BY_STEP)
    assert done.returncode == 0, done.stderr
    assert "ended    budget; kept epoch " in done.stdout
    assert len(list((trained / "runs" / "tuned" / "samples").glob("*.mid"))) == 3
    start, tuned = metrics(trained / "runs" / "tuned")
    assert (start["epoch"], start["train_bits"], start["notes_per_second"]) == ("0", "", "")
    # one step at the lowest rate leaves the weights nearly as they were
    assert float(tuned["validation_bits"]) == pytest.approx(float(start["validation_bits"]), abs=0.001)
    scratch = metrics(trained / "runs" / "tiny")[0]
    assert float(tuned["train_bits"]) < float(scratch["train_bits"]) - 1
    refused = command("train", "--query", "game == 'wood'", "--init", "tiny", root=trained)
    assert refused.returncode == 1
    assert "its width is 24" in refused.stderr


def test_recipes_go_to_json_and_back_and_refuse_what_they_do_not_know(tmp_path: Path) -> None:
    for recipe in (NoteLSTMRecipe(width=7, dropout=0.5), ClassicRecipe(epochs=3)):
        assert recipes.from_json(recipes.to_json(recipe), "x") == recipe
    path = tmp_path / "mine.json"
    for text, says in (
        ('{"kind": "note-lstm", "wdith": 3}', "no setting 'wdith'"),
        ('{"kind": "note-lstm", "width": "3"}', "width: expected int, got str"),
        ('{"kind": "poem"}', '"kind" must be one of'),
        ("{", "not JSON"),
    ):
        path.write_text(text)
        with pytest.raises(TrainingError, match=says):
            recipes.load(str(path))
    with pytest.raises(UsageError, match="note-lstm, classic"):
        recipes.load("nothing")


def test_a_budget_ends_with_whichever_comes_first() -> None:
    assert Budget(2.0, None).fraction_used(60, 5) == 0.5
    assert Budget(None, 10).fraction_used(1e9, 5) == 0.5
    assert Budget(2.0, 10).fraction_used(120, 5) == 1.0
    assert Budget(2.0, 10).fraction_used(30, 9) == 0.9


def test_a_warning_when_validation_rises_while_training_falls() -> None:
    def rows(train: list[float], held: list[float]) -> list[dict[str, float]]:
        return [
            {"epoch": n, "train_bits": t, "validation_bits": v}
            for n, (t, v) in enumerate(zip(train, held, strict=True), 1)
        ]

    assert overfitting_warning(rows([9, 8, 7, 6], [9, 8.5, 8.2, 8.1]), "train_bits", "validation_bits") is None
    assert overfitting_warning(rows([9, 8, 8, 8.5], [9, 8, 8.3, 8.4]), "train_bits", "validation_bits") is None
    warning = overfitting_warning(rows([9, 8, 7, 6], [9, 8, 8.3, 8.6]), "train_bits", "validation_bits")
    assert warning is not None
    assert "since epoch 2" in warning


def test_a_corpus_whose_pieces_are_all_for_training_elsewhere_lends_some_to_validate_on(tmp_path: Path) -> None:
    fill(tmp_path, tunes(30), game="a-game")
    fill(tmp_path, tunes(30, first=50), game="b-game")
    whole = build_corpus(tmp_path, Plan(query="source == 'vgmusic'"))
    learned = [piece.title for piece in whole.pieces("train") if piece.game == "b-game"][:12]
    corpus = build_corpus(tmp_path, Plan(query=f"title in {learned}"))
    assert corpus.manifest.funnel.train == 12
    training, held = parts(corpus)
    assert len(training) == 10
    assert sorted(piece.title for piece in training + held) == sorted(learned)
    assert [len(part) for part in parts(whole)] == [whole.manifest.funnel.train, whole.manifest.funnel.validation]


def test_ctrl_c_is_heard_between_steps_however_a_library_swallows_it() -> None:
    before = signal.getsignal(signal.SIGINT)
    with between_steps() as check:
        check()
        signal.raise_signal(signal.SIGINT)  # noted, not raised
        with pytest.raises(KeyboardInterrupt):
            check()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)  # the second one ends at once
    assert signal.getsignal(signal.SIGINT) is before
