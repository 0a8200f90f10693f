"""Public names of a package, each imported from its module when it is first asked for (PEP 562).

In: a package's name and, for every public name, the module that holds it; out: the package's `__getattr__` and `__dir__`.
Importing a package so costs nothing, however heavy what its modules need.
"""

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def lazily(package: str, places: Mapping[str, str]) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return `__getattr__` and `__dir__` of `package`, whose public names stand at `places`.

    A place is a module, "catalog.store", that has the name, or "dataset.build:build" where it has another there. No name may be that
    of a module of the package: importing that module would put it in the name's place.
    """

    def get(name: str) -> Any:
        if name not in places:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        module, _, inner = places[name].partition(":")
        value = getattr(import_module(module), inner or name)
        setattr(sys.modules[package], name, value)  # so that it is looked up once
        return value

    def listed() -> list[str]:
        return sorted({*vars(sys.modules[package]), *places})

    return get, listed
