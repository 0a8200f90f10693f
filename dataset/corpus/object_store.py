"""Atomic replacement of a corpus below a URL, where folders cannot be renamed.

Each file has its hash in its name, so a new file never overwrites an old one. manifest.json holds the hashes and is
written last: that single write switches readers to the new corpus. Files that it does not name are then removed. A
writer that is killed before that write has changed nothing for readers; the next writer removes its files.
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
HASH_DIGITS = 16  # digits of the SHA-256 in a name: 64 bits distinguish the few versions of one file


@contextmanager
def replacing_objects(target: RemotePath, hold: Hold) -> Iterator[Path]:
    """Yield a local folder for the files of a new corpus at `target`.

    They replace the old ones if the block succeeds. The caller must hold the lock. Raises CatalogError if the store
    refuses a write or the lock is lost.
    """
    target.require_atomic()
    with tempfile.TemporaryDirectory(prefix="vgpiano-") as name:
        new = Path(name)
        yield new
        contents = {path.name: path.read_bytes() for path in new.iterdir() if path.name != sums.SUMS_FILE}
    manifest = contents.pop(COMMIT)
    files = {target / versioned(name, hashlib.sha256(data).hexdigest()): data for name, data in contents.items()}
    hold.check()
    existing = set(target.iterdir())  # unchanged files are not written again, unless they are damaged
    write_many({path: data for path, data in files.items() if path not in existing or path.read_bytes() != data})
    hold.check()
    sums.write_listed(target, COMMIT, manifest, fail=CorpusError, beside={path.name: files[path] for path in files})
    for path in target.iterdir():
        if path not in files and path.name not in (COMMIT, sums.SUMS_FILE):
            hold.check()
            path.unlink(missing_ok=True)


def versioned(name: str, sha256: str) -> str:
    """Return the name of a corpus file below a URL: `notes-<digits of hash>.parquet`."""
    stem, dot, suffix = name.rpartition(".")
    return f"{stem}-{sha256[:HASH_DIGITS]}{dot}{suffix}"


def read_file(folder: AnyPath, name: str, sha256: str | None) -> bytes:
    """Return the content of a file of the corpus in `folder`, unchecked.

    `sha256` is its hash in the manifest. Both naming schemes are tried, so that a corpus may be copied between a folder
    and a URL. Raises FileNotFoundError.
    """
    names = [name] if sha256 is None else [name, versioned(name, sha256)]
    first, *others = reversed(names) if isinstance(folder, RemotePath) else names
    try:
        return (folder / first).read_bytes()
    except FileNotFoundError:
        for other in others:
            return (folder / other).read_bytes()
        raise
