"""Contents and metadata of the wheel and sdist, and types of the installation.

A typed script is checked against the installed wheel.
"""

import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Iterator
from email import message_from_bytes
from email.message import Message
from pathlib import Path

import pytest

from tests.wheel import TOP, alone

pytestmark = pytest.mark.road

PROJECT = tomllib.loads((TOP / "pyproject.toml").read_text())["project"]
ROOMS = ("catalog", "scraper", "dataset", "training")
COMMANDS = tuple(PROJECT["scripts"])


@pytest.fixture(scope="module")
def wheel(dist: Path) -> Iterator[zipfile.ZipFile]:
    [path] = dist.glob("*.whl")
    with zipfile.ZipFile(path) as archive:
        yield archive


@pytest.fixture(scope="module")
def metadata(wheel: zipfile.ZipFile) -> Message:
    [name] = [name for name in wheel.namelist() if name.endswith(".dist-info/METADATA")]
    return message_from_bytes(wheel.read(name))


def test_the_wheel_holds_the_four_rooms_whole_and_the_entry_points_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    ours = {p.relative_to(TOP).as_posix() for room in ROOMS for p in (TOP / room).rglob("*") if p.is_file()}
    held = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert held == {name for name in ours if "__pycache__" not in name} | {"vgpiano.py"}
    assert {f"{room}/{file}" for room in ROOMS for file in ("py.typed", "__init__.pyi")} <= held
    assert {"catalog/games.toml", "dataset/filters/filters.toml", "dataset/report/templates/base.html"} <= held
    assert {"training/page/templates/run.html", "training/page/templates/player.js"} <= held


def test_it_carries_its_licence_and_says_what_it_is(wheel: zipfile.ZipFile, metadata: Message) -> None:
    [licence] = [name for name in wheel.namelist() if name.endswith("/LICENSE")]
    assert wheel.read(licence) == (TOP / "LICENSE").read_bytes()
    assert (metadata["Name"], metadata["Version"]) == ("vgpiano", PROJECT["version"])
    assert metadata["License-Expression"] == "MIT"
    assert metadata["Requires-Python"] == ">=3.11"
    assert "Typing :: Typed" in metadata.get_all("Classifier", [])
    assert not metadata.get_all("Project-URL")  # the project has no URL
    text = metadata.get_payload(decode=True)
    assert isinstance(text, bytes)
    assert text.decode().strip() == (TOP / "README.md").read_text().strip()


def test_every_pythons_classifier_is_one_that_it_takes(metadata: Message) -> None:
    said = re.findall(r"Python :: (3\.\d+)", "\n".join(metadata.get_all("Classifier", [])))
    assert said[0] == metadata["Requires-Python"].removeprefix(">=")


def test_nothing_is_needed_that_is_not_pinned_and_explained(metadata: Message) -> None:
    needed = [line for line in metadata.get_all("Requires-Dist", []) if "extra ==" not in line]
    names = {re.split(r"[<>=!~\[; ]", line)[0].lower() for line in needed}
    pinned = {line.partition("==")[0].lower() for line in (TOP / "constraints.txt").read_text().splitlines()}
    assert names <= pinned
    explained = (TOP / "CONTRIBUTING.md").read_text().lower()
    assert [name for name in sorted(names) if name not in explained] == []


def test_the_sdist_holds_what_it_takes_to_test_it_and_to_build_it_again(dist: Path) -> None:
    [path] = dist.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        held = {name.partition("/")[2] for name in archive.getnames()}
    assert {"Makefile", "constraints.txt", "CHANGELOG.md", "tests/test_road.py", "tests/public_api.txt"} <= held
    assert {"docs/training.md", "benchmarks/parse.py", ".ci/run", "pyproject.toml"} <= held
    assert not [name for name in held if name.startswith(("data/", "dist/", ".git/")) or name.endswith(".pyc")]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_says_its_version(installed: Path, tmp_path: Path, name: str) -> None:
    line = [str(installed / "bin" / name), "--version"]
    said = subprocess.run(line, capture_output=True, text=True, cwd=tmp_path, env=alone(), check=True).stdout
    assert said == f"{name} (vgpiano) {PROJECT['version']}\n"


def test_what_is_imported_is_what_is_installed(installed: Path, tmp_path: Path) -> None:
    code = f"import {', '.join(ROOMS)}; print({', '.join(f'{room}.__file__' for room in ROOMS)})"
    line = [str(installed / "bin" / "python"), "-c", code]
    said = subprocess.run(line, capture_output=True, text=True, cwd=tmp_path, env=alone(), check=True).stdout
    assert all(file.startswith(str(installed)) for file in said.split())


def test_a_users_typed_script_passes_mypy_strict(installed: Path, tmp_path: Path) -> None:
    script = tmp_path / "mine.py"
    script.write_bytes((TOP / "tests" / "user_script.py").read_bytes())
    words = [
        "--strict",
        "--python-executable",
        str(installed / "bin" / "python"),
        "--cache-dir",
        str(tmp_path / "cache"),
    ]

    def judged() -> "subprocess.CompletedProcess[str]":
        line = [sys.executable, "-m", "mypy", *words, script.name]
        return subprocess.run(line, capture_output=True, text=True, cwd=tmp_path, env=alone(), check=False)

    assert judged().stdout.startswith("Success"), judged().stdout
    script.write_text(script.read_text().replace("seed=1", "seed='one'"))
    assert 'expected "int"' in judged().stdout
