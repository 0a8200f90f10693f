"""Typer apps, options that several commands share, and shell completion of names.

Names of corpora and runs are completed by the `completion` module of their package, with
`complete_prefix` and `requested_root` of this module. Errors during completion are ignored, and no
names are offered.
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from catalog.base.console import Format
from catalog.base.errors import VgpianoError
from catalog.base.public_names import DISTRIBUTION, version
from catalog.storage.files import data_root
from catalog.storage.remote import AnyPath, expand_user

Names = Callable[[typer.Context], Iterable[str]]


def requested_root(context: typer.Context) -> AnyPath:
    """Return the data root that the command line up to the cursor selects."""
    return data_root(context.params.get("root"))


def absolute_path(value: Any) -> Any:
    """Return a path option or a list of them, absolute and with ~ expanded.

    Callback of every option and argument that is a path (--root uses
    `catalog.storage.files.data_root`). Needed because shells do not expand --opt=~/x.
    """
    if isinstance(value, list | tuple):
        return [absolute_path(each) for each in value]
    return expand_user(value).absolute() if isinstance(value, Path) else value


def expand_name(value: Any) -> Any:
    """Return a name or a list of them with ~ expanded. Callback of options that take a name or a path."""
    if isinstance(value, list | tuple):
        return [expand_name(each) for each in value]
    return str(expand_user(value).absolute()) if value is not None and value.startswith("~") else value


def complete_prefix(names: Names) -> Callable[[typer.Context, str], list[str]]:
    """Return a Typer completion function that offers `names` with the typed prefix."""

    def complete(ctx: typer.Context, incomplete: str) -> list[str]:
        try:
            return sorted(name for name in names(ctx) if name.startswith(incomplete))
        except (VgpianoError, OSError, ValueError):
            return []

    return complete


def _games(context: typer.Context) -> Iterable[str]:
    from catalog.store import Catalog

    found: list[str] = Catalog(requested_root(context)).pieces(columns=["game"])["game"].unique().to_pylist()
    return found


def _print_version(requested: bool, context: typer.Context) -> None:
    if requested and not context.resilient_parsing:
        typer.echo(f"{context.find_root().info_name} ({DISTRIBUTION}) {version()}")
        raise typer.Exit


games = complete_prefix(_games)

Root = Annotated[
    str | None, typer.Option("--root", help="Data root, a folder or a URL; default: $VGPIANO_ROOT, else ./data.")
]
LocalRoot = Annotated[
    str | None, typer.Option("--root", help="Data root, a folder; default: $VGPIANO_ROOT, else ./data.")
]
Version = Annotated[
    bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
]
RowFormat = Annotated[Format, typer.Option("--format", help="Output format.")]
DocumentFormat = Annotated[
    Literal["table", "json"], typer.Option("--format", help="Output format.")
]  # for output that is not one table, so there is no CSV


def single_command() -> typer.Typer:
    """Return a Typer app for a script with one command.

    The command takes the parameter `version: Version = False` itself.
    """
    return typer.Typer(pretty_exceptions_enable=False, rich_markup_mode=None)


def command_group(text: str) -> typer.Typer:
    """Return a Typer app for a script with several commands and --version.

    `text` is its help.
    """
    app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None)

    @app.callback(help=text)
    def group(version: Version = False) -> None:
        """Run before each command of the group."""

    return app
