"""What a text costs, in bits: the models of `catalog.midi.text`.

Western, Central European, Cyrillic and Japanese.

Pure. Each takes a text decoded from a code page and returns the sum over its characters. An ASCII character costs the same in all,
so that readings that make one character of two bytes, and those that make two, can be compared.
"""

import re
from collections.abc import Callable

_ASCII = 4.5

_ACCENTED = "éèàáäöüßóñçíêôâúãëïîûåøæõœòùìý"  # letters of Western languages, most frequent first
_FREQUENT = _ACCENTED[:9]
_SIGNS = "©®™°–—’‘“”«»…•·¡¿ºª№€£§×½¹²³"  # in titles and copyright lines
_WITHIN_WORDS = "’‘–—"
_WESTERN_SIGN, _RARE = 6.0, 11.0

# what no word of a Western language has, as the byte is a letter of cp1250: mìsto (město), koñ (koń), œwiat (świat), £za (Łza)
_NOT_WESTERN = re.compile(
    r"[ìù](?=[^\W\d_])|ñ(?![aeiouáéíóú])|œ(?![uidn])|(?<![^\W\d_])œ(?![uid])|(?<![^\W\d_])è(?=[aeiouáéíóúyý])"
    r"|(?<=[^\W\d_])¿|(?<=[^\W\d_])[³¹](?=[^\W\d_])|£(?=(?-i:[a-z]))",
    re.IGNORECASE,
)
# what no word of a Central European language has: ńa (ña), ää (Pääteema)
_NOT_CENTRAL = re.compile(r"ń[aeiouáéíóú]|([äöüáéíóú])\1", re.IGNORECASE)
_MISPLACED = 7.0

_CENTRAL = "áéíóúýčďěňřšťůžąćęłńśźżőűöüäôß"  # letters of Czech, Slovak, Polish and Hungarian
_CENTRAL_RARE = "ľĺŕđ"

_RUSSIAN = {  # letters by their frequency (O. Lyashevskaya, S. Sharov, 2009)
    letter: bits
    for bits, letters in (
        (3.4, "оеаи"),
        (4.2, "нтсрвл"),
        (5.0, "кмдпу"),
        (6.0, "яыьгзбч"),
        (7.0, "йхжшюц"),
        (8.5, "щэфёъ"),
    )
    for letter in letters
}
_OTHER_CYRILLIC = 7.0  # і ї є ґ ў of Ukrainian and Belarusian
_VOWELS = "оеаиуяыюэёіїє"
_HEAPED = re.compile(rf"[{_VOWELS}]{{3,}}|[бвгджзйклмнпрстфхцчшщ]{{5,}}|\b[ьъы]|[{_VOWELS}][ьъ]|[ъь]{{2}}")
_SYLLABLE = re.compile(f"[{_VOWELS}][Ѐ-ӿ]|[Ѐ-ӿ][{_VOWELS}]", re.IGNORECASE)

_KANA = {  # half-width
    letter: bits
    for bits, letters in ((4.0, "ﾝｰ"), (4.7, "ｽﾄﾙｲﾗｸｼﾘ"), (5.5, "ｱﾃﾀﾌｶﾉﾚﾏｷﾊｵﾆﾐﾛｺｴｳｻﾅﾒﾂｯﾎﾁｾｹﾋﾔ"))
    for letter in letters
}
_OTHER_KANA = 7.5
_VOICED = re.compile("(?<=[ｳｶｷｸｹｺｻｼｽｾｿﾀﾁﾂﾃﾄﾊﾋﾌﾍﾎ])ﾞ|(?<=[ﾊﾋﾌﾍﾎ])ﾟ")
_NO_START = re.compile("(?<![ｦ-ﾟ])[ｧ-ｰﾝﾞﾟ]")
_ALONE = re.compile("(?<![｡-ﾟ])[｡-ﾟ](?![｡-ﾟ])")
_HALF = re.compile("[｡-ﾟ]")
_WIDE_SIGNS = "　、。・！？「」『』（）～〜ー―…☆★○●◎◇◆□■△▲♪×－＝＋／％＆＃：；→←【】“”’"
_LEVEL_2 = 0x989F  # where JIS level 2 begins in Shift-JIS


def western(text: str) -> float:
    """Return the cost of `text` in a language of Western Europe."""

    def letter(small: str) -> float:
        return 4.0 if small in _FREQUENT else 5.5 if small in _ACCENTED else 9.0

    def sign(c: str, after: str) -> float:
        bits = _WESTERN_SIGN if c in _SIGNS else _RARE if c < "\u2200" else 14.0  # boxes and mathematics last
        return bits + 3.0 * (after in _SIGNS or (c == "•" and after.isalpha()))

    return _MISPLACED * len(_NOT_WESTERN.findall(text)) + _latin(text, letter, sign, pair=7.0, words="à")


