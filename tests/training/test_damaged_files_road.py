"""Invalid values in every field of every JSON file that is read.

Each must give a one-line error that names file and field. The fields are taken from files that the commands wrote, so
new fields are covered automatically.
"""

import hashlib
import io
import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from catalog.base.errors import VgpianoError
from catalog.storage.checksums import SUMS_FILE, format_sums
from catalog.store import Catalog
from dataset.corpus.corpus import Corpus
from training.classic.tokens import Music
from training.note_lstm.trained import network, vocabulary
from training.page.run_summary import RunSummary
from training.run import Run
from training.run_critic import read_critic

ABSENT, DEEP = object(), object()
BAD: dict[str, Any] = {
    "null": None,
    "int": 97,
    "str": "x",
    "list": [],
    "NaN": float("nan"),
    "deep": DEEP,
    "huge": 10**400,
    "absent": ABSENT,
}
pytestmark = pytest.mark.road  # every field of every file is damaged in many ways

MAY_BE_NULL = {
    *("minutes", "epochs", "init", "keep", "checkpoint", "ended", "precision", "sequencer", "validation_bits"),
    "preset",  # of a corpus with the default filters
    *("notes_per_second", "learning_rate", "train_bits"),  # weights that a run starts from, epoch 0, have none
    "copied",  # not measured in an epoch
}
MAY_BE_ABSENT = {
    *("harmony", "related"),  # the vocabulary of a run of an earlier version has none
    *("adopted", "place", "kept", "init", "keep", "max_copy", "max_copy_given", "piano_tracks", "keep_duplicates"),
    "preset",
    *("on", "measure", "least", "most", "among", "why"),  # the settings of a filter
    *("epoch", "step", "seconds", "best_epoch", "checkpoint", "ended", "minutes", "epochs", "extended_at", "precision"),
    *("notes_per_second", "train_bits"),  # of epoch 0
    "copied",  # not measured in an epoch, or a run of an earlier version
    "later",  # starts of a run of an earlier version
    *("samples", "samples_epoch", "history"),  # a state begins without them
    *("width", "layers", "head", "dropout", "style_dropout", "plan_dropout", "last_plan_dropout", "slips", "batch"),
    "window",
    *("epoch_notes", "learning_rate"),
    *("weight_decay", "warmup", "transpose", "validation_notes", "patience"),  # the settings of a recipe
}
FIXED = {"kind", "precision", "keep", "checkpoint"}
"""Text that is one of a few words, or a name of ours."""
HASHES = ("sha256", "identity", "hash")
OF_FIXED_LENGTH = {"quantiles"}
"""Lists that have as many entries as they always have."""

ALIKE = None if os.environ.get("VGPIANO_DAMAGE") else 2
"""Of more records of one type in a mapping so many are asked about; with VGPIANO_DAMAGE=1 all."""

Place = tuple[str | int, ...]


def fields(value: Any, place: Place = ()) -> Iterator[tuple[Place, Any]]:
    """All fields within `value`, with their values; of lists, the first entry."""
    parts: list[tuple[str | int, Any]] = []
    if isinstance(value, dict):
        alike = ALIKE is not None and len(value) > ALIKE and all(isinstance(part, dict) for part in value.values())
        parts = list(value.items())[: ALIKE if alike else None]
    elif isinstance(value, list):
        parts = list(enumerate(value[:1]))
    for name, part in parts:
        yield (*place, name), part
        yield from fields(part, (*place, name))


def spoiled(value: Any, place: Place, bad: Any) -> str:
    """The JSON text of `value` with `bad` at `place`."""
    copy = json.loads(json.dumps(value))
    at = copy
    for name in place[:-1]:
        at = at[name]
    if bad is ABSENT:
        del at[place[-1]]
    else:
        at[place[-1]] = "deep, deep" if bad is DEEP else bad
    return json.dumps(copy).replace('"deep, deep"', "[" * 100_000 + "]" * 100_000)


def may(place: Place, good: Any, kind: str) -> bool:
    """Whether a value of that kind is valid in place of `good`."""
    name = str(place[-1])
    if good is None and kind in ("int", "str"):
        return True  # the type cannot be told from the file
    if kind == "null":
        return name in MAY_BE_NULL
    if {*map(str, place[-2:])} & OF_FIXED_LENGTH and kind in ("absent", "list"):
        return False
    if kind == "absent":
        return (
            name in MAY_BE_ABSENT
            or isinstance(place[-1], int)
            or place[0] in ("filters", "versions")
            or place[:-1] in (("scales",), ("harmony",))
        )
    if kind == "int":
        return isinstance(good, int | float) and not isinstance(good, bool) and name not in ("format",)
    if kind == "list":
        return isinstance(good, list) and not isinstance(place[-1], int)
    return kind == "str" and isinstance(good, str) and name not in FIXED and not name.endswith(HASHES)


@dataclass(frozen=True)
class Kind:
    """A kind of file: its path below the data root, and its reader."""

    file: str
    read: Callable[[Path], object]


def tiny(root: Path) -> Run:
    return Run.open(root, "tiny")


