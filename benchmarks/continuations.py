"""Continuations of held-out pieces, for `told_apart.py --primed BARS`."""

from collections.abc import Sequence

from dataset.corpus.corpus import Corpus
from dataset.notes.form import bar_lines
from dataset.notes.model import Notes
from training.generate import compose_samples, music
from training.run import Run
from training.sampling.config import SamplingConfig

LEAST_NOTES = 24  # of a beginning
EACH = 2  # continuations of a beginning


def beginnings(corpus: Corpus, bars: int, first: int) -> list[Notes]:
    """Return the first bars of the first held-out piece of each work that goes on for `first` notes after them."""
    found: dict[str, Notes] = {}
    for piece in (*corpus.pieces("validation"), *corpus.pieces("test")):
        given = beginning(piece.notes, bars) if piece.work not in found else None
        if given is not None and len(piece.notes) >= len(given) + first:
            found[piece.work] = given
    return list(found.values())


def beginning(notes: Notes, bars: int) -> Notes | None:
    """Return the first bars of a piece, with notes cut at their end; None if it has fewer bars or notes in them."""
    lines = bar_lines(notes)
    if len(lines) <= bars:
        return None
    end = int(lines[bars])
    inside = notes.onset < end
    if inside.sum() < LEAST_NOTES:
        return None
    onset, duration, pitch, velocity = (
        column[inside] for column in (notes.onset, notes.duration, notes.pitch, notes.velocity)
    )
    changes = ([change for change in of if change[0] < end] for of in (notes.tempos, notes.time_signatures))
    return Notes.of(onset, duration.clip(max=end - onset), pitch, velocity, *changes)


def continued(
    run: Run, primes: Sequence[Notes], notes: int, temperature: float, seed: int, *, chosen: bool = False
) -> list[Notes]:
    """Return EACH continuations of every prime, without the prime: drafts, or with `chosen` what `generate` writes."""
    made: list[Notes] = []
    for number, prime in enumerate(primes):
        config = SamplingConfig(
            count=EACH, notes=notes, temperature=temperature, seed=seed + number, without_prime=True
        )
        made += compose_samples(run, config, prime).pieces if chosen else music(run, config, prime)
    return made
