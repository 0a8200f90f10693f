"""Piano rolls: notes at their seconds at any tempo, and passages."""

from xml.etree import ElementTree

import numpy as np
import pytest

from dataset.notation.score import score_of
from dataset.notes.model import LEFT, RIGHT, Notes
from dataset.notes.timing import tick_to_seconds
from tests.training.songs import song
from training.rendering.audio import RING_S
from training.rendering.roll import PEDAL_LEGEND, RollPassage, draw_roll
from training.rendering.svg_convert import pdf, png

SVG = "{http://www.w3.org/2000/svg}"
NOTES = Notes.of(
    [0, 24, 48, 96, 96],
    [24, 24, 24, 48, 96],
    [60, 64, 67, 72, 36],
    [127, 100, 64, 30, 1],
    [(0, 60.0), (48, 240.0)],
    [(0, 3, 4)],
)


def drawn(text: str, prefix: str = "") -> dict[int, ElementTree.Element]:
    tree = ElementTree.fromstring(text)
    rects = {element.get("id", ""): element for element in tree.iter(f"{SVG}rect")}
    return {int(name[len(prefix) + 1 :]): rect for name, rect in rects.items() if name.startswith(f"{prefix}n")}


def number(element: ElementTree.Element, name: str) -> float:
    return float(element.get(name, "nan"))


def test_a_note_lies_at_its_second_and_on_its_row() -> None:
    text = draw_roll(NOTES, pixels_a_second=100)
    root, rects = ElementTree.fromstring(text), drawn(text)
    left, scale = number(root, "data-left"), number(root, "data-scale")
    wanted = tick_to_seconds(NOTES.tempos, NOTES.onset)
    found = np.array([(number(rects[n], "x") - left) / scale for n in range(len(NOTES))])
    assert np.abs(found - wanted).max() < 0.001
    ys = [number(rects[n], "y") for n in np.argsort(NOTES.pitch)]
    assert ys == sorted(ys, reverse=True)
    assert ys[1] - ys[2] == 4 * 6
    assert number(root, "width") >= left + tick_to_seconds(NOTES.tempos, NOTES.end.max()) * scale


def test_velocity_is_opacity_and_hands_are_classes() -> None:
    text = draw_roll(song(1))
    opacities = [number(rect, "opacity") for _, rect in sorted(drawn(draw_roll(NOTES)).items())]
    order = NOTES.velocity.argsort()
    assert (np.diff(np.array(opacities)[order]) > 0).all()
    groups = {g.get("class"): len(g) for g in ElementTree.fromstring(text).iter(f"{SVG}g")}
    assert groups["left"] + groups["right"] == len(song(1))
    assert groups["left"] > 0 < groups["right"]


def test_lines_stand_at_bars_and_beats() -> None:
    tree = ElementTree.fromstring(draw_roll(NOTES, pixels_a_second=100))
    lines = {path.get("class"): path.get("d", "").count("M") for path in tree.iter(f"{SVG}path")}
    assert (lines["bar"], lines["beat"]) == (3, 6)
    assert [text.text for g in tree.iter(f"{SVG}g") if g.get("class") == "number" for text in g] == ["1", "2", "3"]


def test_bars_are_those_of_the_score_and_hands_those_of_the_file() -> None:
    meters = [(0, 1, 4), (24, 3, 4)]
    notes = Notes.of([0, 24, 48], [24, 72, 24], [48, 72, 50], [80] * 3, [], meters, hand=[RIGHT, LEFT, RIGHT])
    tree = ElementTree.fromstring(draw_roll(notes, pixels_a_second=100))
    numbers = [text.text for g in tree.iter(f"{SVG}g") if g.get("class") == "number" for text in g]
    assert numbers == [str(measure.bar.number) for measure in score_of(notes).measures] == ["0", "1"]
    hands = {g.get("class"): [rect.get("id") for rect in g] for g in tree.iter(f"{SVG}g")}
    assert (hands["left"], hands["right"]) == (["n1"], ["n0", "n2"])


