"""What a player of a page does: its clock, the place of its notes, and the sound that comes out of it."""

from base64 import b64decode

import numpy as np
import numpy.typing as npt
from playwright.sync_api import Locator, Page

Sound = npt.NDArray[np.float64]

LEFT, SCALE = 44, 40  # of the roll, px and px a second


OUR_EAR = (
    "ScriptProcessorNode is deprecated"  # of what HEARD listens with; the page forbids a worklet, which is a script
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
    from scipy.signal import correlate

    likeness = correlate(piece, sound, "valid", "fft")
    energy = np.cumsum(np.concatenate([[0.0], piece**2]))
    return int(np.argmax(likeness / np.sqrt(np.maximum(energy[len(sound) :] - energy[: -len(sound)], 1e-3))))


def at(page: Page, player: int = 0) -> float:
    """The clock of a player, in seconds."""
    return float(page.evaluate(f"document.querySelectorAll('audio')[{player}].currentTime"))


def start_of(note: Locator) -> float:
    """The seconds at which a note of the roll begins."""
    return (float(note.get_attribute("x") or "nan") - LEFT) / SCALE


TAP = """() => {
    // Listen to all that is connected to the loudspeakers from now on
    const connect = AudioNode.prototype.connect;
    window.ears = [];
    AudioNode.prototype.connect = function (target, ...rest) {
        if (target instanceof AudioDestinationNode && !(this instanceof ScriptProcessorNode)) {
            const ear = this.context.createScriptProcessor(1024, 1, 1), heard = [];
            ear.onaudioprocess = (event) => heard.push(...event.inputBuffer.getChannelData(0));
            window.ears.push({ ear, heard });
            connect.call(this, ear);
            connect.call(ear, target);
        }
        return connect.call(this, target, ...rest);
    };
}"""

TAPPED = """(most) => window.ears.map(({ ear, heard }) => {
    const clock = document.querySelector("audio").currentTime, rate = ear.context.sampleRate;
    const sound = Int16Array.from(heard.slice(-most * rate), (value) => 32767 * Math.max(-1, Math.min(1, value)));
    const bytes = new Uint8Array(sound.buffer);
    let text = "";
    for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
    return [clock, rate, btoa(text)];
})"""


def tap(page: Page) -> None:
    """Listen to the parts that the page mixes from now on."""
    page.evaluate(TAP)


def tapped(page: Page, seconds: float, rate: int) -> list[tuple[float, Sound]]:
    """The clock of the first player, and the last seconds of each part that was mixed."""
    from scipy.signal import resample_poly

    found = []
    for clock, own, text in page.evaluate(TAPPED, seconds):
        heard = np.frombuffer(b64decode(text), np.int16) / 32768
        found.append((clock, resample_poly(heard, rate, int(own))))
    return found
