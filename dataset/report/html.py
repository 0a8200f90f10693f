"""HTML pages from the templates of a room: one file each, nothing fetched, the same bytes every time.

Every string that a template prints is freed of control and bidi characters, then escaped: titles and names are data. A page
runs nothing but the one script that its policy names by its hash.
"""

import hashlib
from base64 import b64encode
from dataclasses import dataclass
from functools import cache
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from catalog.base.console import clean

DEFAULT_PACKAGE = "dataset.report"  # the room whose templates every page may extend


@dataclass(frozen=True, slots=True)
class Script:
    """A script to stand in a page as it is, and the source expression that lets it and no other run (Content-Security-Policy)."""

    text: Markup
    policy: str


def render(template: str, *, room: str = DEFAULT_PACKAGE, **values: Any) -> str:
    """Return the page that a template in `<room>/templates`, else in ours, makes of `values`.

    A name that the template lacks raises UndefinedError.
    """
    return _environment(room).get_template(template).render(**values)


def script(name: str, *, room: str = DEFAULT_PACKAGE) -> Script:
    """Return the script of that name among the room's templates; it is no template itself."""
    environment = _environment(room)
    text, _, _ = _loader(room).get_source(environment, name)
    digest = b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return Script(Markup(text), f"'sha256-{digest}'")  # noqa: S704 - our own file


@cache
def _environment(room: str) -> Environment:
    environment = Environment(
        loader=_loader(room),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_clean_text,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["number"] = number
    environment.filters["count"] = count
    environment.filters["sentence"] = lambda text: text[:1].upper() + text[1:]
    return environment


def _loader(room: str) -> ChoiceLoader:
    return ChoiceLoader([PackageLoader(name) for name in dict.fromkeys((room, DEFAULT_PACKAGE))])


def _clean_text(value: Any) -> Any:
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    return " " * value[:1].isspace() + clean(value) + " " * value[-1:].isspace()


def count(value: int) -> str:
    """Return a whole number with thin spaces between thousands."""
    return f"{value:,}".replace(",", "\u202f")


def number(value: float | int) -> str:
    """Return a number with three significant digits, or all of its whole ones."""
    if value == round(value) or abs(value) >= 100:
        return count(round(value))
    return f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"
