"""Notes per second in training: ours in Keras beside the same network in PyTorch.

    python benchmarks/speed.py [--rounds 3] [--seconds 12] [--out FILE]

Inputs, embeddings, confidences, gains, two LSTM layers, four outputs and losses, dropout, AdamW and clipping are the
same; training itself uses Muon for matrices, which is not measured here. Only the framework and its precision differ
(PyTorch's LSTM has no faster type on a CPU). Each side uses its fastest batch shape of those given. Rounds alternate.
The operations per note are counted from the matrix shapes: 2 for each entry forward, twice that backward. The share is
relative to the largest rate of one large matrix product in the same type on the same machine.
"""

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
from figures import Figure, Setting, in_turn

from training.events import character, ears, encoding, plan_columns
from training.events import fields as events
from training.events.batches import Batch
from training.events.repeat_models import CONFIDENCES, GUESSES
from training.network.backend import load_keras
from training.network.layout import ENTERING, EXTRA_SCORES, HEADS, inputs_width
from training.note_lstm.recipe import NoteLSTMRecipe

SHAPES = ((64, 64), (128, 32), (256, 8), (256, 16), (256, 32))
SERIES, GAMES = 120, 230


def batch(windows: int, notes: int) -> Batch:
    """Return random events in the ranges of real ones."""
    rng = np.random.default_rng(0)
    rows = np.zeros((windows, notes + 1, encoding.COLUMNS), np.int32)
    for column, size in zip(range(5), (*events.SIZES.values(), events.PLACES), strict=True):
        rows[..., column] = rng.integers(0, size, rows.shape[:2])
    rows[..., events.BAR] = 96
    for column, size in zip(range(encoding.COLUMNS)[encoding.PLANNED], plan_columns.INPUTS.values(), strict=True):
        rows[..., column] = rng.integers(0, size, rows.shape[:2])
    rows[..., encoding.HEARD] = rng.integers(0, events.PITCHES + 1, rows[..., encoding.HEARD].shape)
    rows[..., encoding.LINE] = rng.integers(0, ears.INTERVALS, rows[..., encoding.LINE].shape)
    for values in encoding.VALUES.values():
        rows[..., values] = rng.integers(0, 2**character.VALUE_BITS, rows[..., values].shape)
    rows[..., encoding.RELEASES] = rng.integers(0, 96, rows[..., encoding.RELEASES].shape)
    for name in events.FIELDS:
        for columns, size in ((encoding.GUESS[name], events.SIZES[name]), (encoding.CONFIDENCE[name], CONFIDENCES)):
            rows[..., columns] = rng.integers(0, size, rows[..., columns].shape)
    style = np.stack([rng.integers(0, SERIES, windows), rng.integers(0, GAMES, windows)], axis=1).astype(np.int32)
    return Batch(rows, style, np.ones((windows, notes), np.float32), np.zeros(windows, np.float32))


def operations(recipe: NoteLSTMRecipe) -> float:
    """Return the arithmetic operations per note in training, of matrix products."""
    width, head = recipe.width, recipe.head
    entries = inputs_width(ENTERING) * width + recipe.layers * 8 * width * width
    for name, beside in HEADS.items():
        entries += (width + inputs_width(beside)) * head + head * (
            events.SIZES[name] + GUESSES[name] + EXTRA_SCORES[name]
        )
    return 6.0 * entries


def rate(step: Callable[[], object], notes: int, seconds: float) -> float:
    step()
    step()
    since, done = time.perf_counter(), 0
    while time.perf_counter() - since < seconds or done < 2:
        step()
        done += 1
    return notes * done / (time.perf_counter() - since)


def ours(shape: tuple[int, int], policy: str) -> Callable[[], object]:
    keras = load_keras()
    from training.loop.adamw import AdamW
    from training.network.network import NoteLSTM
    from training.note_lstm.train import _step

    keras.config.set_dtype_policy(policy)
    recipe = NoteLSTMRecipe(batch=shape[0], window=shape[1])
    network = NoteLSTM(asdict(recipe), SERIES, GAMES, name="note_lstm")
    network.build(None)
    network.compile(optimizer=AdamW(2e-3, weight_decay=0.01, global_clipnorm=1.0), jit_compile=False)
    held = batch(*shape)
    return lambda: float(_step(network, held, recipe.dropout))


