"""Samples as a template prints them: parts, copied pieces and their colours.

In: sample parts, and functions and values of the run. Out: values that `music.html` prints. Pure.
"""

from base64 import b64encode
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from markupsafe import Markup

from training.novelty.figures import Copy
from training.novelty.training_index import IndexedPiece
from training.page.downloads import Download, list_downloads
from training.page.reference import Reference, Strip, strips
from training.page.sample_parts import MIN_HIGHLIGHT_NOTES, PIXELS_A_SECOND, Highlight, SampleAnalysis, SampleParts
from training.rendering.roll import KEYBOARD

COLOURS = 5  # number of pieces with their own colour; the others share one more
GAP = 25.0  # minimum px between two numbers above the roll
MAX_SHORT = 60  # listed short passages per sample
SCHEMES = ("https", "http")  # of addresses that become links; addresses are untrusted text

Pieces = Mapping[str, IndexedPiece]
"""The training pieces of a run, by SHA-256."""


@dataclass(frozen=True, slots=True)
class CopyPlace:
    """The place of a copied passage in a sample."""

    sample: str
    anchor: str
    start: float  # seconds


@dataclass(slots=True)
class Origin:
    """A piece that passages were copied from.

    `colour` is its own, or COLOURS if it shares the common one.
    """

    anchor: str
    title: str
    game: str
    sequencer: str
    sha256: str
    address: str | None = None  # web address of its file
    colour: int = COLOURS
    notes: int = 0  # copied notes in all samples
    places: list[CopyPlace] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class HighlightView:
    """A highlighted passage: its number in the sample, from 1, and position in px."""

    number: int
    anchor: str
    copy: Copy
    origin: Origin
    start: float
    end: float
    left: float


@dataclass(frozen=True, slots=True)
class SampleView:
    """A sample as a template prints it."""

    name: str
    title: str  # the name, with the run's label on pages with several runs
    prefix: str
    analysis: SampleAnalysis | None
    sound: Markup | None  # base64
    hands: Markup | None  # the sound with one hand in each channel, base64
    roll: Markup
    score: Markup | None
    width: float  # of the roll, in px
    quotes: Sequence[HighlightView]
    origins: Sequence[Origin]  # pieces with their own colour
    more_origins: int
    short: Sequence[tuple[Copy, str]]  # passages that are not highlighted, with the game's title
    strips: Sequence[Strip]
    downloads: Sequence[Download]
    troubles: Sequence[str]
    how: str  # how it was composed, in one line; empty if unknown


def view_samples(
    sample_parts: Sequence[SampleParts],
    pieces: Pieces,
    beside: Reference | None,
    origins: dict[str, Origin] | None = None,
) -> tuple[list[SampleView], list[Origin]]:
    """Return the samples as they are shown, and the copied pieces, most copied first.

    `origins` by SHA-256 must be given if a page has several groups of samples; see `find_origins`.
    """
    found = find_origins(sample_parts, pieces) if origins is None else origins
    shown = [_view(sample, found, pieces, beside) for sample in sample_parts]
    return shown, sorted(found.values(), key=_rank)


def find_origins(sample_parts: Iterable[SampleParts], pieces: Pieces) -> dict[str, Origin]:
    """Return the pieces that samples copied from, by SHA-256, with their colours.

    The most copied pieces get their own colours.
    """
    counted: Counter[str] = Counter()
    copies: dict[str, Copy] = {}
    for sample in sample_parts:
        for each in sample.analysis.highlights if sample.analysis else ():
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
    """Return the listed title of the game that a passage comes from.

    If the piece is unknown, it is the game's slug.
    """
    piece = pieces.get(copy.sha256)
    return piece.game_title if piece else copy.game


def _address(sha256: str, pieces: Pieces) -> str | None:
    """Return the address of a piece on the web, None if it has none."""
    piece = pieces.get(sha256)
    return piece.url if piece and is_web_address(piece.url) else None


def is_web_address(address: str | None) -> bool:
    """Return whether an address is an http or https URL with a host."""
    try:
        parts = urlsplit(address or "")
    except ValueError:
        return False
    return parts.scheme in SCHEMES and bool(parts.hostname)


def colours(shown: Iterable[SampleView]) -> Markup:
    """Return CSS rules that colour highlighted passages by their origin.

    They apply to roll and score.
    """
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


def _view(sample: SampleParts, found: Mapping[str, Origin], pieces: Pieces, beside: Reference | None) -> SampleView:
    analysis = sample.analysis
    quotes = _quotes(sample, analysis.highlights if analysis else (), found)
    mine = {quote.origin.sha256: quote.origin for quote in quotes}
    short = (
        [c for c in analysis.novelty.copies if c.notes < MIN_HIGHLIGHT_NOTES] if analysis and analysis.novelty else []
    )
    return SampleView(
        name=sample.name,
        title=sample.title,
        prefix=sample.prefix,
        analysis=analysis,
        sound=_base64(sample.sound),
        hands=_base64(sample.hands),
        roll=Markup(analysis.roll if analysis else ""),  # noqa: S704 - `draw_roll` escapes its labels
        score=None if sample.score is None else Markup(sample.score),  # noqa: S704 - the same
        width=analysis.width if analysis else 0.0,
        quotes=quotes,
        origins=sorted((o for o in mine.values() if o.colour < COLOURS), key=lambda o: o.colour),
        more_origins=sum(o.colour == COLOURS for o in mine.values()),
        short=[(copy, _game(copy, pieces)) for copy in short[:MAX_SHORT]],
        strips=strips(analysis.opening, beside) if analysis and beside else (),
        downloads=list_downloads(
            sample.stem, midi=sample.midi, notation=sample.notation, pdf=sample.pdf, sound=sample.sound
        ),
        troubles=sample.troubles,
        how=sample.how,
    )


def _base64(data: bytes | None) -> Markup | None:
    return None if data is None else Markup(b64encode(data).decode())  # noqa: S704 - base64


def _quotes(sample: SampleParts, highlights: Sequence[Highlight], found: Mapping[str, Origin]) -> list[HighlightView]:
    quotes: list[HighlightView] = []
    right = 0.0
    for number, each in enumerate(highlights, 1):
        origin, anchor = found[each.copy.sha256], f"{sample.prefix}copy-{number}"
        origin.places.append(CopyPlace(sample.title, anchor, each.start))
        left = round(max(KEYBOARD + each.start * PIXELS_A_SECOND, right), 1)
        right = left + GAP
        quotes.append(HighlightView(number, anchor, each.copy, origin, each.start, each.end, left))
    return quotes
