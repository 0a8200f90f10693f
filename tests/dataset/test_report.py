"""The report shows the corpus's numbers, names and evidence, for any texts."""

import re
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from bs4 import BeautifulSoup, Tag

from catalog.base.console import clean
from dataset.corpus.corpus import Corpus
from dataset.corpus.schema import SPLITS
from dataset.report.report import report, write_report
from tests.dataset import reported

RELATED = [("near", 2, 3, 2, 1.0, 48), ("contained", 4, 5, 0, 1.5, 96), ("work", 6, 4, -1, 1.0, 0)]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("report")


@pytest.fixture(scope="module")
def corpus(root: Path) -> Corpus:
    return reported.with_relations(root, reported.hostile(root), RELATED)


@pytest.fixture(scope="module")
def page(corpus: Corpus) -> BeautifulSoup:
    return BeautifulSoup(report(corpus), "html.parser")


def one(page: Tag, selector: str) -> Tag:
    (found,) = page.select(selector)
    return found


def words(tag: Tag) -> str:
    return " ".join(tag.get_text().split())


def value(tag: Tag) -> int:
    return int(words(tag).replace("\u202f", "").replace(" ", ""))


def test_the_funnel_on_the_page_is_the_funnel_of_the_manifest_and_adds_up(corpus: Corpus, page: BeautifulSoup) -> None:
    funnel = corpus.manifest.funnel
    stages = ("listed", "fetched", "parsed", "kept", "unique")
    shown = [value(one(page, f"[data-stage={stage}] .pieces")) for stage in stages]
    assert shown == [getattr(funnel, stage) for stage in stages] == [26, 25, 25, 24, 22]
    lost = [int(n) for n in re.findall(r"(\d+) left out:", words(one(page, ".stages")))]
    assert shown[0] - sum(lost) == shown[-1]
    assert [value(one(page, f"[data-split={split}]")) for split in SPLITS] == [getattr(funnel, s) for s in SPLITS]


def test_every_reason_has_its_count_its_meaning_and_its_pieces(corpus: Corpus, page: BeautifulSoup) -> None:
    shown = {tag["data-reason"]: tag for tag in page.select("[data-reason]")}
    assert {str(name): int(str(tag["data-count"])) for name, tag in shown.items()} == corpus.manifest.reasons
    assert set(shown) == {"missing", "too_few_notes", "duplicate_bytes", "duplicate_notes"}
    assert "notes 2, at least 16" in words(shown["too_few_notes"])
    assert "404 <script>" in words(shown["missing"])
    assert words(shown["duplicate_bytes"].select("tbody td")[-1]) == clean(reported.HOSTILE[1])
    for tag in shown.values():
        explained = tag.find_previous("p")
        assert explained is not None
        assert len(words(explained)) > 20


def test_related_pieces_stand_in_groups_with_the_evidence(corpus: Corpus, page: BeautifulSoup) -> None:
    rows = {
        str(tag["data-relation"]): [words(cell) for cell in tag.select("td")][1:]
        for tag in page.select("[data-relation]")
    }
    relations = corpus.relations().to_pylist()
    counts = Counter(row["relation"] for row in relations)
    assert rows == {name: [str(n), "1" if name in ("bytes", "notes") else "0"] for name, n in counts.items()}
    together: list[set[str]] = []
    for row in relations:
        pair = {row["first_url"], row["second_url"]}
        together = [each for each in together if not each & pair] + [pair.union(*(e for e in together if e & pair))]
    groups = [words(tag) for tag in page.select("[data-group]")]
    sizes = [int(found[1]) for text in groups if (found := re.search(r"· (\d+) pieces ·", text))]
    assert sizes == sorted(map(len, together), reverse=True)
    assert len(page.select("[data-group] .links li")) == len(relations)
    (whole,) = [text for text in groups if "contained" in text]
    assert "96.2 % of the shorter piece’s notes (385) match the other, the first’s notes 1.50 times as long" in whole
    assert "from quarter note 4 of the first and 0 of the second" in whole
    assert "the first 1 semitone lower" in whole
    assert any("the first 2 semitones higher" in text for text in groups)


