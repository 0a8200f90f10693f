"""How a network is built and trained, as data: a recipe is a frozen record that goes to JSON and back without loss.

What is asked of one run (corpus, seed, minutes) is no part of a recipe. Unknown settings are refused, never ignored. What a recipe
does is in its folder, behind `training.learner.Learner`; RECIPES says where, and it is imported only when that recipe is used.
"""

import hashlib
import json
from dataclasses import asdict, dataclass, fields
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, cast

from msgspec import Meta

from catalog.base.errors import TrainingError, UsageError
from catalog.storage.reading import convert, parse_json, read_bytes
from training.progress import Budget

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

Keep = Literal["validation", "training"]
"""Which epoch's weights are kept: that of the lowest validation figure, or of the lowest training figure, as the original did."""

LARGEST_BYTES = 1 << 20  # of a recipe
REMEDY = "write a recipe as `recipe.json` of a run shows it"
DEFAULT = "note-lstm"  # where none is named; its runs are called as their corpus is
RECIPES = {
    "note-lstm": "training.note_lstm.learner:NoteLSTMLearner",
    "classic": "training.classic.learner:ClassicLearner",
}
"""Where the `Learner` of each recipe is: MODULE:CLASS. A recipe is added here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """In which columns of metrics.csv a recipe's figures stand, in which units, and how the page of a run words them."""

    train: str  # the column of the training figure, lower is better
    held: str  # the column of the validation figure
    unit: str  # of both
    speed: str  # the column of what is learned in a second
    speed_unit: str
    fields: tuple[str, ...] = ()  # columns that add up to `held`
    decimals: int = 2  # of figures on pages
    shows_training: bool = False  # whether the lowest training figure stands at the top of the page
    meaning: str = ""  # a sentence that says how to read the unit


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """The settings of a recipe. Settings named `minutes` or `epochs` are its budget where none is given."""

    row: ClassVar[
        type[Any]
    ]  # a dataclass: one epoch's line of metrics.csv, with `epoch` and `seconds` among its fields
    terms: ClassVar[Terms]
    keep: ClassVar[Keep] = "validation"  # which epoch's weights are kept where nothing is asked
    kind: str  # which recipe this is

    @property
    def budget(self) -> Budget:
        """How long to train where nothing is asked."""
        return Budget(getattr(self, "minutes", None), getattr(self, "epochs", None))


def implementation(kind: str) -> Any:
    """Return the `Learner` class of a recipe, imported when it is first asked for; `training.learner` gives an instance."""
    module, _, name = RECIPES[kind].partition(":")
    return getattr(import_module(module), name)


def record(kind: str) -> type[Recipe]:
    """Return the type of a recipe's settings."""
    return cast(type[Recipe], implementation(kind).recipe)


def to_json(recipe: Recipe) -> str:
    """Return the recipe as JSON text, the same for the same recipe."""
    return json.dumps(asdict(recipe), indent=2, sort_keys=True) + "\n"


def from_json(text: str | bytes, where: str) -> Recipe:
    """Return the recipe that `text` holds. Raises TrainingError where a setting is unknown or of the wrong type."""
    settings = parse_json(text, dict[str, Any], where, fail=TrainingError, remedy=REMEDY)
    kind = settings.get("kind")
    if not isinstance(kind, str) or kind not in RECIPES:
        raise TrainingError(f'{where}: "kind" must be one of {", ".join(RECIPES)}, not {kind!r}')
    of_kind = record(kind)
    known = {field.name for field in fields(of_kind)}
    for name in settings:
        if name not in known:
            raise TrainingError(f"{where}: recipe {kind} has no setting {name!r}; it has {', '.join(sorted(known))}")
    return convert(settings, of_kind, where, fail=TrainingError, remedy=REMEDY)


def load(name: str) -> Recipe:
    """Return the recipe of that name, or the one in that JSON file."""
    if name in RECIPES:
        return plain(name)
    if not Path(name).is_file():
        raise UsageError(f"no recipe {name!r}; there are {', '.join(RECIPES)}, or give a JSON file")
    return from_json(read_bytes(Path(name), fail=TrainingError, remedy=REMEDY, max_bytes=LARGEST_BYTES), name)


def plain(kind: str) -> Recipe:
    """Return the recipe of that kind with its default settings."""
    return record(kind)()  # type: ignore[call-arg]  # each has a default for its kind


def digest(content: str | bytes) -> str:
    """Return the SHA-256 of a text or bytes, hexadecimal: how a run knows that its parts belong together."""
    return hashlib.sha256(content.encode() if isinstance(content, str) else content).hexdigest()
