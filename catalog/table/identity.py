"""The identity of a catalog: an id that stands in the names of its files, so that two catalogs' files are never taken for one.

In: the folder catalog/ of a data root. Out: the id in its catalog.json, which the first writer makes. Files that an older version
wrote have no id in their names: those that were there when the id was made are in a list, and are this catalog's. A catalog that was
copied, which its place tells, takes an id of its own when it is first written to and keeps the files that came with it: so what copy and
original write from then on are the files of two catalogs.
"""

import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated

from msgspec import Meta

from catalog.base.errors import CatalogError
from catalog.storage.files import write_text
from catalog.storage.reading import Count, Sha256, read_json
from catalog.storage.remote import AnyPath

FILE, FORMAT = "catalog.json", 1
Id = Annotated[str, Meta(pattern=r"^[0-9a-f]{8}\Z")]
"""Eight hexadecimal digits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogId:
    """The content of catalog.json."""

    id: Id  # in the name of every file of the catalog's tables
    adopted: Mapping[str, Sha256] = field(default_factory=dict)  # its files without an id in their names: their SHA-256
    kept: tuple[str, ...] = ()  # its files with the id of the catalog that it was copied from
    place: str = ""  # where the catalog was when the id was made: the inode of its folder, or its URL
    format: Count = FORMAT  # of this file


def read_identity(folder: AnyPath) -> CatalogId | None:
    """Return the identity of the catalog in `folder`, None where it has none yet. Raises CatalogError where it is damaged."""
    remedy = "put it back from a copy, or remove it where all the files beside it are of one catalog"
    try:
        return read_json(folder / FILE, CatalogId, fail=CatalogError, remedy=remedy, version=FORMAT)
    except FileNotFoundError:
        return None


def ensure_identity(folder: AnyPath, catalog_ids: Mapping[str, str], digest: Callable[[str], str]) -> CatalogId:
    """Return the identity of the catalog in `folder`, made and written where it has none. Only for the one writer.

    `catalog_ids` are the ids in the names of its files, "" where a name has none, by name, such as pieces/base-000000000001.parquet; `digest`
    returns the SHA-256 of one of them. A table whose files are all of one other catalog is taken over: none of ours is there to be lost.
    Where a table has files of several nothing is written: the identity that is returned is then not that of all of them.
    """
    current, place = read_identity(folder), _place(folder)
    all_own = current is not None and all(is_own_file(current, name, id_) for name, id_ in catalog_ids.items())
    if current is not None and current.place == place and all_own:
        return current
    tables: dict[str, dict[str, str]] = {}
    for name, id_ in catalog_ids.items():
        tables.setdefault(name.partition("/")[0], {})[name] = id_
    if not all(
        len(set(of_table.values())) == 1
        or (current is not None and all(is_own_file(current, *each) for each in of_table.items()))
        for of_table in tables.values()
    ):
        return current or CatalogId(id=secrets.token_hex(4))
    created = CatalogId(
        id=secrets.token_hex(4),
        adopted={name: digest(name) for name, id_ in sorted(catalog_ids.items()) if not id_},
        kept=tuple(sorted(name for name, id_ in catalog_ids.items() if id_)),
        place=place,
    )
    write_text(folder / FILE, json.dumps(asdict(created), indent=2) + "\n")
    return created


def is_own_file(identity: CatalogId, name: str, id_: str) -> bool:
    """Return whether a file is of the catalog `identity` by its name and the id in that; the content of one without an id is not looked at."""
    return name in identity.kept or id_ == identity.id if id_ else name in identity.adopted


def _place(folder: AnyPath) -> str:
    """Return what tells a catalog from a copy of it. A folder keeps its inode when it is moved, and a copy has another one."""
    return f"inode {folder.stat().st_ino}" if isinstance(folder, Path) else str(folder)
