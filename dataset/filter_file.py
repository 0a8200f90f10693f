"""Read filters.toml, and a file of the user's that is laid over it. What the tables mean is `dataset.filters`' business."""

from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from catalog.errors import UsageError
from catalog.reading import LARGEST_TOML_BYTES, parse_toml, read_bytes
from dataset.filters import Filters, Tables, filters_of, overlay

DEFAULTS = "filters.toml"
REMEDY = "`dataset filters` shows what may stand there"


def load_filters(path: Path | None = None) -> Filters:
    """Return the default filters, with those of the file at `path` laid over them table by table.

    Raises UsageError, which names file, table and key, for a file that cannot be read or says what has no meaning.
    """
    if path is None:
        return default_filters()
    return filters_of(overlay(_default_tables(), _read(path), str(path)), str(path))


@cache
def default_filters() -> Filters:
    """Return the filters of filters.toml."""
    return filters_of(_default_tables(), DEFAULTS)


@cache
def _default_tables() -> Tables:
    return overlay({}, _tables(resources.files("dataset").joinpath(DEFAULTS).read_bytes(), DEFAULTS), DEFAULTS)


def _read(path: Path) -> dict[str, Any]:
    try:
        return _tables(read_bytes(path, fail=UsageError, remedy=REMEDY, largest=LARGEST_TOML_BYTES), path)
    except FileNotFoundError as error:
        raise UsageError(f"{path}: the filters cannot be read: {error.strerror}; {REMEDY}") from None


def _tables(text: bytes, where: object) -> dict[str, Any]:
    return parse_toml(text, where, fail=UsageError, remedy=REMEDY)
