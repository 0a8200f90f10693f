"""Lists of checksums: a file SHA256SUMS in a folder, as `sha256sum -c` reads it, and what a reader may hold against it.

A list is written before the files that it is about. While a file is replaced the list also holds its earlier checksum, or that there
was none, in a comment that `sha256sum` passes over, so a kill at any moment leaves a file that is in the list. Nothing here knows
what the files mean.
"""

import hashlib
import os
import re
import stat
from collections.abc import Iterable, Iterator, Mapping

from catalog.storage.files import write_bytes, write_text
from catalog.storage.reading import ErrorFactory, read_bytes
from catalog.storage.remote import AnyPath, RemotePath

SUMS_FILE = "SHA256SUMS"
ABSENT = "nothing"  # stands for the earlier checksum of a file that was not there
LINE = re.compile(rf"(?:(# before: )({ABSENT}|[0-9a-f]{{64}})|([0-9a-f]{{64}}))  (\S[^\n]*)")
REMEDY = "bring the file back from a copy, or make it again"

Sums = Mapping[str, frozenset[str]]
"""File name, with / between folders: the SHA-256 that it may have, hexadecimal."""


def format_sums(files: Mapping[str, bytes]) -> str:
    """Return the list for files by name."""
    return "".join(f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in sorted(files.items()))


def read_sums(folder: AnyPath, *, fail: ErrorFactory, remedy: str = REMEDY) -> Sums | None:
    """Return the list of `folder`, None where it has none. Raises the error of `fail` where it is damaged."""
    path = folder / SUMS_FILE
    try:
        text = read_bytes(path, fail=fail, remedy=remedy).decode("utf-8", errors="replace")
    except FileNotFoundError:
        return None
    found: dict[str, frozenset[str]] = {}
    if not text.endswith("\n"):
        raise fail(f"{path}: {'cut short' if text else 'empty'}; {remedy}")
    for number, line in enumerate(text[:-1].split("\n"), start=1):
        match = LINE.fullmatch(line)
        if match is None:
            raise fail(f"{path}: line {number}: not a checksum and a name; {remedy}")
        found[match[4]] = found.get(match[4], frozenset()) | {match[2] or match[3]}
    return found


def check(folder: AnyPath, name: str, data: bytes, *, fail: ErrorFactory, remedy: str = REMEDY) -> None:
    """Raise the error of `fail` where the list of `folder` has file `name` and its content is not `data`."""
    sums = read_sums(folder, fail=fail, remedy=remedy)
    allowed = None if sums is None else sums.get(name)
    if allowed is not None and hashlib.sha256(data).hexdigest() not in allowed:
        raise fail(f"{folder / name}: damaged: its content is not what {SUMS_FILE} says; {remedy}")


def check_file(folder: AnyPath, name: str, *, fail: ErrorFactory, remedy: str = REMEDY) -> None:
    """Raise as `check` does for a file of the folder, read a piece at a time; one that is missing is its reader's business."""
    allowed = (read_sums(folder, fail=fail, remedy=remedy) or {}).get(name)
    if allowed is not None and (folder / name).is_file() and digest_of(folder / name) not in allowed:
        raise fail(f"{folder / name}: damaged: its content is not what {SUMS_FILE} says; {remedy}")


def write_listed(
    folder: AnyPath, name: str, data: bytes, *, fail: ErrorFactory, beside: Mapping[str, bytes] | None = None
) -> None:
    """Write file `name` of `folder` and its line in the list; a kill at any moment leaves a file that is in the list.

    Where `beside` is given, the list has those files, by name, and no others. One writer at a time is the caller's business. Raises the
    error of `fail` where the list is damaged.
    """
    listed = dict(read_sums(folder, fail=fail) or {})
    before = listed.pop(name, frozenset())
    if beside is not None:
        listed = {other: frozenset({hashlib.sha256(content).hexdigest()}) for other, content in beside.items()}
    current = {
        other: digest
        for other, digests in sorted(listed.items())
        if (digest := _current_digest(digests, folder / other))
    }
    lines = [f"{digest}  {other}\n" for other, digest in current.items()]
    new = hashlib.sha256(data).hexdigest()
    lines.append(f"{new}  {name}\n")
    lines += (f"# before: {digest}  {name}\n" for digest in sorted((before or {ABSENT}) - {new}))
    write_text(folder / SUMS_FILE, "".join(lines))
    write_bytes(folder / name, data)


def faults(folder: AnyPath) -> Iterator[str]:
    """Yield a line about each file that the list of `folder` names and that is missing or another, and about a damaged list."""
    try:
        sums = read_sums(folder, fail=ValueError)  # type: ignore[arg-type]
    except ValueError as error:
        yield str(error)
        return
    for name, allowed in sorted((sums or {}).items()):
        path = folder / name
        if name.startswith("/") or ".." in name.split("/"):
            yield f"{folder / SUMS_FILE}: {name} lies outside the folder"
            continue
        try:
            digest = digest_of(path)
        except FileNotFoundError:
            if ABSENT not in allowed:
                yield f"{path}: missing"
        except (OSError, ValueError) as error:
            yield f"{path}: cannot be read ({getattr(error, 'strerror', None) or error})"
        else:
            if digest not in allowed:
                yield f"{path}: damaged: its content is not what {SUMS_FILE} says"


def digest_of(path: AnyPath) -> str:
    """Return the SHA-256 of a regular file, hexadecimal, read a piece at a time. Raises ValueError for a pipe or a device."""
    if isinstance(path, RemotePath):
        return hashlib.sha256(path.read_bytes()).hexdigest()
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise ValueError("not a regular file")
        return hashlib.file_digest(file, "sha256").hexdigest()


def _current_digest(digests: frozenset[str], path: AnyPath) -> str | None:
    """Return the checksum of `digests` that the file has; any of them where it has none, None where it need not be there and is not."""
    exists = path.is_file()
    if ABSENT in digests and not exists:
        return None
    digests -= {ABSENT}
    if len(digests) > 1 and exists and (digest := digest_of(path)) in digests:
        return digest
    return min(digests)


def folders_with_sums(root: AnyPath, names: Iterable[str]) -> Iterator[AnyPath]:
    """Yield the folders at and right below each of `names` under `root` that have a list, in order; not what a killed command left."""
    for name in names:
        here = root / name
        found: list[AnyPath] = [*here.glob(SUMS_FILE), *here.glob(f"[!.]*/{SUMS_FILE}")]
        yield from (path.parent for path in sorted(found, key=str))
