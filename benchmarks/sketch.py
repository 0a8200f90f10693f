"""Another network on a corpus's own split: the sketch that first had a repeat model, trained as it trains itself.

    python benchmarks/sketch.py SKETCH.py CORPUS_FOLDER [--minutes 30] [--window 128] [--out FILE]

SKETCH.py is a PyTorch module with `encode` (notes [n, 4] to events), `NoteLSTM` and `bits`. Its training loop is repeated here with the
corpus's training pieces in place of its own careless split; the classes are ours (`training/events/classes.py`), so its bits per note
can be compared with `evaluate RUN --split test` of a run on the same corpus for the same minutes. Encoding is not counted, for either the
clock or the budget; of ours it is.
"""

import argparse
import importlib.util
import json
import math
import random
import time
from pathlib import Path
from typing import Any

import numpy as np

from dataset.corpus.corpus import Corpus
from dataset.notes.model import Notes

BATCH_NOTES, RATE = 64 * 128, 2e-3


def rows(notes: Notes) -> Any:
    """The notes as the sketch reads them: time since the last onset, pitch, duration, velocity."""
    order = np.lexsort((notes.pitch, notes.onset))
    onset, pitch = notes.onset[order].astype(int), notes.pitch[order].astype(int)
    keep = np.ones(len(onset), bool)
    keep[1:] = ~((onset[1:] == onset[:-1]) & (pitch[1:] == pitch[:-1]))
    duration, velocity = notes.duration[order][keep].astype(int), notes.velocity[order][keep].astype(int)
    return np.stack([np.diff(onset[keep], prepend=onset[0]), pitch[keep], duration, velocity], 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sketch", type=Path)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--window", type=int, default=128)
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    import torch

    spec = importlib.util.spec_from_file_location("sketch", asked.sketch)
    if spec is None or spec.loader is None:
        raise SystemExit(f"{asked.sketch}: no Python module")
    sketch: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sketch)
    corpus = Corpus.open(asked.corpus.parent.parent, asked.corpus.name)
    learned = [sketch.encode(rows(piece.notes)) for piece in corpus.pieces("train")]
    random.Random(0).shuffle(learned)
    train = np.concatenate(learned)
    torch.manual_seed(0)
    torch.set_num_threads(2)
    rng = np.random.default_rng(0)
    model = sketch.NoteLSTM(repeat=True)
    optimizer = torch.optim.AdamW(model.parameters(), RATE, weight_decay=0.01)
    batch, budget, start, step = BATCH_NOTES // asked.window, asked.minutes * 60, time.time(), 0
    while (gone := time.time() - start) < budget:
        at = rng.integers(0, len(train) - asked.window - 1, batch)
        x = train[at[:, None] + np.arange(asked.window + 1)].copy()
        shift = rng.integers(-6, 6, batch)[:, None]
        for column in (1, 6):
            x[..., column] = np.clip(x[..., column] + shift, 0, 127)
        for group in optimizer.param_groups:
            group["lr"] = RATE * min(1, (step + 1) / 50) * (0.5 * (1 + math.cos(math.pi * gone / budget)) + 0.02)
        loss = sum(value.mean() for value in model(torch.tensor(x)))
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        step += 1
        if step % 50 == 0:
            print(
                f"{gone:6.0f} s  {step * BATCH_NOTES / gone:6.0f} notes/s  train {loss.item() / math.log(2):.3f}",
                flush=True,
            )
    found: dict[str, Any] = {"minutes": asked.minutes, "notes_per_second": round(step * BATCH_NOTES / budget, 1)}
    for split in ("validation", "test"):
        fields = sketch.bits(model, [sketch.encode(rows(piece.notes)) for piece in corpus.pieces(split)])
        found[split] = {"bits_per_note": round(float(fields.sum()), 4), "fields": fields.round(4).tolist()}
    print(json.dumps(found, indent=1))
    if asked.out:
        asked.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
