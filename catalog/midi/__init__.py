"""What the bytes of a MIDI file say before any note is read.

Whether they are one, and what their text is.

Every other room may use it. It imports only `catalog.base`.
"""

__all__ = ["container", "text"]
