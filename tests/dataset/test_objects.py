"""Corpora below a URL: the same bytes as in a folder, atomic for readers."""

import shutil
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from catalog.base.errors import CatalogError, CorpusError
from catalog.storage.lock import WriterLock
from catalog.storage.remote import RemotePath, parse_location
from catalog.store import Catalog
from dataset import cli
from dataset.build import build_corpus, ensure_corpus
from dataset.corpus import folder_store
from dataset.corpus.corpus import Corpus, names
from dataset.corpus.folder_store import locked, replacing_folder
from dataset.corpus.object_store import versioned
from dataset.measure import measure_catalog
from dataset.plan import Plan
from tests.dataset.conftest import fill, tunes
from training import session
from training.note_lstm.trained import encoded_split

QUERY = "source == 'vgmusic'"


def below(url: str) -> RemotePath:
    """Return the path part of a URL."""
    path = parse_location(url)
    assert isinstance(path, RemotePath)
    return path


@pytest.fixture(name="corpora")
def two_corpora(root: Path) -> dict[str, Path]:
    """Two corpora of one name in folders, by their hash."""
    for seed in (0, 1):
        build_corpus(root, Plan(query=QUERY, seed=seed), "x", workers=1)
        shutil.copytree(root / "corpora" / "x", root / "corpora" / f"{seed}")
    return {Corpus.open(root, str(root / "corpora" / seed)).hash: root / "corpora" / seed for seed in "01"}


def put(target: RemotePath, source: Path) -> None:
    """Replace the corpus at `target` with that in folder `source`, as a build does."""
    with locked(target.parent) as hold, replacing_folder(target, hold) as new:
        for path in source.iterdir():
            shutil.copy(path, new)


@pytest.mark.parametrize("place", ["s3", "memory"])
def test_measures_and_corpora_below_a_url_are_those_of_a_folder_to_the_byte(
    place: str, bucket: str, tmp_path: Path
) -> None:
    url = below(f"{bucket}/vg" if place == "s3" else "memory://build/vg")
    root = tmp_path / "local"
    for place_ in (root, url):
        fill(place_, tunes(6))
        fill(place_, {"Broken": b"no MIDI at all"}, game="b-game", missing=["gone.mid"])
    assert measure_catalog(url, workers=1) == measure_catalog(root, workers=1)
    query = "notes > 20 or state == 'missing'"
    assert Catalog(url).pieces(query).equals(Catalog(root).pieces(query))
    here, there = (build_corpus(place_, Plan(query=QUERY), "all", workers=1) for place_ in (root, url))
    assert there.manifest == here.manifest
    assert there.manifest.funnel.unique == 6
    assert (url / "corpora" / "all" / "manifest.json").read_bytes() == (here.path / "manifest.json").read_bytes()
    for name, sha256 in here.manifest.files.items():
        assert (there.path / versioned(name, sha256)).read_bytes() == (here.path / name).read_bytes()
    assert there.table().equals(here.table())
    assert there.excluded().equals(here.excluded())
    assert ensure_corpus(url, QUERY, "all").hash == here.hash
    assert names(url) == ["all"]


def test_a_corpus_that_was_copied_as_it_lies_is_read(bucket: str, root: Path, corpora: dict[str, Path]) -> None:
    (hash_, folder), (other, newer) = corpora.items()
    target = below(f"{bucket}/vg") / "corpora" / "x"
    for path in folder.iterdir():
        (target / path.name).write_bytes(path.read_bytes())
    assert Corpus.open(below(f"{bucket}/vg"), "x").hash == hash_
    put(target, newer)
    assert Corpus.open(root, f"{bucket}/vg/corpora/x").hash == other
    down = root / "down"
    down.mkdir()
    for path in target.iterdir():
        (down / path.name).write_bytes(path.read_bytes())
    assert Corpus.open(root, str(down)).hash == other


def test_a_reader_sees_the_old_corpus_or_the_new_while_it_is_replaced(bucket: str, corpora: dict[str, Path]) -> None:
    url = below(f"{bucket}/vg")
    target = url / "corpora" / "x"
    put(target, next(iter(corpora.values())))
    replaced = threading.Event()

    def replace() -> None:
        try:
            for _ in range(4):
                for folder in reversed(corpora.values()):
                    put(target, folder)
        finally:
            replaced.set()

    writer = threading.Thread(target=replace)
    writer.start()
    seen = []
    while not replaced.is_set():
        seen.append(Corpus.open(url, "x").hash)
    writer.join()
    assert set(seen) == set(corpora)


