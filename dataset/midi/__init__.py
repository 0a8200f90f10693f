"""Standard MIDI Files: bytes to `Notes`, and `Notes` to bytes.

`midi_reader` reads with NumPy (`event_starts`, `smf_events`, `pairing`, `conductor`, `file_hands`), `midi_writer` writes (`smf`).
Nothing here knows of catalogs or corpora.
"""

__all__ = ["file_hands", "midi_reader", "midi_writer", "pairing"]
