"""A corpus below a URL, where no folder can be renamed: the old one or the new one all the same, for every reader.

Each file has its hash in its name, so that a new one never touches an old one, and manifest.json, which holds the hashes,
is written last: that one write puts the new corpus in the place of the old. What it no longer names is then removed. A
writer that is killed before that write has changed nothing that a reader sees; the next one removes what it left.
"""

import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from catalog.base.errors import CorpusError
from catalog.storage import checksums as sums
from catalog.storage.files import write_many
from catalog.storage.lock import Hold
from catalog.storage.remote import AnyPath, RemotePath

COMMIT = "manifest.json"
HASH_DIGITS = 16  # of the SHA-256 in a name: 64 bits tell the few versions of one file apart


@contextmanager
def replacing_objects(target: RemotePath, hold: Hold) -> Iterator[Path]:
    """Yield an empty folder on this machine; when the block ends well its files become the corpus at `target`.

    Only for whoever holds the lock. Raises CatalogError where the store refuses, or the lock is lost.
    """
    target.require_atomic()
    with tempfile.TemporaryDirectory(prefix="vgpiano-") as name:
        new = Path(name)
        yield new
        contents = {path.name: path.read_bytes() for path in new.iterdir() if path.name != sums.SUMS_FILE}
    manifest = contents.pop(COMMIT)
    files = {target / versioned(name, hashlib.sha256(data).hexdigest()): data for name, data in contents.items()}
    hold.check()
    existing = set(target.iterdir())  # what stays the same is not touched, unless it is damaged
    write_many({path: data for path, data in files.items() if path not in existing or path.read_bytes() != data})
    hold.check()
    sums.write_listed(target, COMMIT, manifest, fail=CorpusError, beside={path.name: files[path] for path in files})
    for path in target.iterdir():
        if path not in files and path.name not in (COMMIT, sums.SUMS_FILE):
            hold.check()
            path.unlink(missing_ok=True)


def versioned(name: str, sha256: str) -> str:
    """Return the name of a file of a corpus below a URL: `notes-<first digits of its hash>.parquet`."""
    stem, dot, suffix = name.rpartition(".")
    return f"{stem}-{sha256[:HASH_DIGITS]}{dot}{suffix}"


def read_file(folder: AnyPath, name: str, sha256: str | None) -> bytes:
    """Return the content of a file of the corpus in `folder`, whose hash the manifest says to be `sha256`; unchecked.

    A corpus that was copied from a folder to a URL or back, as it lay, is read too. Raises FileNotFoundError.
    """
    names = [name] if sha256 is None else [name, versioned(name, sha256)]
    first, *others = reversed(names) if isinstance(folder, RemotePath) else names
    try:
        return (folder / first).read_bytes()
    except FileNotFoundError:
        for other in others:
            return (folder / other).read_bytes()
        raise
