"""`python -m docs.make`: write the generated pages of the reference."""

from catalog.storage.files import write_text
from docs.make import commands, formats
from docs.make.commands import TOP

PAGES = {"formats.md": formats.page, "commands.md": commands.page}
FOLDER = TOP / "docs" / "reference"

if __name__ == "__main__":
    for name, page in PAGES.items():
        write_text(FOLDER / name, page())
