"""Whether style is real: held-out pieces told the right game and wrong ones, and what a run gains by beginning from another.

    python benchmarks/style.py RUN CORPUS [--root data] [--games ocarina-of-time majoras-mask wind-waker twilight-princess]

For every held-out piece of each game (validation and test): its bits a note with its own game's style, with each other game's, and
with none. Fine-tuning is measured with the commands themselves: see `docs/training.md`.
"""

import argparse
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from dataset.corpus import Corpus
from training import playing
from training.batches import encode_pieces
from training.run import Run
from training.vocabulary import UNKNOWN

GAMES = ("ocarina-of-time", "majoras-mask", "wind-waker", "twilight-princess")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run")
    parser.add_argument("corpus")
    parser.add_argument("--root", type=Path, default=Path("data"))
    parser.add_argument("--games", nargs="+", default=list(GAMES))
    asked = parser.parse_args()
    run = Run.open(asked.root, asked.run)
    network, vocabulary = playing.network(run), playing.vocabulary(run)
    corpus = Corpus.open(asked.root, asked.corpus)
    held = [p for split in ("validation", "test") for p in corpus.pieces(split) if p.game in asked.games]
    if not held:
        raise SystemExit(f"corpus {asked.corpus} holds out no piece of {', '.join(asked.games)}")
    encoded = encode_pieces(held, vocabulary)
    styles = {game: vocabulary.style(piece.series, game) for piece in held for game in asked.games} | {
        "none": (UNKNOWN, UNKNOWN)
    }
    notes = [len(piece.events) - 1 for piece in encoded]
    bits = {
        name: network.bits([replace(piece, style=style) for piece in encoded]).sum(axis=1) / notes
        for name, style in styles.items()
    }
    found: list[dict[str, Any]] = []
    for i, piece in enumerate(held):
        wrong = {game: float(bits[game][i]) for game in asked.games if game != piece.game}
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
    pairs = sum(row["better_than"] for row in found), len(found) * (len(asked.games) - 1)
    print(
        f"{sum(row['better_than_their_mean'] for row in found)} of {len(found)} pieces are better with the right game than with a wrong one"
    )
    print(f"{pairs[0]} of {pairs[1]} pairs of a piece and a wrong game")


if __name__ == "__main__":
    main()
