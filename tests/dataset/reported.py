"""Corpora for the tests of the report, and relations added to one.

One corpus has only hostile texts, one has 250 games.
"""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from catalog.schema import FETCHED, MISSING, Piece
from catalog.storage.checksums import SUMS_FILE
from catalog.store import Catalog
from dataset.build import build_corpus
from dataset.corpus.corpus import Corpus
from dataset.corpus.manifest import MANIFEST_FILE, RELATIONS_FILE
from dataset.corpus.schema import RELATIONS
from dataset.midi.midi_writer import write_midi
from dataset.notes.model import Notes
from dataset.plan import Plan
from tests.dataset.conftest import tune

HOSTILE = (
    "<script>document.title = 'owned'</script>",
    '"><img src=x onerror="document.title = \'owned\'">',
    "\u202egnp.exe\u2066 and back",
    "{{ 7 * 7 }}{% raw %}",
    "</title></style></svg><script>document.title = 'owned'</script>",
    "&lt;b&gt; &amp; 'quotes'",
    "W" * 300,
    "شعار البداية",
    "nul\x00 and bell\x07",
    "# [link](javascript:alert(1)): a (b)",
)


def piece(game: str, title: str, sequencer: str | None, sha256: str | None, number: int) -> Piece:
    """Return a listed piece; a missing one has no `sha256`."""
    return Piece(
        source="vgmusic",
        section="piano",
        url=f"https://example.org/{number}.mid",
        game_title=f"{game.title()}: {HOSTILE[0]}" if game == "hostile" else game.title(),
        game=game,
        series=game.split("-")[0],
        title=title,
        state=FETCHED if sha256 else MISSING,
        sequencer=sequencer,
        md5=f"{number:032x}",
        sha256=sha256,
        reason=None if sha256 else f"404 {HOSTILE[0]}",
    )


def hostile(root: Path) -> Corpus:
    """Build a corpus of 22 out of 26 pieces, of two games, with hostile texts.

    Titles, sequencers and a game must not be trusted.
    """
    beep = Notes.of([0, 24], [6, 6], [60, 60], [64, 64], [(0, 120.0)], [(0, 4, 4)])
    with Catalog(root).writer() as writer:
        files = [writer.put_blob(write_midi(tune(number))) for number in range(22)]
        pieces = [
            piece(
                "hostile" if number < 14 else "calm",
                HOSTILE[number % len(HOSTILE)],
                HOSTILE[-1 - number % 7] if number % 5 else None,
                sha256,
                number,
            )
            for number, sha256 in enumerate(files)
        ]
        louder = write_midi(Notes.of(*[getattr(tune(0), name) for name in ("onset", "duration", "pitch")], [99] * 40))
        writer.add(
            [
                *pieces,
                piece("hostile", "Same bytes", "Somebody", files[1], 50),
                piece("hostile", "Same notes", None, writer.put_blob(louder), 51),
                piece("hostile", HOSTILE[0], None, writer.put_blob(write_midi(beep)), 52),
                piece("calm", HOSTILE[1], None, None, 53),
            ]
        )
    return build_corpus(root, Plan(query="title != '<b>'", seed=3), "hostile", workers=1)


def many(root: Path, games: int = 250) -> Corpus:
    """Build a corpus of `games` games; the first has a tenth as many pieces."""
    with Catalog(root).writer() as writer:
        writer.add(
            [
                piece(
                    f"game-{max(0, number - games // 10)}",
                    f"Tune {number}",
                    f"Sequencer {number % 90}",
                    writer.put_blob(write_midi(tune(number))),
                    number,
                )
                for number in range(games + games // 10)
            ]
        )
    return build_corpus(root, Plan(query="source == 'vgmusic'"), "many", workers=2)


def with_relations(root: Path, corpus: Corpus, pairs: Sequence[tuple[str, int, int, int, float, int]]) -> Corpus:
    """Add relations between the pieces of `corpus`.

    A relation is (relation, first, second, transposition, tempo ratio, offset), with pieces by index.
    """
    pieces = corpus.pieces()
    urls = {row["sha256"]: row["url"] for row in Catalog(root).pieces(columns=["sha256", "url"]).to_pylist()}
    rows = [
        {
            "relation": relation,
            "first": pieces[first].sha256,
            "second": pieces[second].sha256,
            "share": 0.9625,
            "notes": 385,
            "transposition": transposition,
            "tempo_ratio": ratio,
            "offset_first": offset,
            "offset_second": 0,
            "left_out": None,
            **{
                f"{side}_{name}": getattr(pieces[place], name)
                for side, place in (("first", first), ("second", second))
                for name in ("title", "game", "sequencer")
            },
            "first_url": urls[pieces[first].sha256],
            "second_url": urls[pieces[second].sha256],
        }
        for relation, first, second, transposition, ratio, offset in pairs
    ]
    table = pa.concat_tables([corpus.relations(), pa.Table.from_pylist(rows, RELATIONS)])
    pq.write_table(table, corpus.path / RELATIONS_FILE)
    manifest = json.loads((corpus.path / MANIFEST_FILE).read_text())
    manifest["files"][RELATIONS_FILE] = hashlib.sha256((corpus.path / RELATIONS_FILE).read_bytes()).hexdigest()
    (corpus.path / MANIFEST_FILE).write_text(json.dumps(manifest))
    (corpus.path / SUMS_FILE).unlink()
    return Corpus.open(root, corpus.name)
