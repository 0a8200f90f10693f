"""Another distribution's package of a vgpiano name is reported, and never run."""

import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

import vgpiano
from tests import wheel

pytestmark = pytest.mark.road

TABLES = tomllib.loads((wheel.TOP / "pyproject.toml").read_text())
REMEDY = "install vgpiano in an environment of its own: `pipx install vgpiano` or `uv tool install vgpiano`"
THEIRS = "raise RuntimeError('code of the other distribution was run')\n"


def stand_in(name: str, version: str, folder: Path) -> Path:
    """Write the wheel of a distribution `name` that has a package of the same name."""
    path = folder / f"{name}-{version}-py3-none-any.whl"
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}/__init__.py": THEIRS,
        f"{name}/table.py": "ROWS = 1\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    files[f"{info}/RECORD"] = "".join(f"{file},,\n" for file in (*files, f"{info}/RECORD"))
    with zipfile.ZipFile(path, "w") as archive:
        for file, text in files.items():
            archive.writestr(file, text)
    return path


def pip(environment: Path, *words: object) -> None:
    """Run pip for the environment, without an index."""
    line = [sys.executable, "-m", "pip", "--python", str(environment / "bin" / "python"), *map(str, words)]
    subprocess.run(line, check=True, env=wheel.alone(), capture_output=True)


def refusal(environment: Path, command: str, *words: str, **more: str) -> str:
    """Return the one line with which the command exits with code 1."""
    line = [str(environment / "bin" / command), *words]
    done = subprocess.run(line, capture_output=True, text=True, cwd=environment, env=wheel.alone(**more), check=False)
    assert (done.returncode, done.stdout) == (1, ""), done.stderr
    assert done.stderr.endswith(f"; {REMEDY}\n")
    assert done.stderr.count("\n") == 1
    return done.stderr


def test_every_command_reports_a_distribution_that_was_installed_over_ours(dist: Path, tmp_path: Path) -> None:
    [built] = dist.glob("*.whl")
    environment = tmp_path / "environment"
    wheel.install(built, environment)
    pip(environment, "install", "--no-index", stand_in("dataset", "9.8.7", tmp_path))
    [theirs] = environment.glob("lib/python3*/site-packages/dataset/__init__.py")
    for command in vgpiano.COMMANDS:
        said = refusal(environment, command, "--help")
        assert said.startswith(f"error: {theirs} belongs to the distribution dataset 9.8.7, not to vgpiano;")
    pip(environment, "uninstall", "--yes", "dataset")  # which takes our __init__.py with it
    assert not theirs.exists()
    assert refusal(environment, "train", "--help").startswith("error: the package `dataset` of vgpiano is missing")


@pytest.mark.parametrize("package", vgpiano.PACKAGES)
@pytest.mark.parametrize("file", ["{}/__init__.py", "{}.py"])
def test_a_package_or_module_that_is_found_before_ours_is_reported(
    installed: Path, tmp_path: Path, package: str, file: str
) -> None:
    theirs = tmp_path / file.format(package)
    theirs.parent.mkdir(exist_ok=True)
    theirs.write_text(THEIRS)
    said = refusal(installed, "catalog", "--help", PYTHONPATH=str(tmp_path))
    assert said.startswith(f"error: {theirs} belongs to another program, not to vgpiano;")


def test_a_package_without_init_that_lies_behind_ours_is_no_fault(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "dataset").mkdir()  # such as a folder of that name in the working directory
    line = [str(installed / "bin" / "dataset"), "--version"]
    env = wheel.alone(PYTHONPATH=str(tmp_path))
    assert subprocess.run(line, capture_output=True, cwd=tmp_path, env=env, check=False).returncode == 0
