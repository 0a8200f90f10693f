"""Texts in MIDI files do not state their encoding; the likeliest one is used."""

import tomllib
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.base.console import clean
from catalog.midi.text import NAMES, decode, decode_text

LISTS = tomllib.loads((Path(__file__).parent / "encoded_titles.toml").read_text(encoding="utf-8"))
TITLES = {language: table["titles"].split("\n")[:-1] for language, table in LISTS.items()}
LANGUAGES = sorted(LISTS)


@pytest.mark.parametrize("language", LANGUAGES)
def test_titles_are_read_in_the_code_page_of_their_language_and_in_utf_8(language: str) -> None:
    encoding, titles = LISTS[language]["encoding"], TITLES[language]
    assert {title: decode_text(title.encode(encoding)) for title in titles} == {title: title for title in titles}
    assert [decode_text(title.encode()) for title in titles] == titles


@pytest.mark.parametrize("language", ["french", "german", "spanish_and_others", "western_that_looks_central"])
def test_no_western_title_becomes_polish_or_czech_by_being_long(language: str) -> None:
    long = [" ".join([title] * 5) for title in TITLES[language]]
    assert [decode(title.encode("cp1252")) for title in long] == long


def test_a_word_that_would_do_in_either_language_is_read_as_a_western_one() -> None:
    assert (decode("ręka".encode("cp1250")), decode("domů".encode("cp1250"))) == ("rêka", "domù")


@pytest.mark.parametrize("language", ["czech", "polish", "french", "german", "spanish_and_others"])
def test_two_titles_in_one_line_are_read(language: str) -> None:
    """Of a Czech or Polish title without a letter of its own, the other one tells the language."""
    encoding = LISTS[language]["encoding"]
    lines = [f"{one} - {other}" for one in TITLES[language] for other in TITLES[language]]
    assert [line for line in lines if decode_text(line.encode(encoding)) != line] == []


@given(st.sampled_from(LANGUAGES), st.data())
def test_titles_in_one_line_with_others_are_read(language: str, data: st.DataObject) -> None:
    some = data.draw(
        st.lists(st.sampled_from(TITLES[language] + ["Zelda", "Piano 1", "(1998)"]), min_size=1, max_size=4)
    )
    text = data.draw(st.sampled_from([" ", " - ", ", ", ": ", " / "])).join(some)
    assert decode_text(text.encode(LISTS[language]["encoding"])) == text


@pytest.mark.parametrize(
    "data, text",
    [
        (b"", ""),
        (b"  Piano \0\0", "Piano"),
        (b"one\r\ntwo\x1b[31m\tthree", "one two[31m three"),
        (b"\xef\xbb\xbfTitle1", "Title1"),
        (b"\xef\xbb\xbf\xff", "\ufffd"),
        (b"\xff\xfe" + "Fée\0".encode("utf-16-le"), "Fée"),
        (b"\xfe\xff" + "夢".encode("utf-16-be"), "夢"),
        ("Pokémon".encode()[:5], "Pok\xe9"),
        ("Тема любви".encode()[:-1], "Тема любв"),
        ("迷いの森".encode("cp932")[:-1], "迷いの"),
        ("Pokémon \u202eevil".encode(), "Pokémon evil"),
        (b"Copyright \xa9 <Year> by <Name>", "Copyright © <Year> by <Name>"),
        (b"\xa91981 Nintendo Co., Ltd", "©1981 Nintendo Co., Ltd"),
        (b"a\x81 b", "a\ufffd b"),
    ],
)
def test_marks_controls_and_what_was_cut_off(data: bytes, text: str) -> None:
    assert decode_text(data) == text


@given(st.binary(max_size=60) | st.binary(max_size=30).map(lambda tail: b"\xff\xfe" + tail))
def test_no_bytes_upset_it_and_what_comes_is_one_line_to_print(data: bytes) -> None:
    text = decode_text(data)
    assert text == clean(text)
    assert not any(unicodedata.category(c) in ("Cc", "Cf", "Cs") for c in text)
    assert isinstance(decode(data, NAMES), str)


def test_a_megabyte_is_judged_by_its_first_part() -> None:
    text = "Zelda " * 100 + "迷いの森 " * 200_000
    assert decode_text(text.encode("cp932")) == text.strip()


@given(st.text())
def test_utf_8_with_a_mark_is_what_it_says(text: str) -> None:
    assert decode_text(b"\xef\xbb\xbf" + text.encode("utf-8", errors="replace")) == clean(
        text.encode("utf-8", "replace").decode()
    )


@pytest.mark.parametrize(
    "encoding, text",
    [
        ("cp437", "Pokémon"),
        ("cp437", "Böse Königin"),
        ("cp437", "Straße"),
        ("cp1252", "Pokémon"),
        ("cp1252", "Thème d’Aéris"),
        ("cp866", "Лунная соната"),
        ("cp1251", "Лунная соната"),
        ("cp932", "ゼルダの伝説"),
        ("cp932", "ｾﾞﾙﾀﾞ"),
    ],
)
def test_names_of_files_may_come_from_dos_too(encoding: str, text: str) -> None:
    assert decode(text.encode(encoding), NAMES) == text
