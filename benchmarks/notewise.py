"""A PyTorch network for note-by-note music, shared by the peers.

In: pieces as our classes (time, pitch, duration, velocity, place) and style, without guesses. The fields of a note are
embedded in our widths and summed by one matrix. A body reads the previous notes. Four outputs predict time, pitch,
duration and velocity, each given the fields before it, as in our network. Out: a trained network, its held-out bits
per note, and samples. Transposition, style dropout, optimizer, clipping and schedule are those of our recipe. Only
benchmarks import this module; it needs PyTorch.
"""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from dataset.corpus.corpus import CorpusPiece
from dataset.notes.model import Notes
from training.events import batches, encoding
from training.events.batches import EncodedPiece
from training.events.fields import EDGES, FIELDS, KNOWN, PITCH, PLACE, PLACES, SIZES, TIME, bar_ticks
from training.events.vocabulary import UNKNOWN, Vocabulary
from training.network.layout import EMBEDDINGS
from training.note_lstm.recipe import NoteLSTMRecipe
from training.note_lstm.train import FINAL_RATE_SHARE
from training.sampling import prompts as beginnings
from training.sampling.config import SamplingConfig
from training.sampling.drawing import SETTINGS, choose
from training.sampling.finishing import finish_piece

OURS = NoteLSTMRecipe()
NAMES = (*FIELDS, "place")
BESIDE = {"time": (), "pitch": ("time", "place"), "duration": ("time", "pitch", "place")}
BESIDE["velocity"] = ("time", "pitch", "duration", "place")
TOGETHER = 16  # windows or pieces evaluated at once


@dataclass(frozen=True)
class Settings:
    """The training settings of a peer.

    Windows are consecutive if the body has a state to carry, otherwise random.
    """

    batch: int
    window: int  # notes
    rate: float
    carried: bool
    warmup: int = 50  # steps
    weight_decay: float = 0.01
    dropout: float = 0.1
    bfloat16: bool = False


class LSTM(nn.Module):
    """A body of two LSTM layers of our width."""

    context: int | None = None  # context in notes; None if unlimited

    def __init__(self, width: int = OURS.width, layers: int = OURS.layers, drop: float = 0.2):
        super().__init__()
        self.width = width
        self.lstm = nn.LSTM(width, width, layers, batch_first=True, dropout=drop)

    def forward(self, x: Any, state: Any = None) -> Any:
        return self.lstm(x, state)


class NoteNetwork(nn.Module):
    """Embeddings, body and outputs.

    The input is classes [batch, notes, 5] and style [batch, 2].
    """

    def __init__(self, body: Any, series: int, games: int, dropout: float, head: int = OURS.head):
        super().__init__()
        sizes = {**SIZES, "place": PLACES, "series": series + 1, "game": games + 1}
        self.embed = nn.ModuleDict({name: nn.Embedding(sizes[name], EMBEDDINGS[name]) for name in sizes})
        for table in self.embed.values():
            nn.init.normal_(table.weight, std=0.3)
        self.enter = nn.Linear(sum(EMBEDDINGS[name] for name in sizes), body.width)
        self.body = body
        beside = {name: sum(EMBEDDINGS[other] for other in BESIDE[name]) for name in FIELDS}
        self.hidden = nn.ModuleDict({name: nn.Linear(body.width + beside[name], head) for name in FIELDS})
        self.out = nn.ModuleDict({name: nn.Linear(head, SIZES[name]) for name in FIELDS})
        self.drop = nn.Dropout(dropout)

    def read(self, rows: Any, style: Any, state: Any = None) -> Any:
        """Return the body's output [batch, notes, width] and its state."""
        seen = [self.embed[name](rows[..., column]) for column, name in enumerate(NAMES)]
        for column, name in enumerate(("series", "game")):
            seen.append(self.embed[name](style[:, column])[:, None].expand(-1, rows.shape[1], -1))
        above, state = self.body(self.drop(self.enter(torch.cat(seen, -1))), state)
        return self.drop(above), state

    def logits(self, name: str, above: Any, now: Any) -> Any:
        """Return the logits of one field of the notes `now` [..., 5].

        They depend on the fields before it.
        """
        seen = [above, *(self.embed[other](now[..., NAMES.index(other)]) for other in BESIDE[name])]
        return self.out[name](self.drop(torch.relu(self.hidden[name](torch.cat(seen, -1)))))

    def nats(self, rows: Any, style: Any, state: Any = None) -> Any:
        """Return the loss in nats of each field [batch, notes, 4], and the state.

        The first note is excluded.
        """
        above, state = self.read(rows[:, :-1], style, state)
        now, costs = rows[:, 1:], []
        for column, name in enumerate(FIELDS):
            logits = self.logits(name, above, now).flatten(0, 1).float()
            costs.append(nn.functional.cross_entropy(logits, now[..., column].flatten(), reduction="none"))
        return torch.stack(costs, -1).unflatten(0, now.shape[:2]), state


