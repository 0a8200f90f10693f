"""HTML pages from the templates beside this module: one file each, nothing fetched, nothing run, the same bytes every time.

Every string that a template prints is freed of control and bidi characters, then escaped: titles and names are data.
"""

from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from catalog.console import clean


def render(template: str, **values: Any) -> str:
    """Return the page that a template of `dataset/templates` makes of `values`; a name that it lacks raises UndefinedError."""
    return _environment().get_template(template).render(**values)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("dataset"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_harmless,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["number"] = number
    environment.filters["count"] = count
    environment.filters["sentence"] = lambda text: text[:1].upper() + text[1:]
    return environment


def _harmless(value: Any) -> Any:
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
