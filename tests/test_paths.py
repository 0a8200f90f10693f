"""A path on the command line means the same file in all commands and libraries."""

import getpass
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import get_args, get_type_hints

import pytest
from typer.models import ArgumentInfo, OptionInfo

import catalog.cli
import dataset.cli
import scraper.cli
import training.commands.evaluate
import training.commands.generate
import training.commands.listen
import training.commands.novelty
import training.commands.render
import training.commands.train
from catalog.storage.files import data_root
from tests import forked
from tests.scraper.conftest import midi

APPS = {
    "catalog": catalog.cli.app,
    "scrape": scraper.cli.app,
    "dataset": dataset.cli.app,
    "train": training.commands.train.app,
    "evaluate": training.commands.evaluate.app,
    "generate": training.commands.generate.app,
    "render": training.commands.render.app,
    "novelty": training.commands.novelty.app,
    "listen": training.commands.listen.app,
}
OF_NO_PATH = {  # options that mention files or folders in their help, but take no path
    *("scrape vgmusic section", "scrape import game", "scrape import title_from", "scrape status section"),
    *("dataset build name", "train name", "train query", "generate count", "render loop", "render form"),
    *("scrape demo_site command", "catalog edit sequencer"),
}
ROOTS = (" root", " other")  # data roots, which may be URLs


@dataclass(frozen=True)
class Parameter:
    """An option or argument: its name, its annotated type, and its Typer settings."""

    name: str
    kind: object
    info: OptionInfo | ArgumentInfo

    @property
    def is_path(self) -> bool:
        """Return whether it is a path, or a text that may be one."""
        if self.kind in (Path, list[Path]):
            return True
        words = (self.info.help or "").lower()
        speaks_of_files = re.search(r"folder|file|\bpath\b|\bruns?\b|corpus", words)
        return self.kind in (str, list[str]) and self.name not in OF_NO_PATH and speaks_of_files is not None


def parameters() -> Iterator[Parameter]:
    """Every parameter of every command."""
    for name, app in APPS.items():
        for command in app.registered_commands:
            function = command.callback
            assert function is not None
            words = name if app.registered_callback is None else f"{name} {command.name or function.__name__}"
            for parameter, hint in get_type_hints(function, include_extras=True).items():
                if parameter != "return":
                    kinds = [kind for kind in get_args(hint.__origin__) if kind is not type(None)]
                    kind = kinds[0] if kinds and hint.__origin__ not in (list[Path], list[str]) else hint.__origin__
                    yield Parameter(f"{words} {parameter}", kind, hint.__metadata__[0])


PATHS = {parameter.name: parameter for parameter in parameters() if parameter.is_path}


def test_the_walk_sees_every_option_that_takes_a_path() -> None:
    known = {
        "root",
        "out",
        "folder",
        "prime",
        "filters",
        "midi",
        "corpus",
        "recipe",
        "init",
        "against",
        "run",
        "what",
        "also",
        "tally",
        "soundfont",
        "other",
    }
    assert {name.split()[-1] for name in PATHS} == known | {"name", "paths"}
    assert len(PATHS) >= 30


@pytest.mark.parametrize("name", PATHS)
def test_a_tilde_that_the_shell_left_is_home(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    parameter = PATHS[name]
    convert = data_root if name.endswith(ROOTS) else parameter.info.callback
    assert convert is not None, "give it callback=absolute_path or expand_name of catalog.options"
    user = getpass.getuser()
    for given, meant in (("~/x", tmp_path / "x"), ("~", tmp_path), (f"~{user}/x", Path(f"~{user}/x").expanduser())):
        if parameter.kind == list[Path]:
            assert convert([Path(given)]) == [meant]
        elif parameter.kind == list[str]:
            assert convert([given, "tiny"]) == [str(meant), "tiny"]
        else:
            assert str(convert(given if parameter.kind is str else Path(given))) == str(meant)
    if parameter.kind is Path:
        assert convert(Path("../x")) == Path.cwd() / "../x"
        assert convert(None) is None
    elif parameter.kind is str and not name.endswith(ROOTS):
        assert convert("tiny") == "tiny"  # a name, unless there is such a file


def test_nobodys_tilde_stays_as_a_shell_leaves_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert data_root("~no-such-user/x") == tmp_path / "~no-such-user" / "x"
    assert data_root("./~/x") == tmp_path / "~" / "x"


@pytest.mark.parametrize(
    "given", ["~/data", "{home}/data", "data", "./data", "link/../home/data", "file://{home}/data"]
)
def test_one_root_whichever_way_it_is_given(given: str, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (tmp_path / "elsewhere" / "deep").mkdir(parents=True)
    (tmp_path / "link").symlink_to("elsewhere/deep")  # so that link/.. is another folder than the working one
    (tmp_path / "elsewhere" / "home").symlink_to(home)
    folder = home if given in ("data", "./data") else tmp_path
    (tmp_path / "a.mid").write_bytes(midi(1))
    root, plain = given.format(home=home), {k: v for k, v in os.environ.items() if k != "VGPIANO_ROOT"}
    environment = {**plain, "HOME": str(home)}

    def run(*words: object, env: dict[str, str] = environment) -> str:
        done = forked.command(*map(str, words), env=env, cwd=folder)
        assert (done.returncode, done.stderr) == (0, ""), done
        return done.stdout

    run("scrape", "import", tmp_path / "a.mid", f"--root={root}")
    run("scrape", "import", tmp_path / "a.mid", "--game", "Other", env={**environment, "VGPIANO_ROOT": root})
    assert "1 piece\n" in run("catalog", "show", f"--root={root}")
    assert sorted(path.name for path in home.iterdir()) == ["data"]
    assert sorted(path.name for path in (home / "data").iterdir()) == ["catalog", "midi"]
    assert not list(tmp_path.rglob("~*"))