def test_measures_on_the_page_are_those_of_the_corpus(corpus: Corpus, page: BeautifulSoup) -> None:
    measures = corpus.measures()
    shown = page.select("[data-measure]")
    assert len(shown) > 15
    for card in shown:
        values = measures[str(card["data-measure"])].drop_null().to_numpy()
        assert float(str(one(card, "[data-median]")["data-median"])) == pytest.approx(np.median(values))
        assert words(one(card, "desc")).startswith(f"{len(values)} pieces from")
    keys = Counter(measures["key"].to_pylist())
    listed = {words(one(row, "th")): value(one(row, "td.n")) for row in page.select("[data-levels=key] tbody tr")}
    others = listed.pop("others", 0)
    assert listed.items() <= keys.items()
    assert sum(listed.values()) + others == len(measures)


def test_splits_by_game_and_credits_count_every_piece_once(corpus: Corpus, page: BeautifulSoup) -> None:
    rows = [[value(cell) for cell in row.select("td")] for row in page.select("[data-splits] tbody tr")]
    funnel = corpus.manifest.funnel
    assert [sum(column) for column in zip(*rows, strict=True)] == [
        funnel.unique,
        funnel.train,
        funnel.validation,
        funnel.test,
    ]
    makers = page.select("[data-maker]")
    assert sum(int(str(tag["data-maker"])) for tag in makers) == funnel.unique
    credited = Counter(clean(piece.sequencer or "") for piece in corpus.pieces())
    assert {words(one(tag, "b")): int(str(tag["data-maker"])) for tag in makers} == {
        name or "Not named by the source": count for name, count in credited.items()
    }


def test_texts_from_the_web_are_shown_and_do_nothing(corpus: Corpus, page: BeautifulSoup) -> None:
    assert page.select("script, img, iframe, object, [onerror], [src]") == []
    assert all(str(tag["href"]).startswith("#") for tag in page.select("a[href]"))
    text = report(corpus)
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f\u200e\u200f\u202a-\u202e\u2066-\u2069]", text)
    shown = words(page)
    for hostile in reported.HOSTILE:
        assert clean(hostile) in shown
    assert "title != '<b>'" in shown
    assert words(one(page, "head title")) == "Corpus hostile"


def test_a_game_is_called_as_the_source_lists_it(page: BeautifulSoup) -> None:
    named = [words(row) for row in page.select("[data-splits] tbody th")]
    assert named == [f"Hostile: {reported.HOSTILE[0]}", "Calm"]


def test_the_page_says_how_to_build_the_corpus_again(corpus: Corpus, page: BeautifulSoup) -> None:
    assert words(one(page, "pre")) == "dataset build --query 'title != '\"'\"'<b>'\"'\"'' --name hostile --seed 3"
    shown = words(page)
    assert corpus.hash in shown
    assert corpus.manifest.input_sha256 in shown


def test_headings_go_down_one_step_at_a_time_and_tables_say_what_they_hold(page: BeautifulSoup) -> None:
    levels = [int(tag.name[1]) for tag in page.find_all(re.compile("^h[1-6]$"))]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    for table in page.select("table"):
        assert words(one(table, "caption"))
        assert all(cell.get("scope") for cell in table.select("th"))
    for picture in page.select("svg"):
        assert picture.get("aria-hidden") or (picture["role"] == "img" and picture.title and picture.desc)
    names = [str(tag["id"]) for tag in page.select("[id]")]
    assert len(names) == len(set(names))
    assert all(
        name in names for tag in page.select("[aria-labelledby]") for name in str(tag["aria-labelledby"]).split()
    )


def test_the_page_lies_beside_the_corpus_and_changes_nothing_of_it(root: Path, corpus: Corpus, tmp_path: Path) -> None:
    path = write_report(corpus)
    first = path.read_bytes()
    again = Corpus.open(root, corpus.name)
    assert (path, again.manifest) == (corpus.path / "report.html", corpus.manifest)
    assert write_report(again, tmp_path / "else.html").read_bytes() == first
    assert str(root).encode() not in first


def test_the_page_of_250_games_stays_small(tmp_path: Path) -> None:
    corpus = reported.many(tmp_path)
    text = report(corpus)
    page = BeautifulSoup(text, "html.parser")
    assert len(page.select("[data-splits] tbody tr")) == 250
    assert len(page.select("[data-measure=tempo_bpm] tbody tr")) == 11
    assert words(page.select("[data-measure=tempo_bpm] tbody th")[-1]) == "240 other games"
    assert "The same in all games" in words(one(page, "[data-measure=notes]"))
    assert len(text.encode()) < 1_000_000
