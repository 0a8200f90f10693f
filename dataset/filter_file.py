"""Read filters.toml, and a file of the user's that is laid over it. What the tables mean is `dataset.filters`' business."""

import tomllib
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from catalog.errors import UsageError
from dataset.filters import Filters, Tables, filters_of, overlay

DEFAULTS = "filters.toml"


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
    text = resources.files("dataset").joinpath(DEFAULTS).read_text(encoding="utf-8")
    return overlay({}, tomllib.loads(text), DEFAULTS)


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path}: the filters cannot be read: {error.strerror}") from error
    except ValueError as error:  # no TOML, or no UTF-8
        raise UsageError(f"{path} is no TOML: {error}; `dataset filters` shows what may stand there") from error
