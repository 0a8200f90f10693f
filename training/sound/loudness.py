"""Loudness as listeners and platforms measure it, and sound brought to one loudness.

In: float32[n, channels]. Out: integrated loudness in LUFS (ITU-R BS.1770-4: K-weighting, blocks of 400 ms, two gates),
true peak (4 times oversampled), and the same sound at a loudness, with a limiter that looks ahead.
"""

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]
TARGET_LUFS = -16.0  # what music platforms and game engines expect of stereo music
CEILING_DB = -1.6  # true peak; encoders overshoot it by up to 0.5 dB, and -1 dB is the limit
HOP_S = 0.1  # blocks of 400 ms overlap by three quarters
HOPS = 4
ABSOLUTE_GATE, RELATIVE_GATE_LU = -70.0, 10.0
OFFSET = -0.691  # of the standard: a 997 Hz sine at full scale on one channel is -3.01 LUFS
CHUNK, EDGE_S = 1 << 16, 0.2  # frames filtered at once; filters have forgotten after `EDGE_S`
TAPS, OVERSAMPLED = 12, 4  # of the interpolation filter, per phase, as in annex 2
STEP = 64  # frames with a gain of their own
SMOOTH_STEPS = 68  # of the limiter's gain, 0.1 s on each side: longer than a period of the lowest string
PASSES = 6
SILENCE = 1e-7


def loudness(sound: Samples, rate: int) -> float:
    """Return the integrated loudness in LUFS; -inf for silence.

    Sound shorter than 400 ms is measured as one block.
    """
    return _integrated(_powers(sound, rate))


def true_peak(sound: Samples) -> float:
    """Return the highest absolute value between the samples too; 1.0 is 0 dB true peak."""
    return float(_step_peaks(sound).max(initial=0.0))


def level_sound(sound: Samples, rate: int, *, target: float = TARGET_LUFS, ceiling_db: float = CEILING_DB) -> Samples:
    """Return the sound at `target` LUFS, with a true peak of at most `ceiling_db`.

    Peaks above the ceiling are lowered by a gain that changes slowly. Silence is returned unchanged.
    """
    gain = level_gain(sound, rate, target=target, ceiling_db=ceiling_db)
    return np.asarray(sound * gain[:, None], np.float32)


def level_gain(sound: Samples, rate: int, *, target: float = TARGET_LUFS, ceiling_db: float = CEILING_DB) -> Samples:
    """Return the gain of each frame with which `level_sound` multiplies: float32[n]."""
    powers = _powers(sound, rate)
    now, ceiling = _integrated(powers), 10 ** (ceiling_db / 20)
    peaks = _step_peaks(sound)
    if not np.isfinite(now) or peaks.max(initial=0.0) < SILENCE:
        return np.ones(len(sound), np.float32)
    wanted, steps = target, np.ones(len(peaks))
    for _ in range(PASSES):
        gain = 10 ** ((wanted - now) / 20)
        steps = gain * _limiting(peaks * gain, ceiling)
        missing = target - _integrated(powers * _hop_gains(steps, len(powers), rate) ** 2)
        if abs(missing) < 0.05:
            break
        wanted += missing
    places = (np.arange(len(steps)) + 0.5) * STEP
    return np.interp(np.arange(len(sound), dtype=np.float32), places, steps).astype(np.float32)


def _limiting(peaks: NDArray[np.float32], ceiling: float) -> NDArray[np.float64]:
    """Return the gain of each step that keeps all peaks below `ceiling`.

    It is the lowest gain needed within reach, averaged over the same reach, so it is never above what is needed.
    """
    needed = np.minimum(1.0, ceiling / np.maximum(peaks, SILENCE))
    if needed.min() == 1.0:
        return needed
    reach = SMOOTH_STEPS + 1  # one more, because gains between steps are interpolated
    padded = np.pad(needed, 2 * reach, constant_values=1.0)
    lowest = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1).min(axis=1)
    window = np.hanning(2 * SMOOTH_STEPS + 1)
    smooth = np.convolve(lowest, window / window.sum(), mode="valid")
    return smooth[1 : 1 + len(needed)]


def _hop_gains(steps: NDArray[np.float64], hops: int, rate: int) -> NDArray[np.float64]:
    """Return the root mean square of the gain in each hop of the loudness."""
    places = (np.arange(hops) + 0.5) * HOP_S * rate / STEP - 0.5
    averaged = np.convolve(np.pad(steps**2, 34, mode="edge"), np.full(69, 1 / 69), mode="valid")
    return np.sqrt(np.interp(places, np.arange(len(averaged)), averaged))


