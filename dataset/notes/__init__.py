"""Notes on a grid of 1/24 quarter note, and what follows from them.

`model` has the record. Timing, meter, form, loop, pedal, hands and keys are beside it. `dataset.midi` reads and writes files.
"""

__all__ = [
    "form",
    "hand_estimate",
    "hand_form",
    "hands",
    "key_estimate",
    "loop",
    "meter",
    "model",
    "order",
    "pedal",
    "timing",
]
