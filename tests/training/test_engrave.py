"""Sheet music: readable by other programs, with note ids, as valid PDF and PNG."""

import base64
import io
import struct
from xml.etree import ElementTree

import numpy as np
import pytest
import verovio
from hypothesis import example, given, settings
from hypothesis import strategies as st

from catalog.base.errors import TrainingError
from dataset.midi.midi_reader import read_midi
from dataset.notation.musicxml import to_musicxml
from dataset.notation.records import Credits
from dataset.notation.score import score_of
from dataset.notes.model import Notes
from tests.training.songs import song
from training.rendering.engrave import A4, SCREEN, engrave_score, load_score
from training.rendering.svg_convert import pdf, png

verovio.enableLog(verovio.LOG_OFF)
SVG = "{http://www.w3.org/2000/svg}"


def struck(notes: Notes) -> set[tuple[int, int]]:
    """(onset, pitch) of every key press."""
    return set(zip(notes.onset.tolist(), notes.pitch.tolist(), strict=True))


def through_musicxml(notes: Notes) -> Notes:
    """The notes that verovio reads from our MusicXML and writes as MIDI."""
    toolkit = verovio.toolkit()
    assert load_score(toolkit, to_musicxml(score_of(notes, title="T", exact=True), notes).decode())
    return read_midi(base64.b64decode(toolkit.renderToMIDI()))


def test_a_song_goes_to_musicxml_and_to_midi_and_is_the_same() -> None:
    for number in range(4):
        notes = song(number)
        again = through_musicxml(notes)
        assert struck(again) == struck(notes)
        assert again.tempos[0][1] == pytest.approx(notes.tempos[0][1], rel=1e-3)


@given(st.lists(st.tuples(st.integers(0, 400), st.integers(1, 100), st.integers(24, 100)), min_size=1, max_size=40))
@example([(173, 100, 24), (181, 100, 58), (252, 29, 46), (253, 1, 51), (273, 16, 46)])  # one key, tied in both staves
@settings(max_examples=40, deadline=None)
def test_any_notes_survive_the_way_through_musicxml(rows: list[tuple[int, int, int]]) -> None:
    onset, length, pitch = zip(*rows, strict=True)
    notes = Notes.of(onset, length, pitch, [80] * len(rows), [(0, 100.0)], [(0, 3, 4)])
    assert struck(through_musicxml(notes)) == struck(notes)


def places(page: str) -> dict[int, list[ElementTree.Element]]:
    """The elements of a page by note number."""
    found: dict[int, list[ElementTree.Element]] = {}
    for element in ElementTree.fromstring(page).iter(f"{SVG}g"):
        if (index := element.get("data-note")) is not None:
            assert element.get("class") == "note"
            found.setdefault(int(index), []).append(element)
    return found


def test_every_note_is_found_and_no_id_is_there_twice() -> None:
    notes = song(1)
    pages = [
        page
        for prefix in ("one-", "two-")
        for paper in (A4,)
        for page in engrave_score(notes, prefix=prefix, paper=paper)
    ]
    ids = [element.get("id") for page in pages for element in ElementTree.fromstring(page).iter() if element.get("id")]
    assert len(ids) == len(set(ids))
    for prefix in ("one-", "two-"):
        assert {f"{prefix}n{n}" for n in range(len(notes))} <= set(ids)
    assert all(element.get("id", "one-").startswith("one-") for element in ElementTree.fromstring(pages[0]).iter())


def test_a_tied_note_is_one_note_with_two_heads() -> None:
    [page] = engrave_score(Notes.of([48, 0], [96, 24], [60, 72], [80, 80]), prefix="a-", paper=SCREEN)
    heads = places(page)[1]
    assert len(heads) == 2
    assert [head.get("id") for head in heads] == ["a-n1", None]


def test_every_shape_that_is_used_is_in_the_page_and_no_font_is_asked_for() -> None:
    for page in engrave_score(song(2), title="Ünï <b> & “quotes”"):
        tree = ElementTree.fromstring(page)
        there = {element.get("id") for element in tree.iter()}
        used = {element.get("href", "")[1:] for element in tree.iter(f"{SVG}use")}
        assert used <= there
        assert "Leipzig" not in page
        assert "@font-face" not in page
        assert not any("\ue000" <= sign <= "\uf8ff" for sign in page)  # a glyph of the private use area
    assert "Ünï" in "".join(ElementTree.fromstring(engrave_score(song(2), title="Ünï <b>")[0]).itertext())


def test_the_tempo_mark_is_a_note_and_a_number() -> None:
    [page] = engrave_score(Notes.of([0], [24], [60], [80], [(0, 132.0)]), paper=SCREEN)
    [tempo] = [g for g in ElementTree.fromstring(page).iter(f"{SVG}g") if g.get("class") == "tempo"]
    assert "".join(tempo.itertext()) == "= 132"
    assert len(tempo.find(f"{SVG}path").get("d", "")) > 50


