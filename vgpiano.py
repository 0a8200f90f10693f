"""Entry points of all commands: verify the installed packages, then run.

Other distributions contain packages of the same names; `dataset` is one on PyPI. If both are
installed in one environment, the later one overwrites the `__init__.py` of the earlier one, and an
overwritten package cannot report it. The entry points therefore live in this module, which is named
after the distribution and imports no vgpiano package before checking it. Slow imports happen inside
the block that handles Ctrl-C.
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
    "listen": "training.commands.listen:main",
}
PACKAGES = ("catalog", "scraper", "dataset", "training")
DISTRIBUTION_LINE = b'__distribution__ = "vgpiano"'  # a line in the __init__.py of each package
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


def listen() -> None:
    """Run `listen`."""
    _start("listen")


class _WithoutPandas:
    """Lets imports of pandas fail, as if it were not installed.

    pyarrow imports it wherever it is, which takes a quarter of a short command; no command needs it.
    """

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> None:
        """Raise ModuleNotFoundError for pandas; leave other modules to other finders."""
        if name == "pandas":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def _start(command: str) -> None:
    """Run `command`; exit with code 1 if a package is not from vgpiano."""
    try:
        from importlib import import_module

        for package in PACKAGES:
            problem = _problem(package)
            if problem is not None:
                sys.exit(f"error: {problem}; {INSTALL_HINT}")
        if _WithoutPandas not in sys.meta_path:
            sys.meta_path.insert(0, _WithoutPandas)
        module, _, function = COMMANDS[command].partition(":")
        main = getattr(import_module(module), function)
    except KeyboardInterrupt:
        sys.stderr.write("stopped before anything was started\n")
        sys.exit(130)
    main()


def _problem(package: str) -> str | None:
    """Return why the installed `package` is not from vgpiano, or None if it is.

    The package is located, not imported.
    """
    from importlib.util import find_spec
    from pathlib import Path

    spec = find_spec(package)
    if spec is None or spec.origin is None:  # for example, after the other distribution was uninstalled
        return f"the package `{package}` of vgpiano is missing: another distribution removed or replaced it"
    try:
        if DISTRIBUTION_LINE in Path(spec.origin).read_bytes():
            return None
    except OSError as error:
        return f"{spec.origin}: {error.strerror}"
    return f"{spec.origin} belongs to {_owner(package)}, not to vgpiano"


def _owner(package: str) -> str:
    """Return the name and version of the other distribution that installed `package`."""
    from importlib.metadata import distributions

    line = f"{package}/__init__.py,"
    for found in distributions():
        rows = (found.read_text("RECORD") or "").splitlines()
        if found.name != "vgpiano" and any(row.startswith(line) for row in rows):
            return f"the distribution {found.name} {found.version}"
    return "another program"
