"""A failing disk turns bits: what the product then reads is an error or what it was before, and `catalog verify` names the file.

VGPIANO_FLIPS says how many bits of each kind of file are turned, one at a time; a few by default.
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
from dataset.corpus.corpus import Corpus
from dataset.corpus.split_ledger import read_sides
from dataset.measure import measure_catalog
from training.network.weights import load_weights
from training.novelty.training_index import Sources
from training.run import Run

FLIPS = int(os.environ.get("VGPIANO_FLIPS", "6"))


def pieces(root: Path) -> object:
    return Catalog(root).pieces().to_pylist()


def measures(root: Path) -> object:
    return Catalog(root).measures().to_pylist()


def sides(root: Path) -> object:
    return read_sides(root, 0)


def corpus(root: Path) -> object:
    opened = Corpus.open(root, "series-temple")
    return opened.manifest, opened.table().to_pylist(), opened.excluded().to_pylist(), opened.relations().to_pylist()


def weights(root: Path) -> object:
    named, meta = load_weights(Run.open(root, "tiny").weights)
    return meta, {name: array.tobytes() for name, array in named.items()}


def run(root: Path) -> object:
    opened = Run.open(root, "tiny")
    return opened.asked, opened.recipe, opened.vocabulary_text


def sources(root: Path) -> object:
    opened: Sources = Run.open(root, "tiny").learned_from()
    arrays = (opened.onset, *(getattr(opened.index, name) for name in ("first", "tick", "pitch", "hashes", "places")))
    return opened.pieces, [array.tobytes() for array in arrays]


KINDS: dict[str, tuple[str, Callable[[Path], object]]] = {
    "pieces": ("catalog/pieces/*.parquet", pieces),
    "measures": ("catalog/measures/*.parquet", measures),
    "split book": ("splits/*.parquet", sides),
    "notes": ("corpora/*/notes.parquet", corpus),
    "excluded": ("corpora/*/excluded.parquet", corpus),
    "manifest": ("corpora/*/manifest.json", corpus),
    "weights": ("runs/tiny/weights.npz", weights),
    "run.json": ("runs/tiny/run.json", run),
    "recipe": ("runs/tiny/recipe.json", run),
    "sources": ("runs/tiny/sources/*", sources),
}


@pytest.fixture(scope="module")
def whole(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root with all that is read; tests put back what they change."""
    root = Path(shutil.copytree(trained, tmp_path_factory.mktemp("flipped") / "root"))
    measure_catalog(root)
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
