"""Imports what Typer imports when it first parses a command line: pydantic, for a tenth of a second of a processor.

A process that commands are forked from imports this module.
"""

import typer

_app = typer.Typer()


@_app.command()  # type: ignore[untyped-decorator, unused-ignore]
def nothing(number: int = 0) -> None:
    """Do nothing."""


_app(["--number", "1"], standalone_mode=False)
