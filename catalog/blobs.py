"""The bytes of pieces, each stored in a file named by its SHA-256.

Bytes are checked against their file name whenever they are read. Bytes that failed a check are kept
by `quarantine`, together with the reason.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from catalog.base.console import Report
from catalog.base.errors import CatalogError
from catalog.storage.files import THREADS, write_bytes, write_many, write_text
from catalog.storage.reading import read_bytes
from catalog.storage.remote import AnyPath, RemotePath

SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Verification:
    """Result of checking all files against their names; each list is sorted SHA-256s."""

    checked: int  # listed files, present or not
    missing: list[str]  # listed in the catalog, but not on disk
    wrong: list[str]  # on disk, but unreadable, or with bytes that do not match the name
    unlisted: list[str]  # on disk, but in no row; not a fault, as a killed writer can leave them
    faults: tuple[str, ...] = ()  # lines about other files that are damaged, missing, or of another catalog

    @property
    def ok(self) -> bool:
        """Whether all listed files are present and correct, and no other fault was found."""
        return not self.missing and not self.wrong and not self.faults


@dataclass(frozen=True, slots=True)
class Blobs:
    """The files below `folder`: ab/abcdef….mid."""

    folder: AnyPath

    def path(self, sha256: str) -> AnyPath:
        """Return the path of `sha256`, whether or not the file exists.

        Raises CatalogError unless `sha256` is 64 hexadecimal digits.
        """
        if not SHA256.fullmatch(sha256):
            raise CatalogError(f"{sha256!r} is not a SHA-256: expected 64 digits of 0-9 and a-f")
        return self.folder / sha256[:2] / f"{sha256}.mid"

    def read(self, sha256: str) -> bytes:
        """Return the bytes of `sha256`. Raises CatalogError if missing or damaged."""
        path = self.path(sha256)
        try:
            data = _read_file(path)
        except FileNotFoundError:
            raise CatalogError(f"{path} is missing; scrape again to download it") from None
        if hashlib.sha256(data).hexdigest() != sha256:
            raise CatalogError(f"{path} is damaged: its content does not match its name; delete it and scrape again")
        return data

    def put(self, data: bytes) -> str:
        """Store `data`, unless it is stored already, and return its SHA-256.

        The file is durable on return. A damaged file is replaced.
        """
        sha256 = hashlib.sha256(data).hexdigest()
        path = self.path(sha256)
        if not _has_content(path, data):
            _check_folders([path])
            write_bytes(path, data)
        return sha256

    def put_many(self, many: Sequence[bytes]) -> list[str]:
        """Store each of `many` as `put` does, and return their SHA-256s in order.

        All files are made durable together, which is much faster than one at a time.
        """
        names = [hashlib.sha256(data).hexdigest() for data in many]
        files = {self.path(sha256): data for sha256, data in zip(names, many, strict=True)}
        new = {path: data for path, data in files.items() if not _has_content(path, data)}
        _check_folders(new)
        write_many(new)
        return names

    def copy_to(self, folder: Path, names: Iterable[str]) -> None:
        """Copy those of `names` that are here to the same paths below `folder`.

        Copies several files at a time, without checking them. Missing files are skipped.
        """

        def copy(sha256: str) -> None:
            target = folder / sha256[:2] / f"{sha256}.mid"
            target.parent.mkdir(parents=True, exist_ok=True)
            with suppress(FileNotFoundError):  # its reader reports it as missing
                target.write_bytes(self.path(sha256).read_bytes())

        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(copy, names))

    def verify(self, listed: Iterable[str], report: Report | None = None) -> Verification:
        """Check the file of each SHA-256 in `listed`, and find files that are not listed."""
        wanted = sorted(set(listed))
        missing, wrong = [], []
        for done, sha256 in enumerate(wanted, start=1):
            path = self.path(sha256)
            try:
                data = _read_file(path)
            except FileNotFoundError:
                missing.append(sha256)
            except CatalogError:
                if isinstance(path, RemotePath):  # the store is unreachable, which is not a fault of the file
                    raise
                wrong.append(sha256)
            else:
                if hashlib.sha256(data).hexdigest() != sha256:
                    wrong.append(sha256)
            if report:
                report(done, len(wanted))
        return Verification(len(wanted), missing, wrong, sorted(self.names().difference(wanted)))

    def names(self) -> set[str]:
        """Return the SHA-256 of every file on disk, unchecked."""
        return {path.stem for path in self.folder.glob("??/*.mid") if SHA256.fullmatch(path.stem)}


def quarantine(folder: AnyPath, data: bytes, details: Mapping[str, str | int | None]) -> AnyPath:
    """Store `data` that failed a check as <sha256>.bin and return its path.

    The `details` of the check are stored beside it as <sha256>.json.
    """
    path = folder / f"{hashlib.sha256(data).hexdigest()}.bin"
    write_bytes(path, data)
    write_text(path.with_suffix(".json"), json.dumps(dict(details), indent=2, ensure_ascii=False) + "\n")
    return path


def _read_file(path: AnyPath) -> bytes:
    """Return the bytes of a file.

    Raises FileNotFoundError if there is none, and CatalogError if it is not a regular file.
    """
    return read_bytes(path, fail=CatalogError, remedy="delete it and scrape again")


def _has_content(path: AnyPath, data: bytes) -> bool:
    """Whether `path` is a regular file with content `data`."""
    try:
        return _read_file(path) == data
    except FileNotFoundError:
        return False
    except CatalogError:
        if isinstance(path, RemotePath):
            raise
        return False


def _check_folders(paths: Iterable[AnyPath]) -> None:
    """Raise CatalogError if a folder of the store is a symbolic link.

    Files would otherwise be written outside the store.
    """
    for folder in {path.parent for path in paths}:
        if isinstance(folder, Path) and folder.is_symlink():
            raise CatalogError(f"{folder} is a symbolic link that leads out of the store; replace it with a folder")
