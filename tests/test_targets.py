"""Which tests `make test` and `make road` run: every test is run by one of them, and `.ci/run` calls both."""

import ast
import re
import shlex
from pathlib import Path

from tests.conftest import is_on_the_road
from tests.docs.rules import would_make

TOP = Path(__file__).parents[1]
MODULES = sorted((TOP / "tests").rglob("test_*.py"))
OTHER_PROGRAMS = {"browser", "installed", "dist", "walk"}  # fixtures that start one


def asked(target: str) -> tuple[list[str], str]:
    """Return what the target calls pytest with, and the expression of markers, which comes last."""
    [line] = [line for line in would_make(target).splitlines() if " -m pytest " in line]
    *words, option, expression = shlex.split(line)
    assert option == "-m"
    return words, expression


def test_what_one_target_leaves_out_the_other_runs() -> None:
    parts, roads = asked("test"), asked("road")
    assert parts[0] == roads[0]
    assert (parts[1], roads[1]) == ("not road", "road")


def test_ci_runs_both() -> None:
    lines = (TOP / ".ci" / "run").read_text().splitlines()
    assert [line for line in lines if line.startswith("make ")] == ["make check", "make test", "make road"]


def test_the_marker_is_set_for_whole_modules_since_the_others_are_not_read() -> None:
    for path in MODULES:
        text = path.read_text()
        marked = re.findall(r"^.*mark\.road\b.*$", text, re.MULTILINE)
        assert all(line.startswith("pytestmark = ") for line in marked), path
        assert is_on_the_road(path) == bool(marked), path
    assert 10 < sum(map(is_on_the_road, MODULES)) < len(MODULES) / 4


def test_what_needs_another_program_is_on_the_road() -> None:
    for path in MODULES:
        text = path.read_text()
        if not is_on_the_road(path) and any(name in text for name in OTHER_PROGRAMS):
            functions = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)]
            taken = {argument.arg for function in functions for argument in function.args.args}
            assert not taken & OTHER_PROGRAMS, path
