"""Runs every block of shell and Python of the pages, in order, in this process.

What our own commands need of the outside world is on this machine: a replica of the site with some of the demo's pieces,
an S3 server, a Dask cluster.
"""

import os
import shlex
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.docs import rules
from tests.docs.pages import Block, blocks, pages

BIN = Path(sys.executable).parent
PATIENCE_S = 60.0  # for what is started beside
PASSED_OVER = ("text", "console")  # what is printed, and how commands are written in the generated reference


class Walk:
    """The working folder, the pages done so far, and the processes started."""

    def __init__(self, folder: Path, bucket: str, environment: pytest.MonkeyPatch) -> None:
        self.folder, self.bucket, self.environment = folder, bucket, environment
        self.port = _free_port()  # of the Dask scheduler
        self.done: list[str] = []
        self.ran: list[str] = []  # every command as it was run, for whoever looks at a failure
        self._beside: list[subprocess.Popen[bytes]] = []

    def up_to(self, page: str) -> None:
        """Do every page before `page` that is not done, then `page` itself."""
        for each in pages():
            if each not in self.done:
                self.done.append(each)
                self._do(each)
            if each == page:
                return

    def _do(self, page: str) -> None:
        names: dict[str, object] = {"__name__": page}
        with pytest.MonkeyPatch.context() as patch:
            try:
                for block in blocks(page):
                    self._block(block, names, patch)
            finally:
                self.stop()

    def _block(self, block: Block, names: dict[str, object], patch: pytest.MonkeyPatch) -> None:
        if block.title is not None:
            (self.folder / block.title).write_text(block.text)
        elif block.language == "python":
            exec(compile(self._here(block.text), block.place, "exec"), names)  # noqa: S102 - our own pages
        elif block.language == "sh":
            for number, line in enumerate(block.text.splitlines()):
                for words in commands(line):
                    self._command(words, f"{block.page}:{block.line + number}", block.page, patch)
        elif block.language not in PASSED_OVER:
            pytest.fail(f"{block.place}: a block of {block.language or 'no language'}; fence it as sh, python or text")

    def _command(self, words: list[str], place: str, page: str, patch: pytest.MonkeyPatch) -> None:
        """Do one command of a page, as the tables of `rules` say."""
        if words[0] == "export":
            name, _, value = words[1].partition("=")
            patch.setenv(name, value)
            return
        keras = [f"KERAS_BACKEND={value}"] if (value := os.environ.get("KERAS_BACKEND")) else []
        if (rule := rules.elsewhere(shlex.join([*keras, *words]).replace("'", ""))) is not None:
            rule.check(words)
            return
        if words[:2] == ["make", "scrape"]:
            for each in rules.recipe(words):
                self._command(each, place, page, patch)
            return
        if words[:3] == ["scrape", "demo-site", "--"]:  # which is served already, with fewer pieces
            self._command(words[3:], place, page, patch)
            return
        if words[0] == "dask":
            self._start([str(BIN / "dask"), *shlex.split(self._here(shlex.join(words[1:])))])
            return
        if words[0] in rules.TOOLS:
            subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
            return
        words = shlex.split(self._here(rules.rewritten(page, shlex.join(words))))
        if words[0] not in rules.apps():
            pytest.fail(
                f"{place}: no rule says how to run {shlex.join(words)!r}; see the tables in tests/docs/rules.py"
            )
        self.ran.append(shlex.join(words))
        code = run(words)
        assert code == 0, f"{place}: exit code {code} of {shlex.join(words)}"

    def _here(self, text: str) -> str:
        """Return what a page says of other machines, with this one for them."""
        text = text.replace("tcp://host:8786", f"tcp://127.0.0.1:{self.port}").replace(
            "--port 8786", f"--port {self.port}"
        )
        return text.replace("s3://bucket", self.bucket)

    def _start(self, words: list[str]) -> None:
        """Start a command that runs until its page ends; wait until it is ready."""
        log = self.folder / f"beside-{len(self._beside)}.log"
        with log.open("wb") as file:
            process = subprocess.Popen(words, stdout=file, stderr=subprocess.STDOUT)
        self._beside.append(process)
        deadline = time.monotonic() + PATIENCE_S
        while rules.UP[words[1]] not in log.read_text(errors="replace"):
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"{shlex.join(words)} did not come up:\n{log.read_text(errors='replace')}")
            time.sleep(0.05)

    def stop(self) -> None:
        """End what was started beside, the last first."""
        for process in reversed(self._beside):
            process.terminate()
            process.wait(20)
        self._beside.clear()


def commands(line: str) -> list[list[str]]:
    """Return the commands of a line of shell, comments left out, parted at `&&`."""
    parser = shlex.shlex(line, posix=True, punctuation_chars="&|;<>")
    parser.whitespace_split = True
    parser.commenters = "#"
    found: list[list[str]] = [[]]
    for word in parser:
        if word == "&&":
            found.append([])
        else:
            found[-1].append(word)
    return [words for words in found if words]


def run(words: list[str]) -> int:
    """Run one of our commands in this process, and return its exit code."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", words)
        try:
            rules.main_of(words[0])()
        except SystemExit as end:
            return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
