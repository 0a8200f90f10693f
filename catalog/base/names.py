"""Validation of user-given folder names: runs, corpora and experiments."""

import re

from catalog.base.errors import UsageError

NAME_PATTERN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
WINDOWS_DEVICES = frozenset({"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))})
"""Names that Windows reserves for devices, with any extension."""


def validate_name(name: str, what: str, *, max_length: int = 100, lower: bool = False) -> str:
    """Return `name` if it is valid as a folder name on every operating system.

    `what` is the kind of thing it names, such as "run". With `lower`, capital letters are rejected.
    Raises UsageError if the name is invalid.
    """
    is_valid = NAME_PATTERN.fullmatch(name) and len(name) <= max_length and not (lower and name != name.lower())
    if not is_valid or name.endswith("."):
        allowed = "lower-case letters" if lower else "letters"
        raise UsageError(
            f"{name[:200]!r} is not a valid name for a {what}: use {allowed}, digits, '-', '_' and '.', start with a letter or digit, "
            f"do not end with a dot, and use at most {max_length} characters"
        )
    if is_device(name):
        raise UsageError(
            f"{name!r} is not a valid name for a {what}: Windows reserves it for a device; add a word to it"
        )
    return name


def is_device(name: str) -> bool:
    """Return whether Windows reserves a file or folder name for a device."""
    return name.split(".")[0].lower() in WINDOWS_DEVICES
