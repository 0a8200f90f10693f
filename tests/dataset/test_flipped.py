"""No flipped bit of a corpus or of the split ledger goes unnoticed.

`catalog verify` names each damaged file.
"""

import os
import shutil
from pathlib import Path

import pytest

from catalog.base.errors import CorpusError
from catalog.storage.checksums import SUMS_FILE
from catalog.store import Catalog
from dataset.build import build_corpus
from dataset.corpus.corpus import Corpus, list_corpora
from dataset.corpus.split_ledger import read_splits
from dataset.plan import Plan
from tests import forked
from tests.catalog.test_parquet import evenly, flipped
from tests.dataset.conftest import fill, tunes

FLIPS = int(os.environ.get("VGPIANO_FLIPS", "20"))  # of each file, evenly over it
OF_A_CORPUS = (
    *("notes.parquet", "excluded.parquet", "measures.parquet", "relations.parquet"),
    *("CREDITS.md", "manifest.json", SUMS_FILE),
)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data root with a corpus of songs, two of them identical, one left out."""
    root = tmp_path_factory.mktemp("whole") / "root"
    fill(root, tunes(12))
    fill(root, {"Twin": next(iter(tunes(1).values())), "Broken": b"no MIDI"}, game="z-game")
    build_corpus(root, Plan(query="source == 'vgmusic'"), "all", workers=1)
    return root


@pytest.fixture
def built(whole: Path, tmp_path: Path) -> Path:
    """A copy of it, to be damaged."""
    return Path(shutil.copytree(whole, tmp_path / "root"))


def read(root: Path) -> list[object]:
    """Read everything in a corpus."""
    corpus = Corpus.open(root, "all")
    tables = (corpus.table(), corpus.excluded(), corpus.measures(), corpus.relations())
    return [*tables, corpus.table("train"), corpus.credits(), corpus.manifest, list_corpora(root)]


@pytest.mark.parametrize("name", OF_A_CORPUS)
def test_no_flipped_bit_of_a_corpus_is_read_in_silence(built: Path, name: str) -> None:
    sound, listed = read(built), list_corpora(built)
    path = built / "corpora" / "all" / name
    data = path.read_bytes()
    for bit in evenly(data, FLIPS):
        path.write_bytes(flipped(data, bit))
        try:
            assert read(built) == sound, f"bit {bit} of {len(data)} bytes"
        except CorpusError as error:
            assert str(path.parent) in str(error)  # noqa: PT017
        assert list_corpora(built) in ([], listed)
        faults = Catalog(built).verify().faults
        if name == SUMS_FILE:  # of a list a file's name may be spoiled, or the space before it
            assert [fault for fault in faults if str(path.parent) in fault], f"bit {bit}"
        else:
            assert [fault for fault in faults if fault.startswith(f"{path}: damaged")], f"bit {bit}"
    path.write_bytes(data)
    assert read(built) == sound
    assert Catalog(built).verify().ok


def test_no_flipped_bit_of_the_book_of_sides_is_read_in_silence(built: Path) -> None:
    sound = read_splits(built, 0)
    path = built / "splits" / "seed-0.parquet"
    data = path.read_bytes()
    for bit in evenly(data, 2 * FLIPS):
        path.write_bytes(flipped(data, bit))
        with pytest.raises(CorpusError, match=r"seed-0\.parquet: damaged"):
            read_splits(built, 0)
        assert [fault for fault in Catalog(built).verify().faults if fault.startswith(f"{path}: damaged")]
    path.write_bytes(data)
    (path.parent / SUMS_FILE).unlink()  # as an older version, which wrote none, left it: its own checksums stay
    for bit in evenly(data, 2 * FLIPS):
        path.write_bytes(flipped(data, bit))
        try:
            assert read_splits(built, 0) == sound
        except CorpusError as error:
            assert "seed-0.parquet" in str(error)  # noqa: PT017
    path.write_bytes(data)
    assert read_splits(built, 0) == sound


def test_verify_names_every_fault_and_not_the_first_alone(built: Path) -> None:
    [pieces] = (built / "catalog" / "pieces").iterdir()
    harmed = [pieces, built / "splits" / "seed-0.parquet", built / "corpora" / "all" / "notes.parquet"]
    for path in harmed:
        path.write_bytes(flipped(path.read_bytes(), 1000))
    (built / "corpora" / "all" / "CREDITS.md").unlink()
    blob = next((built / "midi").glob("*/*.mid"))
    blob.write_bytes(b"another")
    done = forked.command("catalog", "verify", "--root", built)
    assert (done.returncode, done.stderr) == (1, "")
    for path in harmed:
        assert f"{path}: damaged" in done.stdout
    assert "CREDITS.md: missing" in done.stdout
    assert f"wrong {blob.stem}" in done.stdout
