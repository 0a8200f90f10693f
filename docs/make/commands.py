"""docs/reference/commands.md, from the help of all installed commands."""

import re
from importlib import import_module
from pathlib import Path

from typer import Context, Typer
from typer.cli import get_docs_for_click
from typer.main import get_command

from docs.make.formats import HEAD
from vgpiano import COMMANDS

TOP = Path(__file__).parents[2]
EVERYWHERE = ("* `--install-completion`", "* `--show-completion`", "* `--help`")  # said once, at the top


def apps() -> dict[str, Typer]:
    """Return the Typer app of each command by name, in order of `vgpiano.COMMANDS`."""
    found = {}
    for name, target in COMMANDS.items():
        found[name] = import_module(target.partition(":")[0]).app
    return found


def page() -> str:
    """Return the whole page as Markdown."""
    parts = [
        HEAD,
        "# The command line",
        "Every command explains itself with `--help`, and completes in a shell after `--install-completion`. Exit codes: 0 done,\n"
        "1 failed, 2 wrong usage, 130 stopped by Ctrl-C. Results go to standard output; progress, warnings and errors to standard error.",
        *(_section(name, app) for name, app in apps().items()),
    ]
    return "\n\n".join(parts) + "\n"


def _section(name: str, app: Typer) -> str:
    command = get_command(app)
    text = get_docs_for_click(obj=command, ctx=Context(command, info_name=name), name=name)
    lines = [line.rstrip() for line in text.splitlines() if not line.startswith(EVERYWHERE)]
    if "**Commands**:" in lines:  # their first words; each has a section of its own below
        first = lines.index("**Commands**:")
        after = next(at for at, line in enumerate(lines) if at > first and line.startswith("#"))
        del lines[first:after]
    if lines[-1] == "**Options**:":
        lines.pop()
    below = "\n".join(f"#{line}" if line.startswith("#") else line for line in lines)  # one level down
    return re.sub(r"\*\*Options\*\*:\n\n\n|\n{2,}(?=\n\n)", "", below).strip()
