"""The identity of a catalog: an id that stands in the names of its files, so that two catalogs' files are never taken for one.

In: the folder catalog/ of a data root. Out: the id in its catalog.json, which the first writer makes. Files that an older version
wrote have no id in their names: those that were there when the id was made are in a list, and are this catalog's.
"""

import json
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Annotated

from msgspec import Meta

from catalog.errors import CatalogError
from catalog.files import write_text
from catalog.reading import Count, Sha256, read_json
from catalog.remote import AnyPath

FILE, FORMAT = "catalog.json", 1
Id = Annotated[str, Meta(pattern=r"^[0-9a-f]{8}\Z")]
"""Eight hexadecimal digits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogId:
    """The content of catalog.json."""

    id: Id  # in the name of every file of the catalog's tables
    adopted: Mapping[str, Sha256] = field(default_factory=dict)
    """Its files without an id in their names, such as pieces/base-000000000001.parquet, with their SHA-256."""
    format: Count = FORMAT  # of this file


def read_identity(folder: AnyPath) -> CatalogId | None:
    """Return the identity of the catalog in `folder`, None where it has none yet. Raises CatalogError where it is damaged."""
    remedy = "put it back from a copy, or remove it where all the files beside it are of one catalog"
    try:
        return read_json(folder / FILE, CatalogId, fail=CatalogError, remedy=remedy, version=FORMAT)
    except FileNotFoundError:
        return None


def settle(folder: AnyPath, ids: Iterable[str], unnamed: Mapping[str, str]) -> CatalogId:
    """Return the identity of the catalog in `folder`, made and written where it has none. Only for the one writer.

    `ids` are those in the names of its files, and `unnamed` its files without one, by name, with their SHA-256. Where all files agree
    on an id, that is the one.
    """
    known, ids = read_identity(folder), sorted(set(ids))
    if known is not None and (len(ids) != 1 or ids == [known.id]):
        return known
    adopted = dict(sorted(unnamed.items())) if known is None else known.adopted
    made = CatalogId(id=ids[0] if len(ids) == 1 else secrets.token_hex(4), adopted=adopted)
    write_text(folder / FILE, json.dumps(asdict(made), indent=2) + "\n")
    return made
