"""A corpus below a URL is replaced as a whole, however many bytes of it a killed writer has sent."""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from dataset.corpus.corpus import Corpus
from tests.dataset.test_objects import below, put, two_corpora  # noqa: F401 - a fixture

pytestmark = pytest.mark.road


class Line(threading.Thread):
    """A proxy to the S3 server that kills its client after a number of bytes.

    The server's end then stays open: S3 discards an incomplete request, but this server would keep half of it.
    """

    def __init__(self, server: str) -> None:
        super().__init__(daemon=True)
        host, port = server.removeprefix("http://").split(":")
        self.server = (host, int(port))
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.sent, self.most = 0, 10**9
        self.left_open: list[socket.socket] = []
        self.process: subprocess.Popen[bytes] | None = None

    def run(self) -> None:
        while True:
            near, _ = self.listener.accept()
            far = socket.create_connection(self.server)
            for one, other, up in ((near, far, True), (far, near, False)):
                threading.Thread(target=self._carry, args=(one, other, up), daemon=True).start()

    def _carry(self, one: socket.socket, other: socket.socket, up: bool) -> None:
        try:
            while data := one.recv(256 if up else 65536):
                self.sent += len(data) if up else 0
                if self.sent > self.most:
                    if self.process is not None:
                        self.process.send_signal(signal.SIGKILL)
                    break
                other.sendall(data)
        except OSError:
            pass
        if self.sent > self.most:
            self.left_open += [one, other]
        else:
            one.close()
            other.close()


@pytest.fixture
def line(s3_server: str) -> Iterator[Line]:
    """A proxy to the server."""
    line = Line(s3_server)
    line.start()
    yield line
    for end in (line.listener, *line.left_open):
        end.close()


PUT = """
import shutil, sys
from pathlib import Path
from catalog.storage.remote import parse_location
from dataset.corpus.folder_store import locked, replacing_folder
target = parse_location(sys.argv[1])
with locked(target.parent) as hold, replacing_folder(target, hold) as new:
    for path in Path(sys.argv[2]).iterdir():
        shutil.copy(path, new)
"""


KILLS = int(os.environ.get("VGPIANO_KILLS", "3"))


def test_a_writer_killed_at_any_byte_leaves_the_old_corpus_or_the_new_and_the_next_one_mends_it(
    bucket: str, line: Line, corpora: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    target = below(f"{bucket}/vg") / "corpora" / "x"
    (old, folder), (new, newer) = corpora.items()

    def replace(most: int) -> int:
        """Replace `folder` with `newer` through a proxy that breaks after `most` bytes.

        Return the exit code.
        """
        for claim in (target.parent / ".lock").entries():
            claim.path.unlink()  # as if the killed writer's lease had run out
        put(target, folder)
        assert Corpus.open(below(f"{bucket}/vg"), "x").hash == old
        assert len(target.entries()) == len(list(folder.iterdir()))
        line.sent, line.most = 0, most
        environment = {**os.environ, "AWS_ENDPOINT_URL": line.address}
        line.process = subprocess.Popen([sys.executable, "-c", PUT, str(target), str(newer)], env=environment)
        return line.process.wait()

    assert replace(10**9) == 0
    whole, seen = line.sent, []
    for kill in range(1, KILLS + 1):
        assert replace(whole * kill // (KILLS + 1)) == -signal.SIGKILL
        seen.append(Corpus.open(below(f"{bucket}/vg"), "x").hash)
    assert seen == sorted(seen, key=[old, new].index)
    assert seen[0] == old
    assert replace(10**9) == 0
    assert Corpus.open(below(f"{bucket}/vg"), "x").hash == new
    assert len(target.entries()) == len(list(folder.iterdir()))
