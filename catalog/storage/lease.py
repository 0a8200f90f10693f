"""One writer at a time on object stores: a claim object that its holder renews.

A writer puts a claim into the folder `.lock`, then lists that folder. If there is no other claim,
it holds the lease. Otherwise it removes its own claim and tries again or fails. The supported
stores list every object that was put before the listing (S3 since 2020, Google Cloud Storage
always). Of two simultaneous writers at least one therefore sees the other, and there are never two
holders; at worst both fail and retry.

A claim that was not renewed for EXPIRES_S by the store's clock belongs to a dead writer. A holder
that could not renew detects it earlier and stops writing. One case remains: a process that is
suspended for longer than that, exactly between a check and the write after it.
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
EXPIRES_S = 60.0  # a claim not renewed for so long is of a dead writer
RENEW_S = 10.0
TRIES = 3  # two simultaneous writers both withdraw, then retry after random pauses
PAUSE_S = 0.5
_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)  # on macOS, CLOCK_MONOTONIC advances during sleep


class Lease:
    """A held claim; call `check` before each write that needs exclusive access."""

    def __init__(self, claim: RemotePath) -> None:
        self._claim = claim
        self._renewed = _now()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._renew, daemon=True)

    def check(self) -> None:
        """Raise CatalogError if the claim was not renewed in time.

        Another writer may then hold the lease.
        """
        if _now() - self._renewed > EXPIRES_S - RENEW_S:
            raise CatalogError(
                f"{self._claim.parent} could not be renewed for {_now() - self._renewed:.0f} s, so another writer may be active; "
                "completed writes are kept: run this again"
            )

    def start(self) -> None:
        """Start renewing the claim."""
        self._thread.start()

    def end(self) -> None:
        """Stop renewing, and remove the claim."""
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
    """Hold the lease of `folder` as its only writer.

    Raises LockedError that names program, host and process if another writer holds it.
    """
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
        f"{claim.parent.parent} is being written by {other}; wait for it to end (the lease of a killed writer expires after "
        f"{EXPIRES_S:g} s)"
    )


def _put(claim: RemotePath) -> None:
    """Write or renew a claim.

    The claim contains program, host and process id, but not the command line.
    """
    holder = {"program": Path(sys.argv[0]).name, "host": platform.node(), "pid": os.getpid()}
    claim.write_bytes(json.dumps(holder).encode())


def _withdraw(claim: RemotePath) -> None:
    with suppress(CatalogError):  # the claim expires
        claim.unlink(missing_ok=True)


def _find_holder(claim: RemotePath) -> str | None:
    """Return the holder of a live claim beside `claim`, or None.

    `claim` must have just been put. Expired claims are removed.
    """
    entries = {entry.path: entry.modified for entry in claim.parent.entries()}
    if claim not in entries:
        raise CatalogError(
            f"{claim.parent}: the store does not list an object just written, so it cannot be locked; use a folder or another store"
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
        holder = read_json(claim, _Holder, fail=CatalogError, remedy="it is used only in messages")
        return clean(f"`{holder.program}` on {holder.host}, process {holder.pid}")
    except (OSError, CatalogError):
        return "another process"  # it has just removed its claim


def _now() -> float:
    """Return a time in seconds that also advances while the machine sleeps."""
    return time.clock_gettime(_CLOCK)