def central(text: str) -> float:
    """Return the cost of `text` in Polish, Czech, Slovak or Hungarian.

    No letter is cheaper than its Western counterpart.
    """

    def letter(small: str) -> float:
        if small in _FREQUENT:
            return 4.0
        return 5.5 if small in _CENTRAL else 9.0 if small in _CENTRAL_RARE else 14.0

    def sign(c: str, after: str) -> float:
        return _WESTERN_SIGN if c in _SIGNS else _RARE

    return _MISPLACED * len(_NOT_CENTRAL.findall(text)) + _latin(text, letter, sign, pair=1.5, words="")


def _latin(
    text: str, letter: Callable[[str], float], sign: Callable[[str, str], float], *, pair: float, words: str
) -> float:
    """Return the cost of the characters of `text` in a language with Latin letters.

    `letter` is the cost of a small letter, `sign` that of a sign before another character. A letter costs `pair` more
    after another that is not ASCII; alone, it costs more too, unless it is one of `words`.
    """
    bits = 0.0
    before = " "
    for c, after in zip(text, text[1:] + " ", strict=True):
        if c.isascii():
            bits += _ASCII
        elif c.isalpha() and c not in "ªº":
            small = c.lower()
            bits += letter(small)
            bits += pair * (before.isalpha() and not before.isascii())
            bits += 4.0 * (not before.isalpha() and not after.isalpha() and small not in words)
            if c.isupper():
                bits += 1.5 if not before.isalpha() or before.isupper() else 8.0
        elif c != "\ufffd":
            bits += sign(c, after)
            bits += 6.0 * (before.isalpha() and after.isalpha() and c not in _WITHIN_WORDS)
        before = c
    return bits


def cyrillic(text: str) -> float:
    """Return the cost of `text` in Russian.

    Letters that only its neighbours have are somewhat dearer.
    """
    bits = 6.0 * len(_HEAPED.findall(text.lower())) + 8.0 * (_SYLLABLE.search(text) is None)
    before = " "
    for c, after in zip(text, text[1:] + " ", strict=True):
        if c.isascii():
            bits += _ASCII
        elif c.isalpha() and c not in "ªº":
            small = c.lower()
            bits += _RUSSIAN.get(small) or (_OTHER_CYRILLIC if small in "іїєґў" else _RARE)
            bits += 10.0 * ((before.isascii() and before.isalpha()) + (after.isascii() and after.isalpha()))
            if c.isupper():
                bits += 1.0 if not before.isalpha() else 0.3 if before.isupper() else 10.0
        elif c != "\ufffd":
            bits += _WESTERN_SIGN if c in _SIGNS else _RARE
            bits += 6.0 * (before.isalpha() and after.isalpha() and c not in _WITHIN_WORDS)
        before = c
    return bits


def japanese(text: str) -> float:
    """Return the cost of `text` in Japanese."""
    bits = 6.0 * len(_NO_START.findall(text)) + 8.0 * len(_ALONE.findall(text)) - 5.0 * len(_VOICED.findall(text))
    before = " "
    for c in text:
        if c.isascii():
            bits += _ASCII
        elif c != "\ufffd":
            bits += _of_japanese(c)
        latin = (c.isascii() and c.isalpha(), before.isascii() and before.isalpha())
        half = (_HALF.match(c) is not None, _HALF.match(before) is not None)
        if latin[0] != latin[1] and not (c.isascii() and before.isascii()):
            bits += 6.0 if any(half) else 4.0
        bits += 6.0 * (half[0] != half[1] and not c.isascii() and not before.isascii())
        before = c
    return bits


def _of_japanese(c: str) -> float:
    if "｡" <= c <= "ﾟ":
        return _KANA.get(c, _OTHER_KANA)
    if "\u3041" <= c <= "\u3093":  # hiragana
        return 6.0
    if "\u30a1" <= c <= "\u30f6":  # katakana
        return 6.5
    if c in _WIDE_SIGNS:
        return 7.0
    if "\u4e00" <= c <= "\u9fff":
        return 9.0 if int.from_bytes(c.encode("cp932")) < _LEVEL_2 else 14.0
    if "！" <= c <= "～" or "\u2160" <= c <= "\u2169" or "\u2460" <= c <= "\u2473":
        return 8.0
    return 15.0 if c < "\ue000" or c > "\uf8ff" else 30.0  # other signs; what nobody defined