def test_the_tempo_of_six_eighths_is_in_dotted_quarters() -> None:
    [page] = engrave_score(Notes.of([0], [36], [60], [80], [(0, 180.0)], [(0, 6, 8)]), paper=SCREEN)
    [tempo] = [g for g in ElementTree.fromstring(page).iter(f"{SVG}g") if g.get("class") == "tempo"]
    assert "".join(tempo.itertext()) == "= 120"
    assert tempo.find(f"{SVG}circle") is not None


def classes(page: str, name: str) -> list[ElementTree.Element]:
    return [g for g in ElementTree.fromstring(page).iter(f"{SVG}g") if g.get("class", "").split()[:1] == [name]]


def test_dots_tuplets_and_keys_are_drawn() -> None:
    rows = [*((at, 6, 72) for at in range(0, 96, 24)), *((96 + at, 5, 72 + at) for at in (0, 5, 10, 14, 19))]
    onset, ticks, pitch = zip(*rows, strict=True)
    [page] = engrave_score(Notes.of(onset, ticks, pitch, [80] * len(rows), key_signatures=[(0, -2, 1), (96, 4, 0)]))
    assert len(classes(page, "artic")) == 4
    assert ["".join(each.attrib.get("class", "") for each in g) for g in classes(page, "tuplet")] != []
    assert len(classes(page, "keyAccid")) == 2 * 2 + 2 * 4


def test_a_pedal_that_is_changed_has_no_sign_of_release() -> None:
    pedals = [(0, 0, 95), (0, 97, 180), (0, 240, 280)]
    notes = Notes.of(range(0, 288, 24), [24] * 12, [48] * 12, [80] * 12, pedals=pedals)
    [page] = engrave_score(notes, paper=SCREEN)
    assert len(classes(page, "pedal")) == 3 + 2
    [page] = engrave_score(Notes.of(notes.onset, notes.duration, notes.pitch, notes.velocity), paper=SCREEN)
    assert classes(page, "pedal") == []


def test_what_is_known_of_a_piece_stands_over_its_first_page() -> None:
    known = Credits(game="Game", series="Series", sequencer="A. Person", source="https://example.org/a.mid")
    pages = engrave_score(song(0, bars=80), title="Title", known=known)
    [heading] = classes(pages[0], "pgHead")
    lines = heading.findall(f"{SVG}text")
    wanted = ["Title", "Game (Series)", "Sequenced by A. Person", "https://example.org/a.mid"]
    assert ["".join(line.itertext()) for line in lines] == wanted
    sizes = [
        next(int(t.get("font-size", "")[:-2]) for t in line.iter() if t.get("font-size", "0px") != "0px")
        for line in lines
    ]
    assert sizes[0] > sizes[1] > sizes[2] == sizes[3]
    assert "Person" not in pages[1]


def test_the_same_notes_give_the_same_pages() -> None:
    assert engrave_score(song(3), title="T", prefix="p-") == engrave_score(song(3), title="T", prefix="p-")


def test_a_strip_is_one_page_and_paper_is_a4() -> None:
    long = song(0, bars=80)
    assert len(engrave_score(long, paper=SCREEN)) == 1
    pages = engrave_score(long)
    assert len(pages) > 1
    assert 'width="840" height="1188"' in pages[0]


def test_a_pdf_is_a_pdf_with_its_pages_and_the_same_twice() -> None:
    pages = engrave_score(song(0, bars=80), title="A title")
    data = pdf(pages, title="A title")
    assert data.startswith(b"%PDF-")
    assert data.rstrip().endswith(b"%%EOF")
    assert data == pdf(pages, title="A title")
    assert len(data) > len(pdf(pages[:1]))


def test_a_png_shows_ink_on_paper() -> None:
    from PIL import Image

    data = png(engrave_score(song(1))[0], width_px=900)
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", data[16:24]) == (900, 1273)
    image = np.asarray(Image.open(io.BytesIO(data)).convert("L"))
    assert 0.01 < (image < 128).mean() < 0.2
    assert (image[:20] == 255).all()


def test_what_is_no_page_is_refused() -> None:
    for wrong in ("", "<svg>", '<svg width="0" height="0" xmlns="http://www.w3.org/2000/svg"/>'):
        with pytest.raises(TrainingError):
            png(wrong)
    with pytest.raises(TrainingError, match="cannot be drawn"):
        png('<svg width="10" height="10" xmlns="http://www.w3.org/2000/svg"><g>')


def test_nothing_is_an_empty_bar() -> None:
    assert len(engrave_score(Notes.of([], [], [], []), title="Silence")) == 1
