"""Read filters.toml, presets.toml, and a user's file that overrides them.

`dataset.filters.rules` interprets the tables.
"""

from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from catalog.base.errors import UsageError
from catalog.storage.reading import MAX_TOML_BYTES, parse_toml, read_user_file
from dataset.filters.presets import PRESETS
from dataset.filters.rules import Filters, Tables, build_filters, overlay

DEFAULTS, PRESETS_FILE = "filters.toml", "presets.toml"
REMEDY = "run `dataset filters` for the valid settings"


def load_filters(path: Path | None = None, preset: str | None = None) -> Filters:
    """Return the default filters or those of `preset`, overridden by the file at `path` if given.

    Raises UsageError, which names file, table and key, for a file that cannot be read or an invalid setting, and for
    an unknown preset.
    """
    if path is None:
        return overlay_defaults(b"", DEFAULTS, preset)
    text = read_user_file(path, "--filters", remedy=REMEDY, max_bytes=MAX_TOML_BYTES)
    return overlay_defaults(text, str(path), preset)


def overlay_defaults(text: bytes, where: str, preset: str | None = None) -> Filters:
    """Return the default filters or those of `preset`, overridden by the tables in a file's `text`.

    `where` names the file in errors; raises as `load_filters` does.
    """
    tables = parse_toml(text, where, fail=UsageError, remedy=REMEDY)
    return build_filters(overlay(_preset_tables(preset), tables, where), where)


@cache
def default_filters() -> Filters:
    """Return the filters of filters.toml."""
    return build_filters(_default_tables(), DEFAULTS)


@cache
def _default_tables() -> Tables:
    return overlay({}, _read(DEFAULTS), DEFAULTS)


@cache
def _preset_tables(preset: str | None) -> Tables:
    if preset is None:
        return _default_tables()
    if preset not in PRESETS:
        raise UsageError(f"--preset {preset!r}: not a preset; one of: {', '.join(PRESETS)}")
    return overlay(_default_tables(), _read(PRESETS_FILE)[preset], PRESETS_FILE)


def _read(name: str) -> dict[str, Any]:
    text = resources.files("dataset.filters").joinpath(name).read_bytes()
    return parse_toml(text, name, fail=UsageError, remedy=REMEDY)
