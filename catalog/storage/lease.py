"""One writer at a time where there are no file locks: a claim in an object, renewed for as long as its holder lives.

Whoever wants to write puts a claim of its own into the folder `.lock` and then lists that folder: if no other claim is
there, it is the holder; else it takes its own away and refuses. Of two at once at least one sees the other, since the
stores that we write to list every object that was put before they were asked (so S3 since 2020, Google's store always), so
there are never two holders; at worst both refuse, and try again. A claim that was not renewed for EXPIRES_S, by the
store's own clock, is a dead writer's. A holder that could not renew in time finds out by itself, earlier, and writes no more.
What remains: a process that is suspended for longer than that exactly between the check and the write that follows it.
"""

import json
import os
import platform
import random
import secrets
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from catalog.base.console import clean
from catalog.base.errors import CatalogError, LockedError
from catalog.storage.reading import Count, read_json
from catalog.storage.remote import RemotePath

FOLDER = ".lock"
EXPIRES_S = 60.0  # without renewal: the writer is dead
RENEW_S = 10.0
TRIES = 3  # two that start at the same moment both step back; one of them is the first to come again
PAUSE_S = 0.5
_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)  # on macOS CLOCK_MONOTONIC goes on in sleep


class Lease:
    """A claim that holds: `check` before each write that must not happen twice."""

    def __init__(self, claim: RemotePath) -> None:
        self._claim = claim
        self._renewed = _now()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._renew, daemon=True)

    def check(self) -> None:
        """Raise CatalogError where the claim was not renewed in time, so that another writer may have taken over."""
        if _now() - self._renewed > EXPIRES_S - RENEW_S:
            raise CatalogError(
                f"{self._claim.parent} could not be renewed for {_now() - self._renewed:.0f} s, so another may be writing; "
                "what was written so far is kept: run this again"
            )

    def start(self) -> None:
        """Renew the claim from now on."""
        self._thread.start()

    def end(self) -> None:
        """Give the claim up."""
        self._ended.set()
        self._thread.join()
        _withdraw(self._claim)

    def _renew(self) -> None:
        while not self._ended.wait(RENEW_S):
            with suppress(CatalogError):
                self.check()
                before = _now()
                _put(self._claim)
                self._renewed = before


@contextmanager
def hold_lease(folder: RemotePath) -> Iterator[Lease]:
    """Hold `folder` as its only writer. Raises LockedError, naming program, host and process, where another holds it."""
    folder.require_atomic()
    claim = folder / FOLDER / f"{secrets.token_hex(8)}.json"
    try:
        lease = _acquire(claim)
    except BaseException:
        _withdraw(claim)
        raise
    lease.start()
    try:
        yield lease
    finally:
        lease.end()


def _acquire(claim: RemotePath) -> Lease:
    for attempt in range(TRIES):
        if attempt:
            time.sleep(PAUSE_S * random.random())
        lease = Lease(claim)
        _put(claim)
        other = _find_holder(claim)
        if other is None:
            return lease
        _withdraw(claim)
    raise LockedError(
        f"{claim.parent.parent} is being written by {other}; wait for it to end (a writer that was killed is forgotten after "
        f"{EXPIRES_S:g} s)"
    )


def _put(claim: RemotePath) -> None:
    """Write or renew a claim. It names program, host and process, and nothing of the command line."""
    holder = {"program": Path(sys.argv[0]).name, "host": platform.node(), "pid": os.getpid()}
    claim.write_bytes(json.dumps(holder).encode())


def _withdraw(claim: RemotePath) -> None:
    with suppress(CatalogError):  # it will expire
        claim.unlink(missing_ok=True)


def _find_holder(claim: RemotePath) -> str | None:
    """Return who holds a live claim beside `claim`, which has just been put; None where nobody does. Dead ones are removed."""
    entries = {entry.path: entry.modified for entry in claim.parent.entries()}
    if claim not in entries:
        raise CatalogError(
            f"{claim.parent}: the store does not list what was just written, so no lock is possible; use a folder, or another store"
        )
    now = entries.pop(claim)
    for other, modified in entries.items():
        if now is None or modified is None or now - modified <= timedelta(seconds=EXPIRES_S):
            return _read_holder(other)
        other.unlink(missing_ok=True)
    return None


@dataclass(frozen=True, slots=True)
class _Holder:
    """The content of a claim."""

    program: str
    host: str
    pid: Count


def _read_holder(claim: RemotePath) -> str:
    try:
        holder = read_json(claim, _Holder, fail=CatalogError, remedy="it is only shown")
        return clean(f"`{holder.program}` on {holder.host}, process {holder.pid}")
    except (OSError, CatalogError):
        return "another process"  # which withdraws its claim as we look


def _now() -> float:
    """Return seconds that also pass while the machine sleeps."""
    return time.clock_gettime(_CLOCK)
