"""The page of pieces that the catalog holds, to play what a query finds.

In: a query. Out: one self-contained HTML file with sound, piano roll and MIDI file of each piece, and who made it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from catalog.base.console import Report, clean
from catalog.base.errors import CatalogError, TrainingError
from catalog.games import game_of
from catalog.hints import hints
from catalog.named import with_slugs
from catalog.sorting import sorted_pieces
from catalog.storage.files import write_text
from catalog.storage.remote import AnyPath
from catalog.store import Catalog
from catalog.summary import open_catalog
from dataset.notes.model import Notes
from dataset.notes.timing import tick_to_seconds
from dataset.report.html import render
from training.midi import read_piece
from training.page.run_page import ROOM, player
from training.page.sample_parts import Kind, SampleParts, sample_parts
from training.page.sample_view import COLOURS, SampleView, is_web_address, view_samples
from training.rendering.loops import loop_of_bars
from training.rendering.origin import COLUMNS, Listed, listed_in

PAGES = "pages"  # folder of the data root
SHOWN_KINDS: tuple[Kind, ...] = ("analysis", "sound", "hands")
MAX_PIECES = 20  # default limit; a minute of music takes 1.7 MB
REMEDY = "leave it out of the query"


@dataclass(slots=True)
class FoundPiece:
    """A piece of the catalog that has a file; `also` are other titles under which the same file is listed."""

    sha256: str
    title: str
    game: str  # its title
    origin: Listed
    also: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Title and game."""
        return clean(f"{self.title} ({self.game})")

    @property
    def address(self) -> str | None:
        """Web address of the file, None if it has none."""
        return self.origin[1].source if is_web_address(self.origin[1].source) else None


@dataclass(frozen=True, slots=True)
class FoundPieces:
    """What a query finds: the pieces to show, the number left out by the limit, and of those without a file."""

    query: str
    pieces: Sequence[FoundPiece]
    left_out: int
    without_file: int

    @property
    def title(self) -> str:
        """The game, if there is one, else the number of games."""
        games = {piece.game for piece in self.pieces}
        return clean(min(games)) if len(games) == 1 else f"Pieces of {len(games)} games"


def find_pieces(root: AnyPath, query: str, sort: str | None = None, limit: int = MAX_PIECES) -> FoundPieces:
    """Return the pieces of the catalog of `root` that match `query`, each file once.

    They are sorted by the columns of `sort`, else in the order of the catalog; `limit` 0 is none. Raises CatalogError if
    the catalog is empty, QueryError for a query or columns that cannot be read, TrainingError if nothing is found.
    """
    catalog = open_catalog(root)
    query = with_slugs(query, lambda names: catalog.pieces(columns=names))
    rows = sorted_pieces(catalog, query, ",".join((*COLUMNS, "sha256")), sort).to_pylist()
    if not rows:
        advice = "; ".join(hints(catalog, query)) or "`catalog show` prints what there is"
        raise TrainingError(f"no piece matches {query}; {advice}")
    found: dict[str, FoundPiece] = {}
    for row in rows:
        if row["sha256"] is not None:
            piece = _found(row)
            first = found.setdefault(row["sha256"], piece)
            if first is not piece and piece.name != first.name:
                first.also.append(piece.name)
    without = sum(row["sha256"] is None for row in rows)
    if not found:
        raise TrainingError(f"none of the {without} pieces that match has a file yet; `scrape` downloads them")
    shown = list(found.values())[: limit or None]
    return FoundPieces(query, shown, len(found) - len(shown), without)


def write_pieces_page(
    root: AnyPath,
    found: FoundPieces,
    path: Path,
    report: Report = lambda done, total: None,
    missing: Callable[[str], None] = lambda reason: None,
    *,
    soundfont: Path | None = None,
) -> Path:
    """Write the page of what a query finds to `path`, and return it.

    A piece that cannot be read, or a part that cannot be made, is left out; `missing` receives the reason, with the
    piece's title. `report` receives the number of finished parts. Raises TrainingError if no piece can be read.
    """
    with Catalog(root).nearby(piece.sha256 for piece in found.pieces) as catalog:
        notes, pieces = _readable(catalog, found.pieces, missing)
        made = sample_parts(
            [catalog.blob_path(sha256) for sha256 in pieces],
            None,
            listed={sha256: piece.origin for sha256, piece in pieces.items()},
            soundfont=soundfont,
            kinds=SHOWN_KINDS,
            report=report,
        )
    for sample, (sha256, piece) in zip(made, pieces.items(), strict=True):
        for trouble in sample.troubles:
            missing(f"{piece.name}: {trouble}")
        _set_loop(sample, notes[sha256])
    shown, _ = view_samples(made, {}, None)
    write_text(path, _page(found, list(zip(pieces.values(), shown, strict=True))))
    return path


def _page(found: FoundPieces, shown: Sequence[tuple[FoundPiece, SampleView]]) -> str:
    return render(
        "pieces.html",
        room=ROOM,
        found=found,
        shown=shown,
        games=len({piece.game for piece, _ in shown}),
        makers=len({piece.origin[1].sequencer for piece, _ in shown} - {""}),
        unread=len(found.pieces) - len(shown),
        others=COLOURS,
        script=player(),
        version=version("vgpiano"),
    )


def _found(row: Mapping[str, Any]) -> FoundPiece:
    return FoundPiece(row["sha256"], row["title"], game_of(row["game_title"]).name, listed_in(row))


def _readable(
    catalog: Catalog, pieces: Sequence[FoundPiece], missing: Callable[[str], None]
) -> tuple[dict[str, Notes], dict[str, FoundPiece]]:
    """Return the notes of the pieces whose files are undamaged music, and these pieces, by SHA-256."""
    notes = {}
    for piece in pieces:
        try:
            catalog.read_blob(piece.sha256)
            notes[piece.sha256] = read_piece(catalog.blob_path(piece.sha256), REMEDY)[1]
        except (CatalogError, TrainingError) as error:
            missing(f"{piece.name}: {error}")
    if not notes:
        raise TrainingError(f"none of the {len(pieces)} pieces can be read, so no page was written")
    return notes, {piece.sha256: piece for piece in pieces if piece.sha256 in notes}


def _set_loop(sample: SampleParts, notes: Notes) -> None:
    """Give a piece whose file marks no loop the one that is measured, if there is one."""
    found = sample.analysis
    if found is None or found.loop is not None:
        return
    start, bars = found.measures.loop_start, found.measures.loop_bars
    if start is not None and bars is not None:
        first, last = tick_to_seconds(notes.tempos, loop_of_bars(notes, start, start + bars - 1)).tolist()
        sample.analysis = replace(found, loop=(first, last))
