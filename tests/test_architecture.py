"""Import rules, limits on module and package sizes, and imports at start-up.

`ROOMS` and `INNER` define the rules. The tests compare them with every import in the code,
including those inside functions.
"""

import ast
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

TOP = Path(__file__).parents[1]

# The modules that stand directly in a room, its command line among them: what they may use besides all of their own room.
ROOMS = {
    "catalog": "",
    "scraper": "catalog",
    "dataset": "catalog",
    "training": "catalog dataset.build dataset.corpus dataset.notes dataset.midi",
}

# A source site: a folder of scraper with a source.py. What each may use besides itself.
SITE = "catalog scraper.http scraper.source scraper.crawl scraper.commands scraper.options"
SITES = {f"scraper.{path.parent.name}": SITE for path in sorted((TOP / "scraper").glob("*/source.py"))}

# The inner rooms of each room, lowest first: what each may use besides itself. A whole room stands for all that it offers.
INNER = {
    "catalog.base": "",
    "catalog.midi": "catalog.base",
    "catalog.storage": "catalog.base",
    "catalog.query": "catalog.base",
    "catalog.table": "catalog.base catalog.storage catalog.query",
    "catalog.edits": "catalog.base catalog.storage catalog.query",
    "catalog.merge": "catalog.base catalog.storage catalog.table catalog.edits catalog.schema catalog.blobs",
    "scraper.http": "catalog",
    "scraper.source": "catalog scraper.http",
    "scraper.crawl": "catalog scraper.http scraper.source",
    "scraper.local": "catalog scraper.http scraper.source",
    "scraper.commands": "catalog scraper.http scraper.source scraper.crawl scraper.local scraper.folders",
    **SITES,
    "scraper.demo": "catalog scraper.vgmusic",
    "dataset.notes": "catalog.base",
    "dataset.midi": "catalog.base catalog.midi dataset.notes",
    "dataset.measures": "catalog.midi dataset.notes dataset.midi",
    "dataset.notation": "catalog.base dataset.notes",
    "dataset.parallel": "catalog.base",
    "dataset.corpus": "catalog dataset.notes dataset.reasons",
    "dataset.duplicates": "catalog dataset.notes dataset.corpus dataset.components dataset.parse dataset.reasons dataset.split",
    "dataset.filters": "catalog dataset.measures dataset.duplicates dataset.reasons",
    "dataset.export": "catalog dataset.notes dataset.midi dataset.notation dataset.parallel dataset.corpus dataset.reasons",
    "dataset.report": "catalog dataset.corpus dataset.duplicates dataset.build_command dataset.reasons",
    "training.events": "catalog dataset.notes dataset.corpus dataset.parallel training.two_sample",
    "training.sound": "catalog.base",
    "training.rendering": "catalog dataset.notes dataset.midi dataset.notation dataset.parallel training.sound",
    "training.novelty": "catalog dataset.notes dataset.corpus training.events",
    "training.network": "catalog training.events training.midi",
    "training.loop": "catalog training.events training.network training.progress training.run",
    "training.planning": "dataset.notes training.events training.two_sample",
    "training.critic": "catalog dataset.notes training.events training.two_sample",
    "training.sampling": "catalog dataset.notes dataset.midi training.critic training.events training.planning training.network"
    " training.novelty training.progress training.run training.run_folder training.two_sample",
    "training.classic": "catalog dataset.notes dataset.corpus dataset.parallel training.network training.loop training.sampling"
    " training.learner training.progress training.recipe training.run",
    "training.note_lstm": "catalog dataset.notes dataset.corpus dataset.parallel training.critic training.events training.network"
    " training.loop training.sampling training.novelty training.learner training.progress training.recipe training.run",
    "training.page": "catalog dataset.notes dataset.midi dataset.corpus dataset.measures dataset.parallel dataset.report"
    " dataset.build_command dataset.reasons training.events training.novelty training.sampling training.rendering"
    " training.critic training.midi training.observer training.recipe training.run training.run_critic training.run_record",
    "training.listening": "catalog.base catalog.storage dataset.notes dataset.report training.rendering training.sound",
    "training.commands": "catalog dataset.completion dataset.corpus training",
}
METHODS = {  # imports in the bodies of methods that do what a command does, and for their types: corpus.export(), run.generate()
    "dataset.corpus.corpus": ["dataset.export.forms", "dataset.export.run"],
    "training.run": [
        *("training.evaluate", "training.generate", "training.learner", "training.sampling.config"),
    ],
}
COMMANDS = ("catalog.cli", "scraper.cli", "dataset.cli", "training.commands")  # nobody imports these
HEAVY = {
    *("tensorflow", "keras", "jax", "music21", "tensorboardX", "miditok", "datasets", "verovio", "typst", "soundfile"),
}
HEAVY_AT_TOP = {  # imported by functions alone
    *(f"training.network.{name}" for name in ("lstm", "network", "scores")),
    *("training.loop.adamw", "training.loop.muon"),
}

