"""The bytes of pieces, each in a file named by its SHA-256 and by nothing that a web page said.

Bytes are checked against their name whenever they are read. `quarantine` holds what failed a check, with the reason.
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
    """What a check of all files against their names found; each list is of SHA-256 and sorted."""

    checked: int  # files that should be there, whether or not they were
    missing: list[str]  # listed in the catalog, not on disk
    wrong: list[str]  # on disk, but the bytes are not those of the name, or it is no file that can be read
    unlisted: list[str]  # on disk, in no row of the catalog: no fault, a killed writer leaves such
    faults: tuple[str, ...] = ()  # lines about tables and other files that are damaged, missing, or not of this catalog

    @property
    def ok(self) -> bool:
        """Whether every listed file is there and is what its name says, and all tables and lists of checksums are right."""
        return not self.missing and not self.wrong and not self.faults


@dataclass(frozen=True, slots=True)
class Blobs:
    """The files below `folder`: ab/abcdef….mid."""

    folder: AnyPath

    def path(self, sha256: str) -> AnyPath:
        """Return where the bytes of `sha256` (64 hexadecimal digits, else CatalogError) are or would be."""
        if not SHA256.fullmatch(sha256):
            raise CatalogError(f"{sha256!r} is no SHA-256: 64 digits of 0-9 and a-f are expected")
        return self.folder / sha256[:2] / f"{sha256}.mid"

    def read(self, sha256: str) -> bytes:
        """Return the bytes of `sha256`. Raises CatalogError where they are missing or damaged."""
        path = self.path(sha256)
        try:
            data = _read_file(path)
        except FileNotFoundError:
            raise CatalogError(f"{path} is missing; scrape again to fetch it") from None
        if hashlib.sha256(data).hexdigest() != sha256:
            raise CatalogError(f"{path} is damaged: its bytes are not those of its name; delete it and scrape again")
        return data

    def put(self, data: bytes) -> str:
        """Keep `data`, unless it is held already, and return its SHA-256. Durable on return; a damaged file is mended."""
        sha256 = hashlib.sha256(data).hexdigest()
        path = self.path(sha256)
        if not _has_content(path, data):
            _check_folders([path])
            write_bytes(path, data)
        return sha256

    def put_many(self, many: Sequence[bytes]) -> list[str]:
        """Keep each of `many` as `put` does, and return their SHA-256 in order. Durable together: far fewer waits than one by one."""
        names = [hashlib.sha256(data).hexdigest() for data in many]
        files = {self.path(sha256): data for sha256, data in zip(names, many, strict=True)}
        new = {path: data for path, data in files.items() if not _has_content(path, data)}
        _check_folders(new)
        write_many(new)
        return names

    def copy_to(self, folder: Path, names: Iterable[str]) -> None:
        """Copy those of `names` that are here to the same places below `folder`, unchecked, many at a time."""

        def copy(sha256: str) -> None:
            target = folder / sha256[:2] / f"{sha256}.mid"
            target.parent.mkdir(parents=True, exist_ok=True)
            with suppress(FileNotFoundError):  # whoever wants it will find it missing
                target.write_bytes(self.path(sha256).read_bytes())

        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(copy, names))

    def verify(self, listed: Iterable[str], report: Report | None = None) -> Verification:
        """Check every file of `listed` (SHA-256) against its name, and look for files that are not listed."""
        wanted = sorted(set(listed))
        missing, wrong = [], []
        for done, sha256 in enumerate(wanted, start=1):
            path = self.path(sha256)
            try:
                data = _read_file(path)
            except FileNotFoundError:
                missing.append(sha256)
            except CatalogError:
                if isinstance(path, RemotePath):  # out of reach, which is no fault of the file
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
    """Keep `data` that failed a check as <sha256>.bin, with `details` of the check in <sha256>.json; return the former."""
    path = folder / f"{hashlib.sha256(data).hexdigest()}.bin"
    write_bytes(path, data)
    write_text(path.with_suffix(".json"), json.dumps(dict(details), indent=2, ensure_ascii=False) + "\n")
    return path


def _read_file(path: AnyPath) -> bytes:
    """Return the bytes of a file. Raises FileNotFoundError, and CatalogError where it is none that can be read, such as a pipe."""
    return read_bytes(path, fail=CatalogError, remedy="delete it and scrape again")


def _has_content(path: AnyPath, data: bytes) -> bool:
    """Whether the file at `path` holds `data`; a folder, a pipe or an endless link does not."""
    try:
        return _read_file(path) == data
    except FileNotFoundError:
        return False
    except CatalogError:
        if isinstance(path, RemotePath):
            raise
        return False


def _check_folders(paths: Iterable[AnyPath]) -> None:
    """Raise CatalogError where a folder of the store is a link: what is written would land outside."""
    for folder in {path.parent for path in paths}:
        if isinstance(folder, Path) and folder.is_symlink():
            raise CatalogError(f"{folder} is a link that leads out of the store; put a real folder in its place")
