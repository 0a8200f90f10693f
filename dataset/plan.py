"""What decides a corpus but the catalog: query, seed, filters; its name, and the identity that tells whether it still stands. Pure."""

import hashlib
import json
import platform
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from typing import Any

from catalog.base.errors import UsageError
from catalog.base.names import is_device
from dataset.filters.load import default_filters
from dataset.filters.rules import Filters

MOST_SEED = 2**53  # the largest whole number that every reader of JSON takes as it is
PLAIN = re.compile(r"\s*(\w+)\s*==\s*(['\"])([a-z0-9-]+)\2\s*")

Row = Mapping[str, Any]  # a row of the catalog
COLUMNS = ("sha256", "game", "series", "title", "sequencer", "source", "url", "game_title", "state", "reason")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All that decides what a corpus holds, but the catalog."""

    query: str
    seed: int = 0
    filters: Filters = field(default_factory=default_filters)
    piano_tracks: bool = False  # take only what pianos play, from pieces with other instruments too

    def __post_init__(self) -> None:
        """Refuse a seed that no manifest can hold."""
        if not 0 <= self.seed <= MOST_SEED:
            raise UsageError(f"--seed {self.seed}: a seed is a whole number from 0 to {MOST_SEED}")

    @property
    def name(self) -> str:
        """The name a corpus gets where none is asked for: `ocarina-of-time` for one game, `series-zelda` for one series."""
        plain = PLAIN.fullmatch(self.query)
        if plain:
            bare = plain[1] == "game" and plain[3][0] != "-" and not is_device(plain[3])
            return plain[3] if bare else f"{plain[1]}-{plain[3]}".lower()
        words = re.sub(r"[^a-z0-9]+", "-", self.query.lower()).strip("-")[:40].rstrip("-")
        return f"{words}-{hashlib.sha256(self.query.encode()).hexdigest()[:6]}".lstrip("-")


def versions() -> dict[str, str]:
    """Return the versions of all that has a part in what a corpus holds."""
    packages = {name: version(name) for name in ("vgpiano", "numpy", "pyarrow")}
    return {**packages, "python": platform.python_version()}


def digest(values: Any) -> str:
    """Return the SHA-256 of anything that JSON can say, hexadecimal."""
    return hashlib.sha256(json.dumps(values, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def inputs(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Return what a corpus takes from rows of the catalog, without their dates."""
    return [{name: row[name] for name in COLUMNS} for row in rows]


def identity(plan: Plan, rows: Sequence[Row]) -> str:
    """Return what is equal for the same plan, versions and catalog rows, else different."""
    return digest([asdict(plan), versions(), inputs(rows)])
