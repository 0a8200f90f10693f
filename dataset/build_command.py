"""The commands that build a corpus again, made from its manifest alone: what was asked, with the filters as they were in force.

In: a manifest. Out: lines for a shell, which need no file but what they write themselves; the same catalog then gives the same corpus.
"""

import json
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from catalog.base.console import clean
from catalog.base.errors import UsageError
from dataset.corpus.manifest import Manifest
from dataset.filters.load import default_filters, overlay_defaults
from dataset.filters.rules import DROPPABLE, DUPLICATE, FILTER

END = "END"  # of a file within the lines
DUPLICATE_RULES = tuple(f"{DUPLICATE}_{relation}" for relation in DROPPABLE)
_TOML_ESCAPED = '\\"'
BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")  # a key of TOML that needs no quotes

Settings = Mapping[str, Any]  # of a manifest's filters, by reason


def build_commands(manifest: Manifest) -> list[str]:
    """Return the lines that build the corpus of `manifest` again.

    Where filters are not those that this version has by default, the lines begin with a file that says which; where this version has
    no way to say them, with a comment that says so.
    """
    words = ["dataset", "build", "--query", manifest.query, "--name", manifest.name, "--seed", str(manifest.seed)]
    words += ["--piano-tracks"] if manifest.piano_tracks else []
    settings, default = manifest.filters, default_filters()
    keep = all(_is_off(settings.get(rule)) for rule in DUPLICATE_RULES)
    if keep:
        words, default = [*words, "--keep-duplicates"], default.keeping_duplicates()
    if _same(settings, default.settings()):
        return [command(words)]
    text = _overlay(settings, default.settings())
    if not _reproduces(text, settings, keep):
        version = clean(str(manifest.versions.get("vgpiano", "unknown")))
        return [f"# This version cannot set the filters as they were; take vgpiano {version}.", command(words)]
    file = f"{manifest.name}.filters.toml"
    return [*file_lines(file, text), command([*words, "--filters", file])]


def command(words: Sequence[str]) -> str:
    """Return a command of the shell on one line: each word is what it was, and nothing in the line is invisible."""
    return " ".join(map(_word, words))


def file_lines(name: str, text: Sequence[str]) -> list[str]:
    """Return the lines of a shell that write the lines `text`, none of which is END, to a file in the folder one is in."""
    return [f"cat > {_word(name)} <<'{END}'", *text, END]


def _word(text: str) -> str:
    """Return `text` as one word of a shell: as it is, in quotes, or with escapes ($'…', of bash and zsh) for what is invisible."""
    if clean(text) == text:
        return shlex.quote(text)
    parts = (
        character if is_visible else "".join(f"\\x{byte:02x}" for byte in character.encode())
        for character, is_visible in _characters(text, "\\'")
    )
    return f"$'{''.join(parts)}'"


def _toml(value: object) -> str:
    """Return a value as TOML has it, on one line and with nothing invisible in it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return (
            '"'
            + "".join(
                character if is_visible else f"\\U{ord(character):08x}"
                for character, is_visible in _characters(value, '\\"')
            )
            + '"'
        )
    return f"[{', '.join(map(_toml, value))}]" if isinstance(value, list | tuple) else repr(value)


def _characters(text: str, escaped: str) -> Iterator[tuple[str, bool]]:
    """Yield each character, and whether it may stand as it is: it is none of `escaped`, and `clean` would leave it where it is."""
    before = " "
    for place, character in enumerate(text):
        is_space = character == " " != before and place < len(text) - 1
        yield character, is_space or (clean(character) == character and character not in escaped)
        before = character


def _is_off(rule: object) -> bool:
    return isinstance(rule, Mapping) and rule.get("on") is False


def _same(left: object, right: object) -> bool:
    """Return whether settings are the same to the byte, order included, as a corpus's identity takes them."""
    return json.dumps(left) == json.dumps(right)


def _overlay(settings: Settings, default: Settings) -> list[str]:
    """Return a file of filters, line by line, that makes `settings` of the `default` ones."""
    lines = []
    for name, values in settings.items():
        if isinstance(values, Mapping) and not _same(values, default.get(name)):
            kind, key = (DUPLICATE, name.removeprefix(f"{DUPLICATE}_")) if name in DUPLICATE_RULES else (FILTER, name)
            lines.append(f"[{kind}.{_key(key)}]")
            lines += [f"{_key(key)} = {_toml(value)}" for key, value in values.items()]
    return lines


def _key(name: str) -> str:
    return name if BARE_KEY.fullmatch(name) else _toml(name)


def _reproduces(text: Sequence[str], settings: Settings, keep_duplicates: bool) -> bool:
    """Return whether a file of filters gives these settings."""
    try:
        merged = overlay_defaults("\n".join(text).encode(), "filters")
    except UsageError:
        return False
    return _same(settings, (merged.keeping_duplicates() if keep_duplicates else merged).settings())
