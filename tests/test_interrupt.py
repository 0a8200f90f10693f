"""Ctrl-C from the first import on: one line, exit code 130, no traceback."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from scraper.demo.pieces import STAND_INS
from tests import forked
from tests.scraper.conftest import midi

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
STARTING = ("typer", "typer.main", "catalog.base.console", "catalog.options")
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


@pytest.fixture(autouse=True)
def hearing() -> Iterator[None]:
    """Let started processes receive Ctrl-C, even if the tests run in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


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


@pytest.mark.parametrize(
    "command", ["scrape", "dataset", "train", "evaluate", "generate", "render", "novelty", "listen"]
)
def test_every_command_is_stopped_so(command: str, tmp_path: Path) -> None:
    process = pressed_at("typer", tmp_path, command, "--help")
    out, err = process.communicate()
    assert (process.returncode, out, err) == (130, "", "stopped before anything was started\n")


def pressed_in_a_terminal(line: list[str], wait: Callable[[], bool], later: float) -> tuple[int, str, str]:
    """Send Ctrl-C to all processes of the command, some seconds after `wait` is true."""
    process = subprocess.Popen(
        line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True, cwd="/"
    )
    deadline = time.monotonic() + 60
    while not wait() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(later)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate()
    return process.returncode, out, err


MOMENTS = [0.1 * number for number in range(16)] if os.environ.get("VGPIANO_INTERRUPTS") else [0.05]


@pytest.mark.parametrize("later", MOMENTS)
def test_the_workers_of_a_command_are_stopped_without_a_word(later: float, tmp_path: Path) -> None:
    line = [str(BIN / "scrape"), "demo-site", "--dir", str(tmp_path / "site"), "--", "sleep", "30"]
    code, _, err = pressed_in_a_terminal(line, (tmp_path / "site" / ".made.json").exists, later)
    assert (code, err) == (130, "stopped: exported pieces are kept; run the same command to resume\n")
    made = len([*(tmp_path / "site").rglob("*.mid")])  # those under way were ended, no other was begun
    assert made < len(STAND_INS) / 2


@pytest.mark.parametrize("later", MOMENTS)
def test_what_was_measured_is_kept(later: float, tmp_path: Path) -> None:
    for number in range(40):
        (tmp_path / f"{number}.mid").write_bytes(midi(number))
    forked.command("scrape", "import", *tmp_path.glob("*.mid"), "--root", tmp_path / "data")
    line = [str(BIN / "dataset"), "measure", "--workers", "2", "--root", str(tmp_path / "data")]
    code, out, err = pressed_in_a_terminal(line, (tmp_path / "data" / "catalog" / ".writer").exists, later)
    if out:  # the command had finished, and the process was about to exit
        assert code in (0, -signal.SIGINT)
        assert err == ""
    else:
        assert code == 130
        assert err == "stopped: finished measurements are kept; run the same command (without --again) to continue\n"
    again = forked.command("dataset", "measure", "--root", tmp_path / "data")
    assert again.stdout.startswith("40 files: ")
