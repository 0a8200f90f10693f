"""What a base is worth, beside runs from scratch and from it, on the same pieces.

In: a base, and runs on parts of the catalog. Out: for each part, bits per note on its held-out pieces and how much the
samples of each network copy from what it learned from, as records for the page that compares the runs. The base alone
composes in the style of the part, by the settings of the samples of `train`.
"""

from collections.abc import Sequence

from catalog.storage.remote import AnyPath
from dataset.corpus.corpus import CorpusPiece
from dataset.notes.model import Notes
from training.events.batches import encode_pieces
from training.events.vocabulary import Vocabulary
from training.generate import SAMPLE_SECONDS, SAMPLES, compose_samples
from training.midi import read_notes
from training.network.quality import quality
from training.note_lstm.trained import network, vocabulary
from training.novelty.figures import Novelty, find_copies, medians
from training.page.comparison_page import BaseCell, BaseRow, BaseTable
from training.run import Run
from training.sampling.config import SamplingConfig

LEAST = 16  # notes of a copied passage; one of PASSAGE_LENGTHS


def base_table(
    root: AnyPath, base: Run, labels: Sequence[str], scratch: Sequence[Run], specialised: Sequence[Run]
) -> BaseTable:
    """Return the figures of the base on each part; `specialised` has a run for each part, or none."""
    rows = []
    for number, (label, run) in enumerate(zip(labels, scratch, strict=True)):
        corpus = run.corpus(root)
        validation, test = corpus.pieces("validation"), corpus.pieces("test")
        cells = [
            _cell(run, validation, test, _samples(run)),
            _cell(base, validation, test, _in_style(base, vocabulary(run))),
        ]
        if specialised:
            own = specialised[number]
            cells.append(_cell(own, validation, test, _samples(own)))
        rows.append(BaseRow(label, len(validation) + len(test), len(test), tuple(cells)))
    return BaseTable(base, tuple(rows))


def _cell(run: Run, validation: Sequence[CorpusPiece], test: Sequence[CorpusPiece], made: Sequence[Notes]) -> BaseCell:
    """Return bits on held-out pieces, on the test pieces alone, and the copies in `made`."""
    sources = run.learned_from()
    copies = [find_copies(sources, notes) for notes in made]
    return BaseCell(
        run,
        _bits(run, [*validation, *test]),
        _bits(run, test),
        run.progress().best_epoch,
        max((copy.longest for copy in copies), default=None),
        _share(copies),
    )


def _bits(run: Run, pieces: Sequence[CorpusPiece]) -> float | None:
    """Return bits per note of the run's network; None without a note to predict."""
    if sum(max(0, len(piece.notes) - 1) for piece in pieces) < 1:
        return None
    return quality(network(run), encode_pieces(pieces, vocabulary(run))).bits_per_note


def _samples(run: Run) -> list[Notes]:
    """Return the samples that `train` wrote."""
    return [read_notes(run.samples / name) for name in run.progress().samples]


def _in_style(base: Run, of: Vocabulary) -> list[Notes]:
    """Return samples of the base in the style of the one game of `of`, or else of its one series."""
    known = vocabulary(base)
    game, series = (
        names[0] if len(names) == 1 and names[0] in those else None
        for names, those in ((of.games, known.games), (of.series, known.series))
    )
    request = base.request
    wanted = SamplingConfig(
        count=SAMPLES,
        seconds=SAMPLE_SECONDS,
        seed=request.seed,
        max_copy=request.max_copy,
        game=game,
        series=None if game else series,
    )
    return list(compose_samples(base, wanted).pieces)


def _share(copies: Sequence[Novelty]) -> float | None:
    """Return the share of all notes that lie in copied passages of LEAST notes and more."""
    return medians(copies)[f"share of all notes, {LEAST} notes"] if copies else None