def test_passages_are_lit_up_and_labelled() -> None:
    text = draw_roll(
        song(0),
        [RollPassage(3, 10, 'From "Song" <b>'), RollPassage(20, 10_000, "To the end"), RollPassage(9_000, 9_001, "No")],
        prefix="s1-",
    )
    tree, rects = ElementTree.fromstring(text), drawn(text, "s1-")
    assert {n for n, rect in rects.items() if rect.get("class") == "copied c0"} == set(range(3, 11))
    assert {n for n, rect in rects.items() if rect.get("class") == "copied c1"} == set(range(20, len(song(0))))
    bands = [rect for rect in tree.iter(f"{SVG}rect") if (rect.get("class") or "").startswith("passage")]
    assert [band.findtext(f"{SVG}title") for band in bands] == ['From "Song" <b>', "To the end"]


def test_a_roll_is_small_and_the_same_twice() -> None:
    notes = song(2, bars=42)
    assert len(notes) > 370
    assert len(draw_roll(notes)) < 150 * len(notes)
    assert draw_roll(notes) == draw_roll(notes)


def test_control_characters_do_not_reach_the_page() -> None:
    assert "\x1b" not in draw_roll(NOTES, [RollPassage(0, 1, "a\x1b[31m\u202eb")], title="t\x00")
    ElementTree.fromstring(draw_roll(NOTES, title="t\x00 & <x>"))


@pytest.mark.parametrize(
    "notes", [NOTES, Notes.of([], [], [], []), Notes.of([0], [1], [127], [1]), Notes.of([9], [1], [0], [9])]
)
def test_a_roll_becomes_a_picture(notes: Notes) -> None:
    text = draw_roll(notes)
    assert png(text)[:4] == b"\x89PNG"
    assert pdf([text])[:5] == b"%PDF-"


def test_a_long_piece_becomes_a_smaller_picture() -> None:
    data = png(draw_roll(Notes.of([0, 24 * 1200], [24, 24], [60, 61], [80, 80])))
    assert int.from_bytes(data[16:20], "big") == 12_000


HELD = Notes.of([0, 24, 72], [12, 12, 12], [60, 72, 60], [80] * 3, [(0, 60.0)], hand=[2, 1, 2], pedals=[(0, 6, 96)])


def test_what_only_the_pedal_holds_goes_on_lighter() -> None:
    text = draw_roll(HELD, pixels_a_second=100, title="Roll")
    tree, rects = ElementTree.fromstring(text), drawn(text)
    assert [number(rects[n], "width") for n in range(3)] == [49.5] * 3  # the key alone: half a second
    paths = {path.get("class"): path for path in tree.iter(f"{SVG}path") if "pedal" in (path.get("class") or "")}
    left, right = paths["pedal left"].get("d", ""), paths["pedal right"].get("d", "")
    spans = [[float(part.replace(" ", "h").split("h")[place]) for place in (0, 2)] for part in left[1:].split("M")]
    assert spans == [[44 + 50, 249.5], [44 + 350, 49.5]]  # until the key is struck again, until the pedal is lifted
    assert right.count("M") == 1
    assert float(paths["pedal left"].get("stroke-opacity", "1")) < min(
        number(rect, "opacity") for rect in rects.values()
    )
    assert tree.findtext(f"{SVG}title") == f"Roll, {PEDAL_LEGEND}"
    assert number(tree, "width") == 44 + 400 + 8


def test_without_a_pedal_nothing_is_lighter_and_the_title_is_as_given() -> None:
    text = draw_roll(NOTES, title="Roll")
    assert "pedal" not in text
    assert ElementTree.fromstring(text).findtext(f"{SVG}title") == "Roll"


def test_a_pedal_that_is_never_lifted_makes_no_roll_longer_than_a_string_is_heard() -> None:
    notes = Notes.of([0], [24], [60], [80], [(0, 60.0)], pedals=[(0, 0, 24 * 5000)])
    assert number(ElementTree.fromstring(draw_roll(notes, pixels_a_second=10)), "width") == 44 + 10 * RING_S + 8


def test_hands_are_those_that_the_file_states() -> None:
    crossed = Notes.of([0, 0], [24, 24], [50, 70], [80, 80], hand=[1, 2])
    groups = {
        g.get("class"): [rect.get("id") for rect in g]
        for g in ElementTree.fromstring(draw_roll(crossed)).iter(f"{SVG}g")
    }
    assert (groups["right"], groups["left"]) == (["n0"], ["n1"])
