"""`python -m docs.make`: write the reference's pages and drawing from the code."""

from catalog.storage.files import write_text
from docs.make import commands, formats, imports
from docs.make.commands import TOP

PAGES = {"formats.md": formats.page, "commands.md": commands.page, "imports.svg": imports.page}
FOLDER = TOP / "docs" / "reference"

if __name__ == "__main__":
    for name, page in PAGES.items():
        write_text(FOLDER / name, page())
