"""Public names of a package, each imported from its module when it is first used (PEP 562).

The names stand once, in the `__init__.pyi` beside the package's `__init__.py`. Importing a package so costs nothing, however
heavy what its modules need.
"""

from collections.abc import Callable
from typing import Any

import lazy_loader

DISTRIBUTION = "vgpiano"  # the name under which all packages are installed


def version() -> str:
    """Return the version that is installed."""
    from importlib import metadata

    return metadata.version(DISTRIBUTION)


def attach(package: str, file: str) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """Return `__getattr__`, `__dir__` and `__all__` of `package`, whose `__init__.py` is `file`; `__version__` is one more name."""
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
