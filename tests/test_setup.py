"""What `make` installs for each target: the product and the target's extra."""

import ast
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable
from functools import cache
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.docs.rules import would_make

TOP = Path(__file__).parents[1]
PROJECT = tomllib.loads((TOP / "pyproject.toml").read_text())["project"]
EXTRAS: dict[str, list[str]] = PROJECT["optional-dependencies"]
PRODUCT = ".venv/.installed"
OURS = {"catalog", "scraper", "dataset", "training", "vgpiano", "tests", "docs", "benchmarks"}

# A stand-in for Python: `-m venv` copies it into the environment, and pip logs a line and exits with the requested code.
PYTHON = """#!/bin/sh
if [ "$2" = venv ]; then mkdir -p "$3/bin"; cp "$0" "$3/bin/python"; exit; fi
echo "$*" >> log
sleep 0.05
[ -z "$EDITED" ] || touch "$EDITED"
echo end >> log
exit ${CODE:-0}
"""


@cache
def prerequisites() -> dict[str, list[str]]:
    """Return the prerequisites of each target of the Makefile."""
    alone = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    said = subprocess.run(["make", "-npq", "help"], cwd=TOP, env=alone, capture_output=True, text=True, check=False)
    rules = (line.partition(":") for line in said.stdout.splitlines() if re.match(r"[a-z-]+:(?!=)", line))
    return {target: after.split() for target, _, after in rules if " := " not in after}


@pytest.mark.parametrize("target", ["setup", "scrape", "zelda", "demo"])
def test_what_users_ask_for_installs_the_product_alone(target: str) -> None:
    assert prerequisites()[target] == [PRODUCT]
    [line] = [line for line in would_make("-W", "pyproject.toml", PRODUCT).splitlines() if "pip install" in line]
    assert line.endswith("-c constraints.txt -e .")


@pytest.mark.parametrize("target", ["test", "check", "dist", "docs", "picture", "bench"])
def test_what_developers_ask_for_installs_the_product_and_the_extra_of_that_name(target: str) -> None:
    assert prerequisites()[target] == [f"{PRODUCT}-{target}"]
    lines = [line for line in would_make("-W", "pyproject.toml", target).splitlines() if "pip install" in line]
    assert [line.rpartition("-c constraints.txt -e ")[2] for line in lines] == [".", f"'.[{target}]'"]


def test_the_tests_of_the_road_need_what_the_other_tests_need() -> None:
    assert prerequisites()["road"] == prerequisites()["test"]


def needed(requirements: Iterable[str]) -> set[str]:
    """Return the distributions that pip would install for `requirements`.

    They are canonical names, for this Python and system.
    """
    done: set[tuple[str, str]] = set()
    left = [*requirements]
    while left:
        requirement = Requirement(left.pop())
        name = canonicalize_name(requirement.name)
        for extra in ("", *requirement.extras):
            if (name, extra) not in done:
                done.add((name, extra))
                left += below(name, extra)
    return {name for name, _ in done} - {"vgpiano"}


@cache
def below(name: str, extra: str) -> list[str]:
    """Return the requirements of `name` with that extra; none if it is not installed."""
    if name == "vgpiano":
        return EXTRAS[extra] if extra else PROJECT["dependencies"]
    try:
        listed = requires(name) or []
    except PackageNotFoundError:
        return []
    found = []
    for requirement in map(Requirement, listed):
        if requirement.marker is None or requirement.marker.evaluate({"extra": extra}):
            requirement.marker = None
            found.append(str(requirement))
    return found


NOT_INSTALLED = {"sklearn": "scikit-learn"}  # packages of other extras whose names are not those of their modules


