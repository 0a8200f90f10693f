"""Paths below a URL, on any file system that pyarrow or fsspec supports.

`RemotePath` has the few methods of a path that the store and the corpora need. `s3://`, `gs://` and `hdfs://` are
handled by pyarrow, other schemes by fsspec if it is installed. Endpoint and credentials come from the environment
(AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID …) or from the URL. Messages and files contain only scheme, host and path of the
URL. Writes are allowed only for the schemes in ATOMIC: there an object is written in one atomic request, and is
durable when it returns.
"""

import errno
import fnmatch
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from catalog.base.console import clean
from catalog.base.errors import CatalogError, UsageError, VgpianoError

URL = re.compile(r"([a-z][a-z0-9+.-]+)://.*", re.DOTALL)
ATOMIC = (
    "s3",
    "gs",
    "gcs",
    "memory",
)  # schemes with atomic writes and consistent listings
SCHEMES = "a folder, file://, s3://, gs://, hdfs:// or a scheme of fsspec"


class Entry(NamedTuple):
    """One file of a listing; `modified` is by the store's clock, if it has one."""

    path: "RemotePath"
    modified: datetime | None


@dataclass(frozen=True, slots=True)
class RemotePath:
    """A file or folder `inner` (names joined by /) below the URL `base`.

    Converted to text, it has no credentials. Every method that sends a request raises CatalogError with one line if
    the store cannot be reached or refuses. There is no `__fspath__`: code that needs a local file must copy it.
    """

    base: str = field(repr=False)
    inner: str = ""

    def __truediv__(self, name: str) -> "RemotePath":
        """Return the path of `name` below this one."""
        return RemotePath(self.base, f"{self.inner}/{name}" if self.inner else name)

    def __str__(self) -> str:
        """Return the URL without user, password and options."""
        parts = urlsplit(self.base)
        shown = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}".rstrip("/")
        return f"{shown}/{self.inner}" if self.inner else shown

    @property
    def name(self) -> str:
        """The last component."""
        return PurePosixPath(self.inner or urlsplit(self.base).path).name

    @property
    def stem(self) -> str:
        """The name without its suffix."""
        return PurePosixPath(self.name).stem

    @property
    def suffix(self) -> str:
        """The suffix of the name, from its last dot."""
        return PurePosixPath(self.name).suffix

    @property
    def parent(self) -> "RemotePath":
        """The folder of this path; the parent of a bucket is the bucket."""
        if self.inner:
            return RemotePath(self.base, self.inner.rpartition("/")[0])
        parts = urlsplit(self.base)
        return RemotePath(parts._replace(path=parts.path.rpartition("/")[0]).geturl())

    def with_name(self, name: str) -> "RemotePath":
        """Return the path of `name` beside this one."""
        return self.parent / name

    def with_suffix(self, suffix: str) -> "RemotePath":
        """Return this path with another suffix."""
        return self.with_name(self.stem + suffix)

    @property
    def filesystem(self) -> Any:
        """The pyarrow.fs.FileSystem of this path."""
        return _connect(self.base)[0]

    @property
    def key(self) -> str:
        """The path as `filesystem` expects it."""
        root = _connect(self.base)[1].rstrip("/")
        return f"{root}/{self.inner}" if self.inner else root

    def exists(self) -> bool:
        """Whether a file or folder exists."""
        return self._kind() != "NotFound"

    def is_file(self) -> bool:
        """Whether a file exists."""
        return self._kind() == "File"

    def _kind(self) -> str:
        with self._translate_errors():
            self._invalidate_listings()
            kind: str = self.filesystem.get_file_info(self.key).type.name
            return kind

    def read_bytes(self) -> bytes:
        """Return the content. Raises FileNotFoundError if there is no file."""
        try:
            return self._read()
        except CatalogError:  # possibly removed or replaced between pyarrow's two requests
            if not self.exists():
                raise FileNotFoundError(errno.ENOENT, "No such file", str(self)) from None
            return self._read()

    def _read(self) -> bytes:
        with self._translate_errors():
            data: bytes = self.filesystem.open_input_file(self.key).read()
            return data

    def read_text(self) -> str:
        """Return the content decoded as UTF-8."""
        return self.read_bytes().decode()

    def write_bytes(self, data: bytes) -> None:
        """Write `data` atomically and durably; CatalogError if the store cannot."""
        self.require_atomic()
        with self._translate_errors(), self.filesystem.open_output_stream(self.key, compression=None) as stream:
            stream.write(data)

    def require_atomic(self) -> None:
        """Raise CatalogError unless writes to this store are atomic."""
        scheme = urlsplit(self.base).scheme
        if scheme not in ATOMIC:
            raise CatalogError(f"{self}: a write to {scheme}:// is not atomic; write to a folder and copy it there")

    def unlink(self, missing_ok: bool = False) -> None:
        """Remove the file."""
        try:
            with self._translate_errors():
                self.filesystem.delete_file(self.key)
        except FileNotFoundError:
            if not missing_ok:
                raise

    def entries(self, *, below: bool = False) -> list[Entry]:
        """Return the files in this folder, sorted by path.

        With `below`, also those in its subfolders. A missing folder has no files.
        """
        from pyarrow.fs import FileSelector

        with self._translate_errors():
            self._invalidate_listings()
            selector = FileSelector(self.key, allow_not_found=True, recursive=below)
            found = [info for info in self.filesystem.get_file_info(selector) if info.type.name == "File"]
        start = len(self.key.strip("/")) + 1
        listed = (Entry(self / info.path.strip("/")[start:], info.mtime) for info in found)
        return sorted(listed, key=lambda entry: entry.path.inner)

    def iterdir(self) -> Iterator["RemotePath"]:
        """Yield the files in this folder, without subfolders."""
        return (entry.path for entry in self.entries())

    def glob(self, pattern: str) -> Iterator["RemotePath"]:
        """Yield the files below this folder that match a pattern of *, ? and [...].

        Each component of the path must match the component of the pattern.
        """
        wanted = pattern.split("/")
        for entry in self.entries(below=len(wanted) > 1):
            parts = entry.path.inner.removeprefix(f"{self.inner}/").split("/")
            if len(parts) == len(wanted) and all(map(fnmatch.fnmatchcase, parts, wanted)):
                yield entry.path

    def _invalidate_listings(self) -> None:
        """Make fsspec query the store rather than its cache of listings."""
        handler = getattr(self.filesystem, "handler", None)
        if handler is not None:
            handler.fs.invalidate_cache()

    @contextmanager
    def _translate_errors(self) -> Iterator[None]:
        """Convert errors of a store or its library to a CatalogError of one line.

        FileNotFoundError stays a FileNotFoundError.
        """
        try:
            yield
        except VgpianoError:
            raise
        except FileNotFoundError:
            raise FileNotFoundError(errno.ENOENT, "No such file", str(self)) from None
        except Exception as error:  # noqa: BLE001 - each library has its own exception classes
            raise CatalogError(f"{self}: {_describe_failure(error, self.base)}") from None


