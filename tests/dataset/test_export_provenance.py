"""Every piece of an export says where it comes from, and the export says how to cite it."""

import csv
import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from catalog.schema import FETCHED, Piece
from catalog.store import Catalog
from dataset.build import build_corpus
from dataset.corpus.corpus import Corpus
from dataset.corpus.schema import SPLITS
from dataset.export.common import RIGHTS_NOTICE
from dataset.export.forms import FORMS, Form
from dataset.export.hf import card, joined_table
from dataset.export.provenance import citation_cff, is_public
from dataset.export.run import write_export
from dataset.midi.midi_writer import write_midi
from dataset.plan import Plan
from tests.dataset.conftest import tune

SITE, LOCAL, OWN = "https://www.example.org/{}.mid", "http://127.0.0.1:8000/{}.mid", "folder/{}.mid"
LISTED, TOUCHED = datetime(2020, 2, 3, 4, 5, 6, tzinfo=UTC), datetime(2025, 6, 7, 8, 9, 10, 500, tzinfo=UTC)


def corpus_of(root: Path, *urls: str) -> Corpus:
    """A corpus with four pieces of each address; every other piece has no date of listing."""
    pieces = []
    with Catalog(root).writer() as writer:
        for number in range(4 * len(urls)):
            data, url = write_midi(tune(number)), urls[number // 4].format(number)
            pieces.append(
                Piece(
                    source="vgmusic" if "://" in url else "import",
                    section="piano",
                    url=url,
                    game_title="A Game, The",
                    game="a-game",
                    series="a-game",
                    title=f"Tune {number}",
                    state=FETCHED,
                    md5=hashlib.md5(data).hexdigest(),
                    sha256=writer.put_blob(data),
                    listed_at=LISTED if number % 2 else None,
                    fetched_at=TOUCHED,
                )
            )
        writer.add(pieces)
    return build_corpus(root, Plan(query="game == 'a-game'"), "mine", workers=1)


def exported(folder: Path, form: Form) -> dict[str, dict[str, Any]]:
    """Return what an export says of each piece, by SHA-256, with dates as text."""
    if form == "hf":
        rows = pa.concat_tables([pq.read_table(path) for path in sorted((folder / "data").iterdir())]).to_pylist()
        for row in rows:
            row |= {name: row[name] and row[name].isoformat() for name in ("listed_at", "fetched_at")}
    elif form == "jsonl":
        rows = [json.loads(line) for split in SPLITS for line in (folder / f"{split}.jsonl").read_text().splitlines()]
    else:
        with (folder / "index.csv").open(newline="") as file:
            rows = [{name: value or None for name, value in row.items()} for row in csv.DictReader(file)]
    return {row["sha256"]: row for row in rows}


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return corpus_of(tmp_path_factory.mktemp("mixed"), SITE, LOCAL, OWN)


@pytest.fixture(scope="module")
def collected(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return corpus_of(tmp_path_factory.mktemp("collected"), SITE)


@pytest.mark.parametrize("form", FORMS)
def test_every_row_of_every_export_has_its_provenance(form: Form, mixed: Corpus, tmp_path: Path) -> None:
    folder = write_export(mixed, form, tmp_path / form).path
    rows = exported(folder, form)
    assert len(rows) == 12
    for piece in mixed.pieces():
        number = int(piece.title.split()[1])
        row = rows[piece.sha256]
        assert row["url"] == (SITE, LOCAL, OWN)[number // 4].format(number)
        assert row["source"] == ("import" if number >= 8 else "vgmusic")
        assert row["game_title"] == "A Game, The"
        assert row["listed_at"] == ("2020-02-03T04:05:06+00:00" if number % 2 else None)
        assert row["fetched_at"] == "2025-06-07T08:09:10.000500+00:00"
    readme = (folder / "README.md").read_text()
    assert "| vgmusic | www\\.example\\.org | 4 | 2020-02-03 | 2025-06-07 |" in readme
    assert "| import | local files | 4 | 2020-02-03 | 2025-06-07 |" in readme
    assert f"@misc{{mine-{mixed.hash[:8]}," in readme
    assert "      year = {2025},\n" in readme
    assert mixed.hash in (folder / "CITATION.cff").read_text()


def test_the_citation_file_names_the_corpus_the_people_and_the_sites(collected: Corpus) -> None:
    corpus = collected
    text = citation_cff(corpus)
    version = corpus.manifest.versions["vgpiano"]
    assert (
        text
        == f"""cff-version: 1.2.0
message: If you use this data set, cite it and name the people in CREDITS.md.
type: dataset
title: "mine: 4 pieces of piano music as notes"
authors:
  - name: "The composers and sequencers named in CREDITS.md"
version: "{corpus.hash[:12]}"
identifiers:
  - type: other
    value: "sha256:{corpus.hash}"
    description: SHA-256 of notes.parquet
keywords:
  - music
  - MIDI
  - symbolic music
  - piano
references:
  - type: software
    title: vgpiano
    version: "{version}"
    authors:
      - name: The authors of vgpiano
  - type: website
    title: "www.example.org"
    url: "https://www.example.org/"
    authors:
      - name: "www.example.org"
"""
    )


def test_the_card_claims_a_public_archive_only_where_that_is_true(
    collected: Corpus, mixed: Corpus, tmp_path: Path
) -> None:
    archive, local = "a public archive \\(www\\.example\\.org\\)", "imported from local files"
    private = "collected from a private server \\(127\\.0\\.0\\.1\\)"
    for corpus, says in (
        (collected, f"collected from {archive}, filtered"),
        (corpus_of(tmp_path / "own", OWN), f"{local}, filtered"),
        (mixed, f"4 of them collected from {archive}, 4 of them {private}, 4 of them {local}, filtered"),
    ):
        text = card(corpus, joined_table(corpus).schema)
        assert says in text
        assert ("public" in text.split("## Licence")[0]) == (archive in says)
        assert "{'" not in text  # no Python values
        assert "['" not in text


def test_the_card_tells_a_stranger_what_it_holds_and_why_pieces_are_left_out(tmp_path: Path) -> None:
    root = tmp_path / "root"
    corpus_of(root, SITE)
    with Catalog(root).writer() as writer:
        data = write_midi(tune(9, length=5))
        listed = {"game_title": "B", "game": "b-game", "series": "b-game", "title": "Fragment", "sequencer": "Ann"}
        for number, (title, body) in enumerate((("Fragment", data), ("Whole", write_midi(tune(10))))):
            md5, url = hashlib.md5(body).hexdigest(), SITE.format(f"b{number}")
            more = {"state": FETCHED, "md5": md5, "sha256": writer.put_blob(body), "fetched_at": TOUCHED}
            writer.add([Piece(source="vgmusic", section="piano", url=url, **{**listed, **more, "title": title})])
    corpus = build_corpus(root, Plan(query="game.str.endswith('-game')"), "both", workers=1)
    folder = write_export(corpus, "hf", tmp_path / "hf").path
    text = (folder / "README.md").read_text()
    told = (
        "5 piano pieces of 2 video games, as notes on a grid of 1/24 quarter note: MIDI files that 1 person sequenced"
    )
    assert f"\n{told} (4 unsigned),\ncollected from a public archive" in text
    assert "\n\n    game.str.endswith('-game')\n\n" in text  # as code, not escaped
    assert "\nlicense_link: LICENSE.md\n" in text  # the Hub links only to LICENSE and to this
    assert RIGHTS_NOTICE in (folder / "LICENSE.md").read_text()
    assert "| too\\_few\\_notes | 1 | Too few notes to learn from" in text
    filters, others = text.split("## Filters\n")[1].split("\nOff: ")
    assert "| not\\_piano | on, measure piano\\_share, least 0\\.5 |" in filters
    assert "| off" not in filters
    assert ", unended.\n" in others


@pytest.mark.parametrize(
    "host, public",
    [
        ("www.vgmusic.com", True),
        ("localhost", False),
        ("nas.local", False),
        ("192.168.1.5", False),
        ("::1", False),
        ("93.184.216.34", True),
    ],
)
def test_a_host_is_public_by_its_name_or_address(host: str, public: bool) -> None:
    assert is_public(host) is public
