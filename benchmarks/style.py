"""Effect of the style input: held-out pieces with the right or a wrong game.

    python benchmarks/style.py RUN CORPUS [--root data] [--games ocarina-of-time majoras-mask wind-waker twilight-princess]

For every held-out piece of each game (validation and test): its bits per note with the style of its own game, of each
other game, and without style. Then, without a network, for every piece of these games: its bits per note under the
shares of times, pitches, durations and velocities in its own game's other works, and in each other game. Fine-tuning
is measured with the commands; see `docs/training.md`.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from dataset.corpus.corpus import Corpus, CorpusPiece
from training.events.batches import encode_pieces
from training.events.encoding import classes
from training.events.fields import FIELDS, SIZES
from training.events.vocabulary import UNKNOWN
from training.note_lstm.trained import network as network_of
from training.note_lstm.trained import vocabulary as vocabulary_of
from training.run import Run

GAMES = ("ocarina-of-time", "majoras-mask", "wind-waker", "twilight-princess")
SMOOTHING_NOTES, MAX_PIECE_NOTES = 300, 500  # notes: weight of the overall shares, and maximum weight of one piece


def nearer_by_shares(everyone: Sequence[CorpusPiece], games: Sequence[str]) -> dict[str, tuple[int, int]]:
    """Return by field how many pieces fit their own game's shares best, and all."""
    pieces = [piece for piece in everyone if piece.game in games]
    own = np.array([games.index(piece.game) for piece in pieces])
    bits = np.zeros((len(FIELDS), len(pieces), len(games)))
    for column, name in enumerate(FIELDS):

        def counts(piece: CorpusPiece, column: int = column, size: int = SIZES[name]) -> npt.NDArray[np.float64]:
            return np.bincount(classes(piece.notes)[0][:, column], minlength=size).astype(np.float64)

        common = 1 + sum(map(counts, everyone))
        common /= common.sum()
        counted = [counts(piece) for piece in pieces]
        for i, piece in enumerate(pieces):
            for j in range(len(games)):
                others = (
                    held * min(1, MAX_PIECE_NOTES / held.sum())
                    for held, other in zip(counted, pieces, strict=True)
                    if other.game == games[j] and other.work != piece.work
                )
                shares = SMOOTHING_NOTES * common + sum(others)
                bits[column, i, j] = -counted[i] @ np.log2(shares / shares.sum()) / counted[i].sum()

    def better(found: npt.NDArray[np.float64]) -> tuple[int, int]:
        right = found[np.arange(len(own)), own]
        return int((right < (found.sum(axis=1) - right) / (len(games) - 1)).sum()), len(own)

    return {name: better(bits[column]) for column, name in enumerate(FIELDS)} | {"together": better(bits.sum(axis=0))}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run")
    parser.add_argument("corpus")
    parser.add_argument("--root", type=Path, default=Path("data"))
    parser.add_argument("--games", nargs="+", default=list(GAMES))
    options = parser.parse_args()
    run = Run.open(options.root, options.run)
    network, vocabulary = network_of(run), vocabulary_of(run)
    corpus = Corpus.open(options.root, options.corpus)
    held = [p for split in ("validation", "test") for p in corpus.pieces(split) if p.game in options.games]
    if not held:
        raise SystemExit(f"corpus {options.corpus} holds out no piece of {', '.join(options.games)}")
    encoded = encode_pieces(held, vocabulary)
    styles = {game: vocabulary.style(piece.series, game) for piece in held for game in options.games} | {
        "none": (UNKNOWN, UNKNOWN)
    }
    notes = [len(piece.events) - 1 for piece in encoded]
    bits = {
        name: network.bits([replace(piece, style=style) for piece in encoded]).sum(axis=1) / notes
        for name, style in styles.items()
    }
    found: list[dict[str, Any]] = []
    for i, piece in enumerate(held):
        wrong = {game: float(bits[game][i]) for game in options.games if game != piece.game}
        right = float(bits[piece.game][i])
        found.append(
            {
                "piece": f"{piece.game}: {piece.title}",
                "right": round(right, 4),
                "wrong": {game: round(value, 4) for game, value in wrong.items()},
                "none": round(float(bits["none"][i]), 4),
                "better_than": sum(right < value for value in wrong.values()),
                "better_than_their_mean": right < sum(wrong.values()) / len(wrong),
            }
        )
    print(json.dumps(found, indent=1, ensure_ascii=False))
    pairs = sum(row["better_than"] for row in found), len(found) * (len(options.games) - 1)
    print(
        f"{sum(row['better_than_their_mean'] for row in found)} of {len(found)} pieces are better with the right game than with a wrong one"
    )
    print(f"{pairs[0]} of {pairs[1]} pairs of a piece and a wrong game")
    for name, (better, of) in nearer_by_shares(corpus.pieces(), options.games).items():
        print(
            f"{name}: {better} of {of} pieces are nearer to their own game's other works than to the other games', by shares alone"
        )


if __name__ == "__main__":
    main()
