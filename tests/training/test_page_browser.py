"""The page of a run in a browser: it plays, seeks, scrolls and is accessible.

It requests nothing from the network.
"""

import re
import shutil
import time
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from axe_core_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, expect
from scipy.ndimage import gaussian_filter1d
from scipy.signal import correlate

from dataset.notes import model as notes_model
from dataset.notes.hands import hands_of
from dataset.notes.timing import tick_to_seconds
from tests.browser import chromium
from tests.training import exhibited
from training.midi import read_notes
from training.page.comparison_page import ZELDA, Entry, write_comparison
from training.page.run_page import write_page

Sound = npt.NDArray[np.float64]

WINDOWS = [(360, "light"), (360, "dark"), (1280, "light"), (1280, "dark")]
LEFT, SCALE = 44, 40  # of the roll, px and px a second

OUR_EAR = (
    "ScriptProcessorNode is deprecated"  # of what HEARD listens with; a worklet would be a script that the page forbids
)

HEARD = """async ([player, seconds]) => {
    // What comes out of a player, from where it stands: [its clock, the sound, the whole piece], sounds as 16 bits in base64
    const audio = document.querySelectorAll("[data-player]")[player].querySelector("audio");
    const context = new AudioContext({ sampleRate: 22050 });
    const data = Uint8Array.from(atob(audio.src.split(",")[1]), (c) => c.charCodeAt(0));
    const whole = (await context.decodeAudioData(data.buffer)).getChannelData(0);
    const ear = context.createScriptProcessor(1024, 1, 1), heard = [];
    let clock = null;
    context.createMediaElementSource(audio).connect(ear);
    ear.connect(context.destination);
    await context.resume();
    await new Promise((resolve) => {
        ear.onaudioprocess = (event) => {
            const block = event.inputBuffer.getChannelData(0);
            if (clock === null && !block.some((value) => Math.abs(value) > 1e-5)) return;
            clock ??= audio.currentTime;
            heard.push(...block);
            if (heard.length > seconds * context.sampleRate) resolve();
        };
        audio.play();
    });
    audio.pause();
    await context.close();
    const told = (sound) => {
        const bytes = new Uint8Array(Int16Array.from(sound, (value) => 32767 * Math.max(-1, Math.min(1, value))).buffer);
        let text = "";
        for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
        return btoa(text);
    };
    return [clock, told(heard), told(whole)];
}"""
RATE = 22050


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def addresses(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    root = tmp_path_factory.mktemp("page")
    run = exhibited.run(root)
    entries = [Entry("One <b>", run, 2, ZELDA["wind-waker"]), Entry("Two", run, 1, ZELDA["zelda"])]
    alone = write_page(root, run)
    both = write_comparison(root, entries, root / "runs" / "both.html", title="Two runs", lead="Side by side.")
    return {"run": alone.as_uri(), "compare": both.as_uri()}


def opened(browser: Browser, address: str, width: int = 1280, scheme: str = "light", **how: object) -> Iterator[Page]:
    """A page in a window; console messages and network requests are errors."""
    with browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme, **how) as context:  # type: ignore[arg-type]
        page = context.new_page()
        said: list[str] = []
        asked: list[str] = []
        page.on("console", lambda message: said.append(message.text) if OUR_EAR not in message.text else None)
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(address)
        yield page
        assert said == []
        assert [url for url in asked if not url.startswith("data:")] == [address]


@pytest.fixture
def page(browser: Browser, addresses: dict[str, str]) -> Iterator[Page]:
    yield from opened(browser, addresses["run"])


def wait(page: Page, truth: str, most: float = 15.0) -> None:
    """Wait until a JavaScript expression is true.

    Playwright's own waiting evaluates strings, which the page forbids.
    """
    end = time.monotonic() + most
    while not page.evaluate(truth):
        assert time.monotonic() < end, truth
        page.wait_for_timeout(15)


def at(page: Page, player: int = 0) -> float:
    """The clock of a player, in seconds."""
    return float(page.evaluate(f"document.querySelectorAll('audio')[{player}].currentTime"))


def start_of(note: Locator) -> float:
    """The seconds at which a note of the roll begins."""
    return (float(note.get_attribute("x") or "nan") - LEFT) / SCALE


def hear(page: Page, player: int, seconds: float) -> tuple[float, Sound, Sound]:
    """Record the sound of a player.

    Returns its clock at the start, `seconds` of sound, and the whole piece.
    """
    clock, *sounds = page.evaluate(HEARD, [player, seconds])
    heard, whole = (np.frombuffer(b64decode(sound), np.int16) / 32768 for sound in sounds)
    return (
        clock,
        heard[np.flatnonzero(np.abs(heard) > 1e-4)[0] :],
        whole,
    )  # the first block begins before the player does


def found_at(sound: Sound, piece: Sound) -> int:
    """The frame at which a piece is most similar to a sound (normalised correlation)."""
    likeness = correlate(piece, sound, "valid", "fft")
    energy = np.cumsum(np.concatenate([[0.0], piece**2]))
    return int(np.argmax(likeness / np.sqrt(np.maximum(energy[len(sound) :] - energy[: -len(sound)], 1e-3))))


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
    for page in opened(browser, addresses["run"], 360):
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
    for page in opened(browser, addresses["run"], 360):
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


