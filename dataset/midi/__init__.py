"""Standard MIDI Files: bytes to `Notes`, and `Notes` to bytes.

`midi_reader` reads with NumPy (`event_starts`, `smf_events`, `pairing`, `conductor`, `file_hands`), `midi_writer` writes (`smf`).
`loop_marks` finds the loop that a file states.
Nothing here knows of catalogs or corpora.
"""

__all__ = ["file_hands", "loop_marks", "midi_reader", "midi_writer", "pairing"]
