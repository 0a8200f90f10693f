"""SHA256SUMS files, in the format of `sha256sum -c`, and checks against them.

The list is written before the files that it covers. While a file is being replaced, the list also
has its earlier checksum, or that it was absent, in a comment that `sha256sum` ignores. A process
killed at any moment therefore leaves a file that matches the list. The module knows nothing of the
meaning of the files.
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
ABSENT = "nothing"  # in place of the earlier checksum of a file that was absent
LINE = re.compile(rf"(?:(# before: )({ABSENT}|[0-9a-f]{{64}})|([0-9a-f]{{64}}))  (\S[^\n]*)")
REMEDY = "restore the file from a copy, or create it again"

Sums = Mapping[str, frozenset[str]]
"""File name, with / between folders, to its allowed SHA-256s in hexadecimal."""


def format_sums(files: Mapping[str, bytes]) -> str:
    """Return the text of a list for `files`, content by name."""
    return "".join(f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in sorted(files.items()))


def read_sums(folder: AnyPath, *, fail: ErrorFactory, remedy: str = REMEDY) -> Sums | None:
    """Return the list of `folder`, or None if it has none.

    Raises the error made by `fail` if the list is damaged.
    """
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
    """Raise the error made by `fail` if `data` does not match the list of `folder`.

    A file that is not in the list, or a folder without a list, is accepted.
    """
    sums = read_sums(folder, fail=fail, remedy=remedy)
    allowed = None if sums is None else sums.get(name)
    if allowed is not None and hashlib.sha256(data).hexdigest() not in allowed:
        raise fail(f"{folder / name}: damaged: its content does not match {SUMS_FILE}; {remedy}")


def check_file(folder: AnyPath, name: str, *, fail: ErrorFactory, remedy: str = REMEDY) -> None:
    """Check a file of `folder` as `check` does, reading it in blocks.

    A missing file is accepted here, and reported by whatever reads it.
    """
    allowed = (read_sums(folder, fail=fail, remedy=remedy) or {}).get(name)
    if allowed is not None and (folder / name).is_file() and digest_of(folder / name) not in allowed:
        raise fail(f"{folder / name}: damaged: its content does not match {SUMS_FILE}; {remedy}")


def write_listed(
    folder: AnyPath, name: str, data: bytes, *, fail: ErrorFactory, beside: Mapping[str, bytes] | None = None
) -> None:
    """Write file `name` of `folder` and its line in the list.

    A process killed at any moment leaves a file that matches the list. If `beside` is given, the
    list then has only those files and this one. The caller ensures that there is one writer at a
    time. Raises the error made by `fail` if the list is damaged.
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
    """Yield a line for each listed file that is missing or differs.

    A damaged list is one fault.
    """
    try:
        sums = read_sums(folder, fail=ValueError)  # type: ignore[arg-type]
    except ValueError as error:
        yield str(error)
        return
    for name, allowed in sorted((sums or {}).items()):
        path = folder / name
        if name.startswith("/") or ".." in name.split("/"):
            yield f"{folder / SUMS_FILE}: {name} is outside the folder"
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
                yield f"{path}: damaged: its content does not match {SUMS_FILE}"


def digest_of(path: AnyPath) -> str:
    """Return the SHA-256 of a regular file in hexadecimal, read in blocks.

    Raises ValueError for a pipe or a device.
    """
    if isinstance(path, RemotePath):
        return hashlib.sha256(path.read_bytes()).hexdigest()
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise ValueError("not a regular file")
        return hashlib.file_digest(file, "sha256").hexdigest()


def _current_digest(digests: frozenset[str], path: AnyPath) -> str | None:
    """Return the one of `digests` that matches the file at `path`.

    If none matches, any of them. None if the file is absent and may be absent.
    """
    exists = path.is_file()
    if ABSENT in digests and not exists:
        return None
    digests -= {ABSENT}
    if len(digests) > 1 and exists and (digest := digest_of(path)) in digests:
        return digest
    return min(digests)


def folders_with_sums(root: AnyPath, names: Iterable[str]) -> Iterator[AnyPath]:
    """Yield the folders with a list, at and directly below each of `names` in `root`.

    They are sorted. Hidden folders, which killed commands leave, are skipped.
    """
    for name in names:
        here = root / name
        found: list[AnyPath] = [*here.glob(SUMS_FILE), *here.glob(f"[!.]*/{SUMS_FILE}")]
        yield from (path.parent for path in sorted(found, key=str))