AnyPath = Path | RemotePath


def expand_user(text: str | Path) -> Path:
    """Return a path with a leading ~, or ~user of a known user, expanded."""
    return Path(os.path.expanduser(text))  # noqa: PTH111 - Path.expanduser expands ./~ too, and fails for unknown users


def parse_location(text: str | Path) -> AnyPath:
    """Return the path that `text` means: a Path, or a RemotePath for a URL.

    A folder or a file:// URL gives a Path, with ~ expanded. Raises UsageError for an invalid URL, or one with an
    unsupported scheme.
    """
    scheme = URL.fullmatch(text) if isinstance(text, str) else None
    if scheme is None:
        return expand_user(text)
    parts = urlsplit(str(text))
    if parts.scheme == "file":
        if parts.netloc not in ("", "localhost") or not parts.path:
            raise UsageError(f"{text}: a file URL has three slashes and a path, such as file:///home/me/data")
        return Path(unquote(parts.path))
    path = RemotePath(str(text).rstrip("/"))
    _connect(path.base)
    return path


@lru_cache(maxsize=16)
def _connect(base: str) -> tuple[Any, str]:
    """Return the pyarrow file system of a URL and the path in it.

    Sends no request, except one for S3 that finds the region.
    """
    import pyarrow as pa
    from pyarrow.fs import FileSystem

    shown, scheme = str(RemotePath(base)), urlsplit(base).scheme
    try:
        filesystem, key = FileSystem.from_uri(_single_put_url(base) if scheme == "s3" else base)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        if "Unrecognized filesystem type" not in str(error) and not isinstance(error, pa.ArrowNotImplementedError):
            raise UsageError(f"{shown}: {_describe_failure(error, base)}") from None
        filesystem, key = _connect_fsspec(base, shown, scheme)
    except (OSError, ImportError) as error:
        raise CatalogError(f"{shown}: {_describe_failure(error, base)}") from None
    if not key.strip("/"):
        raise UsageError(f"{shown} has no path; give at least a bucket, such as s3://bucket/vgpiano")
    return filesystem, key


def _single_put_url(base: str) -> str:
    """Return an S3 URL with the option to write a small object with one PUT.

    A killed writer then leaves no unfinished upload.
    """
    import pyarrow as pa
    from pyarrow.fs import FileSystem

    with_option = f"{base}{'&' if '?' in base else '?'}allow_delayed_open=true"
    try:
        FileSystem.from_uri(with_option)
    except (pa.ArrowInvalid, OSError):
        return base  # older pyarrow lacks the option and sends three requests, of which the last takes effect
    return with_option


def _connect_fsspec(base: str, shown: str, scheme: str) -> tuple[Any, str]:
    from pyarrow.fs import FileSystem

    try:
        found: tuple[Any, str] = FileSystem.from_uri(f"fsspec+{base}")
    except ImportError as error:
        missing = "pip install fsspec" if "fsspec" in str(error) else clean(str(error))
        raise UsageError(f"{shown}: {scheme}:// needs a library that is not installed: {missing}") from None
    except ValueError:
        raise UsageError(f"{shown}: no file system for {scheme}://; use {SCHEMES}") from None
    except Exception as error:  # noqa: BLE001 - each library has its own exception classes
        raise CatalogError(f"{shown}: {_describe_failure(error, base)}") from None
    return found


def _describe_failure(error: Exception, base: str) -> str:
    """Return a store's error as one line without credentials, and what to check."""
    parts = urlsplit(base)
    message = clean(str(error)) or type(error).__name__
    for secret in (base, parts.netloc.rpartition("@")[0], parts.password or "", parts.query):
        message = message.replace(secret, "***") if secret else message
    aws_error = re.search(r"AWS Error (\w+) during (\w+)[^:]*: ([^;(]*)", message)
    message = f"{aws_error[2]}: {aws_error[3].strip()} ({aws_error[1]})" if aws_error else message[:200]
    return f"{message}; check the bucket's name, the endpoint (such as AWS_ENDPOINT_URL) and the credentials"
