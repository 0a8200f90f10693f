"""Inputs of the NumPy network by name, from the columns of events."""

from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt

from training.events import character, ears, encoding, plans
from training.events import fields as events
from training.events.repeat_models import CONFIDENCES, GUESSES
from training.network.layout import in_chroma

Array = npt.NDArray[np.float32]
Classes = npt.NDArray[Any]  # of an integer type
NetworkInputs = dict[str, npt.NDArray[Any]]  # by name: classes; agreements are 0 or 1

OFFSETS = {name: np.arange(count, dtype=np.int32) * CONFIDENCES for name, count in GUESSES.items()}
"""Where the confidences of each guess begin in its field's table."""

_LOG_SHARES = np.log(np.arange(1001, dtype=np.float32) / 1000 + np.float32(0.02)) + np.float32(2.5)

HAS_CLASS = in_chroma(np.arange(character.CHROMAS)[:, None], np.arange(12)).astype(np.float32)
"""Whether each pitch class is in a set of them, [sets, 12]."""

# distinct values for missing guesses: they agree with none
_NO_GUESS = -1 - np.arange(max(GUESSES.values()), dtype=np.int16)
_CHROMAS = [[*plans.INPUTS][column] for column in plans.CHROMA]
_PAIRS = {name: np.array(list(combinations(range(count), 2))).T for name, count in GUESSES.items()}


def pitch_class_shares(now: Classes) -> Array:
    """Return centred log shares of pitch classes, [..., PITCH_CLASS_SHARES]."""
    shares: Array = _LOG_SHARES.take(now[..., encoding.PITCH_CLASS_SHARES])
    return shares


def match_inputs(now: Classes) -> NetworkInputs:
    """Return the longest match's pitch and duration as class + 1; 0 for none."""
    is_known = now[..., encoding.CONFIDENCE["time"].start] > 0
    columns = (("pitch", encoding.NEXT_PITCH), ("duration", encoding.NEXT_DURATION))
    return {f"next_{name}": (now[..., column] + 1) * is_known for name, column in columns}


def meter_inputs(last: Classes) -> NetworkInputs:
    """Return the last note's pitch, place in the bar and its bar's length in ticks."""
    return {
        "last_pitch": last[..., events.PITCH],
        "last_place": last[..., events.PLACE],
        "bar": last[..., events.BAR],
    }


def plan_inputs(now: Classes) -> NetworkInputs:
    """Return what the plan says."""
    inputs = {name: now[..., encoding.PLANNED.start + column] for column, name in enumerate(plans.INPUTS)}
    for name in _CHROMAS:
        inputs[name] = HAS_CLASS[inputs[name]]
    return inputs


def line_inputs(now: Classes) -> NetworkInputs:
    """Return the classes of intervals along the top line, see `ears.LINE`."""
    return {name: now[..., encoding.LINE.start + column] for column, name in enumerate(ears.LINE)}


def heard_inputs(now: Classes) -> NetworkInputs:
    """Return the groups of pitches that are heard, each as pitch + 1, 0 for none; and how many sound."""
    heard = now[..., encoding.HEARD]
    sounding = {"sounding_voices": (now[..., encoding.SOUNDING] > 0).sum(axis=-1)}
    return sounding | {f"{name}_heard": heard[..., start : start + count] for name, start, count in ears.GROUPS}


def guess_inputs(name: str, now: Classes) -> NetworkInputs:
    """Return an output's inputs: first guess, confidences, and which guesses agree."""
    guess, confidence = now[..., encoding.GUESS[name]], now[..., encoding.CONFIDENCE[name]]
    is_known = confidence > 0
    first, second = _PAIRS[name]
    distinct = np.where(is_known, guess, _NO_GUESS[: guess.shape[-1]])
    agree = distinct.take(first, axis=-1) == distinct.take(second, axis=-1)
    return {
        f"guess_{name}": (guess[..., 0] + 1) * is_known[..., 0],
        f"trust_{name}": confidence + OFFSETS[name],
        f"agree_{name}": agree.astype(np.float32),
    }
