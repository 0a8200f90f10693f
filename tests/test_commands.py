"""The entry points of the commands: what they are, and what they import."""

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import vgpiano
from tests import wheel

TABLES = tomllib.loads((wheel.TOP / "pyproject.toml").read_text())


def test_each_command_is_an_entry_point_and_every_package_of_the_wheel_is_checked() -> None:
    assert TABLES["project"]["scripts"] == {command: f"vgpiano:{command}" for command in vgpiano.COMMANDS}
    assert {place.split(".")[0] for place in vgpiano.COMMANDS.values()} <= set(vgpiano.PACKAGES)
    packed = TABLES["tool"]["setuptools"]["packages"]["find"]["include"]
    assert {name.removesuffix("*") for name in packed} == set(vgpiano.PACKAGES)
    for package in vgpiano.PACKAGES:
        assert vgpiano.DISTRIBUTION_LINE in (wheel.TOP / package / "__init__.py").read_bytes()


@pytest.mark.parametrize("file", ["dataset/__init__.py", "dataset.py"])
def test_a_package_or_module_that_is_found_before_ours_is_refused_and_not_run(tmp_path: Path, file: str) -> None:
    theirs = tmp_path / file
    theirs.parent.mkdir(exist_ok=True)
    theirs.write_text("print('code of the other distribution was run')\n")
    code = f"import sys; sys.path[:0] = [{str(tmp_path)!r}, {str(wheel.TOP)!r}]; import vgpiano; vgpiano.catalog()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"error: {theirs} belongs to another program, not to vgpiano;")


def test_the_entry_points_import_nothing_but_the_standard_library() -> None:
    code = "import json, sys; before = {*sys.modules}; import vgpiano; print(json.dumps([*{*sys.modules} - before]))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=wheel.TOP, check=True)
    loaded = {name.partition(".")[0] for name in json.loads(done.stdout)}
    assert loaded - {"vgpiano"} <= set(sys.stdlib_module_names)


def test_a_command_that_reads_the_catalog_imports_no_pandas() -> None:
    code = (
        "import atexit, sys, vgpiano; sys.argv = ['catalog', 'schema'];"
        "atexit.register(lambda: print('pandas' in sys.modules, 'pyarrow.dataset' in sys.modules)); vgpiano.catalog()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=wheel.TOP, check=True)
    assert done.stdout.splitlines()[-1] == "False True"
