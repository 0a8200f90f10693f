"""The note-level network in PyTorch: what `training.network.network` is in Keras, to compare the speed of both."""

from itertools import combinations
from typing import Any

import numpy as np
import torch
from torch import nn

from training.events import character, ears, encoding, plan_columns
from training.events import fields as events
from training.events.repeat_models import CONFIDENCES, GUESSES
from training.network.layout import (
    CONFIDENCE_WIDTH,
    EMBEDDINGS,
    ENTERING,
    EXTRA_SCORES,
    HEADS,
    INTERVAL_TABLES,
    INTERVALS,
    OTHER_SIZES,
    VALUE_FEATURES,
    VALUE_SETS,
    bar_features,
    chord_is_complete,
    hand_features,
    in_chroma,
    inputs_width,
    range_features,
    release_features,
)
from training.note_lstm.recipe import NoteLSTMRecipe


def twin(recipe: NoteLSTMRecipe, series: int, games: int) -> Any:
    """Return our network in PyTorch: a module of events and styles that gives the loss in nats."""

    class NoteNetwork(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            sizes = {**events.SIZES, **OTHER_SIZES, "series": series + 1, "game": games + 1}
            self.embed = nn.ModuleDict({n: nn.Embedding(sizes[n], w) for n, w in EMBEDDINGS.items()})
            self.trust = nn.ModuleDict({n: nn.Embedding(k * CONFIDENCES, CONFIDENCE_WIDTH) for n, k in GUESSES.items()})
            self.gain = nn.ModuleDict({n: nn.Embedding(k * CONFIDENCES, 1) for n, k in GUESSES.items()})
            self.intervals = nn.Embedding(INTERVALS, INTERVAL_TABLES * len(ears.COUNTS))
            for name, table in constants.items():
                self.register_buffer(name, table)
            self.enter = nn.Linear(inputs_width(ENTERING), recipe.width)
            self.lstm = nn.LSTM(recipe.width, recipe.width, recipe.layers, batch_first=True, dropout=recipe.dropout)
            self.hidden = nn.ModuleDict(
                {n: nn.Linear(recipe.width + inputs_width(b), recipe.head) for n, b in HEADS.items()}
            )
            self.out = nn.ModuleDict(
                {n: nn.Linear(recipe.head, events.SIZES[n] + GUESSES[n] + EXTRA_SCORES[n]) for n in HEADS}
            )
            self.drop = nn.Dropout(recipe.dropout)

        def forward(self, rows: Any, style: Any) -> Any:
            now, last = rows[:, 1:], rows[:, :-1]
            seen = {}
            for column, name in enumerate((*events.FIELDS, "place")):
                seen[name], seen[f"last_{name}"] = (
                    self.embed[name](now[..., column]),
                    self.embed[name](last[..., column]),
                )
            any_time = (now[..., encoding.CONFIDENCE["time"]][..., :1] > 0).float()
            seen["next_pitch"] = self.embed["pitch"](now[..., encoding.NEXT_PITCH]) * any_time
            seen["next_duration"] = self.embed["duration"](now[..., encoding.NEXT_DURATION]) * any_time
            for name, count in GUESSES.items():
                guess, trust = now[..., encoding.GUESS[name]], now[..., encoding.CONFIDENCE[name]]
                any_ = (trust > 0).float()
                seen[f"guess_{name}"] = self.embed[name](guess[..., 0]) * any_[..., :1]
                seen[f"trust_{name}"] = self.trust[name](trust + torch.arange(count) * CONFIDENCES).flatten(2)
                pairs = [
                    (guess[..., a] == guess[..., b]) * any_[..., a] * any_[..., b]
                    for a, b in combinations(range(count), 2)
                ]
                seen[f"agree_{name}"] = torch.stack(pairs, -1)
            planned = enumerate(plan_columns.INPUTS, start=encoding.PLANNED.start)
            for column, name in (*planned, *enumerate(ears.LINE, start=encoding.LINE.start)):
                kind = name.rpartition("_")[2]
                if kind == "chroma":
                    seen[name] = in_chroma(now[..., column, None], self.pitches[:12]).float()
                else:
                    seen[name] = self.embed[kind](now[..., column])
            seen["sounding_voices"] = self.embed["voices"]((now[..., encoding.SOUNDING] > 0).sum(-1))
            for name, first, count in ears.GROUPS:
                pitches = now[..., encoding.HEARD][..., first : first + count]
                known = (pitches > 0).float()[..., None]
                seen[f"{name}_heard"] = (self.embed["heard"]((pitches - 1).clamp(min=0)) * known).sum(-2)
            tones = torch.log(now[..., encoding.PITCH_CLASS_SHARES].float() / 1000 + 0.02) + 2.5
            seen["tones"] = tones
            for column, name in enumerate(("series", "game")):
                seen[name] = self.embed[name](style[:, column])[:, None].expand(-1, now.shape[1], -1)
            state = self.drop(self.lstm(self.drop(self.enter(torch.cat([seen[n] for n in ENTERING], -1))))[0])
            total = 0.0
            for column, (name, beside) in enumerate(HEADS.items()):
                hidden = torch.relu(self.hidden[name](torch.cat([state, *(seen[n] for n in beside)], -1)))
                scores = self.out[name](self.drop(hidden))
                classes, count = events.SIZES[name], GUESSES[name]
                guess, trust = now[..., encoding.GUESS[name]], now[..., encoding.CONFIDENCE[name]]
                gain = (
                    scores[..., classes : classes + count]
                    + self.gain[name](trust + torch.arange(count) * CONFIDENCES)[..., 0]
                ) * (trust > 0)
                logits = scores[..., :classes].scatter_add(-1, guess, gain)
                extra = scores[..., classes + count :]
                if name == "pitch":
                    logits = logits + self.pitch_scores(extra, tones, now)
                elif name in ("time", "duration"):
                    place = last[..., events.PLACE] if name == "time" else now[..., events.PLACE]
                    features = [
                        *bar_features(
                            last[..., events.BAR, None] - place[..., None], last[..., events.BAR, None], self.edges
                        )
                    ]
                    if name == "time":
                        ticks = [now[..., at, None] for at in range(encoding.COLUMNS)[encoding.RELEASES]]
                        features += release_features(ticks, self.edges)
                    features += self.value_features(now, name)
                    if name == "time":
                        top, pitch = now[..., encoding.BAR_TOP, None], last[..., events.PITCH, None]
                        features.append(chord_is_complete(pitch, top, self.edges))
                    beat = extra[..., : events.BEAT].gather(-1, (place[..., None] + self.edges) % events.BEAT)
                    logits = logits + beat + weighted(extra[..., events.BEAT :], features)
                total = total + nn.functional.cross_entropy(logits.flatten(0, 1), now[..., column].flatten())
            return total

        def pitch_scores(self, extra: Any, tones: Any, now: Any) -> Any:
            by_class = tones.unflatten(-1, (2, 12)).repeat(1, 1, 1, 11)[..., : events.PITCHES]
            total = weighted(extra, by_class.unbind(-2))
            scale = now[..., encoding.OWN_SCALE, None]
            degree = (self.pitches - scale + 1) % 12
            total = total + extra[..., 2:14].gather(-1, degree) * (scale > 0)
            top, bottom, high, low, left_top, right_bottom, left, right = (
                now[..., column, None]
                for column in (
                    *encoding.OWN_RANGE,
                    *encoding.REACHED,
                    *encoding.OWN_HANDS,
                    *encoding.HAND_CHROMA,
                )
            )
            hands = hand_features(left_top, right_bottom, self.pitches)
            of_hand = torch.where(hands[0], in_chroma(left, self.pitches), in_chroma(right, self.pitches))
            chromas = (in_chroma(now[..., column, None], self.pitches) for column in encoding.OWN_CHROMA)
            features = (*range_features((top, bottom), (high, low), self.pitches), *hands, of_hand, *chromas)
            total = total + weighted(extra[..., 14:], features)
            weights = extra[..., 14 + len(features) :].unflatten(-1, (-1, INTERVAL_TABLES)).clone()
            weights[..., 0] += 1
            interval = self.pitches[None] - self.pitches[:, None] + events.PITCHES - 1
            tables = self.intervals(interval).unflatten(-1, (-1, INTERVAL_TABLES))  # [heard, coming, group, table]
            for group, (_, first, count) in enumerate(ears.GROUPS):
                heard = now[..., encoding.HEARD][..., first : first + count]
                near = torch.zeros(*heard.shape[:2], events.PITCHES + 1)
                near = near.scatter_add(-1, heard, torch.ones(heard.shape))[..., 1:]
                scores = (near @ tables[:, :, group].flatten(1)).unflatten(-1, (events.PITCHES, INTERVAL_TABLES))
                total = total + (scores @ weights[..., group, :, None])[..., 0]
            return total

        def value_features(self, now: Any, name: str) -> list[Any]:
            planned = now[..., encoding.VALUES[name]]
            return [planned[..., of_set] & self.value_bits > 0 for of_set in self.value_sets[: VALUE_FEATURES[name]]]

    def weighted(weights: Any, features: Any) -> Any:
        """Return the sum of features [..., classes], each times its weight."""
        return sum(weights[..., at : at + 1] * feature for at, feature in enumerate(features))

    constants = {
        "edges": torch.tensor(events.EDGES, dtype=torch.long),
        "pitches": torch.arange(events.PITCHES),
        "value_sets": torch.tensor(np.stack(VALUE_SETS), dtype=torch.long),  # the column of each class, in each set
        "value_bits": torch.tensor(np.where(character.VALUES < 0, 0, 2 ** (character.VALUES % character.VALUE_BITS))),
    }
    torch.manual_seed(0)
    return NoteNetwork()
