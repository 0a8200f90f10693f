"""A corpus in the form of another project: one folder, written beside its place and put there whole.

Each form is a module `dataset.export.<form>` with a function `write(corpus, folder, report) -> Written`.
"""

import importlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from catalog.base.console import Report
from catalog.base.errors import CorpusError, UsageError
from catalog.storage.files import sync_folder, write_text
from catalog.storage.remote import AnyPath
from dataset.corpus.corpus import Corpus
from dataset.corpus.folder_store import remove_abandoned, replacing_folder
from dataset.corpus.manifest import CREDITS_FILE, MANIFEST_FILE
from dataset.export.common import Written

Form = Literal["hf", "jsonl", "midi", "miditok", "musicxml"]
FORMS: tuple[Form, ...] = get_args(Form)
MARKER = "vgpiano-export.json"  # a folder with it is an export of ours, and may be replaced


@dataclass(frozen=True, slots=True)
class Exported:
    """Where an export lies, and what it holds."""

    path: Path
    written: Written


def export_corpus(
    root: AnyPath, name: str, form: Form, out: Path | None = None, *, report: Report | None = None
) -> Exported:
    """Write the corpus `name` in `form` to `out`, by default exports/<corpus>-<form> under `root`.

    An earlier export in that place is replaced whole. Raises CorpusError where anything else lies there, where the
    corpus is missing or damaged, or where nothing can be written; DatasetError where the form needs a missing library; UsageError where
    `root` is a URL and no `out` is given.
    """
    corpus = Corpus.open(root, name)
    if out is None:
        if not isinstance(root, Path):
            raise UsageError(f"{root} is no folder of this machine: say with --out where the export goes")
        out = root / "exports" / f"{corpus.name}-{form}"
    return write_export(corpus, form, out, report=report)


def write_export(corpus: Corpus, form: Form, out: Path, *, report: Report | None = None) -> Exported:
    """Write an opened corpus in `form` to `out`; like `export_corpus` in all else."""
    target = Path(os.path.abspath(out))  # noqa: PTH100
    _check(target)
    write: Callable[[Corpus, Path, Report], Written] = importlib.import_module(f"dataset.export.{form}").write
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        remove_abandoned(target)
        with replacing_folder(target) as folder:
            written = write(corpus, folder, report or (lambda done, total: None))
            write_text(folder / CREDITS_FILE, corpus.credits())
            write_text(folder / MANIFEST_FILE, corpus.manifest.to_json())
            marker = {"corpus": corpus.name, "corpus_hash": corpus.hash, "form": form}
            write_text(folder / MARKER, json.dumps(marker, indent=2) + "\n")
            _sync(folder)
    except OSError as error:
        raise CorpusError(f"{target} cannot be written: {error.strerror or error}") from error
    return Exported(target, written)


def _check(target: Path) -> None:
    if target.is_symlink() or (target.exists() and not (target / MARKER).is_file()):
        raise CorpusError(f"{target} is there and is no export; move it away, or give another place with --out")


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
