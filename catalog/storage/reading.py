"""Read JSON and TOML files, and check structure, types, ranges, depth and size.

In: a file or its text, and the expected type, such as a dataclass whose fields use the range types
below. Out: a value of that type, or one error that names the file and the field. Unknown fields are
ignored.
"""

import json
import math
import os
import re
import stat
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, is_dataclass
from pathlib import Path
from typing import Annotated, Any, Protocol, TypeVar, get_args, get_origin, get_type_hints, is_typeddict

import msgspec
from msgspec import Meta

from catalog.base.errors import UsageError, VgpianoError
from catalog.storage.remote import AnyPath, RemotePath

MAX_JSON_BYTES = 64 << 20  # of a JSON file, unless the caller allows more
MAX_TOML_BYTES = 1 << 20
MAX_MIDI_BYTES = 16 << 20  # 100,000 notes take about one megabyte

Count = Annotated[int, Meta(ge=0, le=2**53)]
"""A whole number of at least 0."""
Positive = Annotated[int, Meta(ge=1, le=2**53)]
"""A whole number of at least 1."""
Tick = Annotated[int, Meta(ge=0, le=2**31 - 1)]
"""A time in ticks of 1/24 quarter note."""
Finite = Annotated[float, Meta(ge=-1e300, le=1e300)]
"""A finite number."""
Number = Annotated[int, Meta(ge=-(2**53), le=2**53)] | Finite
"""A finite number; an int stays an int."""
NotNegative = Annotated[float, Meta(ge=0, le=1e300)]
"""A finite number of at least 0."""
Above0 = Annotated[float, Meta(gt=0, le=1e300)]
"""A finite number above 0."""
Share = Annotated[float, Meta(ge=0, le=1)]
"""A number from 0 to 1."""
SHA256_PATTERN = r"^[0-9a-f]{64}\Z"
Sha256 = Annotated[str, Meta(pattern=SHA256_PATTERN)]
"""A SHA-256 in 64 lower-case hexadecimal digits."""

T = TypeVar("T")


class ErrorFactory(Protocol):
    """Creates the error to raise from a message, such as the class `TrainingError`."""

    def __call__(self, message: str, /) -> VgpianoError: ...


@dataclass(frozen=True, slots=True)
class _Versioned:
    """The field that files of every version have."""

    format: Count


def read_json(
    path: AnyPath,
    shape: type[T],
    *,
    fail: ErrorFactory,
    remedy: str,
    version: int | None = None,
    max_bytes: int = MAX_JSON_BYTES,
) -> T:
    """Return the value of type `shape` in the JSON file at `path`.

    If `version` is given, the field `format` of the file must equal it. Raises FileNotFoundError if
    there is no file. For anything else raises the error made by `fail`, with the message "file:
    field: what is wrong; remedy".
    """
    data = read_bytes(path, fail=fail, remedy=remedy, max_bytes=max_bytes)
    return parse_json(data, shape, path, fail=fail, remedy=remedy, version=version)


def parse_json(
    text: str | bytes, shape: type[T], where: object, *, fail: ErrorFactory, remedy: str, version: int | None = None
) -> T:
    """Return the value of type `shape` in JSON `text`.

    `where` names its origin in messages. Raises as `read_json` does.
    """
    try:
        found = None if version is None else msgspec.json.decode(text, type=_Versioned).format
        if found == version:
            return msgspec.json.decode(text, type=shape)
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        raise fail(f"{where}: {_describe_json_error(text, shape, error)}; {remedy}") from None
    raise fail(f"{where}: format: {found}, this version reads {version}; {remedy}")


def convert(value: Any, shape: type[T], where: object, *, fail: ErrorFactory, remedy: str) -> T:
    """Return plain lists, mappings, numbers and strings as a value of type `shape`.

    Raises as `read_json` does.
    """
    try:
        return msgspec.convert(value, shape)
    except (msgspec.ValidationError, RecursionError) as error:
        raise fail(f"{where}: {_describe_validation_error(str(error), value, shape)}; {remedy}") from None


def parse_toml(text: bytes, where: object, *, fail: ErrorFactory, remedy: str) -> dict[str, Any]:
    """Return the tables in TOML `text`; checks only syntax and depth.

    Raises as `read_json` does.
    """
    try:
        return tomllib.loads(text.decode())
    except RecursionError:
        raise fail(f"{where}: {_describe_depth(text)}; {remedy}") from None
    except ValueError as error:  # not TOML, not UTF-8, or a number with more digits than Python parses
        raise fail(f"{where}: not TOML ({error}); {remedy}") from None


def read_bytes(path: AnyPath, *, fail: ErrorFactory, remedy: str, max_bytes: int = MAX_JSON_BYTES) -> bytes:
    """Return the content of a regular file of at most `max_bytes` bytes.

    Raises FileNotFoundError if there is none. Raises the error made by `fail` for a folder, a
    device, a pipe or a larger file, of which no more than `max_bytes` + 1 bytes are read.
    """
    if isinstance(path, RemotePath):
        data = path.read_bytes()
    else:
        try:
            data = _read_bounded(path, max_bytes)
        except FileNotFoundError:
            raise
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            raise fail(f"{path}: cannot be read ({reason}); {remedy}") from None
    if len(data) > max_bytes:
        raise fail(f"{path}: larger than {max_bytes:,} bytes; {remedy}")
    return data