def _powers(sound: Samples, rate: int) -> NDArray[np.float64]:
    """Return the K-weighted power of each hop of 100 ms, all channels together."""
    hop = round(HOP_S * rate)
    hops = max(HOPS, len(sound) // hop)
    squares = np.zeros(hops * hop)
    edge = round(EDGE_S * rate)
    padded = np.zeros((sound.shape[1], edge + max(len(squares), len(sound)) + CHUNK), np.float32)
    padded[:, edge : edge + len(sound)] = sound.T
    size = 1 << (CHUNK + edge - 1).bit_length()
    response = _k_weighting(np.fft.rfftfreq(size, 1 / rate), rate)
    inner = size - edge
    for start in range(0, len(squares), inner):
        piece = padded[:, start : start + size]
        filtered = np.fft.irfft(np.fft.rfft(piece, size) * response, size)[:, edge:]
        stop = min(start + inner, len(squares))
        squares[start:stop] = np.square(filtered[:, : stop - start]).sum(axis=0)
    powers = np.asarray(squares.reshape(hops, hop).mean(axis=1), np.float64)
    return powers if len(sound) >= HOPS * hop else powers * (HOPS * hop / max(len(sound), 1))


def _integrated(powers: NDArray[np.float64]) -> float:
    """Return the gated loudness of hops (BS.1770-4, annex 1)."""
    blocks = np.convolve(powers, np.full(HOPS, 1 / HOPS), mode="valid")
    blocks = blocks[blocks > 10 ** ((ABSOLUTE_GATE - OFFSET) / 10)]
    if not len(blocks):
        return float("-inf")
    blocks = blocks[blocks > blocks.mean() * 10 ** (-RELATIVE_GATE_LU / 10)]
    return float(OFFSET + 10 * np.log10(blocks.mean()))


def _k_weighting(hertz: NDArray[np.floating], rate: int) -> NDArray[np.complex64]:
    """Return the response of the K-weighting at these frequencies.

    A high shelf and a high pass; their analogue parameters, which give the standard's coefficients at 48 kHz, are from
    B. De Man, "Evaluation of implementations of the EBU R128 loudness measurement" (2018).
    """
    z = np.exp(-2j * np.pi * hertz / rate)
    total = np.ones(len(hertz), complex)
    k, q, gain = np.tan(np.pi * 1681.974450955533 / rate), 0.7071752369554196, 10 ** (3.999843853973347 / 20)
    middle = gain**0.4996667741545416
    a0 = 1 + k / q + k * k
    b = np.array([gain + middle * k / q + k * k, 2 * (k * k - gain), gain - middle * k / q + k * k]) / a0
    a = np.array([1, 2 * (k * k - 1) / a0, (1 - k / q + k * k) / a0])
    total *= (b[0] + b[1] * z + b[2] * z**2) / (a[0] + a[1] * z + a[2] * z**2)
    k, q = np.tan(np.pi * 38.13547087602444 / rate), 0.5003270373238773
    a0 = 1 + k / q + k * k
    a = np.array([1, 2 * (k * k - 1) / a0, (1 - k / q + k * k) / a0])
    total *= (1 - 2 * z + z**2) / (a[0] + a[1] * z + a[2] * z**2)
    return total.astype(np.complex64)


def _step_peaks(sound: Samples) -> Samples:
    """Return the true peak of each step of `STEP` frames, over all channels."""
    steps = -(-len(sound) // STEP)
    peaks = np.zeros(steps, np.float32)
    if not steps:
        return peaks
    padded = np.zeros((sound.shape[1], steps * STEP + TAPS), np.float32)
    padded[:, TAPS // 2 : TAPS // 2 + len(sound)] = sound.T
    centre = padded[:, TAPS // 2 : TAPS // 2 + steps * STEP].reshape(-1, steps, STEP)
    peaks = np.asarray(np.abs(centre).max(axis=(0, 2)), np.float32)
    loud = np.flatnonzero(peaks > 0.4 * peaks.max())  # between samples, piano rises by far less than 8 dB
    if not len(loud):
        return peaks
    windows = np.lib.stride_tricks.sliding_window_view(padded, STEP + TAPS, axis=1)[:, loud * STEP]
    for phase in range(1, OVERSAMPLED):
        offsets = np.arange(TAPS) - TAPS // 2 + 1 - phase / OVERSAMPLED
        taps = np.sinc(offsets) * np.cos(np.pi * offsets / (TAPS + 1)) ** 2
        between = np.zeros((*windows.shape[:2], STEP), np.float32)
        for place, tap in enumerate((taps / taps.sum()).astype(np.float32), 1):
            between += tap * windows[:, :, place : place + STEP]
        peaks[loud] = np.maximum(peaks[loud], np.abs(between).max(axis=(0, 2)))
    return peaks
