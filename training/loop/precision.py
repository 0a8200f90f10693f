"""The precision that a network is trained under, measured where none is asked for. Keras is imported only then."""

import time
from typing import Literal

from training.progress import Precision


def precision(setting: Literal["auto"] | Precision) -> Precision:
    """Return the Keras policy to train under: `setting`, or for "auto" the faster of bfloat16 and float32 here.

    bfloat16 must win by a fifth, measured on the product that an LSTM step spends its time in; best of five after a warm-up.
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
