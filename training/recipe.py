"""Recipes: the settings of networks and their training, as frozen records.

A recipe is converted to JSON and back without loss; unknown settings are refused. Corpus, seed and budget of one run
are not part of it. The implementation of a recipe is a `training.learner.Learner`; `training.recipes` lists them, and
each is imported when it is first used.
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
from training.recipes import RECIPES

Units = Annotated[int, Meta(ge=1, le=65_536)]
"""A number of units, windows or tokens."""
Layers = Annotated[int, Meta(ge=1, le=64)]
"""A number of layers."""
Dropout = Annotated[float, Meta(ge=0, lt=1)]
"""A dropout rate."""
Minutes = Annotated[float, Meta(gt=0, le=100_000)]
"""A budget in minutes."""
Epochs = Annotated[int, Meta(ge=1, le=1_000_000)]
"""A number of epochs or steps."""
Notes = Annotated[int, Meta(ge=1, le=10**12)]
"""A number of notes."""
Semitones = Annotated[int, Meta(ge=0, le=127)]
"""A transposition in semitones."""

Keep = Literal["validation", "training"]
"""Which epoch's weights are kept: the one with the lowest validation figure, or the lowest training figure."""

LARGEST_BYTES = 1 << 20  # of a recipe
REMEDY = "see `recipe.json` of a run for the format"


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """Columns, units and wording of a recipe's figures."""

    train: str  # column of the training figure; lower is better
    held: str  # column of the validation figure
    unit: str  # of both figures
    speed: str  # column of the training speed
    speed_unit: str
    fields: tuple[str, ...] = ()  # columns that add up to `held`
    decimals: int = 2  # of figures on pages
    shows_training: bool = False  # whether the top of the page shows the lowest training figure
    meaning: str = ""  # a sentence that explains the unit


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """The settings of a recipe; `minutes` and `epochs` are its default budget."""

    row: ClassVar[type[Any]]  # dataclass of one row of metrics.csv; has fields `epoch` and `seconds`
    terms: ClassVar[Terms]
    keep: ClassVar[Keep] = "validation"  # which epoch's weights are kept by default
    # a later epoch is kept, too, if its held-out figure is less than this above the best
    nearly_best: ClassVar[float] = 0.0
    kind: str  # which recipe this is

    @property
    def budget(self) -> Budget:
        """The default budget."""
        return Budget(getattr(self, "minutes", None), getattr(self, "epochs", None))


def implementation(kind: str) -> Any:
    """Return the `Learner` class of a recipe.

    It is imported at the first call.
    """
    module, _, name = RECIPES[kind].partition(":")
    return getattr(import_module(module), name)


def record(kind: str) -> type[Recipe]:
    """Return the type of a recipe's settings."""
    return cast(type[Recipe], implementation(kind).recipe)


def to_json(recipe: Recipe) -> str:
    """Return the recipe as JSON text; deterministic."""
    return json.dumps(asdict(recipe), indent=2, sort_keys=True) + "\n"


def from_json(text: str | bytes, where: str) -> Recipe:
    """Parse a recipe. Raises TrainingError for an unknown setting or a wrong type."""
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
    """Return the recipe of that name, or the one in that JSON file.

    Raises UsageError if there is neither.
    """
    if name in RECIPES:
        return plain(name)
    if not Path(name).is_file():
        raise UsageError(f"no recipe {name!r}; there are {', '.join(RECIPES)}, or give a JSON file")
    return from_json(read_bytes(Path(name), fail=TrainingError, remedy=REMEDY, max_bytes=LARGEST_BYTES), name)


def plain(kind: str) -> Recipe:
    """Return the recipe of that kind with default settings."""
    return record(kind)()  # type: ignore[call-arg]  # every recipe has a default for `kind`


def digest(content: str | bytes) -> str:
    """Return the SHA-256 of text or bytes as hexadecimal digits."""
    return hashlib.sha256(content.encode() if isinstance(content, str) else content).hexdigest()
