"""The one rule for names that people give to folders of ours: runs, corpora, experiments."""

import re

from catalog.base.errors import UsageError

NAME_PATTERN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
WINDOWS_DEVICES = frozenset({"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))})
"""Names that Windows keeps for devices, whatever stands after a dot."""


def validate_name(name: str, what: str, *, max_length: int = 100, lower: bool = False) -> str:
    """Return a name fit for a folder on every system and for a command line. Raises UsageError otherwise.

    `what` is what it names, such as "run"; `lower` refuses capital letters.
    """
    is_valid = NAME_PATTERN.fullmatch(name) and len(name) <= max_length and not (lower and name != name.lower())
    if not is_valid or name.endswith("."):
        allowed = "small letters" if lower else "letters"
        raise UsageError(
            f"{name[:200]!r} is no name for a {what}: use {allowed}, digits, '-', '_' and '.', with a letter or digit first and no "
            f"dot last, at most {max_length}"
        )
    if is_device(name):
        raise UsageError(f"{name!r} is no name for a {what}: Windows keeps it for a device; add a word to it")
    return name


def is_device(name: str) -> bool:
    """Return whether Windows takes a file or folder of that name for a device."""
    return name.split(".")[0].lower() in WINDOWS_DEVICES
