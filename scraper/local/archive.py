"""Read all MIDI files in folders and zip files.

Nothing is unpacked to disk, and no name in an archive is used as a path. Files that cannot be read (zip bombs, links,
encrypted or damaged members) are returned with a reason in place of their bytes. Memory holds one file at a time, and
the directory of one zip file.
"""

import io
import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote

from catalog.base.errors import UsageError
from catalog.midi.container import JUNK_BYTES, may_be_midi, midi_bytes
from catalog.midi.text import NAMES, decode
from scraper.http import limits
from scraper.local.listed import ListedFiles, PageReader

SCHEME = "import:"
INSIDE = "!/"  # between the address of a zip file and the name of a member
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")  # the first bytes of a zip file, and of an empty one
_ARCHIVE_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    OSError,
    struct.error,
    ValueError,
    RuntimeError,
    OverflowError,
)


@dataclass(frozen=True, slots=True)
class ArchiveMember:
    """One file found in a folder or zip file.

    `parents` are the names of its folders and archives, outermost first, as given on the command line. `data` is empty
    if there is a `reason` for skipping the file. `listed` is what the pages beside it list.
    """

    address: str
    parents: tuple[str, ...]
    name: str
    data: bytes = b""
    reason: str | None = None
    listed: ListedFiles | None = None


def read_members(path: Path, exclude: Path | None, read_page: PageReader | None = None) -> Iterator[ArchiveMember]:
    """Yield every file of the folder, zip file or MIDI file `path`, in a fixed order.

    The folder `exclude` is left out. Links are not followed, except `path` itself. `read_page` reads the listing pages
    of folders, which are then not yielded. Raises UsageError if `path` does not exist.
    """
    if not path.exists():
        raise UsageError(f"{path} does not exist; give folders, zip files or MIDI files")
    real = path.resolve()
    place = ArchiveMember(SCHEME + _quoted(real.name), (decode_name(os.fsencode(real.stem)),), "")
    if not real.is_dir():
        yield from _read_file(real, ArchiveMember(place.address, place.parents, decode_name(os.fsencode(real.name))))
        return
    inside = (real, ArchiveMember(place.address, (decode_name(os.fsencode(real.name)),), ""), 0)
    folders = [inside]
    while folders:
        folder, here, depth = folders.pop()
        deeper: list[tuple[Path, ArchiveMember, int]] = []
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError:
            yield ArchiveMember(here.address, here.parents, "", reason="unreadable")
            continue
        listed = ListedFiles.beside((entry.name for entry in entries), folder, read_page) if read_page else None
        for entry in entries:
            if listed is not None and entry.name in listed.pages:
                continue
            name = decode_name(os.fsencode(entry.name))
            child = ArchiveMember(f"{here.address}/{_quoted(entry.name)}", here.parents, name)
            if entry.is_symlink():
                yield _skipped(child, "link")
            elif not entry.is_dir(follow_symlinks=False):
                yield from (replace(found, listed=listed) for found in _read_file(Path(entry.path), child))
            elif depth >= limits.FOLDER_DEPTH:
                yield _skipped(child, "too_deep")
            elif exclude is None or Path(entry.path) != exclude.resolve():
                deeper.append((Path(entry.path), ArchiveMember(child.address, (*here.parents, name), ""), depth + 1))
        folders += reversed(deeper)


def decode_name(raw: bytes) -> str:
    """Return the most likely text of `raw`, a name from a disk or an archive.

    See `catalog.midi.text`.
    """
    return decode(raw, NAMES)


def _quoted(name: str) -> str:
    return quote(os.fsencode(name))


def _skipped(place: ArchiveMember, reason: str) -> ArchiveMember:
    return ArchiveMember(place.address, place.parents, place.name, reason=reason)


