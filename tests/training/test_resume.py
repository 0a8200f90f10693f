"""--resume: same learning curve, latest budget, latest samples."""

import csv
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import forked
from tests.training.conftest import QUICK, TINY, command, fill
from training import session
from training.events.vocabulary import Vocabulary
from training.network.inference import NoteNetwork
from training.network.weights import load_weights
from training.note_lstm.copying import FIRST_NOTES, drafts_copied
from training.note_lstm.recipe import NoteLSTMRecipe
from training.progress import Budget, Precision, Progress, Step
from training.run import Run
from training.train_config import TrainConfig

pytestmark = pytest.mark.road

QUERY = "series == 'temple'"
EXHAUSTIVE = (
    "VGPIANO_RESUME" in os.environ
)  # with what takes minutes: the other precision too, and whole trainings beside each other
POLICIES = (
    ("float32", "mixed_bfloat16") if EXHAUSTIVE else ("mixed_bfloat16",)
)  # float32 is killed and resumed in test_train


def quiet(done: int, total: int) -> None:
    """Ignore the progress."""


def curve(run: Path) -> list[dict[str, str]]:
    """Return the rows of metrics.csv, without times."""
    with (run / "metrics.csv").open() as file:
        return [
            {k: v for k, v in row.items() if k not in ("seconds", "notes_per_second")} for row in csv.DictReader(file)
        ]


