"""The entry points of all commands: check that our packages are ours, then run.

Other distributions have packages of the same names: `dataset` is one on PyPI. In one
environment the one installed last overwrites the other's `__init__.py`, and a package that
was overwritten cannot report it. So the entry points live in a module of their own, which
has the name of the distribution and imports none of our packages until they are checked.
What takes time is imported where Ctrl-C is caught.
"""

import sys

COMMANDS = {
    "catalog": "catalog.cli:main",
    "scrape": "scraper.cli:main",
    "dataset": "dataset.cli:main",
    "train": "training.commands.train:main",
    "evaluate": "training.commands.evaluate:main",
    "generate": "training.commands.generate:main",
    "render": "training.commands.render:main",
    "novelty": "training.commands.novelty:main",
}
PACKAGES = ("catalog", "scraper", "dataset", "training")
DISTRIBUTION_LINE = b'__distribution__ = "vgpiano"'  # a line of the __init__.py of each of them
INSTALL_HINT = "install vgpiano in an environment of its own: `pipx install vgpiano` or `uv tool install vgpiano`"


def catalog() -> None:
    """Run `catalog`."""
    _start("catalog")


def scrape() -> None:
    """Run `scrape`."""
    _start("scrape")


def dataset() -> None:
    """Run `dataset`."""
    _start("dataset")


def train() -> None:
    """Run `train`."""
    _start("train")


def evaluate() -> None:
    """Run `evaluate`."""
    _start("evaluate")


def generate() -> None:
    """Run `generate`."""
    _start("generate")


def render() -> None:
    """Run `render`."""
    _start("render")


def novelty() -> None:
    """Run `novelty`."""
    _start("novelty")


def _start(command: str) -> None:
    """Run `command`; where a package is not ours, exit with one line and code 1 instead."""
    try:
        from importlib import import_module

        for package in PACKAGES:
            problem = _problem(package)
            if problem is not None:
                sys.exit(f"error: {problem}; {INSTALL_HINT}")
        module, _, function = COMMANDS[command].partition(":")
        main = getattr(import_module(module), function)
    except KeyboardInterrupt:
        sys.stderr.write("stopped before anything was begun\n")
        sys.exit(130)
    main()


def _problem(package: str) -> str | None:
    """Return why `package`, as Python would import it, is not ours; None if it is. Does not import it."""
    from importlib.util import find_spec
    from pathlib import Path

    spec = find_spec(package)
    if spec is None or spec.origin is None:  # such as after the other distribution was uninstalled
        return f"the package `{package}` of vgpiano is missing: another distribution removed or replaced it"
    try:
        if DISTRIBUTION_LINE in Path(spec.origin).read_bytes():
            return None
    except OSError as error:
        return f"{spec.origin}: {error.strerror}"
    return f"{spec.origin} belongs to {_owner(package)}, not to vgpiano"


def _owner(package: str) -> str:
    """Return which other distribution installed `package`, with its version, as far as can be found out."""
    from importlib.metadata import distributions

    line = f"{package}/__init__.py,"
    for found in distributions():
        rows = (found.read_text("RECORD") or "").splitlines()
        if found.name != "vgpiano" and any(row.startswith(line) for row in rows):
            return f"the distribution {found.name} {found.version}"
    return "another program"