def _read_file(path: Path, place: ArchiveMember) -> Iterator[ArchiveMember]:
    """Yield the file at `path`, or the members of a zip file; links are refused."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        yield _skipped(place, "unreadable")
        return
    with _BoundedReader(io.FileIO(handle)) as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            yield _skipped(place, "not_a_file")
            return
        try:
            data = file.read(JUNK_BYTES)
            if not data.startswith(_ZIP):
                data += file.read(limits.FILE_BYTES + 1) if may_be_midi(data) else b""
                yield _check_data(place, data)
                return
        except OSError:
            yield _skipped(place, "unreadable")
            return
        yield from _read_zip(file, os.fstat(handle).st_size, place)


def _check_data(place: ArchiveMember, data: bytes) -> ArchiveMember:
    if not may_be_midi(data):
        return _skipped(place, "zip_in_zip" if data.startswith(_ZIP) else "not_midi")
    if len(data) > limits.FILE_BYTES:
        return _skipped(place, "too_large")
    if midi_bytes(data) is None:
        return _skipped(place, "not_midi")
    return ArchiveMember(place.address, place.parents, place.name, data)


class _BoundedReader(io.BufferedReader):
    """A file reader with a limit on each read.

    zipfile reads the whole directory of a zip file at once, whatever its length.
    """

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > limits.ARCHIVE_DIRECTORY_BYTES:
            raise zipfile.BadZipFile(f"a directory of {size:,} bytes")
        return super().read(limits.ARCHIVE_DIRECTORY_BYTES if size is None or size < 0 else size)


def _read_zip(file: _BoundedReader, size: int, place: ArchiveMember) -> Iterator[ArchiveMember]:
    stem = place.name.rpartition(".")[0] or place.name
    parents = place.parents if place.parents == (stem,) else (*place.parents, stem)
    try:
        file.seek(0)
        archive = zipfile.ZipFile(file)
    except _ARCHIVE_ERRORS:
        yield _skipped(place, "broken_archive")
        return
    with archive:
        if len(archive.filelist) > limits.ARCHIVE_FILES:
            yield _skipped(place, "too_many_files")
            return
        left = limits.ARCHIVE_TIMES * size + limits.FILE_BYTES
        for info in archive.filelist:
            name = _name(info)
            if name.endswith("/"):
                continue
            *folders, last = name.split("/")
            member = ArchiveMember(f"{place.address}{INSIDE}{quote(name)}", (*parents, *folders), last)
            reason = _problem(info, name) or ("archive_too_large" if left <= 0 else None)
            if reason is not None:
                yield _skipped(member, reason)
                continue
            found, unpacked = _unpack(archive, info, member)
            left -= unpacked
            yield found


def _name(info: zipfile.ZipInfo) -> str:
    """Return the name of a member, with "/" between folders.

    zipfile decodes bytes that are not marked as UTF-8 as cp437; this is undone here.
    """
    name = info.orig_filename
    if not info.flag_bits & 0x800:
        name = decode_name(name.encode("cp437"))
    return name.replace("\\", "/")


def _problem(info: zipfile.ZipInfo, name: str) -> str | None:
    """Return why a member is not opened, by its entry in the zip directory, or None."""
    parts = name.split("/")
    if ".." in parts or "" in parts or ":" in parts[0] or "\0" in name or len(name) > limits.ARCHIVE_NAME:
        return "unsafe_name"
    if info.create_system == 3 and stat.S_ISLNK(info.external_attr >> 16):
        return "link"
    if info.flag_bits & 0x1:
        return "encrypted"
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return "unsupported_compression"  # zipfile has no limit on the memory for bzip2 and LZMA
    if info.file_size > _max_unpacked(info):
        return "bomb"
    return None


def _max_unpacked(info: zipfile.ZipInfo) -> int:
    """Return the maximum number of bytes that a member may unpack to."""
    return max(limits.ARCHIVE_RATIO_BYTES, limits.ARCHIVE_RATIO * info.compress_size)


def _unpack(archive: zipfile.ZipFile, info: zipfile.ZipInfo, member: ArchiveMember) -> tuple[ArchiveMember, int]:
    """Return a member with its bytes, and the number of bytes unpacked.

    Unpacking stops as soon as the member is known to be skipped.
    """
    parts: list[bytes] = []
    size = 0
    try:
        with archive.open(info) as file:
            while size <= limits.FILE_BYTES and (part := file.read(limits.CHUNK_BYTES)):
                parts.append(part)
                size += len(part)
                if size > _max_unpacked(info):
                    return _skipped(member, "bomb"), size
                if not may_be_midi(parts[0]):
                    break
    except _ARCHIVE_ERRORS:
        return _skipped(member, "corrupt"), size
    return _check_data(member, b"".join(parts)), size
