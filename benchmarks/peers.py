"""MIDI readers of other libraries, from bytes on disk to usable notes."""

import resource
import sys
from collections.abc import Callable, Sequence

from dataset.parse import ParseTask


def cpu_seconds() -> float:
    """Return the CPU time of this process and of its finished children."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def each(sources: Sequence[ParseTask], read: Callable[[ParseTask], object], name: str) -> int:
    """Return the number of files that a peer reads; print those that it cannot read."""
    done = 0
    for source in sources:
        try:
            read(source)
            done += 1
        except Exception as error:  # noqa: BLE001 - reported, not raised
            print(f"  {name} cannot read {source.path.name}: {type(error).__name__}", file=sys.stderr)
    return done


def music21(sources: Sequence[ParseTask]) -> int:
    from music21 import converter

    def read(source: ParseTask) -> object:  # bypasses its cache
        return converter.parse(source.path, format="midi", forceSource=True, storePickle=False)

    return each(sources, read, "music21")


def pretty_midi(sources: Sequence[ParseTask]) -> int:
    from pretty_midi import PrettyMIDI

    return each(sources, lambda source: PrettyMIDI(str(source.path)), "pretty_midi")


def muspy(sources: Sequence[ParseTask]) -> int:
    from muspy import read_midi

    return each(sources, lambda source: read_midi(source.path), "muspy")


def miditok(sources: Sequence[ParseTask]) -> int:
    """Read with MidiTok: a symusic Score, preprocessed and encoded by REMI."""
    from miditok import REMI, TokenizerConfig
    from symusic import Score

    tokenizer = REMI(TokenizerConfig())
    return each(sources, lambda source: tokenizer(Score(source.path)), "miditok")


def evenly(sources: Sequence[ParseTask], count: int) -> Sequence[ParseTask]:
    """Return the given number of files, evenly spaced in their order."""
    step = max(1, len(sources) // count)
    return sources[step // 2 :: step][:count]


PEERS: dict[str, Callable[[Sequence[ParseTask]], int]] = {
    "music21": music21,
    "pretty_midi": pretty_midi,
    "muspy": muspy,
    "miditok": miditok,
}
