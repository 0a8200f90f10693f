"""All spellings of a game title give one slug, and different games have others.

Series contain the games that belong to them.
"""

import html
import re
import time
import tomllib
from collections import Counter
from importlib import resources
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.base.errors import UsageError
from catalog.games import build_table, find_game, game_of
from catalog.titles import MAX_SLUG_LENGTH, display_title, fold, slug

TWINS = [
    ("ocarina-of-time", "zelda", [
        "Legend Of Zelda, The: Ocarina Of Time", "Legend of Zelda: Ocarina of Time",
        "The Legend of Zelda: Ocarina of Time", "THE LEGEND OF ZELDA - OCARINA OF TIME", "Ocarina of Time",
        "Zelda: Ocarina of Time", "Zelda no Densetsu: Ocarina of Time",
    ]),
    ("wind-waker", "zelda", ["Legend Of Zelda, The: The Wind Waker", "Legend of Zelda: Wind Waker", "The Wind Waker"]),
    ("majoras-mask", "zelda", ["Legend Of Zelda, The: Majora's Mask", "Legend of Zelda: Majora’s Mask", "majoras mask"]),
    ("adventure-of-link", "zelda", ["Zelda II: The Adventure of Link", "The Legend of Zelda: Adventure of Link", "Zelda 2"]),
    ("legend-of-zelda", "zelda", ["Legend Of Zelda, The", "The Legend of Zelda", "Zelda"]),
    ("zelda-series", "zelda", ["Zelda Series"]),
    ("some-new-one", "zelda", ["The Legend of Zelda: Some New One", "Legend of Zelda, The: Some New One"]),
    ("final-fantasy-9", "final-fantasy", ["Final Fantasy 9", "Final Fantasy IX", "FINAL FANTASY ix", "FF9"]),
    ("final-fantasy-10", "final-fantasy", ["Final Fantasy X", "Final Fantasy 10"]),
    ("final-fantasy-10-2", "final-fantasy", ["Final Fantasy X-2", "Final Fantasy 10-2"]),
    ("final-fantasy", "final-fantasy", ["Final Fantasy", "Final Fantasy I", "Final Fantasy 1"]),
    ("final-fantasy-2-us", "final-fantasy", ["Final Fantasy 2", "Final Fantasy II", "Final Fantasy IV"]),
    ("final-fantasy-2-japan", "final-fantasy", ["Final Fantasy 2 (Japan)", "Final Fantasy II (Japan)"]),
    ("final-fantasy-3-us", "final-fantasy", ["Final Fantasy 3", "Final Fantasy VI"]),
    ("final-fantasy-3-japan", "final-fantasy", ["Final Fantasy 3 (Japan)"]),
    ("final-fantasy-5", "final-fantasy", ["Final Fantasy 5 (Japan)", "Final Fantasy V"]),
    ("mega-man-9", "mega-man", ["Mega Man 9", "Megaman 9", "MegaMan IX", "Rockman 9"]),
    ("mega-man", "mega-man", ["Mega Man", "Megaman", "Mega Man 1"]),
    ("mega-man-x", "mega-man", ["Mega Man X", "Megaman X", "MEGA MAN X"]),
    ("mega-man-x2", "mega-man", ["Mega Man X2", "Megaman X2"]),
    ("f-zero-x", "f-zero", ["F-Zero X", "F-ZERO X"]),
    ("pokemon-red-blue-yellow", "pokemon", [
        "Pokémon (Red, Blue, Yellow)", "Pokemon (Red, Blue, Yellow)", "Pokemon Red", "POKÉMON (RED, BLUE)",
    ]),
    ("pokemon-x-y", "pokemon", ["Pokémon (X, Y)", "Pokemon X/Y"]),
    ("resident-evil-code-veronica", "resident-evil", [
        "Resident Evil CODE: Veronica", "Resident Evil Code: Veronica", "Resident Evil: Code Veronica",
    ]),
    ("xenoblade-chronicles", "xeno", ["Xenoblad Chronicles (Japan, Europe)", "Xenoblade Chronicles"]),
    ("katamari-damacy", "katamari", ["Katamari Demacy", "Katamari Damacy"]),
    ("street-fighter-2", "street-fighter", ["Street Fighter II", "Street Fighter 2"]),
    ("suikoden-2", "suikoden", ["Suikoden II", "Gensou Suikoden II"]),
    ("suikoden-5", "suikoden", ["Gensou Suikoden V", "Suikoden 5"]),
    ("castlevania-2-simons-quest", "castlevania", ["Castlevania 2: Simon's Quest", "Castlevania II: Simon's Quest"]),
    ("ghosts-n-goblins", "ghosts-n-goblins", ["Ghost 'n' Goblins", "Ghosts 'n Goblins", "Ghosts N' Goblins"]),
    ("heroes-of-might-and-magic-6", "might-and-magic", ["Might and Magic: Heroes VI", "Heroes of Might & Magic 6"]),
    ("sims", "sims", ["Sims, The", "The Sims"]),
    ("sims-2", "sims", ["The Sims 2", "Sims 2, The", "Sims II, The"]),
    ("3-d-battles-of-worldrunner", "3-d-battles-of-worldrunner", [
        "3-D Battles Of Worldrunner, The", "The 3-D Battles of Worldrunner",
    ]),
    ("ys-1-and-2", "ys", ["Ys Book I & II", "Ys I & II"]),
    ("grand-theft-auto-5", "grand-theft-auto", ["Grand Theft Auto V", "Grand Theft Auto 5"]),
    ("king-of-fighters-13", "king-of-fighters", ["King of Fighters XIII, The", "The King of Fighters 13"]),
    ("mega-man-v", "mega-man", ["Mega Man V", "Megaman V (Game Boy)", "Rockman World 5", "mega-man-v"]),
    ("mega-man-5", "mega-man", ["Mega Man 5", "Rockman 5"]),
    ("bs-zelda-japan", "zelda", ["BS Zelda (Japan)", "BS Zelda _Japan_"]),
    ("legend-of-zelda-usa", "zelda", ["Legend of Zelda, The (USA)", "Zelda [USA]"]),
    ("zelda-series", "zelda", ["Legend of Zelda, The Series"]),
    ("star-ocean-second-story", "star-ocean", ["Star Ocean: The Second Story", "Star Ocean The Second Story"]),
    ("lufia-and-the-fortress-of-doom", "lufia", ["Lufia & The Fortress of Doom", "Lufia _ The Fortress of Doom"]),
    ("sonic-the-hedgehog-3-and-knuckles", "sonic", ["Sonic 3 & Knuckles", "Sonic the Hedgehog 3 _ Knuckles"]),
    ("kings-quest-5-absence", "kings-quest", ["King's Quest V: Absence", "King's Quest V Absence"]),
    ("tales-of-the-abyss", "tales", ["Tales of the Abyss", "Tales Of The Abyss"]),
    ("sonic-the-hedgehog-2-gamegear", "sonic", ["Sonic The Hedgehog 2 (GameGear)"]),
    ("hack-mutation", "hack", [".hack//Mutation", ".hack: Mutation"]),
    ("seiken-densetsu-3", "mana", ["Seiken Densetsu 3 (Japan)", "Trials of Mana"]),
    ("mother-3", "mother", ["Mother 3 (Japan)", "Mother 3"]),
    ("unheard-of-quest-4", "unheard-of-quest", ["Unheard-Of Quest IV", "unheard of quest 4", "Unheard of Quest 4, The"]),
    ("unheard-of-quest-4-japan", "unheard-of-quest", ["Unheard-Of Quest IV (Japan)"]),
    ("i-robot", "i-robot", ["I, Robot"]),
    ("ゼルダ", "ゼルダ", ["ゼルダ"]),
    ("untitled", "untitled", ["", "???"]),
]  # fmt: skip
SPELLINGS = [(game, series, title) for game, series, titles in TWINS for title in titles]