def imported(folder: str) -> set[str]:
    """Return third-party packages that the Python files below `folder` import."""
    found = set()
    for path in (TOP / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                found.add(node.module.partition(".")[0])
    beside = {path.stem for path in (TOP / "benchmarks").glob("*.py")}
    return found - OURS - beside - set(sys.stdlib_module_names)


@pytest.mark.parametrize(
    "folder, extras, optional",
    [("tests", ["test"], {"torch"}), ("docs", ["docs", "picture"], set()), ("benchmarks", ["bench"], set())],
)
def test_what_is_imported_there_comes_with_its_set(folder: str, extras: list[str], optional: set[str]) -> None:
    brought = needed([*PROJECT["dependencies"], *(f"vgpiano[{extra}]" for extra in extras)])
    holds = packages_distributions()
    lacking = {
        name
        for name in imported(folder) - optional
        if not {canonicalize_name(each) for each in holds.get(name, [NOT_INSTALLED.get(name, name)])} & brought
    }
    assert lacking == set()


def test_each_set_leaves_out_what_only_another_needs() -> None:
    product = needed(PROJECT["dependencies"])
    check, test, docs = (needed([f"vgpiano[{extra}]"]) for extra in ("check", "test", "docs"))
    assert {"tensorflow", "music21", "verovio"} <= product
    assert not product & {
        "pytest",
        "hypothesis",
        "mypy",
        "ruff",
        "jax",
        "muspy",
        "moto",
        "playwright",
        "mkdocs",
        "build",
    }
    assert {"pytest", "mypy", "ruff", "mkdocs"} <= check
    assert not check & {
        "jax",
        "muspy",
        "moto",
        "playwright",
        "datasets",
        "distributed",
        "polars",
        "hypothesis",
        "torch",
    }
    assert {"jax", "muspy", "moto", "playwright", "datasets", "distributed", "mypy", "mkdocs-material"} <= test
    assert not (test - needed(["mlcroissant"])) & {"ruff", "pandas-stubs", "types-requests", "torch"}
    assert not docs & {"pytest", "playwright", "jax"}
    everything = needed(["vgpiano[dev]"])
    assert all(needed([f"vgpiano[{extra}]"]) <= everything for extra in EXTRAS)


class Checkout:
    """A folder with the Makefile and a stand-in for Python."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.compiled = 0  # how often the last `make` compiled what is installed
        for name in ("Makefile", "pyproject.toml", "constraints.txt"):
            (folder / name).write_bytes((TOP / name).read_bytes())
        (folder / "python").write_text(PYTHON)
        (folder / "python").chmod(0o755)

    def make(self, target: str, **env: str) -> tuple[int, list[str]]:
        """Run make for the target; return its exit code and pip's arguments."""
        (self.folder / "log").write_text("")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
        line = ["make", f"PYTHON={self.folder / 'python'}", "-j4", *target.split()]
        done = subprocess.run(line, cwd=self.folder, env=kept | env, capture_output=True, check=False)
        rows = (self.folder / "log").read_text().splitlines()
        assert all(row == "end" for row in rows[1::2]), "two runs of pip at a time"
        begun = rows[::2]
        self.compiled = sum("-m compileall" in row for row in begun)
        return done.returncode, [row.rpartition(" -e ")[2] for row in begun if "-m pip" in row]


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


def test_a_set_is_installed_once_and_again_when_what_it_is_made_of_changes(checkout: Checkout) -> None:
    assert checkout.make("setup") == (0, ["."])
    assert checkout.compiled == 1
    assert checkout.make("setup") == (0, [])
    assert checkout.make(f"{PRODUCT}-check {PRODUCT}-test") == (0, [".[check]", ".[test]"])  # one after the other
    assert checkout.compiled == 0
    assert checkout.make(f"{PRODUCT}-check {PRODUCT}-test") == (0, [])
    for name in ("constraints.txt", "pyproject.toml"):
        (checkout.folder / name).touch()
        assert checkout.make("setup") == (0, ["."])
        assert checkout.make(f"{PRODUCT}-check") == (0, [".[check]"])
    assert checkout.make(f"{PRODUCT}-check") == (0, [])


def test_what_pip_could_not_install_is_tried_again(checkout: Checkout) -> None:
    assert checkout.make("setup", CODE="1") == (2, ["."])
    assert checkout.compiled == 0
    assert checkout.make(f"{PRODUCT}-check") == (0, [".", ".[check]"])
    assert checkout.make(f"{PRODUCT}-test", CODE="1") == (2, [".[test]"])
    assert checkout.make(f"{PRODUCT}-test") == (0, [".[test]"])
    (checkout.folder / "constraints.txt").touch()
    assert checkout.make("setup", CODE="1") == (2, ["."])
    assert checkout.make("setup") == (0, ["."])


def test_what_is_edited_while_pip_runs_is_installed_the_next_time(checkout: Checkout) -> None:
    assert checkout.make("setup", EDITED="constraints.txt") == (0, ["."])
    assert checkout.make("setup") == (0, ["."])
    assert checkout.make("setup") == (0, [])