KINDS = {
    "run.json": Kind("runs/tiny/run.json", lambda root: tiny(root).learned_from()),
    "recipe": Kind("runs/tiny/recipe.json", tiny),
    "vocabulary": Kind("runs/tiny/vocabulary.json", lambda root: vocabulary(tiny(root))),
    "state": Kind("runs/tiny/checkpoints/state.json", lambda root: tiny(root).progress()),
    "pieces of the sources": Kind("runs/tiny/sources/pieces.json", lambda root: tiny(root).learned_from()),
    "critic": Kind("runs/tiny/critic.json", lambda root: read_critic(tiny(root))),
    "corpus of the run": Kind("runs/tiny/corpus.json", lambda root: RunSummary.of(tiny(root))),
    "manifest": Kind("corpora/series-temple/manifest.json", lambda root: Corpus.open(root, "series-temple")),
    "catalog.json": Kind("catalog/catalog.json", lambda root: written(root)),
}


def written(root: Path) -> None:
    """Open the catalog for writing, which reads its owner."""
    with Catalog(root).writer():
        pass


def reseal(root: Path, file: Path) -> None:
    """Update the checksum of `file`, as an attacker would."""
    corpus, run = root / "corpora" / "series-temple", root / "runs" / "tiny"
    if file.is_relative_to(corpus):
        relist(corpus)
    elif file.is_relative_to(run):
        relist_run(run)


def relist(folder: Path) -> None:
    names = [line.split("  ")[1] for line in (folder / SUMS_FILE).read_text().splitlines() if line[0] != "#"]
    (folder / SUMS_FILE).write_text(format_sums({name: (folder / name).read_bytes() for name in names}))


def relist_run(run: Path) -> None:
    held = json.loads((run / "run.json").read_text())
    if isinstance(held, dict) and isinstance(held.get("files"), dict):
        for name in held["files"]:
            held["files"][name] = hashlib.sha256((run / name).read_bytes()).hexdigest()
        (run / "run.json").write_text(json.dumps(held))
    relist(run)


@pytest.fixture(scope="module")
def whole(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root with a catalog, a corpus and a run; tests restore what they change."""
    return Path(shutil.copytree(trained, tmp_path_factory.mktemp("damaged") / "root"))


def said(read: Callable[[], object]) -> str | None:
    """The error message for a file; None if it is accepted."""
    try:
        read()
    except VgpianoError as error:
        return str(error)
    return None


@pytest.mark.parametrize("name", KINDS)
def test_each_field_with_what_it_may_not_be_is_a_line_that_names_file_and_field(whole: Path, name: str) -> None:
    kind = KINDS[name]
    file = whole / kind.file
    before = {path: path.read_bytes() for path in whole.rglob("*") if path.is_file() and path.suffix in ("", ".json")}
    good = json.loads(file.read_text())
    wrong, count = [], 0
    for place, value in fields(good):
        for how, bad in BAD.items():
            if may(place, value, how) or (name, place, how) == ("critic", ("format",), "int"):
                continue  # a critic of another version counts as none
            file.write_text(spoiled(good, place, bad))
            if name != "run.json":
                reseal(whole, file)
            else:
                (file.parent / SUMS_FILE).write_text(format_sums({"run.json": file.read_bytes()}))
            line = said(lambda: kind.read(whole))
            count += 1
            field = next(str(part) for part in reversed(place) if isinstance(part, str))
            if line is None or "\n" in line or file.name not in line or field not in line:
                wrong.append((place, how, (line or "read in silence")[-200:]))
    for path, data in before.items():
        path.write_bytes(data)
    assert wrong == []
    assert count >= 10
    print(f"{name}: {count} values refused")


def test_the_vocabulary_of_a_classic_run_is_checked_alike() -> None:
    good = {
        "tokens": ["C4"],
        "training": [0],
        "validation": [0],
        "validation_unknown": 0,
        "unreadable": [["ab" * 32, "x"]],
    }
    wrong = []
    for place, value in fields(good):
        for how, bad in BAD.items():
            if may(place, value, how) and not (how == "int" and isinstance(place[-1], int)):
                continue
            text = spoiled(good, place, bad)
            line = said(lambda text=text: Music.from_json(text, "vocabulary.json"))  # type: ignore[misc]
            if place[0] == "unreadable" and how in ("str", "absent") and len(place) > 1:
                continue  # a reason is any text, and a list may be shorter
            if line is None or "vocabulary.json" not in line or str(place[0]) not in line:
                wrong.append((place, how, line))
    assert wrong == []


def test_the_meta_of_weights_is_checked_alike(whole: Path) -> None:
    path = whole / "runs" / "tiny" / "weights.npz"
    data = path.read_bytes()
    with np.load(io.BytesIO(data)) as held:
        arrays = {name: held[name] for name in held.files}
    good, wrong = json.loads(arrays["meta"].tobytes()), []
    for place, value in fields(good):
        for how, bad in BAD.items():
            if may(place, value, how) and not (place == ("epoch",) and how == "absent"):
                continue
            with path.open("wb") as file:
                np.savez(file, **{**arrays, "meta": np.frombuffer(spoiled(good, place, bad).encode(), np.uint8)})
            line = said(lambda: network(tiny(whole)))
            if line is None or "weights.npz" not in line or str(place[0]) not in line:
                wrong.append((place, how, (line or "read in silence")[-200:]))
    path.write_bytes(data)
    assert wrong == []