@pytest.mark.parametrize("game, series, title", SPELLINGS)
def test_a_title_gives_its_game_and_series(game: str, series: str, title: str) -> None:
    found = game_of(title)
    assert (found.game, found.series) == (game, series)


def test_the_after_a_number_begins_a_subtitle() -> None:
    assert game_of("Unheard-Of Quest 3 The Fern").game == game_of("Unheard-Of Quest III: The Fern").game
    assert game_of("Unheard-Of Quest the Fern").game == "unheard-of-quest-the-fern"


def test_a_known_game_has_one_name_for_all_its_spellings() -> None:
    assert {game_of(title).name for title in TWINS[0][2]} == {"The Legend of Zelda: Ocarina of Time"}
    assert display_title("Sims, The") == "The Sims"
    assert display_title("Foo, The: Bar, A") == "The Foo: Bar, A"


def test_no_two_entries_of_the_table_claim_one_spelling() -> None:
    entries = tomllib.loads(resources.files("catalog").joinpath("games.toml").read_text(encoding="utf-8"))
    table = build_table(entries)
    assert len({series.slug for series, _ in table.series_titles.values()}) >= 250
    assert len({game.game for game in table.games.values()}) >= 180
    with pytest.raises(ValueError, match="claimed twice"):
        build_table(entries | {"other": {"name": "Megaman"}})


def test_every_slug_of_the_table_is_found_by_itself_and_belongs_to_one_series() -> None:
    entries = tomllib.loads(resources.files("catalog").joinpath("games.toml").read_text(encoding="utf-8"))
    for series, entry in entries.items():
        for game, names in entry.get("games", {}).items() if isinstance(entry, dict) else []:
            for title in (game, *names):
                found = game_of(title)
                assert (found.game, found.series, found.name) == (game, series, names[0])


WORDS = "The A Of Quest Man Mega Zelda II IX X V 3 : , - ( ) Japan é"
titles = st.one_of(st.text(max_size=30), st.lists(st.sampled_from(WORDS.split()), max_size=8).map(" ".join))


@settings(max_examples=400, deadline=None)
@given(titles)
def test_letter_case_and_spaces_never_make_another_game(title: str) -> None:
    plain = game_of(title)
    assert game_of(f"  {title} ").game == plain.game
    if title.isascii():
        assert game_of(title.upper()).game == game_of(title.lower()).game == plain.game
        assert game_of(title.upper()).series == plain.series


