"""Notes: read from MIDI bytes on a grid of 1/24 of a quarter note, and written as MIDI again.

`model` has the record; readers, writers, hands, meter, keys and timing are beside it. Nothing here knows of catalogs or corpora.
"""

__all__ = ["key_estimate", "meter", "model", "timing"]
