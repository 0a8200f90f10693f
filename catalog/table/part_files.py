"""The files of a table by their names, and which of them are of another catalog.

In: the folder of a table; out: its files in the order of writing, or, where those of another catalog lie among them, an error that says
what to do. Nothing of the tables themselves is read.
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
MAX_NAMED = 3  # files in a message


class Part(NamedTuple):
    """One file of the table; files sort in the order of writing.

    `catalog` is the id of its catalog and `digest` how its SHA-256 begins; both are empty in names of an older form.
    """

    number: int
    is_base: bool
    path: AnyPath
    catalog: str
    digest: str


def table_files(folder: AnyPath) -> list[Part]:
    """Return every file of the table in `folder`, those that a newer base has replaced among them, oldest first.

    Raises CatalogError where files of another catalog lie among them.
    """
    found = list_part_files(folder)
    if foreign := foreign_files(folder, found):
        raise CatalogError(foreign_files_message(folder, foreign))
    return found


def list_part_files(folder: AnyPath) -> list[Part]:
    """Return every file whose name is that of a file of a table, of whichever catalog, oldest first."""
    try:
        names = [entry.name for entry in folder.iterdir()]
    except FileNotFoundError:
        return []
    matches = (NAME.fullmatch(name) for name in names)
    found = (Part(int(m[2]), m[1] == "base", folder / m[0], m[3] or "", m[4] or "") for m in matches if m)
    return sorted(found, key=lambda part: (part.number, part.is_base, part.path.name))


def catalog_ids(folder: AnyPath) -> dict[str, str]:
    """Return the id in the name of each file, by its name as it stands in the identity of a catalog."""
    return {_identity_name(folder, part): part.catalog for part in list_part_files(folder)}


def foreign_files(folder: AnyPath, found: Sequence[Part]) -> list[Part]:
    """Return those of the files `found` in `folder` that are of another catalog; none where all have one id, for that is then the one."""
    if len({part.catalog for part in found}) < 2:
        return []
    identity = read_identity(folder.parent)
    return list(found) if identity is None else not_owned(identity, folder, found)


def not_owned(identity: CatalogId, folder: AnyPath, found: Sequence[Part]) -> list[Part]:
    """Return those of the files `found` in `folder` that are not of the catalog `identity`."""
    return [part for part in found if not _is_own(identity, folder, part)]


def foreign_files_message(folder: AnyPath, foreign: Sequence[Part]) -> str:
    """Return what is wrong where files of another catalog lie in the folder, and what to do."""
    names = [part.path.name for part in foreign]
    more = f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else ""
    return (
        f"{folder}: {', '.join(names[:MAX_NAMED])}{more}: not of this catalog; nothing is read or written until the files of "
        "one of the two catalogs are moved to another folder (a file's name ends with the id of its catalog and its checksum)"
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
        return True  # merged and deleted since it was listed


@lru_cache(maxsize=256)
def _cached_digest(path: AnyPath, state: tuple[int, ...]) -> str:
    """Return the SHA-256 of a file in a `state`; a file that an older version wrote may be large, and is asked about at every reading."""
    return digest_of(path)


def _file_state(path: AnyPath) -> tuple[int, ...]:
    if isinstance(path, RemotePath):
        return ()
    status = path.stat()
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