def theirs(shape: tuple[int, int]) -> Callable[[], object]:
    import torch
    from torch import nn
    from torch_twin import twin

    network = twin(NoteLSTMRecipe(), SERIES, GAMES)
    optimizer = torch.optim.AdamW(network.parameters(), 2e-3, weight_decay=0.01)
    held = batch(*shape)
    rows, style = torch.tensor(held.events, dtype=torch.long), torch.tensor(held.style, dtype=torch.long)

    def step() -> float:
        loss = network(rows, style)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        return float(loss.detach())

    return step


def peak(kind: str) -> float:
    """Return the highest rate of a matrix product, in operations per second.

    Matrices of 2048 × 2048 are multiplied on all cores with PyTorch or NumPy. TensorFlow is not used: here it has one
    thread per stream and none for a large product.
    """
    import torch

    torch.set_num_threads(os.cpu_count() or 1)
    tensor, array = torch.ones((2048, 2048), dtype=getattr(torch, kind)), np.ones((2048, 2048), np.float32)
    products: list[Callable[[], object]] = [lambda: tensor @ tensor]
    if kind == "float32":
        products.append(lambda: array @ array)
    times = []
    for product in products:
        for _ in range(20):
            since = time.perf_counter()
            product()
            times.append(time.perf_counter() - since)
    return 2 * 2048**3 / min(times)


def fastest(make: Callable[[tuple[int, int]], Callable[[], object]], seconds: float) -> dict[tuple[int, int], float]:
    """Return the notes per second of each batch shape, each tried for the given time."""
    return {shape: rate(make(shape), shape[0] * shape[1], seconds) for shape in SHAPES}


def figures(setting: Setting) -> list[Figure]:
    """Notes per second in training, in two precisions, beside PyTorch."""
    from importlib.metadata import version

    import torch

    from training.loop.precision import precision

    load_keras()
    seconds = 3 * setting.share
    torch.set_num_threads(os.cpu_count() or 1)
    shapes = fastest(theirs, seconds / 3)
    peer_shape = max(shapes, key=lambda shape: shapes[shape])
    peer = theirs(peer_shape)
    found = []
    for policy in dict.fromkeys((precision("auto"), "float32")):
        rates = fastest(lambda shape, policy=policy: ours(shape, policy), seconds / 3)
        best = max(rates, key=lambda shape: rates[shape])
        step = ours(best, policy)
        values = in_turn(
            setting.times,
            lambda step=step, best=best: rate(step, best[0] * best[1], seconds),
            lambda: rate(peer, peer_shape[0] * peer_shape[1], seconds),
        )
        found.append(
            Figure(
                "speed/pytorch" if not found else f"speed/{policy}",
                f"training the same network, ours in {policy.removeprefix('mixed_')}, the peer in float32",
                "notes per second",
                values[0],
                f"PyTorch {version('torch')}",
                values[1],
                better="higher",
                note=f"Each with its fastest batch: ours {best[0]}×{best[1]}, the peer {peer_shape[0]}×{peer_shape[1]}.",
            )
        )
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=12.0)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    from training.loop.precision import precision

    load_keras()
    policy = precision("auto")
    kinds: dict[str, Callable[[tuple[int, int]], Callable[[], object]]] = {
        "ours": lambda shape: ours(shape, policy),
        "pytorch": theirs,
    }
    best = {}
    for name, make in kinds.items():
        rates = fastest(make, options.seconds / 3)
        best[name] = max(rates, key=lambda shape: rates[shape])
        print(f"{name:8} " + "  ".join(f"{w}x{n} {r:,.0f}" for (w, n), r in rates.items()), flush=True)
    found: dict[str, list[float]] = {name: [] for name in kinds}
    steps = {name: make(best[name]) for name, make in kinds.items()}
    for _ in range(options.rounds):
        for name, step in steps.items():
            found[name].append(rate(step, best[name][0] * best[name][1], options.seconds))
            print(f"{name:8} {found[name][-1]:,.0f} notes/s at {best[name][0]}x{best[name][1]}", flush=True)
    middle = {name: statistics.median(values) for name, values in found.items()}
    top = peak("bfloat16" if policy == "mixed_bfloat16" else "float32")
    result = {
        "precision": policy,
        "notes_per_second": found,
        "ratio": round(middle["ours"] / middle["pytorch"], 3),
        "gflop_per_s": round(middle["ours"] * operations(NoteLSTMRecipe()) / 1e9, 1),
        "peak_gflop_per_s": round(top / 1e9, 1),
        "share_of_peak": round(middle["ours"] * operations(NoteLSTMRecipe()) / top, 3),
    }
    print(json.dumps(result, indent=1))
    if options.out:
        options.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
