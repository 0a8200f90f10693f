"""The arrows between the rooms, checked against the imports in the code: data only ever moves to the right."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

TOP = Path(__file__).parents[1]
ROOMS = ("catalog", "scraper", "dataset", "training")
MAY_IMPORT = {
    "catalog": ("catalog",),
    "scraper": ("catalog", "scraper"),
    "dataset": ("catalog", "dataset"),
    "training": (
        "catalog",
        "dataset.build_command",
        "dataset.build",
        "dataset.report.charts",
        "dataset.completion",
        "dataset.corpus.corpus",
        "dataset.corpus.credits",
        "dataset.reasons",
        "dataset.measures.measure",
        "dataset.notes.meter",
        "dataset.notation.musicxml",
        "dataset.notes.model",
        "dataset.report.html",
        "dataset.measures.loops",
        "dataset.notation.score",
        "dataset.notation.staves",
        "dataset.parallel.workers",
        "training",
    ),
}
HEAVY = (
    "tensorflow",
    "keras",
    "jax",
    "music21",
    "tensorboardX",
    "miditok",
    "datasets",
    "verovio",
    "typst",
    "soundfile",
)
COMMANDS = (*(f"{room}.cli" for room in ROOMS), "training.commands.render", "training.commands.novelty")
MODULES = [path for room in ROOMS for path in sorted((TOP / room).glob("**/*.py"))]


def imports(tree: ast.AST) -> Iterator[str]:
    """Every module that is imported anywhere in `tree`; `from a import b` gives a.b, for b may be a module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                yield "relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def within(name: str, module: str) -> bool:
    return name == module or name.startswith(module + ".")


def forbidden(room: str, tree: ast.AST) -> list[str]:
    """The imports in `tree` that a module of `room` may not have."""
    ours = [name for name in imports(tree) if name.split(".")[0] in (*ROOMS, "tests", "benchmarks", "relative import")]
    return [name for name in ours if not any(within(name, allowed) for allowed in MAY_IMPORT[room])]


def at_top(tree: ast.Module) -> ast.Module:
    """What runs when the module is imported: all but the bodies of functions."""

    class Strip(ast.NodeTransformer):
        def visit_FunctionDef(self, node: ast.FunctionDef) -> None:  # the name ast gives it
            return None

    return ast.fix_missing_locations(Strip().visit(tree))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(TOP)))
def test_a_module_imports_only_what_its_room_may(path: Path) -> None:
    room = path.relative_to(TOP).parts[0]
    assert forbidden(room, ast.parse(path.read_text())) == []


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(TOP)))
def test_nobody_imports_a_command_line(path: Path) -> None:
    found = list(imports(ast.parse(path.read_text())))
    assert [name for name in found for command in COMMANDS if within(name, command)] == []


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(TOP)))
def test_heavy_libraries_are_imported_at_the_top_of_the_network_alone(path: Path) -> None:
    if path in (TOP / "training" / "network.py", TOP / "training" / "lstm.py"):
        return
    found = list(imports(at_top(ast.parse(path.read_text()))))
    assert [name for name in found if name.split(".")[0] in HEAVY] == []


def test_a_module_has_one_idea_and_says_which() -> None:
    for path in MODULES:
        text = path.read_text()
        assert ast.get_docstring(ast.parse(text)), f"{path} opens with no docstring"
        assert len(text.splitlines()) <= 330, f"{path} is long; give its second idea a module of its own"


def test_the_walk_sees_a_wrong_arrow() -> None:
    for line in (
        "import dataset.notes.model",
        "from dataset import notes",
        "from training.run import Run",
        "from . import x",
    ):
        assert forbidden("scraper", ast.parse(f"def f():\n    {line}"))
    assert forbidden("training", ast.parse("from dataset.filters.rules import judge"))
    assert not forbidden(
        "training", ast.parse("from dataset import notes, build\nfrom dataset.corpus.corpus import Corpus")
    )
    assert "music21.corpus" in imports(at_top(ast.parse("if x:\n    from music21 import corpus")))


@pytest.mark.parametrize("command", COMMANDS)
def test_help_is_ready_before_any_heavy_library_is_loaded(command: str) -> None:
    heavy = "{'numpy', 'pyarrow', 'pandas', 'requests', 'bs4', 'symusic', 'tensorflow', 'keras', 'music21'}"
    code = f"import sys, {command}; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=TOP)
    assert done.stdout.strip() == "[]"


def test_no_command_but_train_loads_tensorflow() -> None:
    left = [p for p in MODULES if p.parent.name != "training" and p.stem != "__init__"]
    names = ", ".join(f"{path.parent.name}.{path.stem}" for path in left)
    code = f"import sys, {names}, training.session, training.sampling.sampler, training.network.quality; print('tensorflow' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=TOP)
    assert done.stdout.strip() == "False"
