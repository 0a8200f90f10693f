"""Titles that file systems, archives or servers changed are restored."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.games import game_of
from catalog.spelling import restore_title

RESTORED = [
    ("Quest of Moss, The_ Return of Fern", "Quest of Moss, The: Return of Fern"),
    ("Quest of Moss_ The_ Return of Fern", "Quest of Moss, The: Return of Fern"),
    ("Quest of Moss, The- Return of Fern", "Quest of Moss, The: Return of Fern"),
    ("Quest of Moss, The - Return of Fern", "Quest of Moss, The - Return of Fern"),
    ("Quest of Moss, The%3A Return of Fern", "Quest of Moss, The: Return of Fern"),
    ("Quest of Moss, The\ua789 Return of Fern", "Quest of Moss, The: Return of Fern"),
    ("Quest_of_Moss,_The__Return_of_Fern", "Quest of Moss, The: Return of Fern"),
    ("Quest_of_Moss,_The_-_Fern_s_Return", "Quest of Moss, The: Fern's Return"),
    ("Quest_of_Moss, The", "Quest of Moss, The"),
    ("Moss Legend_ The", "Moss Legend, The"),
    ("Moss Legend_ The _Japan_", "Moss Legend, The (Japan)"),
    ("Moss_s Quest 3_ Don_t Cruis_n", "Moss's Quest 3: Don't Cruis'n"),
    ("Brambles _n_ Ferns _98", "Brambles 'n' Ferns '98"),
    ("Fern _Red_ Blue_ Green_", "Fern (Red, Blue, Green)"),
    ("Fern _ Moss_ The Ferns_", "Fern & Moss: The Ferns"),
    ("Fern 3 _ Moss of Time_Darkness", "Fern 3 & Moss of Time Darkness"),
    ("Fern _ The Movie", "Fern - The Movie"),
    ("Fern Final _", "Fern Final +"),
    ("F_E_R_N_ _Japan_", "F.E.R.N. (Japan)"),
    ("Bucky O_Moss in L_arc", "Bucky O'Moss in L'arc"),
    ("Who Moved the Fern_ (Japan)", "Who Moved the Fern (Japan)"),
    ("Moss {Jane Doe}", "Moss"),
    ("{Moss}", "{Moss}"),
    ("Moss%2", "Moss%2"),
    ("Moss%FF%00", "Moss%FF%00"),
    ("Moss- und Fern-Quest", "Moss: und Fern-Quest"),
    ("Poke\u0301moss", "Pok\u00e9moss"),
]


@pytest.mark.parametrize("name, title", RESTORED)
def test_a_changed_title_is_restored(name: str, title: str) -> None:
    assert restore_title(name) == title


PLAIN_TITLES = [
    "3-D Moss", "Fern-Zero X", "Fern - Moss", "Fern vs. Moss", "Moss/Fern", "100% Fern",
    "Fern, Moss & Bramble (US; IV)", ".moss//Fern", "Ｆern",
]  # fmt: skip


@pytest.mark.parametrize("title", PLAIN_TITLES)
def test_a_title_as_listed_is_left_alone(title: str) -> None:
    assert restore_title(title) == title


WORDS = st.sampled_from(
    ["Moss", "Fern", "Bramble", "Quest", "Zelda", "Mega Man", "Ember's", "Tale of Moss", "Bird Song"]
)
PARTS = st.lists(WORDS, min_size=1, max_size=3).map(" ".join)


@st.composite
def listed_titles(draw: st.DrawFn) -> str:
    """Return a title as VGMusic lists them, of invented words."""
    title = (
        draw(PARTS) + draw(st.sampled_from(["", " II", " 3", " & Fern", " '98"])) + draw(st.sampled_from(["", ", The"]))
    )
    subtitle = draw(st.sampled_from(["", "The ", "A "])) + draw(PARTS) if draw(st.booleans()) else ""
    return title + (f": {subtitle}" if subtitle else "") + draw(st.sampled_from(["", " (Japan)", " (Red, Blue)"]))


REPLACEMENTS = {
    "_": lambda title: title.replace(":", "_"),
    "-": lambda title: title.replace(":", "-"),
    " -": lambda title: title.replace(":", " -"),
    "odd characters": lambda title: "".join(one if one.isalnum() or one in " .-" else "_" for one in title),
    "percent": lambda title: "".join(one if one.isalnum() or one == " " else f"%{ord(one):02X}" for one in title),
    "spaces too": lambda title: title.replace(":", "_").replace(" ", "_"),
}


@pytest.mark.parametrize("replacement", REPLACEMENTS)
@settings(max_examples=60, deadline=None)
@given(title=listed_titles())
def test_a_changed_title_names_the_same_game(replacement: str, title: str) -> None:
    changed = REPLACEMENTS[replacement](title)
    assert game_of(changed).game == game_of(title).game, changed
    assert game_of(changed).series == game_of(title).series, changed


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="aA_-: ,.()'%3AtTheES&", max_size=25))
def test_letter_case_makes_no_difference_and_a_restored_title_stays(name: str) -> None:
    title = restore_title(name)
    assert restore_title(name.lower()).lower() == title.lower() == restore_title(name.upper()).lower()
    assert " ".join(title.split()) == title
    assert "_" not in title or "%" in name
    assert game_of(name.lower()).game == game_of(name).game
