"""Renders pieces as sound, score and piano roll, in worker processes.

In: pieces with names. Out: files such as `sample-1.mp3`, `sample-1-score.pdf` and `sample-1-roll.svg`, or the reason
why a file could not be made. A failure costs one file.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

from catalog.base.errors import TrainingError, UsageError
from catalog.storage.files import write_bytes
from dataset.notation.musicxml import to_musicxml
from dataset.notation.records import NO_CREDITS, Credits
from dataset.notation.score import score_of
from dataset.notes.model import LEFT, RIGHT, Notes
from dataset.parallel.workers import Failure, work
from training.rendering.loops import LOOP_FORMS, render_loop
from training.sound.tags import Tags

TASK = "training.rendering.render:render_output"
TIMEOUT_S = 300.0  # 20 minutes of stereo MP3 take 60 to 80 s, and twice that on a busy machine
STEMS = {"right-hand": RIGHT, "left-hand": LEFT}
FORMS = {
    "audio": ("mp3", "ogg", "wav"),
    "score": ("musicxml", "pdf", "svg", "png"),
    "roll": ("svg", "png", "pdf"),
    "loop": LOOP_FORMS,
    **dict.fromkeys(STEMS, ("mp3", "ogg", "wav")),
}
ALWAYS = ("audio", "score", "roll")  # the kinds that are made where none is named
DEFAULT_FORMS = {
    "audio": ("mp3",),
    "score": ("musicxml", "pdf"),
    "roll": ("svg",),
    "loop": LOOP_FORMS,
    **dict.fromkeys(STEMS, ("mp3",)),
}
SCORE_WIDTH_PX = 1654  # A4 at 200 dpi


@dataclass(frozen=True, slots=True)
class Output:
    """A kind of output in one format, such as the score as PDF."""

    kind: str
    form: str

    def path(self, folder: Path, name: str) -> Path:
        """Return the path of the output.

        All outputs but sound and MusicXML have their kind in the name.
        """
        ending = "" if self.kind == "audio" or self.form == "musicxml" else f"-{self.kind}"
        return folder / f"{name}{ending}.{self.form}"


@dataclass(frozen=True, slots=True)
class RenderPiece:
    """Notes to render; `name` is the file name and, without `title`, the title.

    `known` is what is printed of the origin of the piece, `run` the run that composed it, `style` the games in
    whose style it was composed, and `soundfont` the piano of its sound (None: the best that is installed). `loop` is the
    first tick of its loop and the tick after the last, for outputs of the kind `loop`. Outputs are written to `folder`, if
    the piece has one of its own.
    """

    name: str
    notes: Notes
    title: str = ""
    known: Credits = NO_CREDITS
    run: str = ""
    style: str = ""
    soundfont: Path | None = None
    loop: tuple[int, int] | None = None
    folder: Path | None = None


@dataclass(frozen=True, slots=True)
class Rendered:
    """A rendered file, or the reason why there is none."""

    path: Path
    output: Output
    reason: str | None = None


def outputs(kinds: Sequence[str] = (), forms: Sequence[str] = ()) -> list[Output]:
    """Return the outputs of these kinds in these formats.

    The default is audio, score and roll; others are loop, right-hand and left-hand. A kind without any of `forms` has its
    default formats. Raises UsageError for a format that none of the kinds has.
    """
    chosen = [kind for kind in FORMS if kind in kinds] or list(ALWAYS)
    for form in forms:
        if not any(form in FORMS[kind] for kind in chosen):
            there = "; ".join(f"{kind}: {', '.join(FORMS[kind])}" for kind in chosen)
            raise UsageError(f"no format {form!r} for this ({there})")
    return [
        Output(kind, form)
        for kind in chosen
        for form in [form for form in FORMS[kind] if form in forms] or DEFAULT_FORMS[kind]
    ]


def render_pieces(
    pieces: Sequence[RenderPiece], folder: Path, wanted: Sequence[Output] | None = None, *, workers: int | None = None
) -> Iterator[Rendered]:
    """Render the wanted outputs of each piece to `folder`; yield each file.

    Existing files are replaced. Failures are yielded with their reason.
    """
    jobs = [(piece, output) for output in wanted or outputs() for piece in pieces]
    for index, result in work(TASK, jobs, workers=workers, timeout_s=TIMEOUT_S):
        piece, output = jobs[index]
        path = output.path(piece.folder or folder, piece.name)
        if isinstance(result, Failure):
            yield Rendered(path, output, result.detail)
        else:
            write_bytes(path, result)
            yield Rendered(path, output)


def render_output(job: tuple[RenderPiece, Output]) -> bytes:
    """Worker task: return the bytes of one output of one piece."""
    piece, output = job
    if output.kind == "audio":
        from training.rendering.audio import Form, render_sound

        return render_sound(piece.notes, cast("Form", output.form), tags=tags_of(piece), soundfont=piece.soundfont)
    if output.kind in STEMS:
        from training.rendering.audio import Form, render_stem

        hand, tags = STEMS[output.kind], tags_of(piece)
        tags = replace(tags, title=f"{tags.title} ({output.kind.replace('-', ' ')})")
        return render_stem(piece.notes, cast("Form", output.form), hand, tags=tags, soundfont=piece.soundfont)
    if output.kind == "loop":
        if piece.loop is None:
            raise TrainingError("no loop is known of it; name its bars, such as --loop 5:20")
        start, end = piece.loop
        made = render_loop(piece.notes, start, end, forms=[output.form], tags=tags_of(piece), soundfont=piece.soundfont)
        return made[output.form]
    if output.kind == "score":
        return _score(piece, output.form)
    from training.rendering.roll import draw_roll
    from training.rendering.svg_convert import pdf, png

    drawn = draw_roll(piece.notes, title=piece.title or piece.name)
    return png(drawn) if output.form == "png" else pdf([drawn]) if output.form == "pdf" else drawn.encode()


def tags_of(piece: RenderPiece) -> Tags:
    """Return the tags of a piece's sound: title, game, and who composed or sequenced it."""
    known = piece.known
    return Tags(
        title=piece.title or piece.name,
        artist="vgpiano" if piece.run else known.sequencer,
        album=known.game or (f"in the style of {piece.style}" if piece.style else ""),
        comment=f"composed by vgpiano, run {piece.run}" if piece.run else known.source,
    )


def _score(piece: RenderPiece, form: str) -> bytes:
    title = piece.title or piece.name
    if form == "musicxml":
        return to_musicxml(score_of(piece.notes, title=title, exact=True, known=piece.known), piece.notes)
    from training.rendering.engrave import A4, SCREEN, engrave_score
    from training.rendering.svg_convert import pdf, png

    pages = engrave_score(piece.notes, title=title, paper=A4 if form == "pdf" else SCREEN, known=piece.known)
    if form == "pdf":
        return pdf(pages, title=title)
    return png(pages[0], width_px=SCORE_WIDTH_PX) if form == "png" else pages[0].encode()
