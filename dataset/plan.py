"""What determines a corpus besides the catalog: query, seed and filters.

Gives the default name of a corpus, and the identity that shows whether it is up to date. Pure functions.
"""

import hashlib
import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from typing import Any

from catalog.base.errors import UsageError
from catalog.named import name_of_query
from dataset.filters.load import default_filters
from dataset.filters.rules import Filters

MAX_SEED = 2**53  # the largest integer that every JSON reader represents exactly

CatalogRow = Mapping[str, Any]  # a row of the catalog
COLUMNS = ("sha256", "game", "series", "title", "sequencer", "source", "url", "game_title", "state", "reason")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The settings that, with the catalog, determine what a corpus contains."""

    query: str
    seed: int = 0
    filters: Filters = field(default_factory=default_filters)
    preset: str | None = None  # name of the preset that `filters` started from
    piano_tracks: bool = False  # use only piano tracks, also from pieces with other instruments

    def __post_init__(self) -> None:
        """Raise UsageError for a seed out of range."""
        if not 0 <= self.seed <= MAX_SEED:
            raise UsageError(f"--seed {self.seed}: must be a whole number from 0 to {MAX_SEED}")

    @property
    def name(self) -> str:
        """The default name: `ocarina-of-time` for a game, `series-zelda` for a series."""
        return name_of_query(self.query)


def versions() -> dict[str, str]:
    """Return the versions of everything that affects the contents of a corpus."""
    packages = {name: version(name) for name in ("vgpiano", "numpy", "pyarrow")}
    return {**packages, "python": platform.python_version()}


def digest(values: Any) -> str:
    """Return the SHA-256 of a JSON-serialisable value, hexadecimal."""
    return hashlib.sha256(json.dumps(values, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def inputs(rows: Sequence[CatalogRow]) -> list[dict[str, Any]]:
    """Return what a corpus takes from rows of the catalog: all but their dates.

    The reason for which a piece is left out by hand is there only if there is one.
    """
    return [
        {name: row[name] for name in COLUMNS} | ({"excluded": row["excluded"]} if row.get("excluded") else {})
        for row in rows
    ]


def identity(plan: Plan, rows: Sequence[CatalogRow], unmatched: Sequence[CatalogRow] = ()) -> str:
    """Return a digest of the plan, the versions and the catalog rows.

    `unmatched` are the rows that the query leaves out; they count only if there are any.
    """
    return digest([asdict(plan), versions(), inputs(rows), *([list(unmatched)] if unmatched else [])])
