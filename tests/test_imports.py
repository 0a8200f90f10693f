"""Every module imports what it uses, without relying on other modules' imports.

`ruff` finds names without an import. These tests find the rest: a submodule used as an attribute of
its package, which works only after some module has imported it, and modules that import each other
and so depend on the order of imports.
"""

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.forked import OURS, TOP


@cache
def modules() -> dict[str, ast.Module]:
    return {
        ".".join(path.relative_to(TOP).with_suffix("").parts).removesuffix(".__init__"): ast.parse(path.read_text())
        for room in OURS
        for path in sorted((TOP / room).rglob("*.py"))
    }


def prefixes(dotted: str) -> list[str]:
    """Return a, a.b and a.b.c for a.b.c."""
    parts = dotted.split(".")
    return [".".join(parts[: end + 1]) for end in range(len(parts))]


def for_types_alone(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def walk(tree: ast.AST, *, functions: bool = True) -> Iterator[ast.AST]:
    """Yield the nodes that run, without code for type checkers.

    Without `functions`, only what runs on import.
    """
    yield tree
    for child in ast.iter_child_nodes(tree):
        if not for_types_alone(child) and (functions or not isinstance(child, ast.FunctionDef)):
            yield from walk(child, functions=functions)


def bindings(tree: ast.AST, *, functions: bool = True) -> Iterator[tuple[str, str, str]]:
    """Return (name, what it is bound to, what is imported) of each import."""
    for node in walk(tree, functions=functions):
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.partition(".")[0]
                yield (alias.asname, alias.name, alias.name) if alias.asname else (top, top, alias.name)
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                dotted = f"{node.module}.{alias.name}"
                yield alias.asname or alias.name, dotted, dotted


def chains(tree: ast.AST) -> Iterator[list[str]]:
    """Yield a, b, c of each a.b.c."""
    for node in walk(tree):
        names = []
        while isinstance(node, ast.Attribute):
            names.append(node.attr)
            node = node.value
        if names and isinstance(node, ast.Name):
            yield [node.id, *reversed(names)]


def folder_of(package: str) -> Path | None:
    """Return the folder of a package without importing it; None if not a package."""
    top, *below = package.split(".")
    spec = find_spec(top)
    if spec is None or not spec.submodule_search_locations:
        return None
    folder = Path(next(iter(spec.submodule_search_locations)), *below)
    return folder if folder.is_dir() else None


def is_submodule(dotted: str) -> bool:
    package, _, name = dotted.rpartition(".")
    folder = folder_of(package) if package else None
    if folder is None:
        return False
    files = (f"{name}/__init__.py", f"{name}.py", f"{name}.*.so")
    return any(found for pattern in files for found in folder.glob(pattern))


def brings(package: str, name: str) -> bool:
    """Return whether importing a package also imports its submodule `name`.

    Checks its source, or else a new process that imports only the package.
    """
    folder = folder_of(package)
    source = folder / "__init__.py" if folder else None
    if source is not None and source.is_file():
        bound = {part for bound, _, imported in bindings(ast.parse(source.read_text())) for part in (bound, imported)}
        if name in bound or f"{package}.{name}" in bound:
            return True
    code = f"import {package}; {package}.{name}"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 0


def lacking(tree: ast.AST) -> set[str]:
    """Return submodules used as attributes that code and package do not import."""
    found = list(bindings(tree))
    imported = {prefix for _, _, dotted in found for prefix in prefixes(dotted)}
    used = {
        prefix
        for first, *names in chains(tree)
        for bound, dotted, _ in found
        if bound == first
        for prefix in prefixes(".".join((dotted, *names)))[len(dotted.split(".")) :]
    }
    wanted = {dotted for dotted in used - imported if is_submodule(dotted)}
    return {dotted for dotted in wanted if not brings(*dotted.rsplit(".", 1))}


def test_every_submodule_that_is_used_is_imported_by_the_module_that_uses_it() -> None:
    assert len(modules()) > 100
    found = {name: lacking(tree) for name, tree in modules().items()}
    assert {name: lacks for name, lacks in found.items() if lacks} == {}


@pytest.mark.parametrize(
    "code, lacks",
    [
        ("import pyarrow as pa\ndef f(x): return pa.compute.equal(x, 1)", {"pyarrow.compute"}),
        ("import pyarrow as pa, pyarrow.compute\ndef f(x): return pa.compute.equal(x, 1)", set()),
        ("import concurrent\nconcurrent.futures.Future()", {"concurrent.futures"}),
        ("import xml\nxml.sax.saxutils.escape('')", {"xml.sax", "xml.sax.saxutils"}),
        ("import catalog\ncatalog.store.Catalog", {"catalog.store"}),
        ("from catalog import store\nstore.Catalog", set()),
        ("if TYPE_CHECKING:\n    import xml.sax\nimport xml\nxml.sax", {"xml.sax"}),
        ("import numpy as np, pyarrow as pa\nnp.linalg.norm, np.fft.rfft, pa.types.is_string, np.ndarray.dtype", set()),
    ],
)
def test_the_check_sees_what_a_package_does_not_bring(code: str, lacks: set[str]) -> None:
    assert lacking(ast.parse(code)) == lacks


def graph(modules: dict[str, ast.Module]) -> TopologicalSorter[str]:
    """Return which of `modules` each module imports on import."""
    return TopologicalSorter(
        {
            name: {prefix for *_, dotted in bindings(tree, functions=False) for prefix in prefixes(dotted)}
            & modules.keys() - {name}
            for name, tree in modules.items()
        }
    )


def test_no_two_modules_import_each_other_so_that_each_can_be_the_first() -> None:
    graph(modules()).prepare()
    circle = {"a": ast.parse("import b"), "b": ast.parse("if x:\n    from a import y")}
    with pytest.raises(CycleError):
        graph(circle).prepare()
    graph(circle | {"b": ast.parse("def f():\n    from a import y")}).prepare()
