"""Finds source sites: the folders of `scraper` that have a `source.py`.

In such a folder, `source.py` makes the source and `command.py` has its command. Importing this module is fast: a
`source.py` is only imported when its source is needed.
"""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import scraper

if TYPE_CHECKING:
    from scraper.source.base import Source

FIRST = "vgmusic"  # in `scrape --help`; the other sites follow by name


def source_names() -> list[str]:
    """Return the names of the folders of all source sites."""
    names = {path.parent.name for room in scraper.__path__ for path in Path(room).glob("*/source.py")}
    return sorted(names, key=lambda name: (name != FIRST, name))


def load_source(name: str) -> "Source":
    """Return the source of the folder `name`.

    It is the one instance of `Source` in its `source.py`; TypeError if there is none, or several.
    """
    from scraper.source.base import Source

    module = import_module(f"scraper.{name}.source")
    found = [value for value in vars(module).values() if isinstance(value, Source)]
    if [source.id for source in found] != [name]:
        raise TypeError(f"{module.__file__}: make one instance of a class that extends Source, with the id {name!r}")
    return found[0]


def load_command(name: str) -> Callable[..., Any]:
    """Return the command of the folder `name`, a function of that name.

    It is in its `command.py`.
    """
    command: Callable[..., Any] = getattr(import_module(f"scraper.{name}.command"), name)
    return command
