"""Ctrl-C from the first import on: one line, exit code 130, no traceback."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

BIN = Path(sys.executable).parent
PRESS = '''
import os, signal, sys

class Finder:
    """Presses Ctrl-C when a module is looked for."""
    def find_spec(self, name, path=None, target=None):
        if name == os.environ["PRESS_AT"]:
            sys.meta_path.remove(self)
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Finder())
'''
STARTING = ("typer", "rich", "typer.main", "catalog.console", "catalog.options", "catalog.cli")
AT_WORK = (
    "catalog.store",
    "pyarrow",
    "pyarrow.lib",
    "numpy",
    "numpy._core._multiarray_umath",
    "pyarrow.dataset",
    "catalog.query",
)
if not os.environ.get("VGPIANO_INTERRUPTS"):
    STARTING, AT_WORK = ("typer", "catalog.options"), ("pyarrow", "numpy._core._multiarray_umath")


def pressed_at(module: str, folder: Path, *words: object) -> "subprocess.Popen[str]":
    (folder / "sitecustomize.py").write_text(PRESS)
    environment = {**os.environ, "PRESS_AT": module, "PYTHONPATH": str(folder)}
    line = [str(BIN / str(words[0])), *map(str, words[1:])]
    return subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


def test_ctrl_c_at_any_import_is_one_line(tmp_path: Path) -> None:
    modules = (*STARTING, *AT_WORK)
    running = {name: pressed_at(name, tmp_path, "catalog", "stats", "--root", tmp_path / "no") for name in modules}
    for module, process in running.items():
        out, err = process.communicate()
        assert (process.returncode, out) == (130, ""), (module, err)
        assert err.startswith("stopped"), module
        assert err.count("\n") == 1, module


@pytest.mark.parametrize("command", ["scrape", "dataset", "train", "evaluate", "generate", "render", "novelty"])
def test_every_command_is_stopped_so(command: str, tmp_path: Path) -> None:
    process = pressed_at("typer", tmp_path, command, "--help")
    out, err = process.communicate()
    assert (process.returncode, out, err) == (130, "", "stopped before anything was begun\n")


def test_a_command_at_work_says_what_is_kept(tmp_path: Path) -> None:
    line = [str(BIN / "scrape"), "demo-site", "--dir", str(tmp_path / "site"), "--", "sleep", "30"]
    process = subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not (tmp_path / "site" / ".made.json").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate()
    assert process.returncode == 130
    assert "Traceback" not in err
    assert err.splitlines()[-1] == "stopped: the pieces that were made are kept; the same command goes on"
