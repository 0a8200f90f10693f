"""The public API of each package is the one recorded in public_api.txt.

The record has the names listed in each `__init__` and their signatures. After an intended change,
run `python -m tests.test_api > tests/public_api.txt` and add a line to CHANGELOG.md.
"""

import ast
import dataclasses
import importlib
import importlib.metadata
import inspect
import pkgutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOMS = ("catalog", "scraper", "dataset", "training")
PINNED = Path(__file__).with_name("public_api.txt")
TOP = Path(__file__).parents[1]


def called(function: object) -> str:
    """Return the signature: parameter names and kinds, and plain default values."""
    shown = []
    star = False
    for parameter in inspect.signature(function).parameters.values():  # type: ignore[arg-type]
        if parameter.name in ("self", "cls"):
            continue
        if parameter.kind is parameter.KEYWORD_ONLY and not star:
            shown.append("*")
        star = star or parameter.kind in (parameter.KEYWORD_ONLY, parameter.VAR_POSITIONAL)
        prefix = {parameter.VAR_POSITIONAL: "*", parameter.VAR_KEYWORD: "**"}.get(parameter.kind, "")
        default = parameter.default
        plain = default is None or isinstance(default, bool | int | float | str)
        shown.append(
            prefix + parameter.name + ("" if default is parameter.empty else f"={default!r}" if plain else "=…")
        )
    return f"({', '.join(shown)})"


def described(name: str, value: object) -> Iterator[str]:
    """Return the lines about a name; of a class, constructor and public members."""
    if not isinstance(value, type):
        yield name + (called(value) if callable(value) else f": {type(value).__name__}")
        return
    yield f"class {name}" + ("" if issubclass(value, Exception) else called(value))
    fields = {field.name for field in dataclasses.fields(value)} if dataclasses.is_dataclass(value) else set()
    for member, inner in inspect.getmembers_static(value):
        if member.startswith("_") or member not in vars(value) or member in fields:
            continue
        if isinstance(inner, staticmethod | classmethod):
            inner = inner.__func__
        yield f"{name}.{member}" + (called(inner) if inspect.isfunction(inner) else "")


def api() -> str:
    """Return the whole record, one line per name or member."""
    lines = []
    for room in map(importlib.import_module, ROOMS):
        for name in sorted(room.__all__):
            lines += described(f"{room.__name__}.{name}", getattr(room, name))
    return "\n".join(lines) + "\n"


def declared(room: str) -> dict[str, str]:
    """Return each public name in the `__init__.pyi` of a package and its module."""
    stub = ast.parse((TOP / room / "__init__.pyi").read_text(encoding="utf-8"))
    found = {}
    for node in stub.body:
        if isinstance(node, ast.ImportFrom):
            assert node.level == 1
            for alias in node.names:
                assert alias.asname == alias.name, (
                    f"write `import {alias.name} as {alias.name}`: a stub exports no other"
                )
                assert alias.name not in found
                found[alias.name] = f"{room}.{node.module}"
    return found


def test_the_public_api_is_the_pinned_one() -> None:
    assert api().splitlines() == PINNED.read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("name", ROOMS)
def test_what_a_type_checker_sees_is_what_there_is(name: str) -> None:
    room = importlib.import_module(name)
    places = declared(name)
    assert room.__all__ == sorted(places)
    assert set(dir(room)) == {*places, "__version__"}
    for public, module in places.items():
        value = getattr(room, public)
        assert value is getattr(importlib.import_module(module), public)
        if inspect.isfunction(value) or inspect.isclass(value):
            assert (value.__module__, value.__name__) == (module, public)  # defined there, under that name


@pytest.mark.parametrize("name", ROOMS)
def test_a_room_says_which_version_is_installed(name: str) -> None:
    assert importlib.import_module(name).__version__ == importlib.metadata.version("vgpiano")


@pytest.mark.parametrize("name", ROOMS)
def test_no_public_name_is_that_of_a_module(name: str) -> None:
    room = importlib.import_module(name)
    assert not {module.name for module in pkgutil.iter_modules(room.__path__)} & set(room.__all__)
    with pytest.raises(AttributeError, match=f"module '{name}' has no attribute 'no_such_name'"):
        _ = room.no_such_name


@pytest.mark.parametrize("name", ROOMS)
def test_every_public_function_and_class_says_what_it_does(name: str) -> None:
    room = importlib.import_module(name)
    silent = [
        public for public in room.__all__ if callable(v := getattr(room, public)) and not (v.__doc__ or "").strip()
    ]
    assert silent == []


def test_importing_the_rooms_imports_nothing_heavy() -> None:
    heavy = "{'tensorflow', 'keras', 'pandas', 'numpy', 'pyarrow', 'symusic', 'requests', 'rich', 'typer', 'importlib.metadata'}"
    code = f"import sys, {', '.join(ROOMS)}; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=TOP)
    assert done.stdout.strip() == "[]"


def test_no_public_name_needs_a_network_library_or_music21() -> None:
    code = (
        f"import sys, {', '.join(ROOMS)}\n"
        f"for room in ({', '.join(ROOMS)}):\n"
        "    for name in room.__all__:\n"
        "        getattr(room, name)\n"
        "print(sorted({'tensorflow', 'keras', 'jax', 'music21', 'verovio', 'soundfile'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=TOP)
    assert done.stdout.strip() == "[]"


if __name__ == "__main__":
    sys.stdout.write(api())
