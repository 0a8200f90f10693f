"""Export a corpus to one folder, which appears as a whole.

Each format is a module `dataset.export.<form>` with a function `write(corpus, folder, report) -> Written`.
"""

import importlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from catalog.base.console import Report
from catalog.base.errors import CorpusError, UsageError
from catalog.edits.entries import format_edits
from catalog.storage.files import sync_folder, write_text
from catalog.storage.remote import AnyPath
from dataset.corpus.corpus import Corpus
from dataset.corpus.folder_store import remove_abandoned, replacing_folder
from dataset.corpus.manifest import CREDITS_FILE, EDITS_FILE, EDITS_HEAD, MANIFEST_FILE
from dataset.export.common import Written
from dataset.export.croissant import CROISSANT_FILE, croissant
from dataset.export.forms import Form
from dataset.export.provenance import CITATION_FILE, citation_cff

MARKER = "vgpiano-export.json"  # marks a folder as an export that may be replaced


@dataclass(frozen=True, slots=True)
class Exported:
    """The folder of an export, and the number of pieces in it."""

    path: Path
    written: Written


def export_corpus(
    root: AnyPath, name: str, form: Form, out: Path | None = None, *, report: Report | None = None
) -> Exported:
    """Export the corpus `name` in `form` to `out`.

    By default `out` is exports/<corpus>-<form> under `root`. An earlier export there is replaced as a whole. Raises
    CorpusError if anything else is there, if the corpus is missing or damaged, or if nothing can be written;
    DatasetError if the format needs a library that is not installed; UsageError if `root` is a URL and no `out` is
    given.
    """
    corpus = Corpus.open(root, name)
    if out is None:
        if not isinstance(root, Path):
            raise UsageError(f"{root} is not a local folder: give the export's folder with --out")
        out = root / "exports" / f"{corpus.name}-{form}"
    return write_export(corpus, form, out, report=report)


def write_export(corpus: Corpus, form: Form, out: Path, *, report: Report | None = None) -> Exported:
    """Export an open corpus in `form` to `out`; otherwise as `export_corpus`."""
    target = Path(os.path.abspath(out))  # noqa: PTH100
    _check(target)
    write: Callable[[Corpus, Path, Report], Written] = importlib.import_module(f"dataset.export.{form}").write
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        remove_abandoned(target)
        with replacing_folder(target) as folder:
            written = write(corpus, folder, report or (lambda done, total: None))
            write_text(folder / CREDITS_FILE, corpus.credits())
            write_text(folder / CITATION_FILE, citation_cff(corpus))
            write_text(folder / MANIFEST_FILE, corpus.manifest.to_json())
            if corpus.edits():
                write_text(folder / EDITS_FILE, format_edits(corpus.edits(), EDITS_HEAD))
            write_text(folder / CROISSANT_FILE, croissant(corpus, folder))
            marker = {"corpus": corpus.name, "corpus_hash": corpus.hash, "form": form}
            write_text(folder / MARKER, json.dumps(marker, indent=2) + "\n")
            _sync(folder)
    except OSError as error:
        raise CorpusError(f"{target} cannot be written: {error.strerror or error}") from error
    return Exported(target, written)


def _check(target: Path) -> None:
    if target.is_symlink() or (target.exists() and not (target / MARKER).is_file()):
        raise CorpusError(f"{target} exists and is not an export; move it away, or give another folder with --out")


def _sync(folder: Path) -> None:
    for path in sorted(folder.rglob("*")):
        if path.is_dir():
            sync_folder(path)
        else:
            handle = os.open(path, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
