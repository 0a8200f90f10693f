"""`render --query`: a page on which one can play what the catalog holds.

In: a query. Out: the page's path, printed, and the number of parts that are missing on it.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from catalog.base import console
from catalog.base.errors import UsageError
from catalog.storage.files import working_root
from catalog.storage.remote import AnyPath

HTML_SUFFIXES = (".html", ".htm")


def check_words(
    query: str | None, what: Sequence[str], of_query: Mapping[str, bool], others: Mapping[str, bool]
) -> None:
    """Raise UsageError unless there is either a query or something to render, each with its own options.

    `of_query` are the options of queries, `others` those of everything else, by name, with whether they are given.
    """
    if query is None:
        if not what:
            raise UsageError(
                "Missing argument 'WHAT...': name MIDI files, folders or runs, or give --query; see `render --help`"
            )
        if given := [name for name, is_given in of_query.items() if is_given]:
            raise UsageError(f"without --query, leave out {', '.join(given)}")
        return
    if what:
        raise UsageError(f"--query and {what[0]} exclude each other; give one")
    if given := [name for name, is_given in others.items() if is_given]:
        raise UsageError(
            f"--query writes one page with the sound and piano roll of each piece; leave out {', '.join(given)}"
        )


def render_query(
    root: AnyPath, query: str, sort: str | None, limit: int | None, out: Path | None, soundfont: Path | None
) -> int:
    """Write the page of the pieces that match `query`; return the number of parts that are missing."""
    console.set_stop_hint("no page was written; run the same command to start again")
    from training.page.pieces_page import MAX_PIECES, PAGES, find_pieces, write_pieces_page

    if soundfont is not None:
        from training.sound.soundfont import piano

        piano(soundfont)  # one error, not one for each piece
    found = find_pieces(root, query, sort, MAX_PIECES if limit is None else limit)
    missing: list[str] = []
    try:
        with console.Progress("page") as progress:
            path = page_path(out or working_root(root) / PAGES, found.query)
            write_pieces_page(root, found, path, progress, missing.append, soundfont=soundfont)
    finally:
        for trouble in missing:
            console.print_message(f"error: not on the page: {trouble}")
    print(console.one_line(path))
    if found.left_out:
        shown = len(found.pieces)
        console.print_message(f"{shown} of {shown + found.left_out} pieces are on the page; --limit 0 shows all")
    return len(missing)


def page_path(out: Path, query: str) -> Path:
    """Return the file to write: `out` if it ends in .html, else one in the folder `out` that is named after the query."""
    from catalog.named import name_of_query

    if out.suffix.lower() in HTML_SUFFIXES and not out.is_dir():
        return out
    return out / f"{name_of_query(query)}.html"
