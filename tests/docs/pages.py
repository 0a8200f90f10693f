"""The pages of the documentation, in reading order, and their fenced blocks."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from markdown_it import MarkdownIt

TOP = Path(__file__).parents[2]
DOCS = TOP / "docs"
GENERATED = ("docs/reference/commands.md", "docs/reference/formats.md")  # held to the code by test_reference.py


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: its language, the file it is written to, and its first line."""

    page: str
    line: int
    language: str
    title: str | None
    text: str

    @property
    def place(self) -> str:
        """Where it stands, as an editor says it."""
        return f"{self.page}:{self.line}"


def nav() -> list[str]:
    """Return the files of mkdocs.yml's nav, in order, relative to the site's root."""
    config = yaml.load((TOP / "mkdocs.yml").read_text(), Loader=yaml.SafeLoader)

    def files(part: Any) -> list[str]:
        if isinstance(part, str):
            return [part]
        return [file for each in (part.values() if isinstance(part, dict) else part) for file in files(each)]

    return files(config["nav"])


def pages() -> list[str]:
    """Return README.md and the nav's pages in docs/, relative to the repository."""
    return ["README.md", *(f"docs/{file}" for file in nav() if (DOCS / file).is_file())]


def blocks(page: str) -> list[Block]:
    """Return the fenced blocks of a page, in order."""
    found = []
    for token in MarkdownIt().parse((TOP / page).read_text()):
        if token.type == "fence" and token.map is not None:
            language, _, rest = token.info.partition(" ")
            title = rest.removeprefix('title="').removesuffix('"') if rest.startswith('title="') else None
            found.append(Block(page, token.map[0] + 2, language, title, token.content))
    return found
