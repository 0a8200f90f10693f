"""From catalog to corpus: correct reasons, no lost pieces, repeatable builds."""

import pickle
import shutil
from collections import Counter
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.base.errors import CorpusError, UsageError
from catalog.store import Catalog
from dataset.build import build_corpus, ensure_corpus
from dataset.corpus.corpus import Corpus
from dataset.corpus.manifest import FILES, NOTES_FILE
from dataset.corpus.split_ledger import ledger_path, read_splits
from dataset.filters.rules import build_filters, overlay
from dataset.measure import measure_catalog
from dataset.midi.midi_writer import write_midi
from dataset.notes.model import Notes
from dataset.parallel.executors import do_chunk
from dataset.parse import PARSE, parse
from dataset.plan import Plan
from tests.dataset.conftest import fill, midi, off, on, tune, tunes
from tests.dataset.tasks import KILLER, SLEEPER

ALL = Plan(query="source == 'vgmusic'")
DRUMS = midi([on(0, 36, channel=9), off(9, 36, channel=9)])
SHORT = midi([on(0, 60), off(480, 60)])


def reasons(corpus: Corpus) -> dict[str, str]:
    """Return {title: reason} of the pieces left out."""
    table = corpus.excluded()
    return dict(zip(table["title"].to_pylist(), table["reason"].to_pylist(), strict=True))


def test_a_corpus_of_a_game_by_name_is_that_of_its_slug(root: Path) -> None:
    named, slugged = ensure_corpus(root, "game == 'A GAME'"), ensure_corpus(root, "game == 'a-game'")
    assert (named.name, named.manifest.query, named.hash) == ("a-game", "game == 'a-game'", slugged.hash)
    assert ensure_corpus(root, "game.isin(['A Game'])").manifest.query == "game.isin(['a-game'])"


