"""The files of a table, found by name, and detection of files of another catalog.

In: the folder of a table. Out: its files in the order of writing, or an error that says what to do
about files of another catalog. The tables themselves are not read.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from catalog.base.errors import CatalogError
from catalog.storage.checksums import digest_of
from catalog.storage.remote import AnyPath, RemotePath
from catalog.table.identity import CatalogId, is_own_file, read_identity

NAME = re.compile(r"(part|base)-([0-9]{12})(?:-([0-9a-f]{8})-([0-9a-f]{16}))?\.parquet")
MAX_NAMED = 3  # files listed in a message


class Part(NamedTuple):
    """One file of a table; files sort in the order of writing.

    `catalog` is the id of its catalog, `digest` the first digits of its SHA-256. Both are empty in
    names written by older versions.
    """

    number: int
    is_base: bool
    path: AnyPath
    catalog: str
    digest: str


def table_files(folder: AnyPath) -> list[Part]:
    """Return all files of the table in `folder`, oldest first.

    Files that a newer base has replaced are included. Raises CatalogError if there are files of
    another catalog.
    """
    found = list_part_files(folder)
    if foreign := foreign_files(folder, found):
        raise CatalogError(foreign_files_message(folder, foreign))
    return found


def list_part_files(folder: AnyPath) -> list[Part]:
    """Return all files with a name of a table file, of any catalog, oldest first."""
    try:
        names = [entry.name for entry in folder.iterdir()]
    except FileNotFoundError:
        return []
    matches = (NAME.fullmatch(name) for name in names)
    found = (Part(int(m[2]), m[1] == "base", folder / m[0], m[3] or "", m[4] or "") for m in matches if m)
    return sorted(found, key=lambda part: (part.number, part.is_base, part.path.name))


def catalog_ids(folder: AnyPath) -> dict[str, str]:
    """Return the catalog id in each file name, by the name used in catalog.json."""
    return {_identity_name(folder, part): part.catalog for part in list_part_files(folder)}


def foreign_files(folder: AnyPath, found: Sequence[Part]) -> list[Part]:
    """Return the files of `found` in `folder` that belong to another catalog.

    If all files have the same id, none do: that id is then the catalog's.
    """
    if len({part.catalog for part in found}) < 2:
        return []
    identity = read_identity(folder.parent)
    return list(found) if identity is None else not_owned(identity, folder, found)


def not_owned(identity: CatalogId, folder: AnyPath, found: Sequence[Part]) -> list[Part]:
    """Return the files of `found` in `folder` that do not belong to `identity`."""
    return [part for part in found if not _is_own(identity, folder, part)]


def foreign_files_message(folder: AnyPath, foreign: Sequence[Part]) -> str:
    """Return the message about files of another catalog, with what to do."""
    names = [part.path.name for part in foreign]
    more = f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else ""
    return (
        f"{folder}: {', '.join(names[:MAX_NAMED])}{more}: not of this catalog; nothing is read or written until the files of "
        f"one of the two catalogs are moved to another folder, such as OTHER/catalog/{folder.name}; after that `catalog merge "
        "OTHER` adds their pieces (a file's name ends with the id of its catalog and its checksum)"
    )


def _identity_name(folder: AnyPath, part: Part) -> str:
    return f"{folder.name}/{part.path.name}"


def _is_own(identity: CatalogId, folder: AnyPath, part: Part) -> bool:
    name = _identity_name(folder, part)
    if part.catalog or not is_own_file(identity, name, part.catalog):
        return is_own_file(identity, name, part.catalog)
    try:
        return identity.adopted[name] == _cached_digest(part.path, _file_state(part.path))
    except FileNotFoundError:
        return True  # merged and deleted since the listing


@lru_cache(maxsize=256)
def _cached_digest(path: AnyPath, state: tuple[int, ...]) -> str:
    """Return the SHA-256 of a file in a `state`, cached.

    A file of an older version can be large, and is checked on every read.
    """
    return digest_of(path)


def _file_state(path: AnyPath) -> tuple[int, ...]:
    if isinstance(path, RemotePath):
        return ()
    status = path.stat()
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
