"""Text of MIDI files and names of files, which say nothing of their encoding.

In: bytes; out: the text they most likely are.

How `decode` judges. Bytes with a byte order mark, and bytes that are UTF-8, are taken as that: other text hardly ever is.
All else is decoded with each candidate, and each reading is given a cost in bits, about the length of a code in which a
typical title is short (minimum description length, J. Rissanen, 1978); the shortest wins, the first candidate at a tie.
Readings share the bytes, so their costs can be compared. The costs are rules of thumb, set by hand, in four models:

Western (cp1252, cp437)    an accented letter is cheap within a word of ASCII letters, dear beside another accented letter or
                           as a capital after a small letter; a sign such as a copyright sign is cheap, but not in a word.
Central (cp1250)           letters of Polish, Czech, Slovak and Hungarian, never cheaper than a Western letter: they win where
                           the Western reading has signs within words, or letters where no Western word has them.
Cyrillic (cp1251, cp866)   a letter costs what its frequency in Russian makes it; a capital after a small letter, a Latin
                           letter in the same word, and vowels or consonants heaped up are dear.
Japanese (cp932)           kana are cheap, kanji of JIS level 1 cost more, those of level 2 most; half-width kana cost
                           what their frequency makes them, and are dear alone, beside Latin letters, or where a
                           voicing mark has nothing to voice.

A single letter is too little to go by: one Cyrillic letter alone is read as a Western one, and so is a Polish or Czech word whose
only accent is a letter in Western words too, such as ręka (rêka).
"""

import re
from collections.abc import Mapping

from catalog.base.console import clean
from catalog.midi.costs import central, cyrillic, japanese, western

# The bits that an encoding costs in itself: of texts in MIDI files, and of names on disks and in zip files.
TEXT = {"cp1252": 0.0, "cp932": 3.0, "cp1251": 4.0, "cp1250": 4.0}
NAMES = {"cp437": 0.0, "cp1252": 2.0, "cp932": 3.0, "cp1251": 4.0, "cp866": 5.0}

_MARKS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
_MODELS = {
    "cp1252": western,
    "cp437": western,
    "cp1250": central,
    "cp932": japanese,
    "cp1251": cyrillic,
    "cp866": cyrillic,
}
_JUDGED = 400  # bytes from the first that is not ASCII: as good as all, and a megabyte takes no longer than a title
_ASCII_BYTES = bytes(range(128))
_LACKING = 25.0  # bits, of a byte that the encoding does not define
_CUT = 8.0  # bits, of the first byte of a character that was cut off
_KANA = re.compile(rb"[\0-\x7f\xa1-\xdf]+")  # ASCII and half-width kana
_RARE = re.compile("[\u0180-\u0385\u03cf-\u03ff\u0460-\u07ff]")  # what two half-width kana are as UTF-8, by chance


def decode_text(data: bytes) -> str:
    """Return a text of a MIDI file as one line, without control characters.

    `data` is the content of a meta event, such as a title or a copyright. See the module for how its encoding is guessed.
    Never raises.
    """
    has_mark = any(data.startswith(mark) for mark, _ in _MARKS)
    return clean(decode(data if has_mark else data.strip(b"\0")))


def decode(data: bytes, encodings: Mapping[str, float] = TEXT) -> str:
    """Return `data` as the text that it most likely is. Never raises.

    It is UTF-8, UTF-16 with a mark, or one of `encodings`.

    `encodings` are `TEXT` or `NAMES`. A character cut off at the end is dropped. Nothing is cleaned.
    """
    if data.isascii():
        return data.decode("ascii")
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding, errors="replace")
    is_kana = _KANA.fullmatch(data) is not None
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        is_cut = error.reason == "unexpected end of data" and not is_kana
        text = data[: error.start].decode() if is_cut else ""
    if not text.isascii() and not (is_kana and _RARE.search(text)):
        return text
    first = len(data) - len(data.lstrip(_ASCII_BYTES))
    part = data[max(0, first - _JUDGED // 4) : first + _JUDGED]
    encoding = min(encodings, key=lambda each: encodings[each] + _cost(part, each))
    text = data.decode(encoding, errors="replace")
    return text.removesuffix("\ufffd") if encoding == "cp932" else text


def _cost(data: bytes, encoding: str) -> float:
    """Return what the reading of `data` in `encoding` costs, in bits."""
    text = data.decode(encoding, errors="replace")
    lacking = text.count("\ufffd")
    if encoding == "cp932" and text.endswith("\ufffd") and not text[:-1].isascii():
        return _CUT + _LACKING * (lacking - 1) + japanese(text[:-1])
    return _LACKING * lacking + _MODELS[encoding](text)
