"""Flipped bits in the files of a run: an error or unchanged content.

`catalog verify` names the file. VGPIANO_FLIPS is the number of bits per kind of file, flipped one at a time; a few by
default.
"""

import os
import random
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from catalog.base.errors import VgpianoError
from catalog.store import Catalog
from training.network.weights import load_weights
from training.novelty.training_index import TrainingIndex
from training.run import Run

FLIPS = int(os.environ.get("VGPIANO_FLIPS", "6"))


def weights(root: Path) -> object:
    named, meta = load_weights(Run.open(root, "tiny").weights)
    return meta, {name: array.tobytes() for name, array in named.items()}


def run(root: Path) -> object:
    opened = Run.open(root, "tiny")
    return opened.request, opened.recipe, opened.vocabulary_text


def sources(root: Path) -> object:
    opened: TrainingIndex = Run.open(root, "tiny").learned_from()
    arrays = (opened.onset, *(getattr(opened.index, name) for name in ("first", "tick", "pitch", "hashes", "places")))
    return opened.pieces, [array.tobytes() for array in arrays]


KINDS: dict[str, tuple[str, Callable[[Path], object]]] = {
    "weights": ("runs/tiny/weights.npz", weights),
    "run.json": ("runs/tiny/run.json", run),
    "recipe": ("runs/tiny/recipe.json", run),
    "sources": ("runs/tiny/sources/*", sources),
}


@pytest.fixture(scope="module")
def whole(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root with all files that are read; tests restore what they change."""
    root = Path(shutil.copytree(trained, tmp_path_factory.mktemp("flipped") / "root"))
    assert Catalog(root).verify().faults == ()
    return root


@pytest.mark.parametrize("kind", KINDS)
def test_a_flipped_bit_is_never_another_value_and_verify_names_the_file(whole: Path, kind: str) -> None:
    pattern, read = KINDS[kind]
    files = sorted(whole.glob(pattern))
    good, rng = read(whole), random.Random(kind)
    silent, unnamed = [], []
    for _ in range(FLIPS):
        file = rng.choice(files)
        data = file.read_bytes()
        at = rng.randrange(8 * len(data))
        spoiled = bytearray(data)
        spoiled[at // 8] ^= 1 << at % 8
        file.write_bytes(spoiled)
        with suppress(VgpianoError):
            if read(whole) != good:
                silent.append((file.name, at))
        if not any(str(file) in fault for fault in Catalog(whole).verify().faults):
            unnamed.append((file.name, at))
        file.write_bytes(data)
    assert (silent, unnamed) == ([], [])
