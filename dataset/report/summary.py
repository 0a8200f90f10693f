"""Summarise a corpus for its report: counts, examples, quantiles, credits.

In: an open corpus. Out: values for a template, in a stable order. Pure.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from catalog.base.console import clean
from catalog.schema import MEASURES, describe
from dataset.corpus.corpus import Corpus
from dataset.corpus.schema import SPLITS, Split
from dataset.duplicates.groups import Group, group_related
from dataset.reasons import RELATIONS, describe_reason
from dataset.report import charts

MAX_EXAMPLES = 8  # shown per reason
MAX_GAMES = 10  # shown with a plot each
MAX_GROUPS = 150  # groups of related pieces shown
MAX_LEVELS = 12  # values shown of a text measure
FIXED_AXIS_BELOW = 4.0  # a range that ends below this is drawn in full, so that shares can be compared
TEXT_MEASURES = ("key", "time_signature")
NOT_NUMERIC = ("sha256", "measured_by", "dropped", "texts", "copyright", *TEXT_MEASURES)

TableRow = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class FunnelStage:
    """A stage of the funnel: pieces after and before it, and exclusion reasons."""

    name: str
    pieces: int
    before: int
    reasons: Sequence[tuple[str, int]]


@dataclass(frozen=True, slots=True)
class Example:
    """A piece left out, with the deciding value.

    For a duplicate, `kept` is the title of the piece kept instead.
    """

    title: str
    game: str
    detail: str
    kept: str | None


@dataclass(frozen=True, slots=True)
class Reason:
    """A reason for leaving pieces out."""

    name: str
    stage: str
    count: int
    meaning: str
    examples: Sequence[Example]


@dataclass(frozen=True, slots=True)
class GameRow:
    """One game's quantiles of a measure, and their box plot."""

    name: str
    quantiles: charts.Quantiles
    box: charts.Box


@dataclass(frozen=True, slots=True)
class Distribution:
    """A numeric measure, overall and by game; `missing` pieces have no value.

    `games` is empty if all games are alike.
    """

    name: str
    unit: str
    meaning: str
    missing: int
    quantiles: charts.Quantiles
    axis: charts.Axis
    bars: Sequence[charts.Bar]
    games: Sequence[GameRow]


@dataclass(frozen=True, slots=True)
class Levels:
    """A text measure: how many pieces have each value, the most frequent first.

    `others` counts the pieces with other values.
    """

    name: str
    meaning: str
    values: Sequence[tuple[str, int]]
    others: int


@dataclass(frozen=True, slots=True)
class GameSplit:
    """The number of pieces of a game in each split."""

    name: str
    pieces: int
    splits: Mapping[Split, int]


@dataclass(frozen=True, slots=True)
class Maker:
    """A sequencer, or None if not named, with their pieces as (game, titles)."""

    name: str | None
    count: int
    games: Sequence[tuple[str, Sequence[str]]]


