"""Benchmarks call our modules by names that are there. Those that need PyTorch or another peer run in no other test."""

import ast
from importlib import import_module
from pathlib import Path

import pytest

OURS = ("catalog", "dataset", "scraper", "training")
BENCHMARKS = sorted((Path(__file__).parents[2] / "benchmarks").glob("*.py"))


def is_module(name: str) -> bool:
    try:
        import_module(name)
    except ModuleNotFoundError:
        return False
    return True


@pytest.mark.parametrize("path", BENCHMARKS, ids=lambda path: path.stem)
def test_every_name_of_ours_that_a_benchmark_uses_exists(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    modules: dict[str, str] = {}  # by the name that stands for it here
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.partition(".")[0] in OURS:
            for name in node.names:
                full = f"{node.module}.{name.name}"
                if is_module(full):
                    modules[name.asname or name.name] = full
                else:
                    assert hasattr(import_module(node.module), name.name), full
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in modules:
            assert hasattr(import_module(modules[node.value.id]), node.attr), f"{node.value.id}.{node.attr}"
