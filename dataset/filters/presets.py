"""The names of the presets in presets.toml, and what each leaves out.

Importing this module is fast.
"""

from typing import Literal, get_args

Preset = Literal["light", "strict", "unique"]
PRESETS: tuple[Preset, ...] = get_args(Preset)
PRESET_HELP = """A named set of filters. light: leaves out only broken files, and copies with the same notes. strict: also \
pieces for one hand or one voice, mostly silent ones, notes beyond a piano's range or without an end, reserved rights, \
and pieces contained in others. unique: keeps one piece of each work."""