class Summary:
    """An overview of a whole corpus."""

    def __init__(self, corpus: Corpus) -> None:
        columns = ["sha256", "game", "game_title", "title", "sequencer", "split"]
        self._pieces = corpus.table().select(columns).to_pylist()
        self._excluded = corpus.excluded().to_pylist()
        self._relations = corpus.relations().to_pylist()
        self._measures = corpus.measures()
        self._manifest = corpus.manifest
        self._names = _names(self._pieces)
        self._game = [self._names[piece["game"]] for piece in self._pieces]
        self.games = [name for name, _ in _by_count(self._game)]

    def funnel(self) -> list[FunnelStage]:
        """Return the stages from listed to unique, in order."""
        funnel, found = self._manifest.funnel, []
        counts = [funnel.listed, funnel.fetched, funnel.parsed, funnel.kept, funnel.unique]
        steps = [(), ("fetch",), ("parse",), ("filter",), ("duplicate", "split")]
        for name, pieces, before, stages in zip(
            ("listed", "fetched", "parsed", "kept", "unique"), counts, counts[:1] + counts, steps, strict=False
        ):
            reasons = _by_count(row["reason"] for row in self._excluded if row["stage"] in stages)
            found.append(FunnelStage(name, pieces, before, reasons))
        return found

    def reasons(self) -> list[Reason]:
        """Return the reasons by stage, the most frequent of a stage first."""
        titles = {piece["sha256"]: piece["title"] for piece in self._pieces}
        order = ("query", "fetch", "parse", "filter", "duplicate", "split")
        rows: dict[tuple[str, str], list[TableRow]] = defaultdict(list)
        for row in self._excluded:
            rows[row["stage"], row["reason"]].append(row)
        return [
            Reason(
                reason,
                stage,
                len(group_rows),
                describe_reason(reason, self._manifest.filters),
                [self._example(row, titles) for row in group_rows[:MAX_EXAMPLES]],
            )
            for (stage, reason), group_rows in sorted(
                rows.items(), key=lambda item: (order.index(item[0][0]), -len(item[1]), item[0][1])
            )
        ]

    def _example(self, row: TableRow, titles: Mapping[str, str]) -> Example:
        kept = titles.get(row["detail"].partition(" ")[0]) if row["stage"] == "duplicate" else None
        return Example(row["title"], self._name(row["game"]), row["detail"], kept)

    def relations(self) -> list[tuple[str, str, int, int]]:
        """Return (relation, meaning, pairs, left out) for each relation found."""
        pairs = Counter(row["relation"] for row in self._relations)
        out = Counter(row["relation"] for row in self._relations if row["left_out"] is not None)
        return [(name, text, pairs[name], out[name]) for name, text in RELATIONS.items() if pairs[name]]

    def groups(self) -> tuple[list[Group], int]:
        """Return the largest groups of related pieces, and how many more there are."""
        split_of = {piece["sha256"]: piece["split"] for piece in self._pieces}
        out = {row["url"] for row in self._excluded}
        found = group_related(self._relations, split_of, out, self._name)
        return found[:MAX_GROUPS], max(0, len(found) - MAX_GROUPS)

    def distributions(self) -> list[Distribution]:
        """Return the numeric measures that any piece has, in schema order."""
        found = []
        for field in describe(MEASURES):
            if field["name"] not in NOT_NUMERIC and field["name"] in self._measures.column_names:
                values = _numbers(self._measures[field["name"]])
                if not np.isnan(values).all():
                    found.append(self._distribution(field, values, "int" in field["type"]))
        return found

    def _distribution(self, field: Mapping[str, str], values: charts.Values, whole: bool) -> Distribution:
        known = values[~np.isnan(values)]
        along = charts.axis(known, whole=whole, valid=_valid(field["range"]))
        shown = self.games[:MAX_GAMES]
        row_of = {name: row for row, name in enumerate(shown)}
        rows = np.array([row_of.get(name, len(shown)) for name in self._game])
        names = [*shown, f"{len(self.games) - len(shown)} other games"]
        games = []
        for row, name in enumerate(names):
            own = values[(rows == row) & ~np.isnan(values)]
            if len(own):
                quantiles = charts.quantiles(own)
                games.append(GameRow(name, quantiles, charts.box(quantiles, along)))
        alike = len({(game.quantiles.p5, game.quantiles.p95) for game in games}) == 1
        return Distribution(
            field["name"],
            field["unit"],
            field["description"],
            len(values) - len(known),
            charts.quantiles(known),
            along,
            charts.histogram(known, along),
            () if alike and len(games) > 1 else games,
        )

    def levels(self) -> list[Levels]:
        """Return the text measures."""
        found = []
        for field in describe(MEASURES):
            if field["name"] in TEXT_MEASURES:
                counts = _by_count(value or "none" for value in self._measures[field["name"]].to_pylist())
                rest = sum(count for _, count in counts[MAX_LEVELS:])
                found.append(Levels(field["name"], field["description"], counts[:MAX_LEVELS], rest))
        return found

    def splits(self) -> list[GameSplit]:
        """Return how each game is split, the largest game first."""
        counts = Counter(zip(self._game, (piece["split"] for piece in self._pieces), strict=True))
        split = {name: {side: counts[name, side] for side in SPLITS} for name in self.games}
        return [GameSplit(name, sum(per_split.values()), per_split) for name, per_split in split.items()]

    def makers(self) -> list[Maker]:
        """Return the sequencers by name, the unnamed ones last."""
        pieces: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
        for piece, game in zip(self._pieces, self._game, strict=True):
            pieces[clean(piece["sequencer"] or "")][game].append(piece["title"])
        return [
            Maker(name or None, sum(map(len, pieces[name].values())), sorted(pieces[name].items()))
            for name in sorted(pieces, key=lambda text: (text == "", text.casefold(), text))
        ]

    def _name(self, slug: str) -> str:
        return self._names.get(slug, slug)


def _names(pieces: Iterable[TableRow]) -> dict[str, str]:
    """Return {slug: title of the game, as the source lists it first}."""
    names: dict[str, str] = {}
    for piece in pieces:
        names.setdefault(piece["game"], clean(piece["game_title"]) or piece["game"])
    taken = Counter(names.values())
    return {slug: name if taken[name] == 1 else f"{name} ({slug})" for slug, name in names.items()}


def _by_count(values: Iterable[str]) -> list[tuple[str, int]]:
    return sorted(Counter(values).items(), key=lambda item: (-item[1], item[0]))


def _numbers(column: pa.ChunkedArray) -> charts.Values:
    return np.array([np.nan if value is None else value for value in column.to_pylist()], np.float64)


def _valid(text: str) -> tuple[float, float] | None:
    low, _, high = text.partition("–")
    return (float(low), float(high)) if high and float(high) < FIXED_AXIS_BELOW else None
