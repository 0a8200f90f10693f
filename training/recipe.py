"""How a network is built and trained, as data: two recipes, each a frozen record that goes to JSON and back without loss.

What is asked of one run (corpus, seed, minutes) is no part of a recipe. Unknown settings are refused, never ignored.
"""

import hashlib
import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from catalog.errors import TrainingError, UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteLSTMRecipe:
    """The note-level network: one LSTM step a note, a factorised output, the repeat model and the style as inputs."""

    kind: str = "note-lstm"  # which recipe this is
    width: int = 384  # units of each LSTM layer
    layers: int = 2  # LSTM layers
    head: int = 256  # hidden units of each of the four outputs
    dropout: float = 0.2  # share of activations dropped, 0–1
    style_dropout: float = 0.3  # share of windows trained without series or game, so that a style is optional
    batch: int = 256  # windows a step
    window: int = 8  # notes a window; what came before is remembered, the state goes on
    epoch_notes: int = 65_536  # an epoch is the training notes once, and again until it is at least so many
    learning_rate: float = 4e-3  # the highest, after the warm-up
    weight_decay: float = 0.01  # of AdamW
    warmup: int = 50  # steps in which the learning rate rises
    transpose: int = 6  # a window is moved by -transpose+1 … transpose semitones, afresh each time
    validation_notes: int = (
        24_576  # pieces of about so many notes are validated on after an epoch, where there are more
    )
    patience: int = 12  # epochs without a better validation before training stops
    minutes: float = 10.0  # budget where none is given
    precision: str = "auto"  # auto, float32 or mixed_bfloat16


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassicRecipe:
    """The original experiment of 2018, whole: music21 tokens, three LSTMs, one predicted token a window."""

    kind: str = "classic"  # which recipe this is
    width: int = 512  # units of each LSTM layer
    layers: int = 3  # LSTM layers
    dense: int = 256  # units of the layer before the output
    dropout: float = 0.5  # share of activations dropped, 0–1
    batch: int = 32  # windows a step
    window: int = 100  # tokens of which the next one is predicted
    epochs: int = 250  # budget where none is given
    sample_tokens: int = 500  # length of a sample
    sample_step: float = 0.5  # quarter notes from one token to the next


Recipe = NoteLSTMRecipe | ClassicRecipe
RECIPES: dict[str, type[NoteLSTMRecipe] | type[ClassicRecipe]] = {
    "note-lstm": NoteLSTMRecipe,
    "classic": ClassicRecipe,
}


def to_json(recipe: Recipe) -> str:
    """Return the recipe as JSON text, the same for the same recipe."""
    return json.dumps(asdict(recipe), indent=2, sort_keys=True) + "\n"


def from_json(text: str, where: str) -> Recipe:
    """Return the recipe that `text` holds. Raises TrainingError where a setting is unknown or of the wrong type."""
    try:
        settings = json.loads(text)
    except json.JSONDecodeError as error:
        raise TrainingError(f"{where}: not JSON ({error}); write a recipe as `recipe.json` of a run shows it") from None
    kind = settings.get("kind") if isinstance(settings, dict) else None
    if not isinstance(kind, str) or kind not in RECIPES:
        raise TrainingError(f'{where}: "kind" must be one of {", ".join(RECIPES)}, not {kind!r}')
    known = {field.name: field.type for field in fields(RECIPES[kind])}
    for name, value in settings.items():
        if name not in known:
            raise TrainingError(f"{where}: recipe {kind} has no setting {name!r}; it has {', '.join(sorted(known))}")
        wanted = (int, float) if known[name] is float else known[name]
        if isinstance(value, bool) or not isinstance(value, wanted):  # type: ignore[arg-type]
            raise TrainingError(f"{where}: {name} must be of type {known[name].__name__}, not {value!r}")  # type: ignore[union-attr]
    return RECIPES[kind](**settings)


def load(name: str) -> Recipe:
    """Return the recipe of that name, or the one in that JSON file."""
    if name in RECIPES:
        return RECIPES[name]()
    if not Path(name).is_file():
        raise UsageError(f"no recipe {name!r}; there are {', '.join(RECIPES)}, or give a JSON file")
    return from_json(Path(name).read_text(encoding="utf-8"), name)


def digest(text: str) -> str:
    """Return the SHA-256 of `text`, hexadecimal: how a run knows that its parts belong together."""
    return hashlib.sha256(text.encode()).hexdigest()
