"""Filters: limits, reasons, and changes by a user's file."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from catalog.base.errors import UsageError
from dataset.build import build_corpus, ensure_corpus
from dataset.duplicates.relations import Relation
from dataset.filters.load import default_filters, load_filters
from dataset.filters.rules import MEASURE_FIELDS, Filters
from dataset.measures.measure import UNREADABLE, Measures
from dataset.midi.midi_writer import write_midi
from dataset.notes.model import Notes
from dataset.plan import Plan
from tests.dataset.conftest import fill, tune

GOOD = Measures(
    notes=700,
    tracks=2,
    duration_s=96.0,
    beats=196.0,
    time_signature="4/4",
    polyphony=2.7,
    empty_beat_rate=0.0,
    note_density=7.1,
    piano_share=1.0,
    drum_share=0.0,
    pitches=33,
)


def reason(filters: Filters, **changes: Any) -> str | None:
    """Return why a typical piece with these changes is left out, or None."""
    verdict = filters.judge(replace(GOOD, **changes))
    return verdict and verdict.reason


@pytest.fixture
def laid(tmp_path: Path):  # type: ignore[no-untyped-def]
    """Return a function that overrides the default filters with a text."""

    def load(text: str) -> Filters:
        (tmp_path / "mine.toml").write_text(text)
        return load_filters(tmp_path / "mine.toml")

    return load


def test_an_ordinary_piece_stays() -> None:
    assert reason(default_filters()) is None


@pytest.mark.parametrize(
    "name, inside, outside",
    [
        ("too_few_notes", {"notes": 16}, {"notes": 15}),
        ("too_few_beats", {"beats": 4.0}, {"beats": 3.99}),
        ("too_short", {"duration_s": 2.0}, {"duration_s": 1.99}),
        ("too_many_beats", {"beats": 4000.0}, {"beats": 4000.1}),
        ("too_long", {"duration_s": 1800.0}, {"duration_s": 1800.1}),
        ("too_few_pitches", {"pitches": 4}, {"pitches": 3}),
        ("too_dense", {"note_density": 100.0}, {"note_density": 100.1}),
        ("too_thick", {"polyphony": 64.0}, {"polyphony": 64.1}),
        ("not_piano", {"piano_share": 0.5}, {"piano_share": 0.49}),
        ("mostly_drums", {"drum_share": 0.5}, {"drum_share": 0.51}),
    ],
)
def test_a_limit_parts_inside_from_outside(name: str, inside: dict[str, Any], outside: dict[str, Any]) -> None:
    assert reason(default_filters(), **inside) is None
    assert reason(default_filters(), **outside) == name
    (value,) = outside.values()
    verdict = default_filters().judge(replace(GOOD, **outside))
    assert verdict is not None
    assert f"{value:g}" in verdict.detail


def test_every_default_says_why_with_numbers_and_measures_what_there_is() -> None:
    for each in default_filters().filters:
        assert each.measure in MEASURE_FIELDS
        assert any(sign.isdigit() for sign in each.why)
    assert all(rule.why for rule in default_filters().duplicates)


def test_how_a_piece_is_played_how_it_repeats_and_how_full_it_is_leaves_nothing_out() -> None:
    on = {each.measure for each in default_filters().filters if each.on}
    assert not on & {"on_grid", "grid_error", "loop_share", "groove_consistency", "empty_beat_rate", "key", "tempo_bpm"}


def test_a_limit_of_zero_is_a_limit_not_off(laid) -> None:  # type: ignore[no-untyped-def]
    assert reason(laid("[filter.mostly_drums]\nmost = 0"), drum_share=0.01) == "mostly_drums"


def test_what_has_no_notes_never_passes_and_what_is_not_known_is_no_reason(laid) -> None:  # type: ignore[no-untyped-def]
    assert default_filters().judge(UNREADABLE) is not None
    strict = laid("[filter.uneven]\nmeasure = 'groove_consistency'\nleast = 0.9")
    assert reason(strict, groove_consistency=0.8) == "uneven"
    assert reason(strict, groove_consistency=None) is None


def test_a_file_changes_what_it_names_and_nothing_else(laid) -> None:  # type: ignore[no-untyped-def]
    text = "[filter.too_few_notes]\nleast = 50\n[filter.too_dense]\non = false\n[duplicate.contained]\non = true\n"
    mine, plain = laid(text), default_filters()
    assert reason(mine, notes=49) == "too_few_notes"
    assert reason(mine, note_density=1e6) is None
    assert mine.drop == plain.drop | {Relation.CONTAINED} == {"bytes", "notes", "near", "contained"}
    before, after = plain.settings(), mine.settings()
    assert list(before) == list(after)
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"too_few_notes", "too_dense", "duplicate_contained"}
    assert after["too_few_notes"] == {**before["too_few_notes"], "least": 50}


def test_a_file_adds_filters_on_any_measure_in_numbers_or_words(laid) -> None:  # type: ignore[no-untyped-def]
    text = """
    [filter.too_slow]
    measure = "tempo_bpm"
    least = 40
    most = 300
    why = "We dance."
    [filter.no_waltz]
    measure = "time_signature"
    among = ["4/4", "2/4"]
    """
    mine = laid(text)
    assert [reason(mine, tempo_bpm=bpm) for bpm in (39.9, 40, 300, 301)] == ["too_slow", None, None, "too_slow"]
    assert reason(mine, time_signature="3/4") == "no_waltz"
    assert mine.settings()["too_slow"]["why"] == "We dance."
    assert reason(mine, tempo_bpm=1.0, notes=1) == "too_few_notes"  # added filters apply last


def test_another_measure_under_a_known_name_keeps_no_old_threshold(laid) -> None:  # type: ignore[no-untyped-def]
    mine = laid("[filter.too_short]\nmeasure = 'notes'\nmost = 800")
    assert reason(mine, duration_s=0.1) is None
    assert "seconds" not in mine.settings()["too_short"]["why"]
    assert "least" not in mine.settings()["too_short"]


@pytest.mark.parametrize(
    "text, answer",
    [
        ("[filters.too_short]\nleast = 1", r"\[filters\] is not a known table; did you mean 'filter'"),
        ("[filter.too_short]\nlest = 1", r"\[filter.too_short\] lest: unknown key; did you mean 'least'"),
        (
            "[filter.empty]\nmeasure = 'empty_beats'\nmost = 1",
            r"unknown measure 'empty_beats'; did you mean 'empty_beat_rate'",
        ),
        ("[filter.to_short]\nleast = 1", r"\[filter.to_short\] has no measure.*did you mean 'too_short'"),
        ("[filter.too_short]\nleast = true", r"\[filter.too_short\] least must be a number, not True"),
        ("[filter.too_short]\nleast = '4'", "least must be a number, not '4'"),
        ("[filter.too_short]\nleast = nan", "least must be a number, not nan"),
        ("[filter.too_short]\non = 1", "on must be true or false, not 1"),
        ("[filter.too_short]\nwhy = ' '", "why must be a string"),
        ("[filter.too_short]\nleast = 9\nmost = 8", "least 9 is greater than most 8"),
        ("[filter.not_piano]\nleast = 50", "50 is outside the range of piano_share, 0–1"),
        ("[filter.too_short]\namong = ['4/4']", "duration_s is a number"),
        ("[filter.other_time_signature]\nleast = 3", "time_signature is text"),
        ("[filter.other_time_signature]\namong = []", "among must be a list of strings"),
        ("[filter.new]\nmeasure = 'notes'", "use least, most or both"),
        ("[filter.not_midi]\nmeasure = 'notes'\nmost = 1", "'not_midi' is already used as another reason"),
        ("[filter.'Über <b>']\nmeasure = 'notes'\nmost = 1", "a name must have at most 60 lower-case letters"),
        ("[duplicate.same]\non = true", r"\[duplicate.same\] is not a relation by which pieces are left out"),
        ("[duplicate.naer]\non = true", "did you mean 'near'"),
        ("[duplicate.near]\nleast = 1", r"\[duplicate.near\] least: unknown key; one of: on, why"),
        ("filter = 3", "filter must contain tables"),
        ("[filter]\ntoo_short = 3", r"\[filter.too_short\] must be a table"),
        ("[filter.too_short", "not TOML"),
    ],
)
def test_a_mistake_names_file_table_and_key_and_what_is_nearest(laid, text: str, answer: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(UsageError, match=answer) as error:
        laid(text)
    assert "mine.toml" in str(error.value)
    assert "\n" not in str(error.value)


def test_a_file_that_is_not_there_or_no_text_is_wrong_usage(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"--filters .*none\.toml: no such file"):
        load_filters(tmp_path / "none.toml")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match=r"binary\.toml: not TOML"):
        load_filters(tmp_path / "binary.toml")


def test_filters_decide_what_a_corpus_holds_and_stand_in_its_manifest(root: Path, laid) -> None:  # type: ignore[no-untyped-def]
    fill(root, {"Long": write_midi(tune(77, 200))}, game="b-game")
    query = "source == 'vgmusic'"
    plain = build_corpus(root, Plan(query=query), "all")
    mine = laid("[filter.too_many_notes]\nmeasure = 'notes'\nmost = 40\nwhy = 'Short ones only.'")
    corpus = build_corpus(root, Plan(query=query, filters=mine), "all")
    assert corpus.manifest.identity != plain.manifest.identity
    assert corpus.manifest.reasons == {"too_many_notes": 1}
    (row,) = corpus.excluded().to_pylist()
    assert (row["stage"], row["title"], row["detail"]) == ("filter", "Long", "notes 200, at most 40")
    assert corpus.manifest.filters == mine.settings()
    assert corpus.manifest.filters["too_many_notes"]["why"] == "Short ones only."
    assert (
        ensure_corpus(root, query, "all").manifest.filters == default_filters().settings()
    )  # requested without filters: rebuilt


def test_a_relation_that_is_off_leaves_nothing_out(root: Path, laid) -> None:  # type: ignore[no-untyped-def]
    song = tune(5)
    louder = Notes(song.onset, song.duration, song.pitch, 127 - song.velocity // 2, song.tempos)
    fill(root, {"Louder": write_midi(louder)}, game="b-game")
    query = "source == 'vgmusic'"
    assert build_corpus(root, Plan(query=query)).manifest.reasons == {"duplicate_notes": 1}
    both = build_corpus(root, Plan(query=query, filters=laid("[duplicate.notes]\non = false")))
    assert both.manifest.reasons == {}
    assert len({piece.split for piece in both.pieces() if piece.notes.onset.tolist() == song.onset.tolist()}) == 1
