"""The commands that a report prints rebuild the same corpus on a fresh root."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from hypothesis import given
from hypothesis import strategies as st

from catalog.base.console import clean
from dataset.build import build_corpus
from dataset.build_command import build_commands, command, file_lines
from dataset.corpus.corpus import Corpus
from dataset.corpus.manifest import MANIFEST_FILE, Manifest
from dataset.midi.midi_writer import write_midi
from dataset.notes.model import Notes
from dataset.plan import Plan
from tests import forked
from tests.dataset.conftest import fill, midi, off, on, tune, tunes
from tests.shell import run_lines, words_of

WHOLE = bool(os.environ.get("VGPIANO_AGAIN"))  # every set of options, not three
ALL = "source == 'vgmusic'"
MINE = r"""
[filter.too_few_notes]
least = 2
[filter.no_waltz]
measure = "time_signature"
among = ["4/4", "3/4"]
why = "Ours: \"C:\\new\"  and it's \u202e back\nEND\n"
[filter.too_many_notes]
measure = 'notes'
most = 150.0
[filter.too_short]
on = false
[duplicate.contained]
on = true
why = "Every piece once."
"""
OPTIONS: dict[str, tuple[str, ...]] = {
    "game": ("--game", "a-g"),
    "piano tracks": ("--query", ALL, "--piano-tracks"),
    "duplicates": ("--query", ALL, "--keep-duplicates"),
    "filters": ("--query", ALL, "--filters", "FILE"),
    "all of them": ("--query", ALL, "--filters", "FILE", "--keep-duplicates", "--piano-tracks", "--seed", "5"),
    "preset": ("--query", ALL, "--preset", "light", "--filters", "FILE"),
    "quotes": (
        "--query",
        "title != '$(touch x) `\"  \\u200b\t*!' and source == 'vgmusic'",
        "--seed",
        "7",
        "--name",
        "mine.v2",
    ),
}


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data root with pieces, duplicates, and a piece partly for other instruments."""
    root = tmp_path_factory.mktemp("filled")
    louder = Notes.of(*[getattr(tune(3), name) for name in ("onset", "duration", "pitch")], [99] * 40)
    flute = (0, bytes([0xC1, 73]))
    mixed = midi(
        [(0, bytes([0xC0, 0])), *(event for n in range(30) for event in (on(0, 50 + n % 9), off(240, 50 + n % 9)))],
        [flute, *(event for n in range(9) for event in (on(0, 70 + n, channel=1), off(240, 70 + n, channel=1)))],
    )
    fill(root, {**tunes(8), "Long": write_midi(tune(77, 200)), "Mixed": mixed})
    fill(root, {"Louder": write_midi(louder), "Twin": tunes(1)["Tune 0"]}, game="b-game")
    return root


def printed(page: str) -> list[str]:
    [code] = BeautifulSoup(page, "html.parser").select("#again ~ pre")
    return code.get_text().split("\n")


@pytest.mark.parametrize("case", OPTIONS if WHOLE else ("quotes", "duplicates", "all of them"))
def test_what_is_printed_builds_the_same_corpus_on_a_fresh_root(filled: Path, tmp_path: Path, case: str) -> None:
    root, fresh = tmp_path / "root", tmp_path / "fresh"
    shutil.copytree(filled, root)
    shutil.copytree(filled, fresh / "data")
    (tmp_path / "mine.toml").write_text(MINE)
    words = [str(tmp_path / "mine.toml") if word == "FILE" else word for word in OPTIONS[case]]
    assert forked.command("dataset", "build", *words, "--root", root).returncode == 0
    [folder] = [path.parent for path in (root / "corpora").glob(f"*/{MANIFEST_FILE}")]
    (tmp_path / "mine.toml").unlink()
    assert forked.command("dataset", "report", folder.name, "--root", root).returncode == 0
    run_lines(printed((folder / "report.html").read_text()), fresh)
    again = Corpus.open(fresh / "data", folder.name)
    assert again.manifest == Corpus.open(root, folder.name).manifest
    assert sorted(path.name for path in fresh.iterdir()) in (["data"], ["data", f"{folder.name}.filters.toml"])


def test_every_option_of_build_is_on_the_page_or_decides_nothing(filled: Path) -> None:
    recorded = {"--query", "--name", "--seed", "--preset", "--filters", "--piano-tracks", "--keep-duplicates"}
    no_effect = {"--game", "--workers", "--cluster", "--root", "--help"}  # a game becomes a query
    offered = {word for word in forked.command("dataset", "build", "--help").stdout.split() if word.startswith("--")}
    assert offered == recorded | no_effect


def test_filters_that_this_version_cannot_set_are_said_to_be_so(filled: Path, tmp_path: Path) -> None:
    manifest = build_corpus(filled, Plan(query=ALL), "other").manifest
    values = json.loads(manifest.to_json())
    del values["filters"]["too_few_notes"]
    values["versions"]["vgpiano"] = "0.9\nrm -rf x"
    (tmp_path / "manifest.json").write_text(json.dumps(values))
    [first, second] = build_commands(Manifest.read(tmp_path / "manifest.json"))
    assert first == "# This version cannot set the same filters; use vgpiano 0.9 rm -rf x."
    assert second == build_commands(manifest)[-1]


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30))
def test_a_word_is_shown_as_it_is_and_no_page_that_cleans_its_lines_changes_it(text: str) -> None:
    line = command(["x", text])
    assert clean(line) == line


def test_words_reach_a_command_as_they_were(tmp_path: Path) -> None:
    texts = [
        "a\n b",
        "",
        "plain",
        "it's",
        "a  b ",
        " a",
        "\t\n",
        "\u200b\u202e",
        '$HOME `ls` \\ " !x',
        "\x1b[2J'\\",
        "é\u00a0e",
        "-rf",
        "~",
        "*",
    ]
    assert words_of([command(["dataset", *texts])], tmp_path) == [["dataset", *texts]]


def test_a_file_within_the_lines_is_written_as_it_is(tmp_path: Path) -> None:
    text = ["$HOME `x`", "it's \\ \"", ""]
    subprocess.run(["bash", "-c", "\n".join(file_lines("a 'b'", text))], cwd=tmp_path, check=True)
    assert (tmp_path / "a 'b'").read_text().split("\n") == [*text, ""]
