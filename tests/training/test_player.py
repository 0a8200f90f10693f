"""The players of a run's page in a browser: they play, seek, loop and scroll."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from dataset.notes import model as notes_model
from dataset.notes.hands import hands_of
from dataset.notes.timing import tick_to_seconds
from tests.browser import opened, wait
from tests.training.exhibited import shown_addresses, shown_pages  # noqa: F401 - fixtures
from tests.training.playing import LEFT, OUR_EAR, RATE, SCALE, at, found_at, hear, start_of, tap, tapped
from training.midi import read_notes
from training.rendering.audio import HANDS_RATE, mix_notes

pytestmark = pytest.mark.road


@pytest.fixture
def page(browser: Browser, addresses: dict[str, str]) -> Iterator[Page]:
    with opened(browser, addresses["run"], expected=OUR_EAR) as page:
        yield page


def test_each_sample_plays_and_is_heard(page: Page) -> None:
    for player in range(page.locator("audio").count()):
        _, heard, whole = hear(page, player, 0.4)
        assert float(np.abs(heard).max()) > 0.1
        assert len(whole) / RATE > 5
        assert at(page, player) > 0.2


def test_one_plays_at_a_time_and_the_button_says_what_it_does(page: Page) -> None:
    first, second = (page.locator("[data-play]").nth(number) for number in (0, 1))
    expect(first).to_have_accessible_name("Play Sample 1")
    first.click()
    wait(page, "document.querySelector('audio').currentTime > 0.3")
    expect(first).to_have_accessible_name("Pause Sample 1")
    assert page.locator("g.left .now, g.right .now").count() > 0
    assert page.locator("[data-head]").first.evaluate("head => head.getBoundingClientRect().left") > 0
    second.click()
    wait(page, "document.querySelectorAll('audio')[1].currentTime > 0.1")
    assert page.evaluate("document.querySelector('audio').paused")
    expect(first).to_have_accessible_name("Play Sample 1")


@pytest.mark.parametrize("target", [3.21, 11.875, 22.2, 26.0])
def test_seeking_lands_within_50_ms_and_so_does_the_sound(page: Page, target: float) -> None:
    page.locator("[data-seek]").first.evaluate(
        f"bar => {{ bar.value = {target}; bar.dispatchEvent(new Event('input')); }}"
    )
    assert at(page) == pytest.approx(target, abs=0.01)
    clock, heard, whole = hear(page, 0, 0.5)
    assert clock == pytest.approx(target, abs=0.2)
    begin = max(0, int((target - 1) * RATE))
    found = (begin + found_at(heard, whole[begin : begin + 3 * RATE])) / RATE
    assert found == pytest.approx(target, abs=0.05)


def test_a_click_on_the_roll_seeks_there(page: Page) -> None:
    roll = page.locator("[data-roll]").first
    box = page.locator("[data-sheet]").first.bounding_box()
    assert box is not None
    note = page.locator("#s1-rn21")
    drawn = note.bounding_box()
    assert drawn is not None
    assert drawn["x"] - box["x"] == pytest.approx(float(note.get_attribute("x") or "nan"), abs=0.6)
    for seconds in (2.0, 7.5):
        roll.click(position={"x": LEFT + seconds * SCALE, "y": 80})
        assert at(page) == pytest.approx(seconds, abs=0.05)
        head = page.locator("[data-head]").first.bounding_box()
        assert head is not None
        assert head["x"] + 1 - box["x"] == pytest.approx(LEFT + seconds * SCALE, abs=1.5)
        assert page.locator("[data-seek]").first.evaluate("bar => Number(bar.value)") == pytest.approx(
            seconds, abs=0.05
        )


@pytest.mark.parametrize("where", ["[data-roll]", "[data-seek]"])
def test_the_keyboard_moves_and_plays(page: Page, where: str) -> None:
    control = page.locator(where).first
    control.focus()
    length = page.evaluate("document.querySelector('audio').duration")
    scrolled = page.evaluate("window.scrollY")
    for key, expected in (
        ("ArrowRight", 1),
        ("ArrowRight", 2),
        ("ArrowLeft", 1),
        ("PageUp", 11),
        ("PageDown", 1),
        ("End", length),
        ("Home", 0),
        ("ArrowLeft", 0),
    ):
        page.keyboard.press(key)
        assert at(page) == pytest.approx(expected, abs=0.05), key
    assert control.get_attribute("aria-valuetext") == f"0:00 of 0:{int(length):02d}"
    page.keyboard.press("Space")
    wait(page, "!document.querySelector('audio').paused && document.querySelector('audio').currentTime > 0.05")
    page.keyboard.press("Space")
    assert page.evaluate("document.querySelector('audio').paused")
    assert page.evaluate("window.scrollY") == scrolled  # the keys are the player's, not the window's


def test_space_plays_a_fresh_page_at_once_and_does_not_scroll(browser: Browser, addresses: dict[str, str]) -> None:
    with opened(browser, addresses["run"], 360) as page:
        page.keyboard.press("Space")
        wait(page, "document.querySelector('audio').currentTime > 0.05")
        assert page.evaluate("window.scrollY") == 0
        page.keyboard.press("Space")
        assert page.evaluate("document.querySelector('audio').paused")
        page.locator("summary").last.focus()
        page.keyboard.press("Space")  # which opens what is below
        assert page.evaluate("document.activeElement.parentNode.open && document.querySelector('audio').paused")


def slide(page: Page, slider: Locator, share: float) -> None:
    """Click a slider at a share of its width."""
    box = slider.bounding_box()
    assert box is not None
    slider.click(position={"x": 8 + share * (box["width"] - 16), "y": box["height"] / 2})


def test_speed_and_volume_by_keyboard_and_mouse(page: Page) -> None:
    speed, volume = page.locator("[data-speed]").first, page.locator("[data-volume]").first
    states = (
        (speed, "playbackRate", (0.5, 0.55, 1.5, 1.25), ("50 %", "55 %", "150 %", "125 %")),
        (volume, "volume", (0, 0.05, 1, 0.75), ("0 %", "5 %", "100 %", "75 %")),
    )
    for slider, name, values, told in states:
        found, said = [], []
        for key in ("Home", "ArrowRight", "End", None):
            if key is None:
                slide(page, slider, 0.75)
            else:
                slider.press(key)
            found.append(page.evaluate(f"document.querySelector('audio').{name}"))
            said.append(slider.get_attribute("aria-valuetext"))
        assert (found, said) == (pytest.approx(values), list(told))
    assert page.evaluate("document.querySelectorAll('audio')[1].volume") == 0.75  # one volume for all
    assert page.evaluate("document.querySelectorAll('audio')[1].playbackRate") == 1
    expect(speed).to_have_accessible_name("Speed")
    expect(volume).to_have_accessible_name("Volume")


def test_another_speed_keeps_the_pitch(page: Page) -> None:
    page.locator("[data-speed]").first.press("End")
    page.evaluate("document.querySelector('audio').currentTime = 6")
    from scipy.ndimage import gaussian_filter1d  # scipy takes half a second; other workers need not import it
    from scipy.signal import correlate

    clock, heard, whole = hear(page, 0, 1.0)
    first = int(clock * RATE)
    played = whole[first : first + int(1.5 * len(heard))]
    pitches = [np.abs(np.fft.rfft(sound * np.hanning(len(sound)), 4 * RATE)) for sound in (heard, played)]
    octaves = np.geomspace(100, 2000, 200)
    spectra = [np.interp(octaves, np.arange(len(each)) / 4, gaussian_filter1d(each, 12)) for each in pitches]
    shift = int(np.argmax(correlate(*(each - each.mean() for each in spectra)))) - 199
    assert abs(shift) * np.log2(octaves[1] / octaves[0]) * 12 < 1  # semitones; sound played faster is 7 higher


def test_a_part_is_looped_and_the_whole(page: Page) -> None:
    roll, player = page.locator("[data-roll]").first, page.locator("#s1-player")
    loop, told = player.locator("[data-loop]"), player.locator("[data-looped]")
    page.evaluate("document.querySelector('audio').currentTime = 4.1")
    roll.press("a")
    page.evaluate("document.querySelector('audio').currentTime = 7.9")
    player.locator("[data-edge=to]").click()
    assert told.inner_text() == "bars 3–4, 0:04.0–0:08.0"  # the nearest beats, of half a second each
    box, region = player.locator("[data-sheet]").bounding_box(), player.locator("[data-region]").bounding_box()
    assert box is not None
    assert region is not None
    assert region["x"] - box["x"] == pytest.approx(LEFT + 4 * SCALE, abs=1)
    assert region["width"] == pytest.approx(4 * SCALE, abs=4)
    roll.press("Space")
    wait(page, "document.querySelector('audio').currentTime > 7.92")
    wait(page, "document.querySelector('audio').currentTime < 5")
    assert at(page) >= 4
    assert not page.evaluate("document.querySelector('audio').paused")
    roll.press("Space")
    player.locator("[data-whole]").press("Enter")
    assert told.inner_text() == "whole piece"
    assert page.evaluate("document.activeElement.matches('[data-loop]')")
    loop.click()
    expect(loop).to_have_attribute("aria-pressed", "false")
    expect(player.locator("[data-region]")).to_be_hidden()
    roll.press("l")
    roll.press("End")  # where the sound is over, half a second before the last bar line
    roll.press("ArrowLeft")
    roll.press("Space")
    wait(page, "document.querySelector('audio').currentTime < 5")


def test_a_loop_that_the_file_marks_is_the_one_that_is_looped(page: Page) -> None:
    second = page.locator("#s2-player")
    expect(second.locator("[data-region]")).to_be_hidden()
    second.locator("[data-loop]").press("Enter")
    assert second.locator("[data-looped]").inner_text() == "bars 2–3, 0:02.0–0:06.0"
    page.evaluate("document.querySelectorAll('audio')[1].currentTime = 5.8")
    second.locator("[data-play]").click()
    wait(page, "document.querySelectorAll('audio')[1].currentTime < 5")
    assert at(page, 1) >= 2


def test_the_keys_of_sounding_notes_light_up(page: Page, addresses: dict[str, str]) -> None:
    notes = read_notes(Path(addresses["run"].removeprefix("file://")).parent / "samples" / "sample-1.mid")
    start, end = (tick_to_seconds(notes.tempos, ticks) for ticks in (notes.onset, notes.end))
    hand = np.where(hands_of(notes) == notes_model.LEFT, "left", "right")
    several = 0
    for note in range(0, len(notes), 5):
        now = float(start[note]) + 0.03
        sounding, held = (np.flatnonzero((start <= now) & (now < end - early)) for early in (0, 0.06))
        page.evaluate("now => { document.querySelector('audio').currentTime = now }", now)
        wait(page, "!document.querySelector('audio').seeking")
        page.evaluate("new Promise(requestAnimationFrame)")
        lit = page.evaluate(
            "[...document.querySelectorAll('#s1-player .piano .left, #s1-player .piano .right')]"
            ".map(key => [Number(key.dataset.pitch), key.classList[1]])"
        )
        assert {tuple(key) for key in lit} <= {(int(notes.pitch[n]), str(hand[n])) for n in sounding}
        assert {pitch for pitch, _ in lit} >= set(notes.pitch[held].tolist())
        several += len(lit) > 1
    assert several > 1


def test_the_roll_scrolls_along_and_its_keys_stay(browser: Browser, addresses: dict[str, str]) -> None:
    with opened(browser, addresses["run"], 360) as page:
        roll, view = page.locator("[data-roll]").first, page.locator("[data-view]").first
        roll.focus()
        page.keyboard.press("End")
        assert view.evaluate("view => view.scrollLeft") > 200
        head, box, keys = (
            found.bounding_box() for found in (page.locator("[data-head]").first, view, page.locator(".keys").first)
        )
        assert head is not None
        assert box is not None
        assert keys is not None
        assert box["x"] < head["x"] < box["x"] + box["width"]
        assert keys["x"] == pytest.approx(box["x"], abs=2)
        page.keyboard.press("Home")
        assert view.evaluate("view => view.scrollLeft") == 0


def test_a_passage_is_played_from_its_start_to_its_end(page: Page) -> None:
    button = page.locator("#s2-player [data-from], #s1-copy-1 [data-from]").first
    start, end = (float(button.get_attribute(name) or "nan") for name in ("data-from", "data-until"))
    page.evaluate("document.querySelector('audio').playbackRate = 8")
    button.click()
    wait(page, "document.querySelector('audio').currentTime > 5")
    wait(page, "document.querySelector('audio').paused")
    assert start < end <= at(page) < end + 1


def test_a_note_of_the_score_is_a_place_to_seek(page: Page) -> None:
    page.locator("#s1-player summary", has_text="Score").click()
    box = page.locator("#s1-player [data-page] [data-note='21']").first
    box.scroll_into_view_if_needed()
    box.dispatch_event("click")
    assert at(page) == pytest.approx(start_of(page.locator("#s1-rn21")), abs=0.01)
    page.keyboard.press("Tab")
    assert page.locator("#s1-player [data-page] .now").count() > 0
    last = page.locator("#s1-rn100")
    page.evaluate(
        "seconds => { document.querySelector('#s1-player audio').currentTime = seconds }", start_of(last) + 0.05
    )
    head, leaf = page.locator("#s1-player [data-page] [data-note='100']").first, page.locator("#s1-player [data-page]")
    wait(page, "document.querySelector('#s1-player [data-page] [data-note=\"100\"]').classList.contains('now')")
    inner, outer = head.bounding_box(), leaf.bounding_box()
    assert inner is not None
    assert outer is not None
    assert outer["y"] <= inner["y"] <= inner["y"] + inner["height"] <= outer["y"] + outer["height"]


def test_without_script_the_browsers_own_controls_play_it(browser: Browser, addresses: dict[str, str]) -> None:
    with opened(browser, addresses["run"], java_script_enabled=False) as page:
        assert page.locator("audio[controls]").count() == 2
        assert page.locator("audio").first.is_visible()
        assert not page.locator("[data-play]").first.is_visible()
        assert page.locator("noscript p").is_visible()


def test_a_hand_is_muted_and_the_other_one_is_heard_in_time(page: Page, addresses: dict[str, str]) -> None:
    from scipy.signal import correlate

    notes = read_notes(Path(addresses["run"].removeprefix("file://")).parent / "samples" / "sample-1.mid")
    is_left = hands_of(notes) == notes_model.LEFT
    hands = [mix_notes(notes, HANDS_RATE, chosen=chosen).mean(axis=1) for chosen in (is_left, ~is_left)]
    group = page.locator("#s1-player").get_by_role("group", name="Mute a hand")
    left, right = (group.get_by_role("button", name=f"{side} hand") for side in ("Left", "Right"))
    tap(page)
    page.locator("[data-play]").first.click()
    for button, other, heard in ((left, right, 1), (right, left, 0)):
        if heard:
            button.press("Enter")
        else:
            button.click()
        expect(button).to_have_attribute("aria-pressed", "true")
        expect(other).to_have_attribute("aria-pressed", "false")
        assert page.evaluate("document.querySelector('audio').muted")
        page.evaluate("document.querySelector('audio').currentTime = 5")
        page.evaluate("document.querySelector('audio').play()")
        wait(page, "document.querySelector('audio').currentTime > 7.2")
        parts = tapped(page, 1.5, HANDS_RATE)
        clock, sound = parts[heard]
        assert not parts[1 - heard][1].any()
        first = int((clock - 3) * HANDS_RATE)
        likeness = [np.abs(correlate(hand[first : first + 4 * HANDS_RATE], sound, "valid")).max() for hand in hands]
        assert likeness[heard] > 3 * likeness[1 - heard]
        begin = 3 - 1.5 - found_at(sound, hands[heard][first : first + 4 * HANDS_RATE]) / HANDS_RATE
        assert begin == pytest.approx(0, abs=0.2)
    right.click()
    expect(right).to_have_attribute("aria-pressed", "false")
    assert not page.evaluate("document.querySelector('audio').muted")


OUR_EYE = "willReadFrequently"  # which is advised because FALLEN reads the canvas often

FALLEN = """([pitch, hand, share]) => {
    // Whether a note of a hand is drawn above a key, at a share of the height
    const canvas = document.querySelector("#s1-player canvas"), pen = canvas.getContext("2d");
    const key = document.querySelector(`#s1-player [data-pitch="${pitch}"]`).getBoundingClientRect();
    const x = (key.left + key.width / 2 - canvas.getBoundingClientRect().left) * canvas.width / canvas.clientWidth;
    const [red, , blue, alpha] = pen.getImageData(Math.round(x), Math.round(share * canvas.height), 1, 1).data;
    return alpha > 100 && (hand === "left") === (blue > red);
}"""


@pytest.mark.parametrize("motion, width", [("no-preference", 1280), ("reduce", 360)])
def test_notes_fall_onto_their_keys(browser: Browser, addresses: dict[str, str], motion: str, width: int) -> None:
    notes = read_notes(Path(addresses["run"].removeprefix("file://")).parent / "samples" / "sample-1.mid")
    start, hands = tick_to_seconds(notes.tempos, notes.onset), hands_of(notes)
    with opened(browser, addresses["run"], width, reduced_motion=motion, expected=OUR_EYE) as page:
        canvas, button = page.locator("#s1-player canvas"), page.locator("#s1-player [data-fall]")
        expect(button).to_have_accessible_name("Falling notes")
        expect(canvas).to_be_hidden()
        button.press("Space")
        expect(canvas).to_be_visible()
        expect(button).to_have_attribute("aria-pressed", "true")

        def drawn(note: int, now: float, share: float) -> bool:
            page.evaluate("now => { document.querySelector('audio').currentTime = now }", now)
            wait(page, "!document.querySelector('audio').seeking")
            page.evaluate("new Promise(requestAnimationFrame)")
            side = "left" if hands[note] == notes_model.LEFT else "right"
            return bool(page.evaluate(FALLEN, [int(notes.pitch[note]), side, share]))

        for note in range(20, 60, 10):
            begin = float(start[note]) + 0.1  # within the note
            bar = begin // 2 * 2  # bars of two seconds
            for now in (bar + 0.02, bar + 0.6) if motion == "reduce" else (begin - 2.5, begin - 1.2, begin - 0.1):
                base = bar if motion == "reduce" else now
                assert drawn(note, now, 1 - (begin - base) / 3), (note, now)
        side = "left" if hands[note] == notes_model.LEFT else "right"
        mute, place = page.locator(f"#s1-player [data-hand={side}]"), (note, now, 1 - (begin - base) / 3)
        mute.press("Enter")
        assert not drawn(*place)  # faint
        mute.press("Enter")
        assert drawn(*place)
        top = "document.querySelector('#s1-player [data-view]').offsetTop"
        before = page.evaluate(top)
        page.locator("#s1-player [data-edge=from]").press("Enter")
        assert page.evaluate(top) == pytest.approx(before, abs=0.5)  # what is said of a loop moves nothing
        button.click()
        expect(canvas).to_be_hidden()
