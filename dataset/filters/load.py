"""Read filters.toml, and a user's file that overrides it.

`dataset.filters.rules` interprets the tables.
"""

from functools import cache
from importlib import resources
from pathlib import Path

from catalog.base.errors import UsageError
from catalog.storage.reading import LARGEST_TOML_BYTES, parse_toml, read_named
from dataset.filters.rules import Filters, Tables, build_filters, overlay

DEFAULTS = "filters.toml"
REMEDY = "run `dataset filters` for the valid settings"


def load_filters(path: Path | None = None) -> Filters:
    """Return the default filters, overridden by the file at `path` if given.

    Raises UsageError, which names file, table and key, for a file that cannot be read or an invalid setting.
    """
    if path is None:
        return default_filters()
    text = read_named(path, "--filters", remedy=REMEDY, largest=LARGEST_TOML_BYTES)
    return overlay_defaults(text, str(path))


def overlay_defaults(text: bytes, where: str) -> Filters:
    """Return the default filters, overridden by the tables in a file's `text`.

    `where` names the file in errors; raises as `load_filters` does.
    """
    tables = parse_toml(text, where, fail=UsageError, remedy=REMEDY)
    return build_filters(overlay(_default_tables(), tables, where), where)


@cache
def default_filters() -> Filters:
    """Return the filters of filters.toml."""
    return build_filters(_default_tables(), DEFAULTS)


@cache
def _default_tables() -> Tables:
    text = resources.files("dataset.filters").joinpath(DEFAULTS).read_bytes()
    return overlay({}, parse_toml(text, DEFAULTS, fail=UsageError, remedy=REMEDY), DEFAULTS)
