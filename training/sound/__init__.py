"""Sound, independent of notes: soundfonts, waveforms, loudness, and the tags of sound files.

`soundfont` finds and reads a piano, `waves` plays its keys, `loudness` measures and levels sound, `tags` writes what
players and engines read.
"""

__all__ = ["loudness", "mp3", "ogg", "recordings", "soundfont", "tags", "waves", "zones"]