def test_a_writer_that_stops_before_the_manifest_has_changed_nothing_that_a_reader_sees(
    bucket: str, corpora: dict[str, Path]
) -> None:
    target = below(f"{bucket}/vg") / "corpora" / "x"
    (old, folder), (new, newer) = corpora.items()
    put(target, folder)
    checks = iter([True, False])  # the lock is there before the files are written, and lost before the manifest is

    def check() -> None:
        if not next(checks):
            raise CatalogError("the lock is lost")

    with (
        pytest.raises(CatalogError, match="the lock is lost"),
        replacing_folder(target, WriterLock(check=check)) as folder_,
    ):
        shutil.copytree(newer, folder_, dirs_exist_ok=True)
    assert len(target.entries()) > len(list(folder.iterdir()))
    assert Corpus.open(below(f"{bucket}/vg"), "x").hash == old
    put(target, newer)
    assert Corpus.open(below(f"{bucket}/vg"), "x").hash == new
    assert len(target.entries()) == len(list(folder.iterdir()))


def test_a_build_waits_for_another_and_then_says_who_holds_the_lock(
    bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder_store, "LEASE_POLL_S", 0.05)
    folder = below(f"{bucket}/vg/corpora")
    with locked(folder), pytest.raises(CorpusError, match=r"being written by .*this build has waited 0.1 s"):
        locked(folder, wait_s=0.1).__enter__()


def test_bytes_out_of_reach_are_an_error_and_bytes_that_are_gone_a_reason(
    bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = below(f"{bucket}/vg")
    fill(url, tunes(4))
    first, second = sorted(Catalog(url).pieces()["sha256"].to_pylist())[:2]
    (url / "midi" / first[:2] / f"{first}.mid").unlink()
    (url / "midi" / second[:2] / f"{second}.mid").write_bytes(b"something else")
    corpus = build_corpus(url, Plan(query=QUERY), "all", workers=1)
    assert corpus.manifest.reasons == {"blob_damaged": 1, "blob_missing": 1}

    def refuse(path: RemotePath) -> Any:
        raise CatalogError(f"{path}: out of reach")

    monkeypatch.setattr(RemotePath, "read_bytes", refuse)
    with pytest.raises(CatalogError, match="out of reach"):
        build_corpus(url, Plan(query=QUERY), "all", workers=1)


def call(monkeypatch: pytest.MonkeyPatch, main: Callable[[], None], *arguments: str) -> int:
    """Return the exit code of a command."""
    monkeypatch.setattr(sys, "argv", ["dataset", *arguments])
    with pytest.raises(SystemExit) as end:
        main()
    return int(end.value.code or 0)


def test_the_commands_take_a_url_as_the_data_root(
    bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("VGPIANO_ROOT", f"{bucket}/vg")
    monkeypatch.chdir(tmp_path)
    assert call(monkeypatch, cli.main, "list") == 0
    assert capsys.readouterr() == (
        "",
        f"no corpora in {bucket}/vg/corpora; run `dataset build --game NAME` to make one\n",
    )
    assert call(monkeypatch, cli.main, "show", "a-game") == 1
    assert capsys.readouterr().err == "error: no corpus 'a-game'; run `dataset build` to make one\n"
    fill(below(f"{bucket}/vg"), tunes(12))
    assert call(monkeypatch, cli.main, "measure", "--workers", "1") == 0
    assert call(monkeypatch, cli.main, "build", "--game", "a-g", "--workers", "1") == 0
    built = capsys.readouterr().out
    assert "12 files: 0 already measured, 12 measured now\n" in built
    assert built.endswith(f"  {bucket}/vg/corpora/a-game\n")
    assert call(monkeypatch, cli.main, "show", "a-game") == 0
    assert call(monkeypatch, cli.main, "list") == 0
    assert "12 pieces   game == 'a-game'" in capsys.readouterr().out
    order = session.TrainConfig(query="game == 'a-game'")
    run, corpus, _ = session.prepare(below(f"{bucket}/vg"), order, lambda done, total: None)
    assert corpus.hash == Corpus.open(below(f"{bucket}/vg"), "a-game").hash
    assert run.path == tmp_path / "data" / "runs" / "a-game"
    assert run.path.is_dir()
    assert encoded_split(below(f"{bucket}/vg"), run, "validation")
