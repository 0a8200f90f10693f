"""Render HTML pages from a package's templates: one self-contained file each.

A page loads nothing, and the same values give the same bytes. Every string that a template prints has control and bidi
characters removed and is then escaped. A page runs only the script that its policy allows by hash.
"""

import hashlib
from base64 import b64encode
from dataclasses import dataclass
from functools import cache
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from catalog.base.console import clean

DEFAULT_PACKAGE = "dataset.report"  # the package whose templates every page may extend


@dataclass(frozen=True, slots=True)
class Script:
    """A script to embed in a page, and the CSP source that allows it."""

    text: Markup
    policy: str


def render(template: str, *, room: str = DEFAULT_PACKAGE, **values: Any) -> str:
    """Return the page made from a template and `values`.

    Templates are in `<room>/templates`, or else in ours. Raises UndefinedError for a name that the template uses and
    `values` lack.
    """
    return _environment(room).get_template(template).render(**values)


def script(*names: str, room: str = DEFAULT_PACKAGE) -> Script:
    """Return a script: files among the package's templates, verbatim, one after the other."""
    environment = _environment(room)
    text = "".join(_loader(room).get_source(environment, name)[0] for name in names)
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
    """Return an integer with thin spaces between thousands."""
    return f"{value:,}".replace(",", "\u202f")


def number(value: float | int) -> str:
    """Return a number with three significant digits, or all of its integer digits."""
    if value == round(value) or abs(value) >= 100:
        return count(round(value))
    return f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"
