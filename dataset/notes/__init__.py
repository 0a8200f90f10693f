"""The notes of a piece on a grid of 1/24 of a quarter note, and what follows from notes alone.

`model` has the record. Timing, meter, pedal, hands and keys are beside it. `dataset.midi` reads and writes files.
"""

__all__ = ["hands", "key_estimate", "meter", "model", "order", "pedal", "timing"]
