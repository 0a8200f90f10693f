"""Parses options of several numbers.

Examples: `0.9`, `pitch=0.9,time=1`, `ocarina-of-time=0.7,wind-waker`.
"""

import math

from catalog.base.errors import UsageError


def by_field(option: str, text: str) -> float | dict[str, float]:
    """Parse one number, or numbers by field.

    Raises UsageError if `text` is neither.
    """
    if "=" not in text:
        return _number(option, text, text)
    return _pairs(option, text)


def weights(option: str, text: str) -> dict[str, float]:
    """Parse names with weights; the default weight is 1.

    Raises UsageError if `text` is not such a list.
    """
    return _pairs(option, ",".join(part if "=" in part else f"{part}=1" for part in text.split(",")))


def _pairs(option: str, text: str) -> dict[str, float]:
    found: dict[str, float] = {}
    for part in text.split(","):
        name, _, value = (word.strip() for word in part.partition("="))
        if not name or name in found:
            raise UsageError(
                f"{option} {text}: {f'{name} is given twice' if name else 'a name is missing'}; write NAME=NUMBER,…"
            )
        found[name] = _number(option, value, text)
    return found


def _number(option: str, value: str, text: str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise UsageError(f"{option} {text}: {value!r} is not a number")
    return number
