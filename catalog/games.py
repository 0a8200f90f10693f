"""Map a listed game title to its slug, its series and a display name.

`catalog.titles` handles spelling. What spelling cannot show (series, other names, typos, regional
titles) is in games.toml beside this module. A title that is not in that file is its own game; its
series is the part of the title before its number.
"""

import difflib
import re
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from catalog.base.errors import UsageError
from catalog.spelling import restore_title
from catalog.titles import display_title, fold, read_romans, slug

TITLE_PREFIXES = frozenset(
    {"super", "mega", "ultra", "ultimate", "hyper", "neo", "new", "bs", "ms"}
)  # words that may precede the title of a series
MAX_SERIES_WORDS = 20  # more than in any title of a series
MAX_LISTED = 12  # games listed in an error message
_BRACKETED = re.compile(r"[(\[][^()\[\]]*[)\]]")  # such as regions and platforms
_SUBTITLE = re.compile(r":|\s[-–—]\s")


@dataclass(frozen=True, slots=True)
class Game:
    """A game: its slug, the slug of its series, and its display name.

    A game without a series has its own slug as series.
    """

    game: str
    series: str
    name: str


@dataclass(frozen=True, slots=True)
class _Series:
    slug: str
    roman: bool  # its games have Roman numerals, also I, V and X
    drops_title: bool  # slugs of its games omit the title of the series


@dataclass(frozen=True, slots=True)
class _Table:
    """The content of games.toml, with titles as keys.

    A key is the folded words of a title run together, so "Mega Man" and "Megaman" are one key.
    """

    games: dict[str, Game]
    series_titles: dict[str, tuple[_Series, list[str]]]  # first words of titles: the series, and its words in slugs
    spelled: dict[str, Game]  # titles whose Roman numeral is not a digit


@cache
def _table() -> _Table:
    with resources.files("catalog").joinpath("games.toml").open("rb") as file:
        return build_table(tomllib.load(file))


def build_table(entries: Mapping[str, Any]) -> _Table:
    """Return the content of games.toml as a table.

    Raises ValueError if two entries claim the same spelling.
    """
    table = _Table({}, {}, {})
    simple = {slug(fold(name)): {"name": name} for name in entries["plain"]}
    for series_slug, entry in {**simple, **{key: value for key, value in entries.items() if key != "plain"}}.items():
        series = _Series(series_slug, entry.get("roman", False), entry.get("drops_title", False))
        for title in entry.get("titles", [entry["name"]]):
            _claim(table.series_titles, title, (series, fold(title)))
        for other, title in entry.get("same_as", {}).items():
            _claim(table.series_titles, other, (series, fold(title)))
        for game_slug, names in entry.get("games", {}).items():
            game = Game(game_slug, series_slug, names[0])
            if game_slug in entry.get("spelled", ()):
                table.spelled.update({_key(fold(name, romans=False)): game for name in (game_slug, *names)})
                continue
            for name in {_key(fold(spelling)): spelling for spelling in (game_slug, *names)}.values():
                _claim(table.games, name, game)
    return table


def _claim(taken: dict[str, Any], title: str, value: Any) -> None:
    key = _key(fold(title))
    if taken.get(key, value) != value:
        raise ValueError(f"games.toml: {title!r} is claimed twice, by {taken[key]} and {value}")
    taken[key] = value


def _key(words: list[str]) -> str:
    """Return `words` run together, with a space between digits: "1 2" is not "12"."""
    key = ""
    for word in words:
        key += f" {word}" if key[-1:].isdigit() and word[0].isdigit() else word
    return key


def is_known(title: str) -> bool:
    """Return whether `title` is that of a game or series in games.toml."""
    table, key = _table(), _key(fold(title))
    return key in table.games or key in table.series_titles


def series_of(title: str) -> str:
    """Return the slug of the series that `title` names; if none is known, that of the title itself."""
    found = _table().series_titles.get(_key(fold(title)))
    return found[0].slug if found else slug(fold(title))


def game_of(listed_title: str) -> Game:
    """Return the game that `listed_title` names, a title as listed or the name of a folder or archive.

    All spellings of one title give the same slug and series.
    """
    listed_title = restore_title(listed_title)
    table, words = _table(), fold(listed_title)
    known = _spelled(listed_title) or table.games.get(_key(words))
    if known:
        return known
    for length in range(min(len(words), MAX_SERIES_WORDS), 0, -1):
        found = table.series_titles.get(_key(words[:length]))
        if found:
            return _game_in_series(*found, words[length:], listed_title, length)
    if words and words[0] in TITLE_PREFIXES:
        for length in range(min(len(words), MAX_SERIES_WORDS), 1, -1):
            found = table.series_titles.get(_key(words[1:length]))
            if found:
                return Game(slug(words), found[0].slug, display_title(listed_title))
    inside = _series_inside(words)
    return Game(
        slug(words), inside.slug if inside else slug(_title_stem(listed_title) or words), display_title(listed_title)
    )