LINES = 300  # of a module
MODULES_OF_AN_INNER_ROOM = 12


def dotted(path: Path) -> str:
    """Return a.b for the file a/b.py or a/b/__init__.py."""
    return ".".join(path.relative_to(TOP).with_suffix("").parts).removesuffix(".__init__")


FILES = {dotted(path): path for room in ROOMS for path in sorted((TOP / room).rglob("*.py"))}
OURS = {*ROOMS, "tests", "benchmarks", "docs"}


@cache
def code() -> dict[str, ast.Module]:
    """Return the syntax tree of every module.

    It is not made at import: every worker imports this file, and one of them needs the trees.
    """
    return {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in FILES.items()}


@cache
def trees() -> dict[str, ast.Module]:
    """Return the syntax tree of every module, those of the rooms being their stubs."""
    return code() | {room: ast.parse((TOP / room / "__init__.pyi").read_text(encoding="utf-8")) for room in ROOMS}


def walk(tree: ast.AST, *, functions: bool = True, types: bool = True) -> Iterator[ast.AST]:
    """Yield the nodes of `tree`.

    Without `functions`, function bodies are left out; without `types`, code for type checkers.
    """
    yield tree
    for node in ast.iter_child_nodes(tree):
        skipped = isinstance(node, ast.FunctionDef) and not functions
        skipped |= not types and isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        if not skipped:
            yield from walk(node, functions=functions, types=types)


def imports(nodes: Iterable[ast.AST], package: str = "relative import") -> Iterator[str]:
    """Yield every module imported by `nodes`; relative imports are within `package`.

    For `from a import b` it is a.b, since b may be a module.
    """
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            source = ".".join(filter(None, (package if node.level else "", node.module)))
            yield from (f"{source}.{alias.name}" for alias in node.names)


def within(name: str, modules: Iterable[str]) -> bool:
    return any(name == module or name.startswith(module + ".") for module in modules)


def unit(name: str) -> str:
    """Return the inner package of an imported name, or the top-level module.

    That is the first two components of the name.
    """
    return ".".join(name.split(".")[:2])


def offered(inner: str) -> list[str]:
    """Return the public modules of an inner package, listed in its `__init__`."""
    for node in trees()[inner].body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return list(ast.literal_eval(node.value))
    raise AssertionError(f"{inner}/__init__.py lists no modules in __all__")


def ours(tree: ast.AST, package: str = "relative import") -> list[str]:
    return [name for name in imports(ast.walk(tree), package) if name.split(".")[0] in OURS | {"relative import"}]


def forbidden(module: str, tree: ast.AST) -> list[str]:
    """Return the imports in `tree`, the code of `module`, that the rules forbid."""
    room = module.split(".")[0]
    own = unit(module) if unit(module) in INNER else room
    allowed = [own, *(INNER | ROOMS)[own].split()]
    found = ours(tree, module if module in ROOMS else "relative import")
    allowed += METHODS.get(module, [])
    wrong = [name for name in found if not within(name, allowed)]
    for name in found:
        inner = unit(name)
        if (
            inner in INNER
            and inner != unit(module)
            and not within(name, (f"{inner}.{each}" for each in offered(inner)))
        ):
            wrong.append(f"{name} is not in __all__ of {inner}")
    return wrong


def heavy(tree: ast.Module) -> list[str]:
    return [name for name in imports(walk(tree, functions=False)) if name.split(".")[0] in HEAVY]


def test_a_module_imports_only_what_its_room_and_its_inner_room_may() -> None:
    found = {module: forbidden(module, tree) for module, tree in trees().items()}
    assert {module: wrong for module, wrong in found.items() if wrong} == {}


def test_nobody_imports_a_command_line() -> None:
    found = {
        module: [name for name in ours(tree) if within(name, COMMANDS)]
        for module, tree in trees().items()
        if not within(module, ("training.commands",))
    }
    assert {module: wrong for module, wrong in found.items() if wrong} == {}


def test_heavy_libraries_are_imported_by_functions_and_at_the_top_of_network_and_optimizer_alone() -> None:
    found = {module: heavy(tree) for module, tree in code().items()}
    assert {module for module, names in found.items() if names} == HEAVY_AT_TOP


