"""Measures of the harmony of a plan, by which plans with the harmony of two pieces are told from people's. Pure NumPy.

They say what pitch classes there are together, in each hand and from bar to bar, how basses and tops move, how often the
scale changes, and how each hand goes back to earlier bars. Nothing of it depends on the key.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from dataset.notes.hand_form import CONTOUR, IDENTICAL, NEAR, TRANSPOSED
from training.events.character import MAJOR_SCALES
from training.events.plan_columns import NO_SHIFT
from training.events.plans import Plan

BARS = 48  # the first ones with notes that are measured
_LEAST_BARS = 6
_LAGS = (1, 2, 4, 8)  # bars
_THIRDS, _FIFTH = (3, 4), 7  # semitones
_CLASSES = np.arange(12)
_COLUMNS = {"all": "chroma", "left": "left_chroma", "right": "right_chroma"}
_KINDS = {CONTOUR: "by contour", NEAR: "nearly", TRANSPOSED: "transposed", IDENTICAL: "unchanged"}

Numbers = npt.NDArray[Any]


def measure_harmony(plan: Plan) -> dict[str, float]:
    """Return the measures of a plan by name; none if it has fewer than six bars with notes."""
    bars = np.flatnonzero(plan.chroma > 0)[:BARS]
    if len(bars) < _LEAST_BARS:
        return {}
    packed = {name: getattr(plan, column)[bars] for name, column in _COLUMNS.items()}
    sets = {name: unpacked(held) for name, held in packed.items()}
    at = np.arange(len(bars))
    heard, scale = sets["all"], (plan.scale[bars] - 1) % 12
    low, high = (getattr(plan, name)[bars].astype(np.int64) - 1 for name in ("bottom", "top"))
    bass, top = low % 12, high % 12
    found = {
        "bars in the scale of the bar before": float((plan.scale[bars][1:] == plan.scale[bars][:-1]).mean()),
        "classes in the scale": float((heard * MAJOR_SCALES[scale]).sum() / heard.sum()),
        "classes of both hands": float(likeness(packed["left"], packed["right"]).mean()),
        "fifth over the bass": float(heard[at, (bass + _FIFTH) % 12].mean()),
        "third over the bass": float(np.maximum(*(heard[at, (bass + third) % 12] for third in _THIRDS)).mean()),
        "bass in the left hand": float(sets["left"][at, bass].mean()),
        "top in the right hand": float(sets["right"][at, top].mean()),
    }
    for name, line in (("bass", low), ("top", high)):
        moves = np.abs(np.diff(line))
        steps = np.minimum(moves % 12, -moves % 12)
        found |= {f"{name} moves by {step}": float((steps == step).mean()) for step in range(7)}
        found[f"{name} moves by semitones"] = float(moves.mean())
    for name, held in packed.items():
        found |= _measure_sets(name, held, sets[name])
    for hand in ("left", "right"):
        move, shift = getattr(plan, f"{hand}_move")[bars], getattr(plan, f"{hand}_shift")[bars]
        found |= {f"{hand} goes back {how}": float((move == kind).mean()) for kind, how in _KINDS.items()}
        found[f"{hand} stays at its pitch"] = float((shift == NO_SHIFT).mean())
    return found


def _measure_sets(name: str, packed: Numbers, classes: Numbers) -> dict[str, float]:
    """Return the measures of sets of pitch classes, `packed` [bars] and as 0 and 1 [bars, 12], of a hand or of both."""
    sizes = classes.sum(axis=1)
    pairs = np.array([(classes * classes[:, (_CLASSES + step) % 12]).sum() for step in range(1, 7)])
    pairs[5] /= 2
    share = classes.sum(axis=0) / max(1.0, sizes.sum())
    fifth = classes * classes[:, (_CLASSES + _FIFTH) % 12]
    triads = [(fifth * classes[:, (_CLASSES + third) % 12]).max(axis=1) for third in _THIRDS]
    known = share[share > 0]
    return {
        **{
            f"{name}: alike {lag} before": float(likeness(packed[lag:], packed[:-lag]).mean())
            for lag in _LAGS
            if lag < len(packed)
        },
        **{f"{name}: interval class {step}": float(pairs[step - 1] / max(1.0, pairs.sum())) for step in range(1, 7)},
        f"{name}: classes": float(sizes.mean()),
        f"{name}: deviation of classes": float(sizes.std()),
        f"{name}: entropy of classes": float(-(known * np.log2(known)).sum()),
        f"{name}: classes in the best scale": float((MAJOR_SCALES @ share).max()),
        f"{name}: classes in the best scale of the bar": float(
            (classes @ MAJOR_SCALES.T).max(axis=1).sum() / max(1.0, sizes.sum())
        ),
        f"{name}: bars with a triad": float(np.maximum(*triads).mean()),
        f"{name}: kinds of bars": len(np.unique(packed)) / len(packed),
    }


def unpacked(sets: Numbers) -> Numbers:
    """Return sets of pitch classes as 0 and 1, [bars, 12]."""
    return (np.asarray(sets, np.int64)[:, None] >> _CLASSES & 1).astype(np.float64)


def likeness(one: Numbers, other: Numbers) -> Numbers:
    """Return the Jaccard likeness of sets of pitch classes; of two empty ones, 1."""
    both, either = (np.bitwise_count(np.asarray(sets, np.int64)) for sets in (one & other, one | other))
    return np.where(either > 0, both / np.maximum(either, 1), 1.0)
