"""CREDITS.md: every sequencer with the pieces that a corpus took from them.

Pure functions. Names and titles are untrusted text.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

from catalog.base.console import clean

# special in Markdown or one of its common extensions, somewhere in a line
MARKDOWN_CHARACTERS = frozenset("\\`*_{}[]()<>#+-.!|~&:@$=/^")
UNNAMED = "Sequencer not named by the source"
# unescaped `:`, `(` and `)` are ours; those in names and titles are escaped
CREDIT_LINE = re.compile(r"- ((?:\\.|[^\\:])*): ((?:\\.|[^\\(])*) \(((?:\\.|[^\\)])*)\)")
ESCAPED = re.compile(r"\\(.)")


class Credit(NamedTuple):
    """One piece of a corpus, as its source lists it."""

    sequencer: str | None
    game_title: str
    title: str
    source: str


def write_credits(name: str, credits_: Iterable[Credit]) -> str:
    """Return the text of CREDITS.md: sequencers by name, pieces in given order."""
    by_sequencer: dict[str, list[Credit]] = {}
    for credit in credits_:
        by_sequencer.setdefault(clean(credit.sequencer or ""), []).append(credit)
    lines = [
        f"# Who made the music in the corpus {escape_markdown(name)}",
        "",
        "The MIDI files were sequenced by the people below, and the music was composed for the games named. It is theirs;",
        "a corpus gives no right to publish it.",
    ]
    for sequencer in sorted(by_sequencer, key=lambda text: (text == "", text.casefold(), text)):
        lines += ["", f"## {escape_markdown(sequencer) or UNNAMED}", ""]
        lines += [
            f"- {escape_markdown(c.game_title)}: {escape_markdown(c.title)} ({escape_markdown(c.source)})"
            for c in by_sequencer[sequencer]
        ]
    return "\n".join(lines) + "\n"


def escape_markdown(text: str) -> str:
    """Return `text` on one line, escaped so that Markdown renders it literally."""
    return "".join(f"\\{c}" if c in MARKDOWN_CHARACTERS else c for c in clean(text))


def read_credits(text: str) -> list[Credit]:
    """Return the credits of a text from `write_credits`, in its order.

    Names and titles are as `clean` left them. Other lines are ignored.
    """
    found: list[Credit] = []
    sequencer: str | None = None
    for line in text.split("\n"):
        if line.startswith("## "):
            sequencer = None if line == f"## {UNNAMED}" else _unescape(line[3:])
        elif piece := CREDIT_LINE.fullmatch(line):
            found.append(Credit(sequencer, *map(_unescape, piece.groups())))
    return found


def _unescape(text: str) -> str:
    return ESCAPED.sub(r"\1", text)
