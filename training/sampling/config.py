"""What a composer is asked for: how many pieces, how long, how bold, in which style; and what of it cannot be granted.

Pure: numbers and names that a caller gave, checked by type and range before anything is opened.
"""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

from catalog.base.errors import UsageError
from training.events.classes import FIELDS
from training.novelty.passages import SEED

ByField = float | Mapping[str, float]
"""One number for all fields, or numbers by field: time, pitch, duration, velocity; the default for those left out."""

TEMPERATURE, TOP_P, TOP_K = 1.0, 0.97, 0
DEFAULTS = {"temperature": TEMPERATURE, "top_p": TOP_P, "top_k": TOP_K}
MAX_COPY = 24
MAX_SHOWN = 40  # characters of a wrong value that are shown


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplingConfig:
    """What to compose. A stream ends at `notes` notes, or on the bar line after `seconds` or `bars`, whichever comes first; what a
    prime holds is not counted: it ends with the bar in which its last note begins. The last notes sound to a bar line.

    What is drawn from are the likeliest classes: `top_k` of them at most (0: any number) that hold `top_p` of the probability.
    """

    count: int = 1
    notes: int | None = None
    seconds: float | None = None
    bars: int | None = None
    temperature: ByField = TEMPERATURE  # > 0; below 1 plays safe, above 1 is bold
    top_p: ByField = TOP_P
    top_k: ByField = TOP_K
    seed: int = 0
    series: str | None = None
    game: str | None = None
    style: Mapping[str, float] | None = None  # games or series, each with its weight
    max_copy: int = MAX_COPY  # right notes of a passage that stands in what was learned, at most; 0 for any number
    without_prime: bool = False  # return what follows a prime alone, from the first bar that is not the prime's

    def __post_init__(self) -> None:
        """Refuse what cannot be composed. Raises UsageError for a wrong type as for a wrong value."""
        checks: tuple[tuple[str, Callable[[Any], bool], str], ...] = (
            ("count", lambda n: _is_whole(n) and 1 <= n <= 1000, "from 1 to 1,000"),
            ("notes", lambda n: n is None or (_is_whole(n) and 2 <= n <= 100_000), "from 2 to 100,000"),
            ("seconds", lambda n: n is None or (_is_real(n) and 0 < n <= 3600), "above 0 and at most 3,600"),
            ("bars", lambda n: n is None or (_is_whole(n) and 1 <= n <= 10_000), "from 1 to 10,000"),
            ("temperature", _for_each_field("temperature", lambda t: 0 < t <= 10), "above 0 and at most 10"),
            ("top_p", _for_each_field("top_p", lambda p: 0 < p <= 1), "above 0 and at most 1"),
            ("top_k", _for_each_field("top_k", lambda k: k in range(129)), "a whole number from 0 to 128"),
            ("seed", lambda n: _is_whole(n) and n >= 0, "a whole number from 0"),
            ("series", _is_name, "the name of a series"),
            ("game", _is_name, "the name of a game"),
            ("style", _is_mixture, "names of games or series, each with a number above 0"),
            (
                "max_copy",
                lambda n: _is_whole(n) and (n == 0 or SEED <= n <= 10_000),
                f"0 for no limit, or from {SEED} to 10,000",
            ),
            ("without_prime", lambda flag: isinstance(flag, bool), "True or False"),
        )
        for name, is_valid, wanted in checks:
            value = getattr(self, name)
            if not is_valid(value):
                raise UsageError(f"{_option(name)} must be {wanted}, not {_shown(value)}")
        if self.notes is None and self.seconds is None and self.bars is None:
            raise UsageError("--notes, --bars or --seconds must say how long")
        if self.style and (self.series or self.game):
            raise UsageError("--style and --series or --game both say what style; give one")

    def by_field(self, setting: str) -> tuple[float, ...]:
        """Return temperature, top_p or top_k for each field."""
        value: ByField = getattr(self, setting)
        if not isinstance(value, Mapping):
            return (float(value),) * len(FIELDS)
        return tuple(float(value.get(name, DEFAULTS[setting])) for name in FIELDS)


def _is_whole(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)


def _is_real(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def _for_each_field(setting: str, is_valid: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """Return the check of a setting that is a number, or numbers by field."""

    def check(value: Any) -> bool:
        numbers = list(value.values()) if isinstance(value, Mapping) else [value]
        if unknown := [name for name in value if name not in FIELDS] if isinstance(value, Mapping) else []:
            raise UsageError(f"{_option(setting)}: no field {_shown(unknown[0])}; there are {', '.join(FIELDS)}")
        return all(_is_real(number) and is_valid(number) for number in numbers)

    return check


def _is_name(value: Any) -> bool:
    return value is None or isinstance(value, str)


def _is_mixture(value: Any) -> bool:
    if value is None:
        return True
    return isinstance(value, Mapping) and all(
        isinstance(name, str) and _is_real(weight) and 0 < weight <= sys.float_info.max
        for name, weight in value.items()
    )


def _option(name: str) -> str:
    return "--" + name.replace("_", "-")


def _shown(value: Any) -> str:
    """Return a wrong value as a message shows it: one line, and short."""
    try:
        text = " ".join(repr(value).split())
    except ValueError:  # a whole number of more digits than Python writes
        text = "so large a number"
    return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 1] + "…"
