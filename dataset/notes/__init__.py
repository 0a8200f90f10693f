"""The notes of a piece on a grid of 1/24 of a quarter note, and what follows from notes alone.

`model` has the record. Timing, meter, form, pedal, hands and keys are beside it. `dataset.midi` reads and writes files.
"""

__all__ = ["form", "hands", "key_estimate", "meter", "model", "order", "pedal", "timing"]
