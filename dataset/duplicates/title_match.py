"""Compare titles without the words that mark a version of a piece. Pure."""

import re
import unicodedata

_BRACKETED = re.compile(r"[(\[][^)\]]*[)\]]")
_VERSION = re.compile(
    r"\b(?:arr(?:anged|angement)?|v(?:er(?:sion)?)?\s*\d+|version|remix|remake|piano|solo|duet|easy|simple|full|short|"
    r"updated?|revised|redone|final mix|in [a-g](?:[ -]?(?:flat|sharp))?(?:[ -](?:major|minor))?|part \d+|no \d+)\b"
)
_OTHER = re.compile(r"[^a-z0-9]+")


def theme_of(title: str) -> str:
    """Return a title without version marks, for comparison.

    "Song Of Healing (2)" and "Song of Healing" give "song of healing". Letters are folded to ASCII; brackets and words
    such as "arranged" or "piano" are removed, but not a number that is part of the name ("Overworld 2" is not
    "Overworld"). Empty if nothing is left.
    """
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower().replace("'", "")
    bare = _OTHER.sub(" ", _VERSION.sub(" ", _OTHER.sub(" ", _BRACKETED.sub(" ", plain)))).strip()
    return bare or _OTHER.sub(" ", plain).strip()
