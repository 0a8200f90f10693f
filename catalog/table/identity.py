"""The identity of a catalog: an id in its file names that tells catalogs apart.

In: the folder catalog/ of a data root. Out: the id in its catalog.json, which the first writer
creates. Files written by older versions have no id in their names; catalog.json lists those that
existed when the id was created. A copied catalog is detected by its place. On the first write it
gets a new id and keeps the files that it has, so that files written later by the copy and by the
original belong to two catalogs.
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

    id: Id  # in the names of the table files
    adopted: Mapping[str, Sha256] = field(
        default_factory=dict
    )  # its files without an id in their names, with their SHA-256
    kept: tuple[str, ...] = ()  # its files with the id of the catalog that it is a copy of
    place: str = ""  # the inode of its folder, or its URL, when the id was created
    format: Count = FORMAT  # of this file


def read_identity(folder: AnyPath) -> CatalogId | None:
    """Return the identity of the catalog in `folder`, or None if it has none.

    Raises CatalogError if catalog.json is damaged.
    """
    remedy = "restore it from a copy, or remove it if all files beside it are of one catalog"
    try:
        return read_json(folder / FILE, CatalogId, fail=CatalogError, remedy=remedy, version=FORMAT)
    except FileNotFoundError:
        return None


def ensure_identity(folder: AnyPath, catalog_ids: Mapping[str, str], digest: Callable[[str], str]) -> CatalogId:
    """Return the identity of the catalog in `folder`; create it if necessary.

    Only for the one writer. `catalog_ids` maps names of its files, such as
    pieces/base-000000000001.parquet, to the id in the name, or "" if there is none. `digest`
    returns the SHA-256 of a file by name. If all files of a table belong to one other catalog, the
    table is adopted. If a table has files of several catalogs, nothing is written, and the returned
    identity does not own all of them.
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
    """Return whether a file belongs to the catalog, by its name and the id in it.

    For a file without an id, the content is not checked.
    """
    return name in identity.kept or id_ == identity.id if id_ else name in identity.adopted


def _place(folder: AnyPath) -> str:
    """Return a text that distinguishes a catalog from a copy of it.

    A folder keeps its inode when it is moved; a copy has another.
    """
    return f"inode {folder.stat().st_ino}" if isinstance(folder, Path) else str(folder)
