"""How commands on pages are tested: rewritten to be fast, or checked elsewhere.

A command that is neither one of ours, nor in ELSEWHERE, nor in TOOLS fails the test.
"""

import ast
import os
import re
import shlex
import subprocess
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

from typer.main import get_command

from docs.make.commands import apps
from tests.docs.pages import TOP

TOOLS = ("ls",)  # of the system, run as they stand

UP = {"scheduler": "Scheduler at:", "worker": "Registered to:"}  # what a part of Dask says when it can be used

Rewrite = tuple[str, str, str]  # pages (a regular expression), what of a command, and what stands for it

REWRITES: tuple[Rewrite, ...] = (
    (r".*", r"^(train .*)$", r"\1 --recipe small.json --epochs 1"),  # seconds, where a page says minutes
    (r".*", r"^(train .*?) --minutes \S+", r"\1"),
    (r"(?!docs/tutorial)", r"^(train|generate) ", r"\1 --no-render "),  # the tutorial renders, and looks for its files
    (r".*", r"--delay \S+", "--delay 0"),
    (r".*", r"^scrape vgmusic", "scrape vgmusic --delay 0"),  # the replica is on this machine: no delay is owed
    (r".*", r"--count \d+", "--count 1"),
    (r".*", r"--seconds 30", "--seconds 5"),
    (r".*", r"--bars (16|32)|--notes 500", "--bars 4"),
    (r".*", r"--form (\w+)", r"--form \1 --section-bars 2"),
    (r"docs/listening", r"--against all", "--against ocarina-of-time"),
)


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Commands that no test runs here: how they are checked, and who runs them."""

    pattern: str
    check: Callable[[list[str]], None]
    file: str
    word: str


def parses(words: list[str]) -> None:
    """Fail unless the command line accepts these words, after any NAME=value."""
    while "=" in words[0]:
        words = words[1:]
    command = get_command(apps()[words[0]])
    command.make_context(words[0], list(words[1:]))


def made(words: list[str]) -> None:
    """Fail unless `make` knows the target, and has something to do for it."""
    assert would_make(*words[1:]).strip(), words


def walked(words: list[str]) -> None:
    """Fail unless the target has commands of ours, and their command lines take them."""
    lines = recipe(words)
    assert lines, words
    for line in lines:
        parses(line)


def recipe(words: list[str]) -> list[list[str]]:
    """Return the commands of ours that `make TARGET …` would run, set-up left out."""
    target = "demo-road" if words[1] == "demo" else words[1]  # `make -n demo` would serve the site
    said = would_make(target, "VGPIANO_BASE_URL=http://127.0.0.1:1", *words[2:])
    lines = [
        shlex.split(line.removeprefix(".venv/bin/"), comments=True) for line in said.splitlines() if "$" not in line
    ]
    return [line for line in lines if line and line[0] in apps()]


def extra(words: list[str]) -> None:
    """Fail unless `make dist` makes the wheel in `pipx install 'WHEEL[…]'`, and pyproject.toml has the extra."""
    project = tomllib.loads((TOP / "pyproject.toml").read_text())["project"]
    wheel = rf"dist/vgpiano-{re.escape(project['version'])}-py3-none-any\.whl"
    [wanted] = [re.fullmatch(rf"{wheel}\[(\w+)\]", word) for word in words[2:]]
    assert wanted is not None, words
    assert wanted[1] in project["optional-dependencies"], words


def script(words: list[str]) -> None:
    """Fail unless the program is there and explains itself."""
    assert ast.get_docstring(ast.parse((TOP / words[1]).read_text())), words


def setup(words: list[str]) -> None:
    """Fail unless `make setup` builds the environment that the line enters."""
    assert "-m venv .venv" in would_make("-W", "pyproject.toml", "setup")


def would_make(*words: str) -> str:
    """Return what `make` would run, whatever the `make` around the tests was told."""
    alone = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS", "ARGS"))}
    done = subprocess.run(["make", "-n", *words], cwd=TOP, env=alone, capture_output=True, text=True, check=True)
    return done.stdout


ELSEWHERE: tuple[Elsewhere, ...] = (
    Elsewhere(r"^make test$", made, ".ci/run", "make test"),
    Elsewhere(r"^make demo$", walked, "docs/tutorial.md", "scrape demo-site -- scrape vgmusic"),  # the same road
    Elsewhere(r"^make (setup|bench)$", made, "Makefile", "constraints.txt"),  # by hand, before a release
    Elsewhere(r"^make zelda$", walked, "tests/training/test_experiment.py", "--each-game"),
    Elsewhere(r"^train .*--each-game", parses, "tests/training/test_experiment.py", "--each-game"),
    Elsewhere(
        r"^python benchmarks/", script, "docs/listening.md", "about fifteen minutes"
    ),  # by hand, its figures below it
    Elsewhere(r"^scrape new", parses, "tests/scraper/test_uploads.py", "crawl_new"),  # the replica has no new uploads
    Elsewhere(r"^catalog merge", parses, "tests/catalog/test_merge.py", "merge_catalog"),  # there is no second catalog
    Elsewhere(r"^scrape mirror", parses, "tests/scraper/test_mirror.py", "folder_site"),  # of a site of other people
    Elsewhere(
        r"^listen ", parses, "tests/training/test_listening.py", 'command("listen", "tiny"'
    ),  # sound takes seconds
    Elsewhere(r"^render --query", parses, "tests/training/test_render_query.py", 'render(root, "--query"'),  # the same
    Elsewhere(r"^\. \.venv/bin/activate$", setup, "Makefile", "venv"),
    Elsewhere(r"^pipx? install dist/vgpiano", extra, "pyproject.toml", "optional-dependencies"),
    Elsewhere(
        r"KERAS_BACKEND=jax .*train ", parses, "tests/training/test_hosts.py", "KERAS_DISTRIBUTION_JOB_ADDRESSES"
    ),
)


def rewritten(page: str, command: str) -> str:
    """Return the command as the test runs it."""
    for pages, pattern, replacement in REWRITES:
        if re.match(pages, page):
            command = re.sub(pattern, replacement, command)
    return command


def elsewhere(command: str) -> Elsewhere | None:
    """Return the rule that says where a command is run instead, if there is one."""
    return next((rule for rule in ELSEWHERE if re.search(rule.pattern, command)), None)


def main_of(name: str) -> Callable[[], None]:
    """Return what the console script `name` calls."""
    scripts = tomllib.loads((TOP / "pyproject.toml").read_text())["project"]["scripts"]
    module, _, function = scripts[name].partition(":")
    return getattr(import_module(module), function)
