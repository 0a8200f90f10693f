"""Splits: related pieces stay together, games are balanced, splits are kept."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from dataset.corpus.schema import Split
from dataset.split import CYCLE, SplitPiece, split_pieces

ALL = ("train", "validation", "test")


def member(number: int, game: int = 0) -> SplitPiece:
    return SplitPiece(f"sha{number}", f"print{number}", f"series{game // 2}", f"game{game}")


def members(count: int, games: int = 1) -> list[SplitPiece]:
    return [member(number, number % games) for number in range(count)]


def ledger(pieces: list[SplitPiece], splits: list[Split | None]) -> dict[str, Split]:
    return {piece.sha256: side for piece, side in zip(pieces, splits, strict=True) if side is not None}


LINKS = st.lists(st.tuples(st.integers(0, 39), st.integers(0, 39)), max_size=40)


@given(st.integers(1, 60), st.integers(0, 99))
def test_no_part_is_empty_from_three_works_on(count: int, seed: int) -> None:
    splits = split_pieces(members(count), [], {}, seed)
    assert set(splits) == set(ALL[:count] if count < 3 else ALL)


@given(LINKS, st.integers(0, 99))
def test_what_is_linked_has_one_side(links: list[tuple[int, int]], seed: int) -> None:
    splits = split_pieces(members(40, 5), links, {}, seed)
    assert None not in splits
    assert all(splits[one] == splits[other] for one, other in links)


@given(LINKS, LINKS, st.integers(0, 99), st.integers(5, 40))
def test_a_side_never_changes_when_the_catalog_grows_and_nothing_leaks(
    links: list[tuple[int, int]], more: list[tuple[int, int]], seed: int, first: int
) -> None:
    pieces = members(40, 5)
    early = [(a, b) for a, b in links if a < first and b < first]
    known = ledger(pieces[:first], split_pieces(pieces[:first], early, {}, seed))
    splits = split_pieces(pieces, links + more, known, seed)
    for piece, side in zip(pieces, splits, strict=True):
        assert side is None or side == known.get(piece.sha256, side)
    assert all(splits[a] == splits[b] for a, b in links + more if splits[a] is not None and splits[b] is not None)


def test_games_are_balanced_to_within_one_work() -> None:
    games = 12
    pieces = members(12 * 37, games)
    splits = split_pieces(pieces, [], {}, 3)
    for game in range(games):
        counts = Counter(side for piece, side in zip(pieces, splits, strict=True) if piece.game == f"game{game}")
        assert counts["test"] in (37 // CYCLE, 37 // CYCLE + 1)
        assert counts["validation"] in (37 // CYCLE, 37 // CYCLE + 1)
    assert abs(Counter(splits)["test"] - len(pieces) / CYCLE) <= 1


def test_many_games_of_one_piece_are_held_out_in_due_share() -> None:
    splits = split_pieces(members(1000, 1000), [], {}, 0)
    assert Counter(splits) == {"train": 800, "validation": 100, "test": 100}


def test_pieces_that_come_one_by_one_are_held_out_in_due_share() -> None:
    grown = members(300)
    known = ledger(grown, split_pieces(grown, [], {}, 0))
    for number in range(300, 1300):
        grown.append(member(number))
        known = ledger(grown, split_pieces(grown, [], known, 0))
    counts = Counter(known.values())
    assert 90 <= counts["test"] <= 170
    assert 90 <= counts["validation"] <= 170


def test_a_new_piece_that_joins_two_sides_is_left_out_and_its_twins_are_not() -> None:
    known: dict[str, Split] = {"sha0": "train", "sha1": "test"}
    medley, twin = 2, 3  # the medley holds 0 and 1, the twin is another version of 0
    assert split_pieces(members(4), [(0, medley), (1, medley), (0, twin)], known, 0) == ["train", "test", None, "train"]
    assert split_pieces(members(4), [(0, medley), (medley, twin), (1, twin)], known, 0) == ["train", "test", None, None]


def test_of_old_pieces_found_to_belong_together_the_held_out_one_stays() -> None:
    known: dict[str, Split] = {"sha0": "train", "sha1": "test", "sha2": "validation"}
    assert split_pieces(members(3), [(0, 1), (2, 1)], known, 0) == [None, "test", None]


def test_a_piece_of_known_music_goes_with_it() -> None:
    known: dict[str, Split] = {"sha0": "validation"}
    assert split_pieces(members(2), [(0, 1)], known, 7) == ["validation", "validation"]


def test_the_order_of_pieces_within_a_game_does_not_matter() -> None:
    pieces = members(50, 5)
    splits = dict(zip(pieces, split_pieces(pieces, [], {}, 1), strict=True))
    backwards = pieces[::-1]
    assert dict(zip(backwards, split_pieces(backwards, [], {}, 1), strict=True)) == splits


def test_another_seed_gives_another_split() -> None:
    assert split_pieces(members(100), [], {}, 0) != split_pieces(members(100), [], {}, 1)
