"""A small decoder-only transformer as the body of a note-by-note network.

Pre-norm blocks of causal attention (PyTorch's scaled_dot_product_attention) with rotary positions (Su et al. 2021,
"RoFormer") and a feed-forward layer of four times the width with GELU; dropout on both residual branches. Four blocks
of width 256 have about as many weights as our network. The context is 256 notes. Embeddings and outputs are in
`notewise.py`. Only benchmarks import this module.
"""

from typing import Any

import torch
from torch import nn
from torch.nn.functional import scaled_dot_product_attention

CONTEXT = 256  # notes


def rotated(x: Any, first: int) -> Any:
    """Return `x` [batch, heads, notes, width] rotated by position, from `first` on."""
    half = x.shape[-1] // 2
    speed = 10_000.0 ** (-torch.arange(half, dtype=torch.float32) / half)
    angle = torch.arange(first, first + x.shape[2], dtype=torch.float32)[:, None] * speed
    cos, sin = angle.cos().to(x.dtype), angle.sin().to(x.dtype)
    a, b = x[..., :half], x[..., half:]
    return torch.cat([a * cos - b * sin, a * sin + b * cos], -1)


class Block(nn.Module):
    """Attention and a feed-forward layer, each with a residual connection."""

    def __init__(self, width: int, heads: int, drop: float):
        super().__init__()
        self.heads = heads
        self.before, self.between = nn.LayerNorm(width), nn.LayerNorm(width)
        self.projected, self.gathered = nn.Linear(width, 3 * width, bias=False), nn.Linear(width, width, bias=False)
        self.wide, self.narrow = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.drop = nn.Dropout(drop)

    def forward(self, x: Any, past: Any) -> Any:
        """Return the block's output and the keys and values; `past` is None at the start."""
        query, key, value = (
            part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in self.projected(self.before(x)).chunk(3, -1)
        )
        first = 0 if past is None else past[0].shape[2]
        query, key = rotated(query, first), rotated(key, first)
        if past is not None:  # one note at a time, which attends to all before it
            key, value = torch.cat([past[0], key], 2), torch.cat([past[1], value], 2)
        seen = scaled_dot_product_attention(query, key, value, is_causal=past is None)
        x = x + self.drop(self.gathered(seen.transpose(1, 2).flatten(2)))
        x = x + self.drop(self.narrow(nn.functional.gelu(self.wide(self.between(x)))))
        return x, (key, value)


class Transformer(nn.Module):
    """The body, [batch, notes, width] in and out; the state is keys and values."""

    context: int | None = CONTEXT

    def __init__(self, width: int = 256, layers: int = 4, heads: int = 4, drop: float = 0.1):
        super().__init__()
        self.width = width
        self.blocks = nn.ModuleList([Block(width, heads, drop) for _ in range(layers)])
        self.last = nn.LayerNorm(width)
        for name, weight in self.named_parameters():
            if weight.ndim > 1:
                after = name.endswith(("gathered.weight", "narrow.weight"))
                nn.init.normal_(weight, std=0.02 / (2 * layers) ** 0.5 if after else 0.02)

    def forward(self, x: Any, state: Any = None) -> Any:
        after = []
        for block, past in zip(self.blocks, state or [None] * len(self.blocks), strict=True):
            x, kept = block(x, past)
            after.append(kept)
        return self.last(x), after
