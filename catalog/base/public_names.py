"""Lazily imported public names of a package (PEP 562).

The names are listed once, in the `__init__.pyi` beside the package's `__init__.py`. Importing the
package is therefore fast, however slow the imports of its modules are.
"""

from collections.abc import Callable
from typing import Any

import lazy_loader

DISTRIBUTION = "vgpiano"  # the distribution that contains all packages


def version() -> str:
    """Return the installed version."""
    from importlib import metadata

    return metadata.version(DISTRIBUTION)


def attach(package: str, file: str) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """Return `__getattr__`, `__dir__` and `__all__` for the `package` at `file`.

    `file` is the path of its `__init__.py`. `__version__` is added to the public names.
    """
    load, _, public = lazy_loader.attach_stub(package, file)

    def getattr_public(name: str) -> Any:
        if name == "__version__":
            return version()
        if name not in public:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return load(name)

    def public_dir() -> list[str]:
        return [*public, "__version__"]

    return getattr_public, public_dir, public
