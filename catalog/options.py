"""The Typer of every command, options that commands share, and what the shell completes for them when Tab is pressed.

A room's own names (corpora, runs) are completed by its own module `completion`, with `complete_prefix` and `asked_root` of this
one. Whatever goes wrong while a name is completed, there is no name: a shell is no place for an error.
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
    """Return the data root that the words before the cursor ask for."""
    return data_root(context.params.get("root"))


def absolute_path(value: Any) -> Any:
    """Return a path of the command line, or several, absolute and with ~ in full: shells leave the one of --opt=~/x as it is.

    The callback of every option and argument that is a path; --root has `catalog.storage.files.data_root`.
    """
    if isinstance(value, list | tuple):
        return [absolute_path(each) for each in value]
    return expand_user(value).absolute() if isinstance(value, Path) else value


def expand_name(value: str | None) -> str | None:
    """Return a name of the command line that may be a path instead, with ~ in full. The callback of every such option."""
    return str(expand_user(value).absolute()) if value is not None and value.startswith("~") else value


def complete_prefix(names: Names) -> Callable[[typer.Context, str], list[str]]:
    """Return what typer asks for completions: those of `names` that begin with what stands before the cursor, in order."""

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
    str | None, typer.Option("--root", help="Data root, a folder or a URL; else $VGPIANO_ROOT, else ./data.")
]
Version = Annotated[
    bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
]
RowFormat = Annotated[Format, typer.Option("--format", help="How rows are printed.")]
DocumentFormat = Annotated[
    Literal["table", "json"], typer.Option("--format", help="How to print.")
]  # of what is not rows of one table, and so has no form as CSV


def single_command() -> typer.Typer:
    """Return the Typer of a console script that is one command; it takes `version: Version = False` itself."""
    return typer.Typer(pretty_exceptions_enable=False, rich_markup_mode=None)


def command_group(text: str) -> typer.Typer:
    """Return the Typer of a console script with several commands: `text` is its help, and it has --version."""
    app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None)

    @app.callback(help=text)
    def group(version: Version = False) -> None:
        """Run before each command of the group."""

    return app