def read_user_file(path: Path, option: str, *, remedy: str, max_bytes: int) -> bytes:
    """Return the content of a file that a command-line `option` names.

    The file is read as by `read_bytes`. Raises UsageError that names the option and the file if it
    cannot be read.
    """

    def usage_error(message: str) -> UsageError:
        return UsageError(f"{option} {message}")

    try:
        return read_bytes(path, fail=usage_error, remedy=remedy, max_bytes=max_bytes)
    except FileNotFoundError:
        raise usage_error(f"{path}: no such file; {remedy}") from None


def _read_bounded(path: Path, max_bytes: int) -> bytes:
    handle = os.open(
        path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
    )  # without O_NONBLOCK, open waits for a writer of a pipe
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise ValueError("not a regular file")
        return file.read(max_bytes + 1)


def _describe_json_error(text: str | bytes, shape: Any, error: Exception) -> str:
    """Return what is wrong with JSON `text`, with the field if known."""
    if isinstance(error, RecursionError):
        return _describe_depth(text.encode() if isinstance(text, str) else text)
    if isinstance(error, msgspec.ValidationError):
        return _describe_validation_error(str(error), None, shape, text)
    return _not_a_number(text) or f"not JSON ({error})"


def _describe_validation_error(message: str, value: Any, shape: Any, text: str | bytes = b"") -> str:
    """Return a msgspec message with the field first: `seed: expected int, got str`."""
    if "[...]" in message:  # a key of a mapping; msgspec does not name it
        try:
            value = msgspec.json.decode(text) if text else value
        except RecursionError:
            return _describe_depth(text.encode() if isinstance(text, str) else text)
        message = f"{message.rpartition(' - at ')[0]} - at `${_first_invalid(value, shape)}`"
    what, _, place = message.replace("`", "").rpartition(" - at ")
    missing = re.fullmatch(r"Object missing required field (.*)", what or place)
    field = place.removeprefix("key in ").removeprefix("$").removeprefix(".") if what else ""
    if missing:
        return f"{f'{field}.' if field else ''}{missing[1]}: missing"
    words = (what or place).replace(f"str matching regex {SHA256_PATTERN!r}", "64 hexadecimal digits")
    return f"{field or 'the file'}: {words[0].lower()}{words[1:]}"


def _first_invalid(value: Any, shape: Any) -> str:
    """Return the path of the first part of `value` with a wrong type.

    The path is such as `.history[0].epoch`.
    """
    parts: list[tuple[str, Any, Any]] = []
    origin, inner = get_origin(shape), get_args(shape)
    if (is_dataclass(shape) or is_typeddict(shape)) and isinstance(value, dict):
        hints = get_type_hints(shape, include_extras=True)
        parts = [(f".{name}", value[name], hint) for name, hint in hints.items() if name in value]
    elif origin in (dict, Mapping) and isinstance(value, dict):
        parts = [(f".{name}", part, inner[1]) for name, part in value.items()]
    elif (origin is list or inner[1:] == (...,)) and isinstance(value, list):
        parts = [(f"[{i}]", part, inner[0]) for i, part in enumerate(value)]
    for name, part, hint in parts:
        try:
            msgspec.convert(part, hint)
        except msgspec.ValidationError:
            return name + _first_invalid(part, hint)
    return ""


def _not_a_number(text: str | bytes) -> str | None:
    """Return the path of NaN or Infinity in JSON `text`, or None.

    Python writes these values, but JSON does not allow them.
    """
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    found = _first_not_finite(value, "")
    return None if found is None else f"{found.removeprefix('.')}: not a finite number"


def _first_not_finite(value: Any, location: str) -> str | None:
    """Return the path of the first number that is not finite, or None.

    `value` has been parsed, so its depth is bounded.
    """
    if isinstance(value, float):
        return None if math.isfinite(value) else location
    if isinstance(value, dict):
        parts = ((part, f"{location}.{name}") for name, part in value.items())
    elif isinstance(value, list):
        parts = ((part, f"{location}[{i}]") for i, part in enumerate(value))
    else:
        return None
    return next((found for part, place in parts if (found := _first_not_finite(part, place)) is not None), None)


def _describe_depth(text: bytes) -> str:
    """Return the last name before or within the first deep run of brackets in `text`."""
    name = rb'(?:"[^"\n]{1,80}"|[\w-]{1,80})\s{0,99}[:=]\s{0,99}'
    found = re.search(rb"(?:%s)?(?:[\[{]\s{0,99}(?:%s)?){50}" % (name, name), text)
    names = re.findall(rb'(?:"([^"\n]{1,80})"|([\w-]{1,80}))\s{0,99}[:=]', found[0]) if found else []
    last = (names[-1][0] or names[-1][1]).decode(errors="replace") if names else "the file"
    return f"{last}: nested too deeply"