Rows = tuple[
    Any, Any, Any, Any
]  # classes [batch, window + 1, 5], style [batch, 2], mask [batch, window], fresh [batch]


def encoded(pieces: Sequence[CorpusPiece], vocabulary: Vocabulary) -> list[EncodedPiece]:
    """Return the pieces encoded for our batches, without guesses."""
    found = []
    for piece in pieces:
        rows, _ = encoding.classes(piece.notes)
        events = np.zeros((len(rows), encoding.COLUMNS), np.int16)
        events[:, :KNOWN] = rows
        found.append(EncodedPiece(events, vocabulary.style(piece.series, piece.game)))
    return found


def following(pieces: Sequence[EncodedPiece], recipe: NoteLSTMRecipe) -> Iterator[Rows]:
    """Yield our own batches of consecutive windows."""
    number = 0
    while True:
        for batch in batches.epoch(pieces, recipe, 0, number):
            yield batch.events[..., : PLACE + 1], batch.style, batch.mask, batch.fresh
        number += 1


def drawn(pieces: Sequence[EncodedPiece], recipe: NoteLSTMRecipe) -> Iterator[Rows]:
    """Yield random windows, in proportion to piece length and transposed like ours."""
    rng = np.random.default_rng(0)
    lengths = np.array([len(piece.events) - 1 for piece in pieces])
    shares = lengths / lengths.sum()
    while True:
        rows = np.zeros((recipe.batch, recipe.window + 1, PLACE + 1), np.int64)
        style, mask = np.full((recipe.batch, 2), UNKNOWN), np.zeros((recipe.batch, recipe.window), np.float32)
        for i, which in enumerate(rng.choice(len(pieces), recipe.batch, p=shares)):
            edge = recipe.window // 4  # sample starts and ends as often as middles
            start = int(rng.integers(-edge, max(1, lengths[which] - recipe.window + edge)))
            start = int(np.clip(start, 0, max(0, lengths[which] - recipe.window)))
            held = pieces[which].events[start : start + recipe.window + 1, : PLACE + 1].astype(np.int64)
            shift = int(rng.integers(1 - recipe.transpose, recipe.transpose + 1))
            held[:, PITCH] += np.clip(shift, -held[:, PITCH].min(), 127 - held[:, PITCH].max())
            rows[i, : len(held)], mask[i, : len(held) - 1] = held, 1
            kept = rng.random(2) >= recipe.style_dropout
            style[i] = np.where([kept[0], kept.all()], pieces[which].style, UNKNOWN)
        yield rows, style, mask, np.ones(recipe.batch, np.float32)


def carried(state: Any, fresh: Any) -> Any:
    """Return the state of an LSTM, reset in rows that start a new piece."""
    if state is None:
        return None
    stays = torch.from_numpy(1 - fresh)[None, :, None]
    return tuple(part.detach() * stays for part in state)


def trained(
    make: Callable[[], Any],
    settings: Settings,
    pieces: Sequence[CorpusPiece],
    vocabulary: Vocabulary,
    budget: Callable[[], float],
) -> tuple[NoteNetwork, float]:
    """Train until `budget` returns 1; return the network and its notes per second."""
    torch.manual_seed(0)
    learned = encoded(pieces, vocabulary)
    network = NoteNetwork(make(), len(vocabulary.series), len(vocabulary.games), settings.dropout)
    grouped: dict[bool, list[Any]] = {True: [], False: []}
    for name, weight in network.named_parameters():
        grouped[weight.ndim > 1 and not name.startswith("embed")].append(weight)
    optimizer = torch.optim.AdamW(
        [{"params": weights, "weight_decay": settings.weight_decay * decays} for decays, weights in grouped.items()],
        settings.rate,
        betas=(0.9, 0.98),
    )
    recipe = NoteLSTMRecipe(batch=settings.batch, window=settings.window)
    state, step, notes, since = None, 0, 0.0, time.perf_counter()
    for rows, style, mask, fresh in (following if settings.carried else drawn)(learned, recipe):
        used = budget()
        if used >= 1 and step:
            break
        warm = min(1.0, (step + 1) / settings.warmup)
        for group in optimizer.param_groups:
            group["lr"] = (
                settings.rate
                * warm
                * ((1 - FINAL_RATE_SHARE) * 0.5 * (1 + math.cos(math.pi * used)) + FINAL_RATE_SHARE)
            )
        state = carried(state, fresh) if settings.carried else None
        inputs = torch.as_tensor(rows, dtype=torch.long), torch.as_tensor(style, dtype=torch.long)
        with torch.autocast("cpu", torch.bfloat16) if settings.bfloat16 else nullcontext():
            costs, state = network.nats(*inputs, state)
        loss = (costs.sum(-1) * torch.from_numpy(mask)).sum() / float(mask.sum())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        step, notes = step + 1, notes + float(mask.sum())
    return network.eval(), notes / (time.perf_counter() - since)