PLACES = ["Japan", "USA", "Red, Blue", "Game Boy", "J"]
PLAIN = ["Zelda", "BS Zelda", "Legend of Zelda, The", "Mega Man", "Sims, The", "Unheard-Of Quest", "Final Fantasy 2"]


@pytest.mark.parametrize("title", PLAIN)
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("form", ["({})", "[{}]"])
def test_words_in_brackets_alone_are_no_slug(title: str, place: str, form: str) -> None:
    found = game_of(f"{title} {form.format(place)}")
    assert not set(found.game.split("-")) <= set(fold(place))
    assert found.series == game_of(title).series


@settings(max_examples=400, deadline=None)
@given(titles)
def test_slugs_are_safe_as_names_of_folders_and_in_queries(title: str) -> None:
    game = game_of(title)
    for one in (game.game, game.series):
        assert 0 < len(one) <= MAX_SLUG_LENGTH
        assert all(part.isalnum() for part in one.split("-"))


def test_long_titles_that_differ_late_stay_apart() -> None:
    first, second = ("word " * 40 + end for end in ("one", "two"))
    assert game_of(first).game != game_of(second).game
    assert len(slug(fold(first))) == MAX_SLUG_LENGTH


def test_a_text_of_any_length_is_resolved_quickly() -> None:
    started = time.process_time()
    for text in (
        " _a_ " * 4000,
        "Super quest " * 1700,
        "Zelda, The _ A- " * 1000,
        "x_" * 10_000,
        "(" * 20_000,
        "_ The" * 4000,
    ):
        assert len(game_of(text).game) <= MAX_SLUG_LENGTH
    assert time.process_time() - started < 5


HELD = {
    "ocarina-of-time": 18,
    "wind-waker": 17,
    "final-fantasy-2-us": 11,
    "final-fantasy-2-japan": 1,
    "mega-man": 2,
    "mega-man-2": 10,
    "mega-man-5": 4,
    "mega-man-v": 3,
}


@pytest.mark.parametrize(
    "text, game",
    [
        ("ocarina", "ocarina-of-time"),
        ("Ocarina Of", "ocarina-of-time"),
        ("The Wind", "wind-waker"),
        ("mega man", "mega-man"),
        ("mega-man", "mega-man"),
        ("Megaman 2", "mega-man-2"),
        ("Final Fantasy IV", "final-fantasy-2-us"),
        ("Final Fantasy II (Japan)", "final-fantasy-2-japan"),
        ("Legend of Zelda, The_ Ocarina of Time", "ocarina-of-time"),
        ("Mega Man V", "mega-man-v"),
    ],
)
def test_a_game_is_found_by_part_of_its_slug_or_by_any_of_its_names(text: str, game: str) -> None:
    assert find_game(text, HELD) == game
    assert find_game(text, list(HELD)) == game


@pytest.mark.parametrize(
    "text, says",
    [
        ("final fantasy 2", "matches 2 games: final-fantasy-2-japan (1), final-fantasy-2-us (11)"),
        ("ocarena", "nearest: ocarina-of-time (18)"),
        ("zelda", "is a series"),
        ("qqqqqq", "the catalog has 8 games"),
        ("", "no game ''"),
    ],
)
def test_a_text_that_matches_no_single_game_gets_suggestions(text: str, says: str) -> None:
    with pytest.raises(UsageError) as caught:
        find_game(text, HELD)
    assert says in str(caught.value)


@pytest.mark.real
def test_the_real_headings_fall_together_as_they_should(real_site: Path) -> None:
    page = (real_site / "music/other/miscellaneous/piano/index.html").read_text(encoding="utf-8")
    listed: Counter[str] = Counter()
    heading = ""
    for row in re.finditer(r'<tr class="gameheader">(.*?)</tr>|<a href="[^"]+\.mid">', page, re.DOTALL):
        if row[1]:
            heading = html.unescape(re.sub("<[^>]+>", "", row[1])).strip()
        else:
            listed[heading] += 1
    assert len(listed) == 241
    games, series = Counter[str](), Counter[str]()
    for title, count in listed.items():
        games[game_of(title).game] += count
        series[game_of(title).series] += count
    assert (games["ocarina-of-time"], series["zelda"], len(games)) == (18, 79, 234)
    assert find_game("ocarina", games) == "ocarina-of-time"
    merged = [title for title in listed if games[game_of(title).game] != listed[title]]
    assert sorted(merged) == [
        "Final Fantasy 9", "Final Fantasy IX",
        "Legend Of Zelda, The: Majora's Mask", "Legend Of Zelda, The: Ocarina Of Time", "Legend Of Zelda, The: The Wind Waker",
        "Legend of Zelda, The: Majora's Mask", "Legend of Zelda, The: The Wind Waker", "Legend of Zelda: Ocarina of Time",
        "Mega Man 9", "Megaman 9", "Resident Evil CODE: Veronica", "Resident Evil Code: Veronica",
        "The Legend of Zelda: Adventure of Link", "Zelda II: The Adventure of Link",
    ]  # fmt: skip
