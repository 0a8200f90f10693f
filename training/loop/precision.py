"""The precision to train with, by default measured.

Keras is imported only for the measurement.
"""

import time
from typing import Literal

from training.progress import Precision


def precision(setting: Literal["auto"] | Precision) -> Precision:
    """Return the Keras dtype policy: `setting`, or for "auto" the faster one.

    bfloat16 is chosen if it is at least 20 % faster than float32 for the matrix product that dominates an LSTM step;
    best of five runs after a warm-up.
    """
    if setting != "auto":
        return setting
    from keras import ops

    best_times = {}
    for kind in ("float32", "bfloat16"):
        a, b = ops.ones((512, 512), kind), ops.ones((512, 2048), kind)
        times = []
        for _ in range(6):
            since = time.perf_counter()
            ops.convert_to_numpy(ops.cast(ops.sum(ops.matmul(a, b)), "float32"))
            times.append(time.perf_counter() - since)
        best_times[kind] = min(times[1:])
    return "mixed_bfloat16" if best_times["bfloat16"] * 1.2 < best_times["float32"] else "float32"
