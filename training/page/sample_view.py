"""Samples made ready for a template: what each shows, which pieces it copied from, and one colour for a piece throughout the page.

In: exhibits, and what the run knows of its corpus; out: values that `music.html` prints. Pure but for a look at which files there are.
"""

from base64 import b64encode
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from markupsafe import Markup

from training.novelty.figures import Copy
from training.novelty.training_index import IndexedPiece
from training.page.reference import Reference, Strip, strips
from training.page.sample_parts import LIT, PIXELS_A_SECOND, Lit, Look, SampleParts
from training.page.source_links import is_web_address
from training.rendering.roll import KEYBOARD

COLOURS = 5  # pieces with a colour of their own; all others share the next one
GAP = 25.0  # px between two numbers above the roll
MOST_SHORT = 60  # short passages of a sample that are listed
FILES = {
    ".mid": "MIDI",
    ".mp3": "MP3",
    ".ogg": "Ogg",
    ".wav": "WAV",
    "-score.pdf": "score (PDF)",
    ".musicxml": "MusicXML",
}

Pieces = Mapping[str, IndexedPiece]
"""What a run learned from, by SHA-256."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a sample a piece was copied."""

    sample: str
    anchor: str
    start: float  # seconds


@dataclass(slots=True)
class Origin:
    """A piece that passages come from; `colour` is one of its own, or COLOURS, which many share."""

    anchor: str
    title: str
    game: str
    sequencer: str
    sha256: str
    address: str | None = None  # of its file on the web
    colour: int = COLOURS
    notes: int = 0  # of all samples, inside its passages
    places: list[Place] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Quote:
    """A passage that is lit up: its number in the sample, from 1, and where its number stands above the roll, in px."""

    number: int
    anchor: str
    copy: Copy
    origin: Origin
    start: float
    end: float
    left: float


@dataclass(frozen=True, slots=True)
class File:
    """A file beside the sample, and what it is."""

    name: str
    label: str


@dataclass(frozen=True, slots=True)
class Shown:
    """A sample as a template shows it."""

    name: str
    title: str  # the name, and whose it is where a page shows several runs
    prefix: str
    look: Look | None
    sound: Markup | None  # base64
    roll: Markup
    score: Markup | None
    width: float  # of the roll, px
    quotes: Sequence[Quote]
    origins: Sequence[Origin]  # with a colour of their own
    more_origins: int
    short: Sequence[tuple[Copy, str]]  # passages that are not lit, with the game's title
    strips: Sequence[Strip]
    files: Sequence[File]
    troubles: Sequence[str]


def hang(
    sample_parts: Sequence[SampleParts],
    pieces: Pieces,
    beside: Reference | None,
    origins: dict[str, Origin] | None = None,
) -> tuple[list[Shown], list[Origin]]:
    """Return the exhibits as they are shown, and the pieces they copied from, the most copied first.

    `origins`, by SHA-256, are those that another hanging of the same page has found (see `found_in`).
    """
    found = found_in(sample_parts, pieces) if origins is None else origins
    shown = [_shown(exhibit, found, pieces, beside) for exhibit in sample_parts]
    return shown, sorted(found.values(), key=_rank)


def found_in(sample_parts: Iterable[SampleParts], pieces: Pieces) -> dict[str, Origin]:
    """Return the pieces that the exhibits copied from, by SHA-256, each with its colour; the most copied ones get one of their own."""
    counted: Counter[str] = Counter()
    copies: dict[str, Copy] = {}
    for exhibit in sample_parts:
        for each in exhibit.look.lit if exhibit.look else ():
            counted[each.copy.sha256] += each.copy.notes
            copies[each.copy.sha256] = each.copy
    found = {}
    for sha256, copy in copies.items():
        listed = copy.title, _game(copy, pieces), copy.sequencer, sha256, _address(sha256, pieces)
        found[sha256] = Origin(f"from-{sha256[:16]}", *listed, notes=counted[sha256])
    for colour, origin in enumerate(sorted(found.values(), key=_rank)[:COLOURS]):
        origin.colour = colour
    return found


def by_sha256(learned: Iterable[IndexedPiece]) -> Pieces:
    """Return pieces by SHA-256."""
    return {piece.sha256: piece for piece in learned}


def _game(copy: Copy, pieces: Pieces) -> str:
    """Return the title of the game that a passage comes from, as listed; its slug if the piece is unknown."""
    piece = pieces.get(copy.sha256)
    return piece.game_title if piece else copy.game


def _address(sha256: str, pieces: Pieces) -> str | None:
    """Return the address of a piece on the web, None if it has none."""
    piece = pieces.get(sha256)
    return piece.url if piece and is_web_address(piece.url) else None


def colours(shown: Iterable[Shown]) -> Markup:
    """Return the style rules that give every lit passage, in roll and score, the colour of the piece that it comes from."""
    rules = []
    for each in shown:
        by_colour: dict[int, list[str]] = {}
        for quote in each.quotes:
            n, here = quote.number - 1, f"#{each.prefix}player"
            by_colour.setdefault(quote.origin.colour, []).extend((f"{here} .c{n}", f'{here} [data-copy="{n}"]'))
        for colour, places in by_colour.items():
            rules.append(f"{','.join(places)}{{--here:var(--p{colour})}}")
    return Markup("\n".join(rules))  # noqa: S704 - our own ids and numbers


def _rank(origin: Origin) -> tuple[int, str]:
    return -origin.notes, origin.sha256


def _shown(exhibit: SampleParts, found: Mapping[str, Origin], pieces: Pieces, beside: Reference | None) -> Shown:
    look = exhibit.look
    quotes = _quotes(exhibit, look.lit if look else (), found)
    mine = {quote.origin.sha256: quote.origin for quote in quotes}
    short = [c for c in look.novelty.copies if c.notes < LIT] if look and look.novelty else []
    return Shown(
        name=exhibit.name,
        title=exhibit.title,
        prefix=exhibit.prefix,
        look=look,
        sound=None if exhibit.sound is None else Markup(b64encode(exhibit.sound).decode()),  # noqa: S704
        roll=Markup(look.roll if look else ""),  # noqa: S704 - `roll` escapes what it is told
        score=None if exhibit.score is None else Markup(exhibit.score),  # noqa: S704 - the same
        width=look.width if look else 0.0,
        quotes=quotes,
        origins=sorted((o for o in mine.values() if o.colour < COLOURS), key=lambda o: o.colour),
        more_origins=sum(o.colour == COLOURS for o in mine.values()),
        short=[(copy, _game(copy, pieces)) for copy in short[:MOST_SHORT]],
        strips=strips(look.opening, beside) if look and beside else (),
        files=_files(exhibit.path),
        troubles=exhibit.troubles,
    )


def _quotes(exhibit: SampleParts, lit: Sequence[Lit], found: Mapping[str, Origin]) -> list[Quote]:
    quotes: list[Quote] = []
    right = 0.0
    for number, each in enumerate(lit, 1):
        origin, anchor = found[each.copy.sha256], f"{exhibit.prefix}copy-{number}"
        origin.places.append(Place(exhibit.title, anchor, each.start))
        left = round(max(KEYBOARD + each.start * PIXELS_A_SECOND, right), 1)
        right = left + GAP
        quotes.append(Quote(number, anchor, each.copy, origin, each.start, each.end, left))
    return quotes


def _files(midi: Path) -> list[File]:
    names = [(f"{midi.stem}{ending}", label) for ending, label in FILES.items()]
    return [File(name, label) for name, label in names if (midi.parent / name).is_file()]
