"""Shell commands that rebuild a corpus, made from its manifest alone.

In: a manifest, with the query, seed and filters that were used. Out: shell lines that need no other file. On the same
catalog they build the same corpus.
"""

import json
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from catalog.base.console import clean
from catalog.base.errors import UsageError
from dataset.corpus.manifest import Manifest
from dataset.duplicates.relations import Relation
from dataset.filters.load import default_filters, overlay_defaults
from dataset.filters.presets import PRESETS
from dataset.filters.rules import DUPLICATE, FILTER

END = "END"  # marks the end of a here-document
DUPLICATE_RULES = tuple(f"{DUPLICATE}_{relation}" for relation in Relation)
_TOML_ESCAPED = '\\"'
BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")  # a TOML key that needs no quotes

Settings = Mapping[str, Any]  # the filters of a manifest, by reason


def build_commands(manifest: Manifest) -> list[str]:
    """Return the shell lines that rebuild the corpus of `manifest`.

    If its filters differ from the defaults of this version, the lines first write a filter file. If this version cannot
    express them, the first line is a comment that names the version to use.
    """
    preset = manifest.preset if manifest.preset in PRESETS else None
    words = ["dataset", "build", "--query", manifest.query, "--name", manifest.name, "--seed", str(manifest.seed)]
    words += ["--piano-tracks"] if manifest.piano_tracks else []
    words += ["--preset", preset] if preset else []
    settings, default = _with_all_rules(manifest.filters), overlay_defaults(b"", "filters", preset)
    keep = all(_is_off(settings.get(rule)) for rule in DUPLICATE_RULES)
    if keep:
        words, default = [*words, "--keep-duplicates"], default.keeping_duplicates()
    if preset == manifest.preset and _same(settings, default.settings()):
        return [command(words)]
    text = _overlay(settings, default.settings())
    if preset != manifest.preset or not _reproduces(text, settings, preset, keep):
        version = clean(str(manifest.versions.get("vgpiano", "unknown")))
        return [f"# This version cannot set the same filters; use vgpiano {version}.", command(words)]
    file = f"{manifest.name}.filters.toml"
    return [*file_lines(file, text), command([*words, "--filters", file])]


def command(words: Sequence[str]) -> str:
    """Return a shell command on one line, quoted and without invisible characters."""
    return " ".join(map(_word, words))


def file_lines(name: str, text: Sequence[str]) -> list[str]:
    """Return a here-document that writes the lines `text` to the file `name`.

    The file is written to the working directory. No line of `text` may be END.
    """
    return [f"cat > {_word(name)} <<'{END}'", *text, END]


def _word(text: str) -> str:
    """Return `text` as one shell word.

    It is plain or quoted; invisible characters become $'…' escapes, which bash and zsh read.
    """
    if clean(text) == text:
        return shlex.quote(text)
    parts = (
        character if is_visible else "".join(f"\\x{byte:02x}" for byte in character.encode())
        for character, is_visible in _characters(text, "\\'")
    )
    return f"$'{''.join(parts)}'"


def _toml(value: object) -> str:
    """Return a value as TOML on one line, without invisible characters."""
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
    """Yield each character, and whether it may be printed unescaped.

    A character is escaped if it is in `escaped` or if `clean` would change it.
    """
    before = " "
    for place, character in enumerate(text):
        is_space = character == " " != before and place < len(text) - 1
        yield character, is_space or (clean(character) == character and character not in escaped)
        before = character


def _with_all_rules(settings: Settings) -> Settings:
    """Return `settings` with the duplicate rules that came after the version that wrote them: they were off."""
    default = default_filters().settings()
    return {**settings, **{rule: {**default[rule], "on": False} for rule in DUPLICATE_RULES if rule not in settings}}


def _is_off(rule: object) -> bool:
    return isinstance(rule, Mapping) and rule.get("on") is False


def _same(left: object, right: object) -> bool:
    """Return whether two settings are equal, including their order."""
    return json.dumps(left) == json.dumps(right)


def _overlay(settings: Settings, default: Settings) -> list[str]:
    """Return the lines of a filter file that turns `default` into `settings`."""
    lines = []
    for name, values in settings.items():
        if isinstance(values, Mapping) and not _same(values, default.get(name)):
            kind, key = (DUPLICATE, name.removeprefix(f"{DUPLICATE}_")) if name in DUPLICATE_RULES else (FILTER, name)
            lines.append(f"[{kind}.{_key(key)}]")
            lines += [f"{_key(key)} = {_toml(value)}" for key, value in values.items()]
    return lines


def _key(name: str) -> str:
    return name if BARE_KEY.fullmatch(name) else _toml(name)


def _reproduces(text: Sequence[str], settings: Settings, preset: str | None, keep_duplicates: bool) -> bool:
    """Return whether a filter file produces exactly these settings."""
    try:
        merged = overlay_defaults("\n".join(text).encode(), "filters", preset)
    except UsageError:
        return False
    return _same(settings, (merged.keeping_duplicates() if keep_duplicates else merged).settings())
