"""Texts of a MIDI file as measures, and whether they restrict its use.

In: texts, track names and copyright notices as bytes, of a `Reading`. Out: `FileTexts`. Pure functions.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from catalog.midi.text import decode_text
from dataset.midi.midi_reader import COPYRIGHT

MAX_TEXTS = 64  # kept of a file, and as many copyright notices; the real section has 17 at most
MAX_LENGTH = 200  # characters of a text; the real section has 143 at most
SEPARATOR = "\n"  # between texts, each of which is one line

# Lines that forbid a use or ask for permission. English only, as all such lines of the real section.
_RESTRICTION = re.compile(
    r"\b(?:do not|don'?t|may not|must not|not to be|cannot|can't)\b.{0,60}?"
    r"\b(?:cop(?:y|ied)|(?:re)?distribut\w*|(?:re)?post(?:ed)?|us(?:e|ed)|s(?:ell|old)|steal|edit(?:ed)?|modif(?:y|ied)|upload(?:ed)?)\b"
    r"|\bno (?:unauthori[sz]ed|commercial|part)\b|\b(?:not for|no) (?:commercial|sale|resale|redistribution|distribution)\b"
    r"|\bunauthori[sz]ed (?:use|copying|distribution|reproduction)\b|\bprohibited\b"
    r"|\bwithout\b.{0,30}?\b(?:permission|consent|authori[sz]ation)\b|\bwith my permission\b|\bhave permission to use\b"
    r"|\bif you (?:would like|want|wish) to use\b.{0,60}?\b(?:contact|e-?mail|ask|write)\b",
    re.IGNORECASE,
)
_RESERVED = re.compile(r"all rights? reserved", re.IGNORECASE)
# The parts of a notice that name nobody: signs, dates, placeholders, the notice of the notation program itself.
_NOBODY = re.compile(
    r"all rights? reserved|copyright|\(c\)|©|noteworthy (?:software|artware)(?:, inc)?|<(?:name|year)>|\bby\b|\bc\b|\?"
    r"|\b(?:jan|feb|mar|apr|may|june?|july?|aug|sept?|oct|nov|dec)\w*\b|\d|\W",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class FileTexts:
    """The texts of one file."""

    texts: str | None  # texts and track names, one per line; None without any
    copyright: str | None  # copyright notices, one per line; None without any
    is_restricted: bool  # see `is_restricted`


def texts_of(found: tuple[tuple[int, bytes], ...]) -> FileTexts:
    """Return the texts of a file from its meta events: (type, content) in file order.

    Empty texts and repetitions are left out. At most MAX_TEXTS are kept, each cut to MAX_LENGTH characters.
    """
    lines, notices = (
        _kept(body for kind, body in found if (kind == COPYRIGHT) is is_notice) for is_notice in (False, True)
    )
    return FileTexts(_joined(lines), _joined(notices), is_restricted(lines, notices))


def is_restricted(texts: Iterable[str], notices: Iterable[str]) -> bool:
    """Return whether a text of a file restricts what a public archive offers.

    An archive such as VGMusic offers each file to everybody for download. A text contradicts that if it reserves all
    rights, forbids to use, copy, change, distribute or sell the file, or asks for permission to do so. A copyright notice
    alone, such as `Copyright © 2004 by A`, applies to every file and restricts nothing. "All rights reserved" counts only
    if that line or a copyright notice names somebody: notation programs write it below an unfilled template,
    `Copyright © <Year> by <Name>`.
    """
    notices = list(notices)
    for text in (*notices, *texts):
        if _RESTRICTION.search(text):
            return True
        if _RESERVED.search(text) and any(_NOBODY.sub("", each) for each in (text, *notices)):
            return True
    return False


def _kept(bodies: Iterable[bytes]) -> list[str]:
    texts: dict[str, None] = {}
    for body in dict.fromkeys(bodies):
        if text := decode_text(body[: 4 * MAX_LENGTH])[:MAX_LENGTH].rstrip():  # a character has 4 bytes at most
            texts[text] = None
        if len(texts) == MAX_TEXTS:
            break
    return list(texts)


def _joined(texts: list[str]) -> str | None:
    return SEPARATOR.join(texts) or None
