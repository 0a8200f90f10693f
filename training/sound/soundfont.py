"""Finds a soundfont with a piano, and reads it.

In: the path of an SF2 or SF3 file, or nothing. Out: a `Piano`: the zones of bank 0, program 0, and what the font says of
its origin. Without a path it is that of $VGPIANO_SOUNDFONT, else a large one where Debian installs it, else the small one
in a package that is always installed.
"""

import mmap
import os
import re
import stat
import struct
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from catalog.base.console import clean
from catalog.base.errors import TrainingError
from training.sound.zones import Zone, zones_of_preset

PACKAGE, FONT = "pretty_midi", "TimGM6mb.sf2"  # T. Brechbill's General MIDI font, GPL-2; 6 MB
SMALL_LICENCE = "TimGM6mb by T. Brechbill, GPL-2"
VARIABLE = "VGPIANO_SOUNDFONT"
LARGE = (  # Debian's musescore-general-soundfont-small, its larger versions, and fluid-soundfont-gm; all MIT
    "/usr/share/sounds/sf3/MuseScore_General_Lite.sf3",
    "/usr/share/sounds/sf3/MuseScore_General.sf3",
    "/usr/share/sounds/sf2/MuseScore_General_Full.sf2",
    "/usr/share/sounds/sf2/FluidR3_GM.sf2",
)
MAX_BYTES = 2 << 30
MAX_LICENCE = 300  # characters
CHUNKS = {"phdr", "pbag", "pmod", "pgen", "inst", "ibag", "imod", "igen", "shdr", "smpl"}


@dataclass(frozen=True, slots=True)
class Piano:
    """The piano of a soundfont; `licence` is one line of its origin and terms."""

    name: str
    licence: str
    zones: list[Zone]


def find_soundfont() -> Path:
    """Return the soundfont to use where none is named.

    Raises TrainingError if none is installed.
    """
    if named := os.environ.get(VARIABLE):
        return Path(named)
    for path in map(Path, LARGE):
        if path.is_file():
            return path
    return small_soundfont()


def small_soundfont() -> Path:
    """Return the small soundfont that is always installed.

    Raises TrainingError if it is not.
    """
    found = find_spec(PACKAGE)
    folders = [Path(place) for place in (found.submodule_search_locations or ())] if found else []
    path = next((folder / FONT for folder in folders if (folder / FONT).is_file()), None)
    if path is None:
        raise TrainingError(f"the package {PACKAGE} with its soundfont {FONT} is not installed: pip install {PACKAGE}")
    return path


def piano(path: Path | None = None) -> Piano:
    """Return the piano of a soundfont; `path` None means `find_soundfont()`.

    Raises TrainingError, naming the file, if it cannot be read or has no piano.
    """
    return _read(path or find_soundfont())


@lru_cache(maxsize=2)
def _read(path: Path) -> Piano:
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise TrainingError(f"{path}: not a file; name an SF2 or SF3 file")
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            if not 0 < size <= MAX_BYTES:
                raise TrainingError(f"{path}: {size:,} bytes; a soundfont has 1 to {MAX_BYTES:,}; use another one")
            data = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise TrainingError(f"{path}: the soundfont cannot be read ({reason}); name another SF2 or SF3 file") from None
    return piano_of(data, str(path))


def piano_of(data: bytes | memoryview, name: str = "soundfont") -> Piano:
    """Return the piano of a soundfont's bytes: bank 0, program 0.

    Raises TrainingError, naming the font, if it cannot be read or has none.
    """
    try:
        chunks = _chunks(memoryview(data))
        zones = zones_of_preset(name, chunks)
    except (struct.error, KeyError, IndexError, ValueError) as error:
        raise TrainingError(f"{name}: not a valid soundfont ({error}); install it again") from None
    if not zones:
        raise TrainingError(f"{name}: has no piano (bank 0, program 0); use another soundfont")
    title = _text(chunks.get("INAM")) or Path(name).stem
    terms = _text(chunks.get("ICOP"))
    licence = SMALL_LICENCE if Path(name).name == FONT else f"{title}, {terms}" if terms else title
    return Piano(name, licence[:MAX_LICENCE], zones)


def _text(chunk: memoryview | None) -> str:
    """Return a text of the font on one line."""
    if chunk is None:
        return ""
    text = bytes(chunk[: 4 * MAX_LICENCE]).split(b"\0")[0].decode("utf-8", "replace")
    return re.sub(r"\s+", " ", clean(text)).strip()


def _chunks(data: memoryview) -> dict[str, memoryview]:
    """Return the body of each chunk in the lists of a RIFF file.

    Some SF3 files lack the byte after a chunk of an odd size.
    """
    if bytes(data[:4]) != b"RIFF" or bytes(data[8:12]) != b"sfbk":
        raise ValueError("not a RIFF soundfont")
    found: dict[str, memoryview] = {}
    at = 12
    while at + 8 <= len(data):
        name, size = bytes(data[at : at + 4]), struct.unpack_from("<I", data, at + 4)[0]
        if name == b"LIST":
            at += 12
            continue
        if at + 8 + size > len(data):
            raise ValueError(f"the file ends within its part {name!r}")
        found[name.decode("ascii", "replace")] = data[at + 8 : at + 8 + size]
        at += 8 + size
        at += size % 2 and bytes(data[at : at + 4]) != b"LIST"
    if missing := sorted(CHUNKS - set(found)):
        raise ValueError(f"without {missing[0]}")
    return found
