"""The recipe interface: a third recipe needs one folder and one line."""

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from catalog.base.errors import UsageError
from tests import forked
from tests.training.conftest import fill
from tests.training.markov import Markov, MarkovLearner
from tests.training.songs import song
from training import recipe as recipes
from training.commands import evaluate, generate, train
from training.copies import find_copies_in_run
from training.evaluate import evaluate_folder
from training.learner import REFUSALS, Learner, learner
from training.observer import Observer
from training.page.comparison_page import Entry, write_comparison
from training.page.run_page import write_page
from training.recipes import DEFAULT, RECIPES
from training.run import Run
from training.run_training import is_done, train_run
from training.sampling.config import SamplingConfig
from training.session import fit, prepare
from training.train_config import TrainConfig

TOP = Path(__file__).parents[2]
FOLDERS = [TOP / "training" / name for name in ("classic", "note_lstm")]
REGISTRY = TOP / "training" / "recipes.py"
SHORT = 60  # lines of the toy recipe


@pytest.fixture(scope="module", autouse=True)
def registered() -> Iterator[None]:
    """Register the toy recipe."""
    RECIPES["markov"] = "tests.training.markov:MarkovLearner"
    yield
    del RECIPES["markov"]


@pytest.fixture(name="root", scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data root with songs, and the run `toy` of the toy recipe."""
    root = tmp_path_factory.mktemp("markov")
    fill(root)
    told: list[str] = []
    forked.briefly()
    train_run(root, order(name="toy"), Observer(told.append), render=False)
    forked.briefly(False)
    text = "\n".join(told)
    assert "recipe   markov, for 2 epochs at most" in text
    assert re.search(r"^epoch 2  seconds \S+  speed \S+  train \S+  held \S+$", text, re.M)
    assert "ended    budget; kept epoch 2" in text
    return root


def order(**asked: object) -> TrainConfig:
    return TrainConfig(**{"query": "series == 'temple'", "recipe": "markov", **asked})  # type: ignore[arg-type]


def test_the_toy_recipe_trains_and_writes_its_samples(root: Path) -> None:
    run = Run.open(root, "toy")
    assert run.recipe == Markov()
    assert is_done(run, render=False)
    assert len(list(run.samples.glob("*.mid"))) == 3
    rows = run.progress().history
    assert [row["epoch"] for row in rows] == [1, 2]
    assert rows[1]["train"] < rows[0]["train"]  # type: ignore[operator]
    assert (run.path / "metrics.csv").read_text().splitlines()[0] == "epoch,seconds,speed,train,held"


def test_its_run_goes_on_composes_and_is_evaluated_by_the_commands(root: Path, tmp_path: Path) -> None:
    told: list[str] = []
    train_run(root, order(name="longer"), Observer(told.append), render=False)
    train_run(root, order(name="longer", epochs=3, resume=True), Observer(told.append), render=False)
    assert Run.open(root, "longer").progress().epoch == 3
    words = ("longer", "--root", str(root))
    done = CliRunner().invoke(evaluate.app, [*words, "--split", "validation"])
    assert done.exit_code == 0
    assert re.fullmatch(r"\d\.\d{3} nats per note\n", done.stdout)
    figures = json.loads(CliRunner().invoke(evaluate.app, [*words, "--split", "validation", "--json"]).stdout)
    assert figures["nats_per_note"] == pytest.approx(Run.open(root, "longer").progress().history[-1]["held"], rel=1e-5)
    files = []
    for name in ("a", "b"):
        out = tmp_path / name
        made = ("--seed", "5", "--count", "2", "--no-render", "--out", str(out))
        done = CliRunner().invoke(generate.app, [*words, *made])
        assert done.exit_code == 0, done.output
        files.append([path.read_bytes() for path in sorted(out.glob("*.mid"))])
    assert len(files[0]) == 2
    assert files[0] == files[1]
    found, _ = find_copies_in_run(root, "longer")
    assert len(found) == 3


def test_its_page_and_a_comparison_show_it_in_its_own_terms(root: Path, trained: Path) -> None:
    run = Run.open(root, "toy")
    said = re.sub(r"<[^>]+>", "", write_page(root, run).read_text(encoding="utf-8"))
    best = min(row["held"] for row in run.progress().history)  # type: ignore[type-var]
    assert f"The lowest validation, {best:.2f} nats per note, was reached at epoch 2 of 2." in said
    assert "Training and validation, nats per note" in said
    assert "epochs 2 (markov)" in said
    assert "train --corpus series-temple --recipe markov --seed 0 --epochs 2" in said
    entries = [Entry("Toy", run), Entry("Tiny", Run.open(trained, "tiny"))]
    both = re.sub(r"<[^>]+>", "", write_comparison(root, entries, root / "both.html", title="Both").read_text())
    assert (
        "Of recipe markov, figures are nats per note, of note-lstm bits per note. Figures of different recipes cannot be compared."
        in both
    )
    alone = write_comparison(root, entries[:1], root / "alone.html", title="Alone").read_text()
    assert "These runs’ figures are nats per note." in re.sub(r"<[^>]+>", "", alone)


def test_it_refuses_in_one_line_what_it_does_not_take(root: Path, tmp_path: Path) -> None:
    run = Run.open(root, "toy")
    with pytest.raises(
        UsageError, match="recipe markov cannot start from the weights of another run; leave out --init"
    ):
        prepare(root, order(init="toy", name="other"), lambda done, total: None)
    with pytest.raises(UsageError, match="run toy has recipe markov, which cannot continue a file"):
        run.generate(SamplingConfig(notes=8), song(0))
    with pytest.raises(UsageError, match="run toy has recipe markov, which is evaluated on its corpus"):
        evaluate_folder(run, tmp_path)
    from training.loop.hosts import Hosts

    _, corpus, budget = prepare(root, order(name="toy", resume=True), lambda done, total: None)
    with pytest.raises(UsageError, match="recipe markov trains in one process"):
        fit(run, corpus, budget, lambda row: None, lambda step: None, Hosts(2, 0))
    with pytest.raises(UsageError, match="recipe classic, which starts from its own tokens"):
        learner(recipes.load("classic")).require("--prime", "old")
    for option in REFUSALS:
        learner(recipes.load("note-lstm")).require(option)


def test_the_help_of_train_names_the_registered_recipes() -> None:
    first, *others = (kind for kind in RECIPES if kind != "markov")
    said = " ".join(CliRunner().invoke(train.app, ["--help"]).output.split())
    assert first == DEFAULT
    assert f"{first} (default), {', '.join(others)}, or a JSON file." in said


def test_the_toy_recipe_is_what_contributing_says() -> None:
    text = (TOP / "CONTRIBUTING.md").read_text(encoding="utf-8")
    [entry] = re.findall(r"^- \*\*a recipe\*\*:.*?(?=^- |^#|\Z)", text, re.M | re.S)
    assert len(entry.strip().splitlines()) < 10
    words = set(re.findall(r"`([\w./_-]+)`", entry))
    assert {word for word in words if "/" in word and "NAME" not in word and not (TOP / word).exists()} == set()
    assert {"Recipe", "Learner", "RECIPES", "row", "terms", "kind", "lines", "takes"} <= words
    assert Learner.__abstractmethods__ <= words
    assert Learner.__abstractmethods__ <= vars(MarkovLearner).keys()
    assert {"row", "terms", "kind"} <= Markov.__annotations__.keys()
    source = (TOP / "tests" / "training" / "markov.py").read_text(encoding="utf-8")
    assert len([line for line in source.splitlines() if line.strip()]) < SHORT


def test_outside_their_folders_and_one_table_no_recipe_is_known_by_name() -> None:
    found = []
    for path in sorted((TOP / "training").rglob("*.py")):
        if path.parent not in FOLDERS and path != REGISTRY:
            found += [f"{path.relative_to(TOP)}: {fault}" for fault in named(ast.parse(path.read_text()))]
    assert found == []
    for text in (p.read_text(encoding="utf-8") for p in (TOP / "training/page/templates").glob("*.html")):
        assert not re.search(r"is_classic|note-lstm|kind\s*[=!]=", text)


@pytest.mark.parametrize(
    "line",
    [
        "from training.classic.recipe import ClassicRecipe",
        "from training import note_lstm",
        "import training.note_lstm.train",
        "x = run.recipe.kind == 'classic'",
        "x = 'note-lstm' in kinds",
        "x = isinstance(run.recipe, Kind)",
    ],
)
def test_the_walk_sees_a_recipe_that_is_named(line: str) -> None:
    assert named(ast.parse(line))


def named(tree: ast.AST) -> Iterator[str]:
    """Code that depends on a particular recipe: imports, names, `isinstance`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            source = f"{getattr(node, 'module', None) or ''}."
            for name in (f"{source}{alias.name}".lstrip(".") for alias in node.names):
                if name.startswith(("training.classic", "training.note_lstm")):
                    yield f"imports {name}"
        elif isinstance(node, ast.Constant) and node.value in ("classic", "note-lstm"):
            yield f"names {node.value}"
        elif isinstance(node, ast.Call) and ast.unparse(node.func) == "isinstance":
            subject, kind = (ast.unparse(each) for each in node.args)
            if subject.endswith("recipe") and kind != "kind":  # `Run.require` is told the kind by who calls it
                yield f"isinstance({subject}, {kind})"


def test_reading_a_recipe_loads_no_library_that_is_slow_to_import() -> None:
    heavy = {"numpy", "pyarrow", "tensorflow", "keras", "music21", "catalog.store", "training.sampling.sampler"}
    code = (
        f"import sys; from training import recipe, recipes, learner; "
        f"print([learner.learner(recipe.load(kind)).recipe.__name__ for kind in recipes.RECIPES], {heavy} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=TOP)
    assert done.stdout.strip() == "['NoteLSTMRecipe', 'ClassicRecipe'] set()"