@torch.no_grad()
def bits(network: NoteNetwork, pieces: Sequence[EncodedPiece]) -> Any:
    """Return the bits per note of each field [4], without each piece's first note.

    A body with unlimited context reads each piece from its start. A body with limited context reads overlapping
    windows that advance by a quarter of the context; from the second window on only the last quarter counts, so every
    note has at least three quarters of it.
    """
    context = network.body.context
    total, notes = np.zeros(len(FIELDS)), 0
    windows = []  # piece, first note, last note, first counted note
    for number, piece in enumerate(pieces):
        last = len(piece.events) - 1
        if context is None:
            windows.append((number, 0, last, 0))
            continue
        counted = 0
        while counted < last:
            end = min(last, counted + (context // 4 if counted else context))
            windows.append((number, max(0, end - context), end, counted))
            counted = end
    windows.sort(key=lambda window: window[1] - window[2])
    for at in range(0, len(windows), TOGETHER):
        held = windows[at : at + TOGETHER]
        rows = np.zeros((len(held), max(end - start for _, start, end, _ in held) + 1, PLACE + 1), np.int64)
        mask = np.zeros((len(held), rows.shape[1] - 1, 1))
        for row, (number, start, end, first) in enumerate(held):
            rows[row, : end - start + 1] = pieces[number].events[start : end + 1, : PLACE + 1]
            mask[row, first - start : end - start] = 1
        style = torch.tensor([pieces[number].style for number, *_ in held])
        costs, _ = network.nats(torch.from_numpy(rows), style)
        total += (costs.double().numpy() * mask).sum((0, 1))
        notes += int(mask.sum())
    if notes != sum(len(piece.events) - 1 for piece in pieces):
        raise ValueError("not every note was counted once")
    return total / notes / math.log(2)


@torch.no_grad()
def sampled(network: NoteNetwork, vocabulary: Vocabulary, count: int, notes: int, seed: int) -> list[Notes]:
    """Sample pieces with the default settings of our sampler, starting from openings of training pieces.

    The rules of our sampler are not applied, but notes that two hands cannot hold are released as in its pieces.
    """
    generators = [np.random.default_rng([seed, number]) for number in range(count)]
    starts = beginnings.make_prompts(vocabulary, vocabulary.openings, None, generators, notes, seed)
    settings = SamplingConfig(notes=notes)
    of_fields = list(zip(*(settings.by_field(name) for name in SETTINGS), strict=True))
    rows = np.stack([one.rows[:, : PLACE + 1] for one in starts]).astype(np.int64)
    tick = np.array([int(one.onsets[-1]) for one in starts])
    bars = np.array([bar_ticks(*one.meters[-1][1:]) for one in starts])
    style = torch.tensor([one.style for one in starts])
    context, state, read = network.body.context, None, 0
    while rows.shape[1] < notes:
        if (
            context is not None and rows.shape[1] - read + 1 > context
        ):  # drop the oldest quarter and read the rest again
            state, read = None, rows.shape[1] - context * 3 // 4
        fed = rows[:, -1:] if state is not None else rows[:, read:]
        above, state = network.read(torch.from_numpy(fed), style, state)
        now = torch.zeros((count, PLACE + 1), dtype=torch.long)
        for column, name in enumerate(FIELDS):
            logits = network.logits(name, above[:, -1], now).numpy()
            rng = np.array([rng.random() for rng in generators])
            now[:, column] = torch.from_numpy(choose(logits, rng, of_fields[column]))
            if column == TIME:
                tick = tick + EDGES[now[:, TIME].numpy()]
                now[:, PLACE] = torch.from_numpy(np.minimum(tick % bars, PLACES - 1))
        rows = np.concatenate([rows, now.numpy()[:, None]], axis=1)
    rows = np.pad(rows, ((0, 0), (0, 0), (0, KNOWN - rows.shape[2])))  # the bar's length plays no part
    made = [list(piece[1:].astype(np.int32)) for piece in rows]
    return [finish_piece(one, piece, 2**30, None) for one, piece in zip(starts, made, strict=True)]
