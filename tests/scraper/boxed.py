"""Run `scrape vgmusic` against a faulty server in a process that can be killed.

It runs `scraper.cli` with shorter waits (the constants in limits.py), and measures its memory.
"""

import multiprocessing
import os
import random
import resource
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from tests.scraper.chaos import Chaos

HURRY = {"CONNECT_S": 2.0, "READ_S": 1.0, "WHOLE_S": 1.0, "BACKOFF_S": 0.01}  # in place of those of limits.py


@dataclass(frozen=True)
class Done:
    """The output, exit code (negative: a signal) and peak memory (MB) of a run."""

    code: int
    out: str
    err: str
    peak_mb: float


@dataclass
class Run:
    """`scrape vgmusic` running against `server`, with all its folders in `box`.

    These are the data root, the working folder, home and the temporary folder.
    """

    server: Chaos
    box: Path
    arguments: tuple[str, ...] = ()
    hurry: dict[str, float] = field(default_factory=dict)

    @property
    def root(self) -> Path:
        return self.box / "data"

    def start(self) -> "Run":
        self.box.mkdir(parents=True, exist_ok=True)
        self._notes = Path(tempfile.mkdtemp(prefix="run-", dir=self.box.parent))
        line = ["vgmusic", "--base-url", self.server.base_url, "--allow-private-hosts", "--root", str(self.root)]
        line += ["--delay", "0", *self.arguments]
        target = (line, str(self.box), str(self._notes), HURRY | self.hurry)
        self.process = _PROCESSES.Process(target=_command, args=target, daemon=True)
        self.process.start()
        return self

    def wait(self) -> Done:
        self.process.join()
        texts = {name: self._notes / name for name in ("out", "err", "peak")}
        out, err, peak = (path.read_text() if path.exists() else "" for path in texts.values())
        code = self.process.exitcode
        self.process.close()
        return Done(-999 if code is None else code, out, err, int(peak or 0) / 1024)


def scrape(server: Chaos, box: Path, *arguments: str, **hurry: float) -> Done:
    """Run the command to its end."""
    return Run(server, box, arguments, hurry).start().wait()


def tree(folder: Path) -> set[str]:
    """Return the relative paths of all files below `folder`."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir() or path.is_symlink()}


_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload(
    [
        "tests.scraper.boxed",
        "tests.scraper.ready",
        "scraper.vgmusic.crawl",
        "scraper.cli",
        "requests",
        "pyarrow.dataset",
    ]
)


def _command(line: list[str], box: str, notes: str, waits: dict[str, float]) -> None:
    for number, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(f"{notes}/{name}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    sys.stdout, sys.stderr = os.fdopen(1, "w", closefd=False), os.fdopen(2, "w", closefd=False)
    for name in [name for name in os.environ if name.startswith("VGPIANO_")]:
        del os.environ[name]
    os.environ |= {"HOME": box, "TMPDIR": box}
    tempfile.tempdir = None
    os.chdir(box)
    random.seed()
    from catalog.base import console
    from scraper import cli
    from scraper.http import fetch, limits

    for name, value in waits.items():
        setattr(limits, name, value)
    fetch.Patience.__init__.__defaults__ = (limits.CONNECT_S, limits.READ_S, limits.WHOLE_S, limits.BACKOFF_S)  # type: ignore[misc]
    sys.argv = ["scrape", *line]
    try:
        console.run(cli.app)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        Path(notes, "peak").write_text(str(_peak_kb()))


def _peak_kb() -> int:
    """Return the peak memory of this process in KB."""
    told = Path("/proc/self/status")
    if told.exists():  # of this process alone, while getrusage counts from the one that it was forked from
        return int(next(part for part in told.read_text().splitlines() if part.startswith("VmHWM")).split()[1])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10  # macOS counts bytes