def uses() -> dict[str, set[str]]:
    """Return the inner packages and modules that each of these uses."""
    graph = defaultdict(set)
    for module, tree in trees().items():
        if module not in ROOMS:
            allowed = METHODS.get(module, [])
            used = {unit(name) for name in ours(tree) if not within(name, allowed)} - {unit(module)}
            graph[unit(module)] |= used
    return graph


def test_no_two_inner_rooms_or_modules_beside_them_use_each_other() -> None:
    TopologicalSorter(uses()).prepare()
    with pytest.raises(CycleError):
        TopologicalSorter(uses() | {"catalog.base": {"catalog.cli"}}).prepare()


def test_the_table_names_each_inner_room_once_lowest_first() -> None:
    assert set(INNER) == {unit(module) for module, path in FILES.items() if path.parent.parent.parent == TOP}
    seen: set[str] = set()
    for inner, allowed in INNER.items():
        above = [name for name in allowed.split() if name in INNER and name not in seen]
        assert above == []
        assert [name for name in allowed.split() if name not in FILES] == []
        seen.add(inner)


def test_a_method_that_does_what_a_command_does_imports_it_in_its_body() -> None:
    for module, names in METHODS.items():
        used = set(ours(trees()[module]))
        assert [name for name in names if not any(within(each, [name]) for each in used)] == []
        assert [
            name for name in imports(walk(code()[module], functions=False, types=False)) if within(name, names)
        ] == []


def test_an_inner_room_is_small_and_offers_modules_that_it_has() -> None:
    for inner in INNER:
        held = {module.rpartition(".")[2] for module in FILES if module.startswith(inner + ".")}
        assert len(held) <= MODULES_OF_AN_INNER_ROOM, f"{inner} has {len(held)} modules; part it by subject"
        assert [name for name in offered(inner) if name not in held] == []
        assert offered(inner) == sorted(set(offered(inner)))


def test_a_module_has_one_idea_and_says_which() -> None:
    for module, path in FILES.items():
        assert ast.get_docstring(code()[module]), f"{module} opens with no docstring"
        assert len(path.read_text(encoding="utf-8").splitlines()) <= LINES, (
            f"{module} is long; give its second idea a module of its own"
        )


@pytest.mark.parametrize(
    "module, line",
    [
        ("scraper.cli", "import dataset.notes.model"),
        ("scraper.cli", "from dataset import notes"),
        ("scraper.http.fetch", "from training.run import Run"),
        ("scraper.http.fetch", "from . import site"),
        ("scraper.http.fetch", "from scraper.vgmusic.urls import site"),
        ("scraper.http.fetch", "from scraper.source.rows import ListingRow"),
        ("scraper.source.base", "from scraper.crawl.totals import Totals"),
        ("scraper.crawl.crawl", "from scraper.vgmusic.menu import read_menu"),
        ("scraper.mirror.source", "from scraper.vgmusic.urls import site"),
        ("scraper.vgmusic.source", "from scraper.sources import SOURCES"),
        ("catalog.base.console", "from catalog.storage.files import data_root"),
        ("catalog.storage.files", "from catalog.store import Catalog"),
        ("catalog.store", "from tests.forked import command"),
        ("training.session", "from dataset.filters.rules import judge"),
        ("training.session", "from dataset.corpus.checks import check"),  # not offered
        ("training.network.network", "from training.sampling.sampler import Sampler"),
    ],
)
def test_the_walk_sees_a_wrong_import(module: str, line: str) -> None:
    assert forbidden(module, ast.parse(f"def f():\n    {line}"))


def test_the_walk_passes_a_right_import() -> None:
    right = "from dataset import build\nfrom dataset.corpus.corpus import Corpus\nfrom catalog.store import Catalog"
    assert forbidden("training.session", ast.parse(right)) == []
    assert heavy(ast.parse("if x:\n    from music21 import corpus")) == ["music21.corpus"]


@pytest.mark.parametrize(
    "command",
    [
        *COMMANDS[:3],
        *(f"training.commands.{name}" for name in ("train", "evaluate", "generate", "render", "novelty", "listen")),
    ],
)
def test_help_is_ready_before_any_heavy_library_is_loaded(command: str) -> None:
    heavy = "{'numpy', 'pyarrow', 'pandas', 'requests', 'bs4', 'symusic', 'tensorflow', 'keras', 'music21'}"
    code = f"import sys, {command}; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=TOP)
    assert done.stdout.strip() == "[]"


def test_no_command_but_train_loads_tensorflow() -> None:
    left = [module for module in FILES if not within(module, ("training",))]
    sampling = "training.session, training.sampling.sampler, training.network.quality"
    code = f"import sys, {', '.join(left)}, {sampling}; print('tensorflow' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=TOP)
    assert done.stdout.strip() == "False"
