"""Named sets of filters: what each leaves out, and how the corpus records it."""

from pathlib import Path
from typing import Any

import pytest

from catalog.base.errors import UsageError
from dataset.build_command import build_commands
from dataset.corpus.corpus import Corpus
from dataset.duplicates.decisions import decide_duplicates
from dataset.duplicates.relations import Relation
from dataset.filters.load import default_filters, load_filters
from dataset.filters.presets import PRESETS
from dataset.midi.midi_writer import write_midi
from dataset.notes.model import Notes
from tests import forked
from tests.dataset.conftest import fill, tune, tunes
from tests.dataset.test_filters import reason


@pytest.mark.parametrize(
    "changes, out",
    [
        ({"notes": 15}, {"", "light", "strict", "unique"}),
        ({"note_density": 101.0}, {"", "light", "strict", "unique"}),
        ({"piano_share": 0.0}, {"", "strict", "unique"}),
        ({"pitches": 3}, {"", "strict", "unique"}),
        ({"duration_s": 1.0}, {"", "strict", "unique"}),
        ({"left_share": 0.0}, {"strict"}),
        ({"left_share": 1.0}, {"strict"}),
        ({"pitch_low": 20}, {"strict"}),
        ({"unended_notes": 1}, {"strict"}),
        ({"licence_conflict": 1}, {"strict"}),
        ({"loop_share": 0.9}, set[str]()),
    ],
)
def test_light_leaves_out_fewer_pieces_than_the_defaults_and_strict_more(
    changes: dict[str, Any], out: set[str]
) -> None:
    assert {name for name in ("", *PRESETS) if reason(load_filters(preset=name or None), **changes)} == out


def test_presets_are_changes_to_the_defaults_and_a_file_changes_them_further(tmp_path: Path) -> None:
    assert load_filters() == default_filters()
    (tmp_path / "mine.toml").write_text("[duplicate.work]\non = false\n")
    drops = {name: load_filters(preset=name).drop for name in PRESETS}
    most = set(Relation) - {Relation.WORK}
    assert drops == {"light": {Relation.BYTES, Relation.NOTES}, "strict": most, "unique": set(Relation)}
    assert load_filters(tmp_path / "mine.toml", "unique").drop == most
    with pytest.raises(UsageError, match="--preset 'hard': not a preset; one of: light, strict, unique"):
        load_filters(preset="hard")


def version(notes: Notes, begin: int, end: int) -> Notes:
    """Return part of a piece, as another piece."""
    names = ("onset", "duration", "pitch", "velocity")
    return Notes.of(*(getattr(notes, name)[begin:end] for name in names), [(0, 100.0)], [(0, 4, 4)])


def test_of_a_work_one_piece_is_kept_over_any_number_of_links() -> None:
    long = tune(1, 400)
    notes = [version(long, 0, 200), version(long, 100, 320), version(long, 230, 400), tune(2, 150)]
    rows = [
        {"sha256": f"{n:064x}", "game": "a", "series": "a", "title": f"T{n}", "sequencer": "x", "url": f"u{n}"}
        for n in range(len(notes))
    ]
    assert decide_duplicates(rows, notes, [Relation.BYTES, Relation.NEAR]).left_out == {}
    decided = decide_duplicates(rows, notes, list(Relation))
    assert dict(decided.left_out) == {0: (1, "duplicate_work"), 2: (1, "duplicate_work")}
    assert sorted(row["left_out"] for row in decided.relations) == ["u0", "u2"]


def test_the_command_names_the_corpus_after_its_preset_and_the_manifest_has_it(tmp_path: Path) -> None:
    whole = tune(3, 200)
    fill(tmp_path, {**tunes(4, first=10), "Song": write_midi(whole), "Song (2)": write_midi(version(whole, 60, 200))})
    made = forked.command("dataset", "build", "--game", "a-game", "--preset", "unique", "--root", tmp_path)
    assert made.returncode == 0
    corpus = Corpus.open(tmp_path, "a-game-unique")
    assert corpus.manifest.preset == "unique"
    assert corpus.manifest.filters["duplicate_work"]["on"] is True
    assert len(corpus.pieces()) == len({piece.work for piece in corpus.pieces()}) == 5
    assert sum(corpus.manifest.reasons.values()) == 1
    [line] = build_commands(corpus.manifest)
    assert line.endswith("--seed 0 --preset unique")
    wrong = forked.command("dataset", "build", "--game", "a-game", "--preset", "hard", "--root", tmp_path)
    assert (wrong.returncode, "'hard'" in wrong.stderr) == (2, True)