def state(run: Path) -> dict[str, object]:
    return dict(json.loads((run / "checkpoints" / "state.json").read_text()))


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data root with a catalog of a few songs and their corpus."""
    root = tmp_path_factory.mktemp("resumed")
    fill(root, pieces=12)
    return root


def recipe(folder: Path, **settings: object) -> str:
    path = folder / "recipe.json"
    path.write_text(json.dumps(TINY | settings))
    return str(path)


@pytest.mark.skipif(not EXHAUSTIVE, reason="eight whole trainings: set VGPIANO_RESUME")
@pytest.mark.parametrize("policy", POLICIES)
def test_a_run_goes_on_in_the_precision_it_began_in_to_the_curve_it_would_have_had(
    root: Path, tmp_path: Path, policy: Precision
) -> None:
    """With the setting `auto`, the run keeps the precision chosen at its start.

    One of the two precisions differs from what is faster on this machine.
    """
    plain = ("--no-render", "--name", f"{policy}-whole", "--epochs", "2")
    whole = command("train", "--query", QUERY, "--recipe", recipe(tmp_path, precision=policy), *plain, root=root)
    assert whole.returncode == 0, whole.stderr
    parted = f"{policy}-parted"
    order = TrainConfig(query=QUERY, recipe=recipe(tmp_path, precision="auto"), epochs=1, name=parted)
    run, _, _ = session.prepare(root, order, quiet)
    run.save_progress(Progress(epochs=1, precision=policy))
    for more in ((), ("--epochs", "2")):
        done = command("train", "--name", parted, "--resume", "--no-render", *more, root=root)
        assert done.returncode == 0, done.stderr
        assert state(run.path)["precision"] == policy
    assert len(curve(run.path)) == 2
    assert curve(run.path) == curve(root / "runs" / f"{policy}-whole")
    evaluated = command("evaluate", parted, "--split", "validation", "--json", root=root)
    best = min(float(row["validation_bits"]) for row in curve(run.path))
    assert json.loads(evaluated.stdout)["bits_per_note"] == pytest.approx(best)
    assert command("generate", parted, "--notes", "9", "--no-render", root=root).returncode == 0
    if EXHAUSTIVE:
        begun = ("--query", QUERY, "--recipe", recipe(tmp_path, precision="auto"), "--init", parted, "--epochs", "1")
        done = command("train", *begun, "--name", f"{policy}-init", "--no-render", root=root)
        assert done.returncode == 0, done.stderr


def test_precision_is_of_the_layers_whatever_keras_would_give_a_new_one(tmp_path: Path) -> None:
    from dataclasses import asdict

    from training.network.backend import load_keras
    from training.network.network import NoteLSTM

    keras = load_keras()
    made = NoteLSTM(asdict(NoteLSTMRecipe(width=8, layers=1, head=8, batch=2)), 1, 1, dtype="mixed_bfloat16")
    made.build(None)
    made.save(tmp_path / "half.keras")
    assert keras.config.dtype_policy().name == "float32"
    back = keras.models.load_model(tmp_path / "half.keras")
    kept = {layer.name: layer.compute_dtype for layer in made.layers}
    assert {layer.name: layer.compute_dtype for layer in back.layers} == kept
    assert kept["lstm_0"] == kept["enter"] == kept["above"] == kept["embed_pitch"] == "bfloat16"
    assert kept["drop"] == kept["out_pitch"] == "float32"


@pytest.fixture
def ended(root: Path, tmp_path: Path) -> Iterator[Run]:
    """A run that ended by no gain, with samples; `words` is its command."""
    made = command("train", *words(tmp_path), root=root, first=forked.BY_STEP)
    assert made.returncode == 0, made.stderr
    assert "ended    no gain" in made.stdout
    yield Run.open(root, "ended")
    shutil.rmtree(root / "runs" / "ended")


def words(folder: Path) -> tuple[str, ...]:
    patient = recipe(folder, **{**QUICK, "patience": 1, "learning_rate": 1e-12})
    return ("--query", QUERY, "--recipe", patient, "--epochs", "40", "--name", "ended", "--no-render")


def test_a_run_that_ended_by_no_gain_is_finished_until_it_is_extended_and_then_goes_on_to_the_new_budget(
    root: Path, ended: Run, tmp_path: Path
) -> None:
    before, at = contents(ended.path), ended.progress().epoch
    for again in (("--name", "ended", "--no-render"), words(tmp_path)):
        done = command("train", *again, "--resume", root=root)
        assert done.returncode == 0, done.stderr
        assert "nothing was left to train" in done.stdout
        assert f"--resume --epochs {at + 10}" in done.stdout
        assert contents(ended.path) == before
    more = ("--name", "ended", "--resume", "--no-render", "--epochs", str(at + 1))
    assert command("train", *more, root=root, first=forked.BY_STEP).returncode == 0
    assert ended.progress().epoch == at + 1
    assert ended.progress().extended_at == at


def test_an_extended_budget_outlives_a_stop_and_samples_are_those_of_the_network_that_is_there(
    root: Path, tmp_path: Path
) -> None:
    """In bfloat16: the recipe says `auto`, the run keeps the precision chosen first."""
    name = ("--name", "longer", "--no-render")
    two_steps = {**QUICK, "batch": 61, "precision": "auto"}  # in an epoch, so that the second epoch is another network
    order = TrainConfig(query=QUERY, recipe=recipe(tmp_path, **two_steps), epochs=1, name="longer")
    opened, _, _ = session.prepare(root, order, quiet)
    trained_on = FIRST_NOTES // (two_steps["batch"] * two_steps["window"])  # type: ignore[operator]
    opened.save_progress(Progress(epochs=1, precision="mixed_bfloat16", step=trained_on - 1))
    assert command("train", *name, "--resume", root=root, first=forked.BY_STEP).returncode == 0
    assert opened.progress().precision == "mixed_bfloat16"
    named, _ = load_weights(opened.weights)
    vocabulary = Vocabulary.from_json(opened.vocabulary_text, "vocabulary.json")
    copied = drafts_copied(NoteNetwork(named), vocabulary, opened.learned_from(), opened.request.seed)
    assert [row["copied"] for row in opened.progress().history] == [copied]  # due by the notes of the whole run
    run = root / "runs" / "longer"
    first = contents(run / "samples")
    (run / "samples" / "sample-7.mid").write_bytes(b"somebody's own")
    opened, corpus, budget = session.prepare(root, TrainConfig(name="longer", resume=True, epochs=1000), quiet)

    def stop(step: Step) -> None:
        assert state(run)["epochs"] == 1000  # before an epoch has ended
        if step.epoch == 3:
            raise KeyboardInterrupt

    with forked.one_lane(by_step=True), pytest.raises(KeyboardInterrupt):
        session.fit(opened, corpus, budget, lambda row: None, stop)
    assert [row["copied"] for row in opened.progress().history] == [copied, None]
    _, _, budget = session.prepare(root, TrainConfig(name="longer", resume=True), quiet)
    assert budget == Budget(None, 1000)
    epochs = opened.progress().epoch
    assert command("train", *name, "--resume", "--epochs", str(epochs), root=root).returncode == 0
    best = opened.progress().best_epoch
    assert best > 1
    assert opened.progress().samples_epoch == best
    assert contents(run / "samples" / "epoch-0001") == first
    assert (run / "samples" / "sample-7.mid").read_bytes() == b"somebody's own"
    now = {sample: (run / "samples" / sample).read_bytes() for sample in opened.progress().samples}
    assert len(now) == 3
    assert not set(now.values()) & set(first.values())
