"""CREDITS.md: every sequencer with the pieces that a corpus took from them.

Pure functions. Names and titles are untrusted text.
"""

from collections.abc import Iterable
from typing import NamedTuple

from catalog.base.console import clean

# special in Markdown or one of its common extensions, somewhere in a line
MARKDOWN_CHARACTERS = frozenset("\\`*_{}[]()<>#+-.!|~&:@$=/^")
UNNAMED = "Sequencer not named by the source"


class Credit(NamedTuple):
    """One piece of a corpus, as its source lists it, with the texts of its file."""

    sequencer: str | None
    game_title: str
    title: str
    source: str
    copyright: str | None = None  # notices in the file, one per line
    texts: str | None = None  # texts and track names in the file, one per line


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
        lines += [line for credit in by_sequencer[sequencer] for line in _lines_of(credit)]
    return "\n".join(lines) + "\n"


def _lines_of(credit: Credit) -> list[str]:
    """Return the line of a piece, and one each for the notices and texts in its file."""
    listed = f"{escape_markdown(credit.game_title)}: {escape_markdown(credit.title)}"
    lines = [f"- {listed} ({escape_markdown(credit.source)})"]
    for label, text in (("Copyright in the file", credit.copyright), ("Texts in the file", credit.texts)):
        if text:
            lines.append(f"  - {label}: {'; '.join(map(escape_markdown, text.splitlines()))}")
    return lines


def escape_markdown(text: str) -> str:
    """Return `text` on one line, escaped so that Markdown renders it literally."""
    return "".join(f"\\{c}" if c in MARKDOWN_CHARACTERS else c for c in clean(text))
