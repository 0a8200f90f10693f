"""How a network is built and trained, as data: two recipes, each a frozen record that goes to JSON and back without loss.

What is asked of one run (corpus, seed, minutes) is no part of a recipe. Unknown settings are refused, never ignored.
"""

import hashlib
import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Annotated, Any, Literal

from msgspec import Meta

from catalog.base.errors import TrainingError, UsageError
from catalog.storage.reading import Above0, NotNegative, Share, convert, parse_json, read_bytes

Units = Annotated[int, Meta(ge=1, le=65_536)]
"""How many units, windows or tokens."""
Layers = Annotated[int, Meta(ge=1, le=64)]
"""How many layers."""
Dropout = Annotated[float, Meta(ge=0, lt=1)]
"""A share that is dropped."""
Minutes = Annotated[float, Meta(gt=0, le=100_000)]
"""A budget of time."""
Epochs = Annotated[int, Meta(ge=1, le=1_000_000)]
"""A budget of epochs, or a number of them."""
Notes = Annotated[int, Meta(ge=1, le=10**12)]
"""A number of notes."""
Semitones = Annotated[int, Meta(ge=0, le=127)]
"""How far music may be moved."""

LARGEST_BYTES = 1 << 20  # of a recipe
REMEDY = "write a recipe as `recipe.json` of a run shows it"


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteLSTMRecipe:
    """The note-level network: one LSTM step a note, a factorised output, the repeat model and the style as inputs."""

    kind: Literal["note-lstm"] = "note-lstm"  # which recipe this is
    width: Units = 384  # units of each LSTM layer
    layers: Layers = 2  # LSTM layers
    head: Units = 256  # hidden units of each of the four outputs
    dropout: Dropout = 0.2  # share of activations dropped, 0–1
    style_dropout: Share = 0.3  # share of windows trained without series or game, so that a style is optional
    batch: Units = 256  # windows a step
    window: Units = 8  # notes a window; what came before is remembered, the state goes on
    epoch_notes: Notes = 65_536  # an epoch is the training notes once, and again until it is at least so many
    learning_rate: Above0 = 4e-3  # the highest, after the warm-up
    weight_decay: NotNegative = 0.01  # of AdamW
    warmup: Epochs = 50  # steps in which the learning rate rises
    transpose: Semitones = 6  # a window is moved by -transpose+1 … transpose semitones, afresh each time
    validation_notes: Notes = (
        24_576  # pieces of about so many notes are validated on after an epoch, where there are more
    )
    patience: Epochs = 12  # epochs without a better validation before training stops
    minutes: Minutes = 10.0  # budget where none is given
    precision: Literal["auto", "float32", "mixed_bfloat16"] = "auto"  # auto, float32 or mixed_bfloat16


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassicRecipe:
    """The original experiment of 2018, whole: music21 tokens, three LSTMs, one predicted token a window."""

    kind: Literal["classic"] = "classic"  # which recipe this is
    width: Units = 512  # units of each LSTM layer
    layers: Layers = 3  # LSTM layers
    dense: Units = 256  # units of the layer before the output
    dropout: Dropout = 0.5  # share of activations dropped, 0–1
    batch: Units = 32  # windows a step
    window: Units = 100  # tokens of which the next one is predicted
    epochs: Epochs = 250  # budget where none is given
    sample_tokens: Units = 500  # length of a sample
    sample_step: Above0 = 0.5  # quarter notes from one token to the next


Recipe = NoteLSTMRecipe | ClassicRecipe
RECIPES: dict[str, type[NoteLSTMRecipe] | type[ClassicRecipe]] = {
    "note-lstm": NoteLSTMRecipe,
    "classic": ClassicRecipe,
}


def to_json(recipe: Recipe) -> str:
    """Return the recipe as JSON text, the same for the same recipe."""
    return json.dumps(asdict(recipe), indent=2, sort_keys=True) + "\n"


def from_json(text: str | bytes, where: str) -> Recipe:
    """Return the recipe that `text` holds. Raises TrainingError where a setting is unknown or of the wrong type."""
    settings = parse_json(text, dict[str, Any], where, fail=TrainingError, remedy=REMEDY)
    kind = settings.get("kind")
    if not isinstance(kind, str) or kind not in RECIPES:
        raise TrainingError(f'{where}: "kind" must be one of {", ".join(RECIPES)}, not {kind!r}')
    known = {field.name for field in fields(RECIPES[kind])}
    for name in settings:
        if name not in known:
            raise TrainingError(f"{where}: recipe {kind} has no setting {name!r}; it has {', '.join(sorted(known))}")
    return convert(settings, RECIPES[kind], where, fail=TrainingError, remedy=REMEDY)


def load(name: str) -> Recipe:
    """Return the recipe of that name, or the one in that JSON file."""
    if name in RECIPES:
        return RECIPES[name]()
    if not Path(name).is_file():
        raise UsageError(f"no recipe {name!r}; there are {', '.join(RECIPES)}, or give a JSON file")
    return from_json(read_bytes(Path(name), fail=TrainingError, remedy=REMEDY, largest=LARGEST_BYTES), name)


def digest(text: str) -> str:
    """Return the SHA-256 of `text`, hexadecimal: how a run knows that its parts belong together."""
    return hashlib.sha256(text.encode()).hexdigest()
