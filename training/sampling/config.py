"""`SamplingConfig`: settings for composing, checked by type and range.

Pure. Everything is checked before any file is opened.
"""

import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from numbers import Integral, Real
from typing import Any, Literal

from catalog.base.errors import UsageError
from training.events.fields import FIELDS
from training.novelty.seed_hashes import SEED

ByField = float | Mapping[str, float]
"""One number for all fields, or numbers by field (time, pitch, duration, velocity) with defaults for the others."""

TEMPERATURE, TOP_K, MIN_P = 1.0, 0, 0.0
TOP_P = {"time": 0.4, "pitch": 0.4, "duration": 0.4, "velocity": 0.8}
DEFAULTS: dict[str, ByField] = {"temperature": TEMPERATURE, "top_p": TOP_P, "top_k": TOP_K, "min_p": MIN_P}
MAX_COPY = 24
Harmony = Literal["other", "own"]
OTHER: Harmony = "other"
OWN: Harmony = "own"
"""Of which training piece the harmony of a new piece is: another one than that whose form it follows, or the same one."""
SECTION_BARS = 8
LOOP_BARS = 16
MAX_FORM_BARS = 1024  # for which there is a plan
MAX_INTRO = 64  # bars
MAX_COUNT = 1000  # pieces that are composed together
MAX_SHOWN = 40  # characters of an invalid value shown in messages


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplingConfig:
    """Settings for composing.

    A piece ends after `notes` notes, or at the bar line after `seconds` or `bars`, whichever comes first. A prime
    does not count; it ends with the bar in which its last note begins. The last notes are extended to a bar line.

    Classes are drawn from the most probable ones: at most `top_k` (0: no limit) with a total probability of `top_p`
    (by default TOP_P: 0.4, and 0.8 for the velocity), each at least `min_p` times as probable as the most probable one.
    `form` is given in letters, one per section of `section_bars` bars; without another length, it is the length. With
    `loop`, the last of `bars` bars leads on to the first one, and `intro` bars stand before them.

    A piece has the form, rhythm and texture of one training piece and the `harmony` of another one (OTHER) or of the same
    one (OWN).
    """

    count: int = 1
    notes: int | None = None
    seconds: float | None = None
    bars: int | None = None
    temperature: ByField = TEMPERATURE  # > 0; below 1 more predictable, above 1 more varied
    top_p: ByField = field(default_factory=TOP_P.copy)
    top_k: ByField = TOP_K
    min_p: ByField = MIN_P
    form: str | None = None  # such as AABA: a repeated letter repeats its first section
    section_bars: int = SECTION_BARS
    harmony: Harmony = OTHER  # or OWN
    loop: bool = False
    intro: int = 0  # bars before the loop
    seed: int = 0
    series: str | None = None
    game: str | None = None
    style: Mapping[str, float] | None = None  # weights of games or series
    max_copy: int = MAX_COPY  # maximum length, in notes, of passages copied from training pieces; 0 for no limit
    without_prime: bool = False  # return only the continuation, from the first bar after the prime
    per_plan: int = 1  # pieces in a row that follow the form of one piece: tries of a new one

    def __post_init__(self) -> None:
        """Check types and ranges. Raises UsageError."""
        checks: tuple[tuple[str, Callable[[Any], bool], str], ...] = (
            ("count", lambda n: _is_whole(n) and 1 <= n <= MAX_COUNT, f"from 1 to {MAX_COUNT:,}"),
            ("notes", lambda n: n is None or (_is_whole(n) and 2 <= n <= 100_000), "from 2 to 100,000"),
            ("seconds", lambda n: n is None or (_is_real(n) and 0 < n <= 3600), "above 0 and at most 3,600"),
            ("bars", lambda n: n is None or (_is_whole(n) and 1 <= n <= 10_000), "from 1 to 10,000"),
            ("temperature", _for_each_field("temperature", lambda t: 0 < t <= 10), "above 0 and at most 10"),
            ("top_p", _for_each_field("top_p", lambda p: 0 < p <= 1), "above 0 and at most 1"),
            ("top_k", _for_each_field("top_k", lambda k: k in range(129)), "a whole number from 0 to 128"),
            ("min_p", _for_each_field("min_p", lambda p: 0 <= p <= 1), "from 0 to 1"),
            ("form", _is_form, "letters from A to Z, one per section, such as AABA"),
            ("section_bars", lambda n: _is_whole(n) and 1 <= n <= 64, "from 1 to 64"),
            ("harmony", lambda name: isinstance(name, str) and name in (OTHER, OWN), f"{OTHER} or {OWN}"),
            ("loop", lambda flag: isinstance(flag, bool), "True or False"),
            ("intro", lambda n: _is_whole(n) and 0 <= n <= MAX_INTRO, f"from 0 to {MAX_INTRO} bars"),
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
            ("per_plan", lambda n: _is_whole(n) and 1 <= n <= MAX_COUNT, f"from 1 to {MAX_COUNT:,}"),
        )
        for name, is_valid, wanted in checks:
            value = getattr(self, name)
            if not is_valid(value):
                raise UsageError(f"{_option(name)} must be {wanted}, not {_shown(value)}")
            if _is_whole(value):
                object.__setattr__(self, name, int(value))  # records are written as JSON, which knows no NumPy numbers
        if self.form is not None:
            self._check_form(self.form)
        if self.loop or self.intro:
            self._check_loop()
        elif self.notes is None and self.seconds is None and self.bars is None:
            raise UsageError("give the length with --notes, --bars or --seconds")
        if self.style and (self.series or self.game):
            raise UsageError("--style excludes --series and --game; give one")

    def _check_form(self, form: str) -> None:
        """Check that form and length agree; set the length if none is given."""
        bars = len(form) * self.section_bars
        said = (
            f"--form {_shown(form).strip(chr(39))}: {len(form)} sections of {self.section_bars} bars are {bars:,} bars"
        )
        if bars > MAX_FORM_BARS:
            raise UsageError(f"{said}, more than {MAX_FORM_BARS:,}; leave out some, or give fewer --section-bars")
        if self.bars is not None and self.bars != bars:
            raise UsageError(f"{said}, but --bars is {self.bars:,}; leave out --bars, or give other --section-bars")
        if self.notes is None and self.seconds is None and self.bars is None:
            object.__setattr__(self, "bars", bars)

    def _check_loop(self) -> None:
        """Check the settings of a loop; set its length if none is given."""
        if not self.loop:
            raise UsageError("--intro is for the bars before a loop: give --loop, too")
        if self.notes is not None or self.seconds is not None:
            raise UsageError("the length of a --loop is given in --bars; leave out --notes and --seconds")
        if self.form is not None and self.intro:
            raise UsageError("--form excludes --intro: the form is that of the loop; give one")
        if self.bars is None:
            object.__setattr__(self, "bars", LOOP_BARS)
        elif self.bars > MAX_FORM_BARS:
            raise UsageError(f"--loop has at most {MAX_FORM_BARS:,} --bars, not {self.bars:,}")

    @property
    def all_bars(self) -> int | None:
        """Length in bars, the intro of a loop included."""
        return None if self.bars is None else self.bars + self.intro

    def by_field(self, setting: str) -> tuple[float, ...]:
        """Return temperature, top_p, top_k or min_p for each field."""
        given = _by_field(DEFAULTS[setting]) | _by_field(getattr(self, setting))
        return tuple(given[name] for name in FIELDS)


