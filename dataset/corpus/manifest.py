"""The manifest of a corpus, manifest.json, and the names of the corpus's files.

It records how to rebuild the corpus and what the build gave.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TypedDict

from catalog.base.errors import CorpusError
from catalog.storage.reading import Count, ErrorFactory, Number, Sha256, parse_json, read_bytes
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
# files with a hash in the manifest
FILES = (NOTES_FILE, EXCLUDED_FILE, MEASURES_FILE, RELATIONS_FILE, PROVENANCE_FILE, CREDITS_FILE)
EDITS_FILE = "edits.toml"  # present, and in the manifest, only if edits apply to the listed pieces
EDITS_HEAD = (
    "# Corrections by hand to pieces of this corpus, and pieces left out by hand; the corpus has these values.\n"
)
FORMAT = 3  # increase it when readers of the old format cannot read the new one


@dataclass(frozen=True, slots=True)
class Funnel:
    """How many pieces passed each stage.

    Each count is part of the one before; the last three add up to unique.
    """

    listed: Count  # catalog rows that match the query
    fetched: Count  # of these, with a downloaded file
    parsed: Count  # of these, with readable notes
    kept: Count  # of these, passed by every filter
    unique: Count  # of these, without a better duplicate: the pieces of the corpus
    train: Count  # of these, for training
    validation: Count  # of these, for choosing the epoch
    test: Count  # of these, for the final evaluation


class Settings(TypedDict, total=False):
    """The settings of a filter in a manifest; a duplicate rule has `on` and `why`."""

    on: bool
    measure: str
    least: Number
    most: Number
    among: list[str]
    why: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """How to rebuild a corpus, and what the build gave.

    It has no times and no paths, so that the same input gives the same bytes.
    """

    name: str  # of the corpus
    query: str  # that selected its pieces
    identity: Sha256  # SHA-256 of query, seed, settings, versions and the matching catalog rows
    seed: Count  # of the split
    filters: Mapping[str, Settings]  # reason: on or off, measure, thresholds and why (Filters.settings)
    versions: Mapping[str, str]  # of everything that affects the result
    input_sha256: Sha256  # of the catalog rows
    files: Mapping[str, Sha256]  # file name: sha256
    funnel: Funnel  # how many pieces passed each stage
    reasons: Mapping[str, Count]  # how many pieces were left out for each reason
    piano_tracks: bool = False  # whether only piano tracks were used, also from pieces with other instruments
    preset: str | None = None  # name of the set of filters that `filters` started from; null for the defaults
    format: Count = FORMAT  # of the corpus's files

    def __repr__(self) -> str:
        return f"<Manifest of corpus {self.name!r}: {self.funnel.unique} pieces, query {self.query!r}>"

    def present(self) -> tuple[str, ...]:
        """Return the names of the files of the corpus, without the manifest."""
        return (*FILES, EDITS_FILE) if EDITS_FILE in self.files else FILES

    def to_json(self) -> str:
        """Return the text of manifest.json."""
        return json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n"

    @classmethod
    def read(
        cls, path: AnyPath, *, fail: ErrorFactory = CorpusError, remedy: str = "build the corpus again"
    ) -> "Manifest":
        """Return the manifest in the file at `path`.

        Raises FileNotFoundError if it is missing, and the error that `fail` makes if it is invalid.
        """
        data = read_bytes(path, fail=fail, remedy=remedy)
        manifest = parse_json(data, cls, path, fail=fail, remedy=remedy, version=FORMAT)
        try:
            check_manifest(manifest.name, manifest.files, FILES)
        except FaultError as error:
            raise fail(f"{path}: {error}; {remedy}") from None
        return manifest
