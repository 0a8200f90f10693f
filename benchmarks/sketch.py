"""Train the sketch of the first repeat model on a corpus's split.

    python benchmarks/sketch.py SKETCH.py CORPUS_FOLDER [--minutes 30] [--window 128] [--out FILE]

SKETCH.py is a PyTorch module with `encode` (notes [n, 4] to events), `NoteLSTM` and `bits`. Its training loop is
repeated here with the training pieces of the corpus instead of its own split. The classes are ours
(`training/events/fields.py`), so its bits per note can be compared with `evaluate RUN --split test` after the same
training time on the same corpus. Encoding time is excluded here, but included for our runs.
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
    """Return the notes as the sketch needs them.

    Columns are time since the last onset, pitch, duration and velocity.
    """
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
    options = parser.parse_args()
    import torch

    spec = importlib.util.spec_from_file_location("sketch", options.sketch)
    if spec is None or spec.loader is None:
        raise SystemExit(f"{options.sketch} is not a Python module")
    sketch: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sketch)
    corpus = Corpus.open(options.corpus.parent.parent, options.corpus.name)
    learned = [sketch.encode(rows(piece.notes)) for piece in corpus.pieces("train")]
    random.Random(0).shuffle(learned)
    train = np.concatenate(learned)
    torch.manual_seed(0)
    torch.set_num_threads(2)
    rng = np.random.default_rng(0)
    model = sketch.NoteLSTM(repeat=True)
    optimizer = torch.optim.AdamW(model.parameters(), RATE, weight_decay=0.01)
    batch, budget, start, step = BATCH_NOTES // options.window, options.minutes * 60, time.time(), 0
    while (elapsed := time.time() - start) < budget:
        at = rng.integers(0, len(train) - options.window - 1, batch)
        x = train[at[:, None] + np.arange(options.window + 1)].copy()
        shift = rng.integers(-6, 6, batch)[:, None]
        for column in (1, 6):
            x[..., column] = np.clip(x[..., column] + shift, 0, 127)
        for group in optimizer.param_groups:
            group["lr"] = RATE * min(1, (step + 1) / 50) * (0.5 * (1 + math.cos(math.pi * elapsed / budget)) + 0.02)
        loss = sum(value.mean() for value in model(torch.tensor(x)))
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        step += 1
        if step % 50 == 0:
            print(
                f"{elapsed:6.0f} s  {step * BATCH_NOTES / elapsed:6.0f} notes/s  train {loss.item() / math.log(2):.3f}",
                flush=True,
            )
    found: dict[str, Any] = {"minutes": options.minutes, "notes_per_second": round(step * BATCH_NOTES / budget, 1)}
    for split in ("validation", "test"):
        fields = sketch.bits(model, [sketch.encode(rows(piece.notes)) for piece in corpus.pieces(split)])
        found[split] = {"bits_per_note": round(float(fields.sum()), 4), "fields": fields.round(4).tolist()}
    print(json.dumps(found, indent=1))
    if options.out:
        options.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
