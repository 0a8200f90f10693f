"""The manifest of a corpus, manifest.json: how to get the corpus again, and what came of it; and the names of its files."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TypedDict

from catalog.base.errors import CorpusError
from catalog.storage.reading import Count, Fail, Number, Sha256, parse_json, read_bytes
from catalog.storage.remote import AnyPath
from dataset.corpus.checks import check_manifest
from dataset.corpus.columns import FaultError

NOTES_FILE, EXCLUDED_FILE, MEASURES_FILE, RELATIONS_FILE, PROVENANCE_FILE, CREDITS_FILE, MANIFEST_FILE = (
    "notes.parquet",
    "excluded.parquet",
    "measures.parquet",
    "relations.parquet",
    "provenance.parquet",
    "CREDITS.md",
    "manifest.json",
)
FILES = (
    NOTES_FILE,
    EXCLUDED_FILE,
    MEASURES_FILE,
    RELATIONS_FILE,
    PROVENANCE_FILE,
    CREDITS_FILE,
)  # with a SHA-256 in the manifest
FORMAT = 3  # raise it when a reader of the old form could not read the new one


@dataclass(frozen=True, slots=True)
class Funnel:
    """How many pieces came through each stage; each number is a part of the one before, the last three add up to unique."""

    listed: Count  # rows of the catalog for which the query holds
    fetched: Count  # of these, with bytes at hand
    parsed: Count  # of these, with notes that could be read
    kept: Count  # of these, with no filter against them
    unique: Count  # of these, without a better one of the same notes: the corpus
    train: Count  # of these, to learn from
    validation: Count  # of these, to choose the epoch by
    test: Count  # of these, to be asked about once


class Settings(TypedDict, total=False):
    """The settings of one filter in a manifest; a duplicate's rule has `on` and `why`."""

    on: bool
    measure: str
    least: Number
    most: Number
    among: list[str]
    why: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """How to get a corpus again, and what came of it. It holds no times and no paths: the same input gives the same bytes."""

    name: str  # of the corpus
    query: str  # that chose its pieces
    identity: Sha256  # sha256 over query, seed, settings, versions and the catalog rows that the query gave
    seed: Count  # of the split
    filters: Mapping[str, Settings]  # reason: on or off, measure, thresholds and why (Filters.settings)
    versions: Mapping[str, str]  # of what the result depends on
    input_sha256: Sha256  # of the catalog rows
    files: Mapping[str, Sha256]  # file name: sha256
    funnel: Funnel  # how many pieces came through each stage
    reasons: Mapping[str, Count]  # how many pieces were left out for each
    piano_tracks: bool = False  # only what pianos play was taken, from pieces with other instruments too
    format: Count = FORMAT  # of the corpus's files

    def __repr__(self) -> str:
        return f"<Manifest of corpus {self.name!r}: {self.funnel.unique} pieces, query {self.query!r}>"

    def to_json(self) -> str:
        """Return the manifest as the text of manifest.json."""
        return json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n"

    @classmethod
    def read(cls, path: AnyPath, *, fail: Fail = CorpusError, remedy: str = "build the corpus again") -> "Manifest":
        """Return the manifest in the file at `path`.

        Raises FileNotFoundError where there is none, and the error of `fail` for what `to_json` did not write.
        """
        data = read_bytes(path, fail=fail, remedy=remedy)
        manifest = parse_json(data, cls, path, fail=fail, remedy=remedy, version=FORMAT)
        try:
            check_manifest(manifest.name, manifest.files, FILES)
        except FaultError as error:
            raise fail(f"{path}: {error}; {remedy}") from None
        return manifest
