"""Every file below a path that people have already, out of folders and zip files, with its bytes where it is MIDI.

Nothing is unpacked to disk and no name becomes a path: a member is bytes, an address and words. What cannot be taken (a bomb, a
link, an encrypted member, a damaged one) comes with a reason in place of its bytes, and costs nothing else. Memory holds one
file at a time, and the table of contents of one zip file.
"""

import io
import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from catalog.base.errors import UsageError
from catalog.midi.container import JUNK_BYTES, may_be_midi, midi_bytes
from catalog.midi.text import NAMES, decode
from scraper.http import limits

SCHEME = "import:"
INSIDE = "!/"  # between the address of a zip file and the name of a member
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")  # how a zip file begins, and an empty one
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, OSError, struct.error, ValueError, RuntimeError, OverflowError)


@dataclass(frozen=True, slots=True)
class ArchiveMember:
    """One file. `above` names what it lies in, the outermost (as named on the command line) first; `data` is b"" with a `reason`."""

    address: str
    above: tuple[str, ...]
    name: str
    data: bytes = b""
    reason: str | None = None


def members(path: Path, leave_out: Path | None) -> Iterator[ArchiveMember]:
    """Yield every file of folder, zip file or MIDI file `path`, in a fixed order; nothing of folder `leave_out`.

    Links are not followed, but for `path` itself. Raises UsageError where there is no such path.
    """
    if not path.exists():
        raise UsageError(f"{path} is not there; name folders, zip files or MIDI files")
    real = path.resolve()
    place = ArchiveMember(SCHEME + _quoted(real.name), (readable(os.fsencode(real.stem)),), "")
    if not real.is_dir():
        yield from _file(real, ArchiveMember(place.address, place.above, readable(os.fsencode(real.name))))
        return
    inside = (real, ArchiveMember(place.address, (readable(os.fsencode(real.name)),), ""), 0)
    folders = [inside]
    while folders:
        folder, here, depth = folders.pop()
        deeper: list[tuple[Path, ArchiveMember, int]] = []
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError:
            yield ArchiveMember(here.address, here.above, "", reason="unreadable")
            continue
        for entry in entries:
            name = readable(os.fsencode(entry.name))
            child = ArchiveMember(f"{here.address}/{_quoted(entry.name)}", here.above, name)
            if entry.is_symlink():
                yield _refused(child, "link")
            elif not entry.is_dir(follow_symlinks=False):
                yield from _file(Path(entry.path), child)
            elif depth >= limits.FOLDER_DEPTH:
                yield _refused(child, "too_deep")
            elif leave_out is None or Path(entry.path) != leave_out.resolve():
                deeper.append((Path(entry.path), ArchiveMember(child.address, (*here.above, name), ""), depth + 1))
        folders += reversed(deeper)


def readable(raw: bytes) -> str:
    """Return the text that `raw`, a name from a disk or an archive, most likely is (`catalog.midi.text`)."""
    return decode(raw, NAMES)


def _quoted(name: str) -> str:
    return quote(os.fsencode(name))


def _refused(place: ArchiveMember, reason: str) -> ArchiveMember:
    return ArchiveMember(place.address, place.above, place.name, reason=reason)


def _file(path: Path, place: ArchiveMember) -> Iterator[ArchiveMember]:
    """Yield the file at `path` (not followed, were it a link by now), or what is in it if it is a zip file."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        yield _refused(place, "unreadable")
        return
    with _Bounded(io.FileIO(handle)) as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            yield _refused(place, "not_a_file")
            return
        try:
            data = file.read(JUNK_BYTES)
            if not data.startswith(_ZIP):
                data += file.read(limits.FILE_BYTES + 1) if may_be_midi(data) else b""
                yield _judged(place, data)
                return
        except OSError:
            yield _refused(place, "unreadable")
            return
        yield from _zip(file, os.fstat(handle).st_size, place)


def _judged(place: ArchiveMember, data: bytes) -> ArchiveMember:
    if not may_be_midi(data):
        return _refused(place, "zip_in_zip" if data.startswith(_ZIP) else "not_midi")
    if len(data) > limits.FILE_BYTES:
        return _refused(place, "too_large")
    if midi_bytes(data) is None:
        return _refused(place, "not_midi")
    return ArchiveMember(place.address, place.above, place.name, data)


class _Bounded(io.BufferedReader):
    """A file of which nobody reads more than a directory's worth at once: zipfile reads a zip's whole directory, however long."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > limits.ARCHIVE_DIRECTORY_BYTES:
            raise zipfile.BadZipFile(f"a directory of {size:,} bytes")
        return super().read(limits.ARCHIVE_DIRECTORY_BYTES if size is None or size < 0 else size)


def _zip(file: _Bounded, size: int, place: ArchiveMember) -> Iterator[ArchiveMember]:
    stem = place.name.rpartition(".")[0] or place.name
    above = place.above if place.above == (stem,) else (*place.above, stem)
    try:
        file.seek(0)
        archive = zipfile.ZipFile(file)
    except _BROKEN:
        yield _refused(place, "broken_archive")
        return
    with archive:
        if len(archive.filelist) > limits.ARCHIVE_FILES:
            yield _refused(place, "too_many_files")
            return
        left = limits.ARCHIVE_TIMES * size + limits.FILE_BYTES
        for info in archive.filelist:
            name = _name(info)
            if name.endswith("/"):
                continue
            *folders, last = name.split("/")
            member = ArchiveMember(f"{place.address}{INSIDE}{quote(name)}", (*above, *folders), last)
            reason = _problem(info, name) or ("archive_too_large" if left <= 0 else None)
            if reason is not None:
                yield _refused(member, reason)
                continue
            found, unpacked = _unpack(archive, info, member)
            left -= unpacked
            yield found


def _name(info: zipfile.ZipInfo) -> str:
    """Return the name of a member, "/" between folders; zipfile takes bytes that are not marked as UTF-8 for cp437."""
    name = info.orig_filename
    if not info.flag_bits & 0x800:
        name = readable(name.encode("cp437"))
    return name.replace("\\", "/")


def _problem(info: zipfile.ZipInfo, name: str) -> str | None:
    """Return why a member is not even opened, by what the directory of its zip file says, or None."""
    parts = name.split("/")
    if ".." in parts or "" in parts or ":" in parts[0] or "\0" in name or len(name) > limits.ARCHIVE_NAME:
        return "unsafe_name"
    if info.create_system == 3 and stat.S_ISLNK(info.external_attr >> 16):
        return "link"
    if info.flag_bits & 0x1:
        return "encrypted"
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return "unsupported_compression"  # what zipfile unpacks without a bound (bzip2, LZMA) among them
    if info.file_size > _most(info):
        return "bomb"
    return None


def _most(info: zipfile.ZipInfo) -> int:
    """Return how many bytes a member may unpack to."""
    return max(limits.ARCHIVE_RATIO_BYTES, limits.ARCHIVE_RATIO * info.compress_size)


def _unpack(archive: zipfile.ZipFile, info: zipfile.ZipInfo, member: ArchiveMember) -> tuple[ArchiveMember, int]:
    """Return a member with its bytes, and how many were unpacked. No more than is needed to judge it ever is."""
    parts: list[bytes] = []
    size = 0
    try:
        with archive.open(info) as file:
            while size <= limits.FILE_BYTES and (part := file.read(limits.CHUNK_BYTES)):
                parts.append(part)
                size += len(part)
                if size > _most(info):
                    return _refused(member, "bomb"), size
                if not may_be_midi(parts[0]):
                    break
    except _BROKEN:
        return _refused(member, "corrupt"), size
    return _judged(member, b"".join(parts)), size