def test_what_was_copied_is_lit_and_leads_both_ways(page: Page) -> None:
    colour = page.evaluate("getComputedStyle(document.querySelector('#s1-player rect.copied')).fill")
    plain = page.evaluate("getComputedStyle(document.querySelector('#s1-player g.right rect:not(.copied)')).fill")
    assert colour != plain
    page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true })")
    assert (
        page.evaluate(
            "getComputedStyle(document.querySelector('#s1-player [data-copy] use, #s1-player [data-copy] path')).fill"
        )
        == colour
    )
    start = float(page.locator("#s1-copy-1 [data-to]").get_attribute("data-to") or "nan")
    page.locator("#s1-copy-1 [data-to]").click()
    assert at(page) == pytest.approx(start, abs=0.05)
    assert page.evaluate("document.activeElement.matches('#s1-player [data-roll]')")
    page.locator("#s1-copy-1 .quiet a").click()
    assert page.evaluate("document.activeElement.closest('.sources') !== null || location.hash.startsWith('#from-')")
    assert page.locator(":target code").inner_text() in page.content()
    page.locator(":target a[href^='#']").click()
    assert page.evaluate("location.hash") == "#s1-copy-1"
    page.locator("#s1-player .mark").first.click()
    assert page.evaluate("location.hash") == "#s1-copy-1"


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


@pytest.mark.parametrize("width, scheme", WINDOWS)
@pytest.mark.parametrize("which", ["run", "compare"])
def test_it_fits_the_window_and_axe_finds_nothing_serious(
    browser: Browser, addresses: dict[str, str], which: str, width: int, scheme: str
) -> None:
    for page in opened(browser, addresses[which], width, scheme, bypass_csp=True):
        page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true })")
        page.locator("[data-edge=from]").first.click()  # a loop, so that all controls are shown
        across, window = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
        assert across == window
        ground = page.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)")
        assert (sum(ground) < 200) == (scheme == "dark")
        assert page.title() in ("Run shown", "Two runs")
        if (width == 360) == (scheme == "light"):
            found = Axe().run(page)
            assert len(found["passes"]) > 20
            serious = [each for each in found["violations"] if each["impact"] != "minor"]
            assert [(each["id"], [node["html"][:300] for node in each["nodes"]][:3]) for each in serious] == []


def test_sent_alone_it_gives_every_file(browser: Browser, addresses: dict[str, str], tmp_path: Path) -> None:
    alone = tmp_path / "empty" / "sent.html"
    alone.parent.mkdir()
    shutil.copy(addresses["run"].removeprefix("file://"), alone)
    for page in opened(browser, alone.as_uri()):
        links = page.locator("a[download]")
        held = {}
        for number in range(links.count()):
            with page.expect_download() as saved:
                links.nth(number).press("Enter")
            held[saved.value.suggested_filename] = Path(saved.value.path()).read_bytes()
        begin = {".mid": b"MThd", ".mxl": b"PK\3\4", ".mp3": b"ID3"}
        assert {name: data[:4][: len(begin[name[-4:]])] for name, data in held.items()} == {
            f"shown-sample-{sample}{ending}": begin[ending] for sample in (1, 2) for ending in begin
        }
        sound = page.evaluate("document.querySelector('audio').src.split(',')[1]")
        assert held["shown-sample-1.mp3"] == b64decode(sound)


def test_the_colours_can_be_switched(page: Page) -> None:
    dark = page.locator("[data-theme-switch]")
    before = page.evaluate("getComputedStyle(document.body).backgroundColor")
    dark.click()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != before
    expect(dark).to_have_attribute("aria-pressed", "true")
    dark.click()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == before


def test_the_focus_is_seen_wherever_it_goes(page: Page) -> None:
    seen = set()
    for _ in range(30):
        page.keyboard.press("Tab")
        seen.add(page.evaluate("document.activeElement.tagName"))
        ringed = page.evaluate(
            "(() => { const a = document.activeElement;"
            " return [a, a.closest('[data-view]')].some(e => e && getComputedStyle(e).outlineStyle === 'solid'); })()"
        )
        assert ringed, page.evaluate("document.activeElement.outerHTML.slice(0, 200)")
    assert {"A", "BUTTON", "INPUT", "DIV", "SUMMARY"} <= seen


def test_without_script_the_browsers_own_controls_play_it(browser: Browser, addresses: dict[str, str]) -> None:
    for page in opened(browser, addresses["run"], java_script_enabled=False):
        assert page.locator("audio[controls]").count() == 2
        assert page.locator("audio").first.is_visible()
        assert not page.locator("[data-play]").first.is_visible()
        assert page.locator("noscript p").is_visible()


def test_what_got_in_could_neither_run_nor_call_home(browser: Browser, addresses: dict[str, str]) -> None:
    with browser.new_context() as context:
        page = context.new_page()
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(addresses["run"])
        page.evaluate(
            """() => {
                const script = document.createElement('script');
                script.textContent = "document.title = 'owned'";
                const image = document.createElement('img');
                image.src = 'https://example.org/seen.png';
                image.setAttribute('onerror', "document.title = 'owned'");
                document.body.append(script, image);
            }"""
        )
        page.wait_for_timeout(100)
        assert page.title() == "Run shown"
        failed = [url for url in asked if url.startswith("http")]
        assert all(re.fullmatch(r"https://example\.org/seen\.png", url) for url in failed)


def test_hostile_names_are_read_as_they_stand(page: Page) -> None:
    assert page.title() == "Run shown"
    names = page.evaluate("[...document.querySelectorAll('bdi')].map(each => each.textContent)")
    assert any("</title></style></svg><script>" in name for name in names)
    assert any("<img src=x onerror=" in name for name in names)
    assert page.locator("img").count() == 0
    assert Path(page.url).name == "index.html"