def _by_field(value: ByField) -> dict[str, float]:
    """Return the numbers by field; one number is that of all fields."""
    if not isinstance(value, Mapping):
        return dict.fromkeys(FIELDS, float(value))
    return {name: float(number) for name, number in value.items()}


def _is_whole(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)


def _is_real(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def _for_each_field(setting: str, is_valid: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """Return the check of a setting that is a number, or numbers by field."""

    def check(value: Any) -> bool:
        numbers = list(value.values()) if isinstance(value, Mapping) else [value]
        if unknown := [name for name in value if name not in FIELDS] if isinstance(value, Mapping) else []:
            raise UsageError(f"{_option(setting)}: no field {_shown(unknown[0])}; fields are {', '.join(FIELDS)}")
        return all(_is_real(number) and is_valid(number) for number in numbers)

    return check


def _is_name(value: Any) -> bool:
    return value is None or isinstance(value, str)


def _is_form(value: Any) -> bool:
    return value is None or (isinstance(value, str) and bool(re.fullmatch("[A-Z]+", value)))


def _is_mixture(value: Any) -> bool:
    if value is None:
        return True
    return isinstance(value, Mapping) and all(
        isinstance(name, str) and _is_real(weight) and 0 < weight <= sys.float_info.max
        for name, weight in value.items()
    )


def _option(name: str) -> str:
    """Return the name of a setting in messages: its option of `generate`; `per_plan` has none."""
    if name == "per_plan":
        return name
    return "--" + name.replace("_", "-")


def _shown(value: Any) -> str:
    """Return an invalid value for a message: one line, shortened."""
    try:
        text = " ".join(repr(value).split())
    except ValueError:  # an integer with more digits than Python prints
        text = "so large a number"
    return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 1] + "…"