def _spelled(title: str) -> Game | None:
    """Return the game whose number must be spelled as in `title`, if any."""
    return _table().spelled.get(_key(fold(title, romans=False)))


def _series_inside(words: list[str]) -> _Series | None:
    """Return the series with the longest title of two or more words within `words`.

    Of equally long titles the first one counts.
    """
    for length in range(min(len(words) - 1, MAX_SERIES_WORDS), 1, -1):
        for start in range(1, len(words) - length + 1):
            found = _table().series_titles.get(_key(words[start : start + length]))
            if found and words[start + length - 1] != "of":  # "Fairy Tales of" is not the series "Tales of"
                return found[0]
    return None


def _title_stem(listed_title: str) -> list[str]:
    """Return the words of a title without brackets, subtitle and number."""
    plain = _BRACKETED.sub(" ", listed_title)
    stem = fold(_SUBTITLE.split(plain)[0]) or fold(plain)
    while len(stem) > 1 and stem[-1].isdigit():
        stem.pop()
    return stem


def _game_in_series(series: _Series, beginning: list[str], rest: list[str], listed_title: str, matched: int) -> Game:
    """Return the game of `series` whose title has the words `beginning` (`matched` as listed) and `rest`.

    "the" after the title of the series begins a subtitle. Words in brackets alone are not taken for a title.
    """
    if series.roman:
        rest = read_romans(rest)
    if rest == ["1"]:
        rest = []
    known = _table().games
    shorter = rest[1:] if len(rest) > 1 and rest[0] == "the" and beginning[-1] != "of" else rest
    for words in ([*beginning, *rest], rest, [*beginning, *shorter], shorter):
        game = known.get(_key(words)) if words else None
        if game and game.series == series.slug:
            return game
    words = [*beginning, *shorter]
    if series.drops_title and shorter and shorter != ["series"]:
        is_subtitle = len(fold(_BRACKETED.sub(" ", listed_title))) > matched
        first = known.get(_key(beginning))
        words = shorter if is_subtitle else [*(fold(first.game) if first else beginning), *shorter]
    return Game(slug(words), series.slug, display_title(listed_title))


def find_game(text: str, slugs: Collection[str] | Mapping[str, int]) -> str:
    """Return the slug in `slugs` that matches `text`.

    A slug matches if it equals or contains `text`, or if `text` is another title of the game.
    Spelling is as tolerant as for titles. `slugs` may map slugs to numbers of pieces, which are
    then shown in messages. Raises UsageError if several slugs match (it lists them) or if none does
    (it lists the nearest).
    """
    wanted = slug(fold(text))
    fitting = match_spelling(text, slugs) or [one for one in slugs if one == game_of(text).game]
    if len(fitting) == 1:
        return fitting[0]
    series = _table().series_titles.get(_key(fold(text)))
    if fitting:
        whole = f", or use the whole series: --query \"series == '{series[0].slug}'\"" if series else ""
        raise UsageError(f"{text!r} matches {len(fitting)} games: {_format_games(fitting, slugs)}; choose one{whole}")
    if series:
        raise UsageError(
            f"{text!r} is a series, not a game; to use all of it: --query \"series == '{series[0].slug}'\""
        )
    close = difflib.get_close_matches(wanted, list(slugs), n=3, cutoff=0.4)
    nearest = f"nearest: {_format_games(close, slugs)}" if close else f"the catalog has {len(slugs)} games"
    raise UsageError(f"no game {text!r}; {nearest}; `catalog games` lists them all")


def match_spelling(text: str, slugs: Collection[str]) -> list[str]:
    """Return the slug that `text` spells, else all slugs that contain it.

    Spelling is as tolerant as for titles.
    """
    spelled = _spelled(text)
    if spelled and spelled.game in slugs:
        return [spelled.game]
    wanted = slug(fold(text))
    if text in slugs or wanted in slugs:
        return [text if text in slugs else wanted]
    fitting = sorted(one for one in slugs if wanted in one)
    return fitting or sorted(one for one in slugs if wanted.replace("-", "") in one.replace("-", ""))


def _format_games(chosen: list[str], slugs: Collection[str] | Mapping[str, int]) -> str:
    counted = [f"{one} ({slugs[one]})" if isinstance(slugs, Mapping) else one for one in chosen[:MAX_LISTED]]
    more = len(chosen) - MAX_LISTED
    return ", ".join(counted) + (f" and {more} more" if more > 0 else "")
