"""The texts of a MIDI file as measures keep them: decoded, each once, bounded; and whether they restrict what the site offers.

In: texts, track names and copyright notices as bytes, of a `Reading`; out: `FileTexts`. Pure.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from catalog.midi.text import decode_text
from dataset.notes.midi_reader import COPYRIGHT

MAX_TEXTS = 64  # kept of a file, and as many copyright notices; the real section has 17 at most
MAX_LENGTH = 200  # characters of a text; the real section has 143 at most
SEPARATOR = "\n"  # between texts, each of which is one line

# What a licence line forbids or makes depend on leave. English: so are all that the real section has.
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
# What is left of a notice without these names somebody: signs, years, months, the notation program's own notice, placeholders
_NOBODY = re.compile(
    r"all rights? reserved|copyright|\(c\)|©|noteworthy (?:software|artware)(?:, inc)?|<(?:name|year)>|\bby\b|\bc\b|\?"
    r"|\b(?:jan|feb|mar|apr|may|june?|july?|aug|sept?|oct|nov|dec)\w*\b|\d|\W",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class FileTexts:
    """The texts of a file, one a line, None where it has none; `is_restricted` is the measure `licence_conflict`."""

    texts: str | None
    copyright: str | None
    is_restricted: bool


def texts_of(found: tuple[tuple[int, bytes], ...]) -> FileTexts:
    """Return the texts of a file, from (type of the meta event, content) in the order of the file.

    Empty texts are left out, and of equal ones all but the first; MAX_TEXTS are kept, each cut after MAX_LENGTH characters.
    """
    lines, notices = (
        _kept(body for kind, body in found if (kind == COPYRIGHT) is is_notice) for is_notice in (False, True)
    )
    return FileTexts(_joined(lines), _joined(notices), is_restricted(lines, notices))


def is_restricted(texts: Iterable[str], notices: Iterable[str]) -> bool:
    """Return whether a text of the file keeps back what a site that offers it to everybody gives.

    True where a text reserves all rights, forbids copying, changing, distributing, selling or using, or makes that depend on
    permission. A copyright notice alone (`Copyright © 2004 by A`) is true of every file and restricts nothing. "All rights
    reserved" counts only where that line or a copyright notice names somebody: notation programs write it below an empty
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