def test_every_piece_left_out_has_its_stage_and_reason(root: Path) -> None:
    again = tune(3)
    louder = Notes(again.onset + 24, again.duration, again.pitch, 127 - again.velocity // 2, ((0, 80.0),))
    strange = {
        "Not music": b"<html>not found</html>",
        "Drums": DRUMS,
        "Short": SHORT,
        "Twin": tunes(1)["Tune 0"],
        "Louder": write_midi(louder),
    }
    fill(root, strange, game="b-game", missing=["gone.mid"])
    Catalog(root).blob_path(_sha(root, "Tune 5")).unlink()
    Catalog(root).blob_path(_sha(root, "Tune 6")).write_bytes(SHORT)
    corpus = build_corpus(root, ALL, "all")
    assert reasons(corpus) == {
        "gone.mid": "missing",
        "Tune 5": "blob_missing",
        "Tune 6": "blob_damaged",
        "Not music": "not_midi",
        "Drums": "only_drums",
        "Short": "too_few_notes",
        "Twin": "duplicate_bytes",
        "Louder": "duplicate_notes",
    }
    funnel = corpus.manifest.funnel
    assert (funnel.listed, funnel.fetched, funnel.parsed, funnel.kept, funnel.unique) == (18, 17, 13, 12, 10)
    assert funnel.train + funnel.validation + funnel.test == 10
    stages = Counter(corpus.excluded()["stage"].to_pylist())
    assert stages == {"fetch": 1, "parse": 4, "filter": 1, "duplicate": 2}
    twin = next(row for row in corpus.excluded().to_pylist() if row["title"] == "Twin")
    assert twin["detail"] == f"{_sha(root, 'Tune 0')} https://example.org/a-game/0.mid"


def test_the_same_command_twice_and_any_number_of_workers_give_the_same_bytes(root: Path) -> None:
    fill(root, tunes(60, first=20), game="b-game")
    contents = []
    for workers, task in ((1, PARSE), (3, "tests.dataset.tasks:parse_late"), (2, PARSE)):
        folder = build_corpus(root, ALL, "all", workers=workers, task=task).path
        contents.append({path.name: path.read_bytes() for path in folder.iterdir()})
    assert contents[0] == contents[1] == contents[2]
    assert set(contents[0]) == {*FILES, "manifest.json", "SHA256SUMS"}


def test_measures_in_the_catalog_change_no_byte_of_a_corpus(root: Path) -> None:
    before = build_corpus(root, ALL, "all").hash
    measure_catalog(root)
    assert build_corpus(root, ALL, "all").hash == before


def test_another_seed_moves_pieces_between_splits_only(root: Path) -> None:
    fill(root, tunes(40, first=20), game="b-game")
    one, two = build_corpus(root, ALL, "one"), build_corpus(root, Plan(query=ALL.query, seed=1), "two")
    assert [piece.sha256 for piece in one.pieces()] == [piece.sha256 for piece in two.pieces()]
    assert [piece.split for piece in one.pieces()] != [piece.split for piece in two.pieces()]


def test_a_file_that_kills_or_hangs_its_worker_costs_one_row(root: Path) -> None:
    fill(root, {"Killer": KILLER, "Sleeper": SLEEPER}, game="b-game")
    corpus = build_corpus(root, ALL, "all", task="tests.dataset.tasks:parse_or_die", workers=2)
    assert reasons(corpus) == {"Killer": "parser_crashed", "Sleeper": "parser_timed_out"}
    assert corpus.manifest.funnel.unique == 12


@settings(max_examples=8, deadline=None)
@given(
    good=st.integers(1, 6),
    bad=st.lists(st.sampled_from([b"", b"MThd", DRUMS, SHORT]), max_size=4),
    gone=st.integers(0, 3),
    twins=st.integers(0, 3),
)
def test_listed_is_always_kept_and_excluded(
    tmp_path_factory: pytest.TempPathFactory, good: int, bad: list[bytes], gone: int, twins: int
) -> None:
    root = tmp_path_factory.mktemp("root")
    files = {**tunes(good), **{f"Bad {n}": data for n, data in enumerate(bad)}}
    files |= {f"Twin {n}": data for n, data in zip(range(twins), tunes(good).values(), strict=False)}
    fill(root, files, missing=[f"gone{n}.mid" for n in range(gone)])
    corpus = build_corpus(root, ALL, "all", workers=1)
    funnel = corpus.manifest.funnel
    assert funnel.listed == len(files) + gone == len(corpus.pieces()) + len(corpus.excluded())
    assert len(corpus.excluded()) == sum(corpus.manifest.reasons.values())
    assert funnel.unique == len(corpus.pieces()) == good
    assert all(corpus.excluded()["reason"].to_pylist())


def test_nothing_found_names_what_is_nearest(root: Path) -> None:
    with pytest.raises(CorpusError, match="no game 'a-gaem'; nearest: 'a-game'"):
        build_corpus(root, Plan(query="game == 'a-gaem'"))
    with pytest.raises(CorpusError, match="no series 'xyzzy'; run `catalog games`"):
        build_corpus(root, Plan(query="series == 'xyzzy'"))
    with pytest.raises(CorpusError, match="catalog is empty"):
        build_corpus(root / "nowhere", ALL)


def test_nothing_left_says_why_and_leaves_no_corpus(tmp_path: Path) -> None:
    fill(tmp_path, {"Drums": DRUMS, "Short": SHORT})
    with pytest.raises(CorpusError, match=r"none of 2 pieces remains: .*only_drums 1"):
        build_corpus(tmp_path, ALL, "all")
    assert not (tmp_path / "corpora" / "all").exists()


@pytest.mark.parametrize("name", ["../escape", "", ".hidden", "a/b", "A b", "x" * 81])
def test_a_name_that_is_no_name_is_wrong_usage(root: Path, name: str) -> None:
    with pytest.raises(UsageError, match="not a valid name"):
        build_corpus(root, ALL, name or "-")


@pytest.mark.parametrize(
    "query, name",
    [
        ("game == 'ocarina-of-time'", "ocarina-of-time"),
        ('series == "zelda"', "series-zelda"),
        ("notes < 5", "notes-5-"),
        ("notes > 5", "notes-5-"),
    ],
)
def test_a_corpus_without_a_name_is_named_after_its_query(query: str, name: str) -> None:
    assert Plan(query=query).name.startswith(name)


def test_queries_that_only_differ_in_signs_get_different_names() -> None:
    assert Plan(query="notes < 5").name != Plan(query="notes > 5").name


def test_ensure_opens_what_stands_and_builds_what_is_out_of_date(root: Path) -> None:
    first = ensure_corpus(root, ALL.query, "all")
    mark = (first.path / NOTES_FILE).stat().st_ino
    assert (ensure_corpus(root, ALL.query, "all").path / NOTES_FILE).stat().st_ino == mark  # not built again
    fill(root, tunes(1, first=90), game="b-game")
    grown = ensure_corpus(root, ALL.query, "all")
    assert grown.manifest.funnel.unique == 13
    assert ensure_corpus(root, ALL.query, "all", seed=4).manifest.seed == 4
    (grown.path / NOTES_FILE).write_bytes(b"damaged")
    assert ensure_corpus(root, ALL.query, "all").hash == grown.hash
    assert ensure_corpus(root, "game == 'a-game'").name == "a-game"


def test_measuring_fills_the_catalog_once(root: Path) -> None:
    fill(root, {"Drums": DRUMS, "Not music": b"<html>"}, game="b-game")
    done = measure_catalog(root)
    assert (done.files, done.before, done.now) == (14, 0, 14)
    assert done.unreadable == {"not_midi": 1, "only_drums": 1}
    assert measure_catalog(root).now == 0
    assert measure_catalog(root, "game == 'b-game'", again=True).now == 2
    table = Catalog(root).pieces("notes == 40")
    assert len(table) == 12
    assert set(table["time_signature"].to_pylist()) == {"3/4"}


def _sha(root: Path, title: str) -> str:
    return str(Catalog(root).pieces(f"title == '{title}' and game == 'a-game'")["sha256"][0].as_py())


def sides_of(corpus: Corpus) -> dict[str, str]:
    return {piece.sha256: piece.split for piece in corpus.pieces()}


def test_a_piece_has_one_side_in_all_corpora_and_keeps_it_when_the_catalog_grows(root: Path) -> None:
    before = sides_of(build_corpus(root, Plan(query="game == 'a-game'")))
    fill(root, tunes(40, first=100), game="b-game")
    whole = sides_of(build_corpus(root, ALL))
    again = sides_of(build_corpus(root, Plan(query="game == 'a-game'")))
    assert again == before == {sha256: whole[sha256] for sha256 in before}
    assert Counter(whole.values())["test"] in (5, 6)


def test_splits_do_not_depend_on_which_corpus_is_built_first(tmp_path: Path) -> None:
    ledgers = []
    for number, first in enumerate((ALL, Plan(query="game == 'c-game'"))):
        root = tmp_path / str(number)
        fill(root, {**tunes(12), "Not music": b"<html>", "Short": SHORT})
        fill(root, tunes(30, first=100), game="b-game")
        twins = {"Twin": tunes(1)["Tune 0"], "Other": tunes(1, first=100)["Tune 100"]}
        fill(root, {**twins, **tunes(3, first=200)}, game="c-game")
        build_corpus(root, first, workers=1)
        ledgers.append(read_splits(root, 0))
    assert ledgers[0] == ledgers[1]  # complete after the first corpus
    assert len(ledgers[0]) == 12 + 30 + 3
    assert set(ledgers[0].values()) == {"train", "validation", "test"}


class HereExecutor(Executor):
    """Does its work at once and in this process, so that many small builds start no processes."""

    def submit(self, fn: Any, /, *args: Any, **named: Any) -> Future[Any]:
        task, payload, _, _ = args
        done: Future[Any] = Future()
        assert (fn, task) == (do_chunk, PARSE)
        items = map(pickle.loads, pickle.loads(payload))  # noqa: S301 - made by this test
        done.set_result(pickle.dumps([parse(item) for item in items]))
        return done


def test_ten_random_orders_of_builds_give_the_same_sides(tmp_path: Path) -> None:
    made, short = tmp_path / "made", {"Short": SHORT, "Shorter": midi([on(0, 64), off(240, 64)])}
    for letter, pieces in {"a": short, "b": {**tunes(5, 100), "Twin": tunes(1)["Tune 0"]}, "c": tunes(5)}.items():
        fill(made, pieces, game=f"{letter}-game")
    unfiltered = build_filters(overlay({}, {}, ""), "")
    plans = [
        Plan(query="game == 'c-game'"),
        Plan(query="source == 'vgmusic'"),
        Plan(query="game in ['b-game', 'c-game']", piano_tracks=True),
        Plan(query="title == 'Short'", filters=unfiltered),
        Plan(query="game in ['a-game', 'c-game']", filters=unfiltered, piano_tracks=True),
    ]
    ledgers = []
    for seed in range(10):
        root = tmp_path / str(seed)
        shutil.copytree(made, root)
        for number in np.random.default_rng(seed).permutation(len(plans)).tolist():
            build_corpus(root, plans[number], f"corpus-{number}", executor=HereExecutor())
        ledgers.append(read_splits(root, 0))
    assert ledgers == ledgers[:1] * 10
    assert len(ledgers[0]) == 5 + 5 + 2  # the twin has the bytes of another piece
    assert set(ledgers[0].values()) == {"train", "validation", "test"}


def test_another_seed_has_sides_of_its_own(root: Path) -> None:
    fill(root, tunes(40, first=100), game="b-game")
    one = sides_of(build_corpus(root, ALL))
    other = sides_of(build_corpus(root, Plan(query="source == 'vgmusic'", seed=1), "other"))
    assert one.keys() == other.keys()
    assert one != other


def test_a_damaged_ledger_is_named_and_stops_the_build(root: Path) -> None:
    build_corpus(root, ALL)
    path = ledger_path(root, 0)
    path.write_bytes(b"no parquet")
    with pytest.raises(CorpusError, match=r"seed-0\.parquet: damaged"):
        build_corpus(root, ALL)


def test_measures_and_relations_lie_with_the_corpus(root: Path) -> None:
    twin = next(iter(tunes(1).values()))
    fill(root, {"Twin": twin}, game="z-game")
    corpus = build_corpus(root, ALL)
    measures = corpus.measures()
    assert measures["sha256"].to_pylist() == [piece.sha256 for piece in corpus.pieces()]
    assert measures["notes"].to_pylist() == [len(piece.notes) for piece in corpus.pieces()]
    (row,) = corpus.relations().to_pylist()
    assert (row["relation"], row["first_title"], row["second_title"]) == ("bytes", "Tune 0", "Twin")
    assert row["left_out"] == row["second_url"]
