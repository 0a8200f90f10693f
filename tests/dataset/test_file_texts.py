"""Texts of MIDI files among the measures, and pieces kept back by their licence."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataset.measures.file_texts import MAX_LENGTH, MAX_TEXTS, is_restricted, texts_of
from dataset.measures.measure import dropped_text, measure, read_dropped
from dataset.midi.midi_reader import COPYRIGHT, TEXT, TRACK_NAME, read
from tests.dataset.conftest import meta, midi, off, on


def test_texts_and_copyright_of_a_file_are_measures() -> None:
    head = [
        meta(0, TRACK_NAME, "Prélude".encode("cp1252")),
        meta(0, TEXT, "ゼルダの伝説".encode("cp932")),
        meta(0, TEXT, b" \x00 "),
        meta(0, COPYRIGHT, b"Copyright \xa9 2004 by Anna"),
        meta(0, TEXT, "Pokémon".encode()),
    ]
    found = measure(
        read(midi(head, [meta(0, TRACK_NAME, b"Piano"), on(0, 60), off(24, 60)], [meta(0, TEXT, b"Piano")]))
    )
    assert found.texts == "Prélude\nゼルダの伝説\nPokémon\nPiano"
    assert found.copyright == "Copyright © 2004 by Anna"
    assert found.licence_conflict == 0


def test_a_file_without_texts_has_none() -> None:
    found = measure(read(midi([meta(0, TRACK_NAME, b""), on(0, 60), off(24, 60)])))
    assert (found.texts, found.copyright, found.licence_conflict) == (None, None, 0)


@given(st.lists(st.tuples(st.sampled_from([TEXT, COPYRIGHT, TRACK_NAME]), st.binary(max_size=900)), max_size=90))
def test_any_texts_are_bounded_lines_each_once(found: list[tuple[int, bytes]]) -> None:
    kept = texts_of(tuple(found))
    for text in (kept.texts, kept.copyright):
        lines = [] if text is None else text.split("\n")
        assert len(lines) == len(set(lines)) <= MAX_TEXTS
        assert all(line == line.strip() != "" and len(line) <= MAX_LENGTH and line.isprintable() for line in lines)


def test_a_megabyte_of_text_is_cut_before_it_is_decoded() -> None:
    assert texts_of(((TEXT, "ж".encode() * 500_000),)).texts == "ж" * MAX_LENGTH


@pytest.mark.parametrize(
    "text",
    [
        "Copyright © 2001 by Anna. All rights reserved.",
        "(C)1997 SOMEBODY ALL RIGHTS RESERVED.",
        "Please don't use without permission. You may save it on your computer.",
        "You may not sell this tune.",
        "Do not redistribute!",
        "If you would like to use parts of this file, please contact me for information",
        "Places with my permission:",
        "Not for commercial use",
        "Unauthorized copying is prohibited",
    ],
)
def test_a_line_that_keeps_something_back_is_a_conflict_wherever_it_stands(text: str) -> None:
    assert is_restricted([], [text])
    assert is_restricted(["Piano", text], [])


@pytest.mark.parametrize(
    "text",
    [
        "Copyright © 2004 by Anna",
        "Original Music © Somebody of America",
        "Right Hand",
        "Don't Stand on the Donuts",
        "Set Free",
        "Copyright © <Year> by <Name>",
        "Copyright © 1998 by NoteWorthy ArtWare, Inc. All Rights Reserved",
        "Feel free to use this file",
        "Used with permission of the composer",
    ],
)
def test_other_lines_are_none(text: str) -> None:
    assert not is_restricted([text], [text])


@pytest.mark.parametrize(
    "notice, conflict",
    [
        ("Copyright © 2002 Anna E. Young", True),
        ("Copyright © <Year> by <Name>", False),
        ("Copyright © 2005 <Name>", False),
        ("Copyright (C) Dec 2006", False),
        ("Copyright © 2006 NoteWorthy Software, Inc.", False),
    ],
)
def test_all_rights_reserved_counts_where_a_notice_names_somebody(notice: str, conflict: bool) -> None:
    assert is_restricted([], [notice, "All Rights Reserved"]) == conflict


def test_note_ons_are_notes_and_what_was_dropped() -> None:
    drums = [event for _ in range(3) for event in (on(0, 36, channel=9), off(9, 36, channel=9))]
    found = measure(read(midi([on(0, 60), off(24, 60), on(0, 62)], drums)))
    assert (found.notes, found.note_ons, found.dropped_notes, found.dropped) == (2, 5, 3, "drums 3")
    assert found.unended_notes == 1


def test_the_notes_that_the_pedal_holds_are_a_share() -> None:
    pedal = [(0, b"\xb0\x40\x7f"), on(0, 60), off(24, 60), (456, b"\xb0\x40\x00"), on(0, 62), off(24, 62)]
    assert measure(read(midi(pedal))).pedal_share == 0.5


@pytest.mark.parametrize(
    "dropped", [{}, {"drums": 120}, {"drums": 1, "other_instruments": 20, "pitch_out_of_range": 3}]
)
def test_reasons_are_read_as_they_were_written(dropped: dict[str, int]) -> None:
    assert read_dropped(dropped_text(dropped)) == dropped


@pytest.mark.parametrize("text", ["drums", "drums x"])
def test_what_is_no_account_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        read_dropped(text)
