"""Paths below a URL: the few things that the store and the corpora ask of a path, on any file system that pyarrow or fsspec knows.

`s3://`, `gs://` and `hdfs://` are pyarrow's own; for any other scheme pyarrow asks fsspec, where that is installed. Endpoint
and credentials come from the environment (AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID …) or from the URL, of which nothing but scheme,
host and path is ever shown or stored. An object is written in one request that takes effect whole or not at all, and is
durable when it returns: that holds for the schemes of ATOMIC, and nowhere else is anything written.
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
)  # an object there is the old one or the new one, never half, and lists show it at once
SCHEMES = "a folder, file://, s3://, gs://, hdfs:// and what fsspec knows"


class Entry(NamedTuple):
    """One file of a listing; `modified` is by the store's own clock, None where it keeps no such time."""

    path: "RemotePath"
    modified: datetime | None


@dataclass(frozen=True, slots=True)
class RemotePath:
    """The file or folder `inner` (names with / between) below the URL `base`; as text, without credentials.

    Every method that asks the store raises CatalogError, in one line, where it cannot be reached or refuses. There is no
    `__fspath__`: what needs a file on this machine must copy it.
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
        """The last part."""
        return PurePosixPath(self.inner or urlsplit(self.base).path).name

    @property
    def stem(self) -> str:
        """The name without its suffix."""
        return PurePosixPath(self.name).stem

    @property
    def suffix(self) -> str:
        """The end of the name from its last dot on."""
        return PurePosixPath(self.name).suffix

    @property
    def parent(self) -> "RemotePath":
        """The folder of this path; that of a bucket is the bucket."""
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
        """The pyarrow.fs.FileSystem that this path is on."""
        return _connect(self.base)[0]

    @property
    def key(self) -> str:
        """The path as `filesystem` wants it."""
        root = _connect(self.base)[1].rstrip("/")
        return f"{root}/{self.inner}" if self.inner else root

    def exists(self) -> bool:
        """Whether a file or a folder is there."""
        return self._kind() != "NotFound"

    def is_file(self) -> bool:
        """Whether a file is there."""
        return self._kind() == "File"

    def _kind(self) -> str:
        with self._translate_errors():
            self._invalidate_listings()
            kind: str = self.filesystem.get_file_info(self.key).type.name
            return kind

    def read_bytes(self) -> bytes:
        """Return the content. Raises FileNotFoundError where there is none."""
        try:
            return self._read()
        except CatalogError:  # it may have been removed or replaced between pyarrow's two requests
            if not self.exists():
                raise FileNotFoundError(errno.ENOENT, "No such file", str(self)) from None
            return self._read()

    def _read(self) -> bytes:
        with self._translate_errors():
            data: bytes = self.filesystem.open_input_file(self.key).read()
            return data

    def read_text(self) -> str:
        """Return the content as UTF-8."""
        return self.read_bytes().decode()

    def write_bytes(self, data: bytes) -> None:
        """Put `data` here, whole or not at all, and durable on return. Raises CatalogError where the store cannot promise that."""
        self.require_atomic()
        with self._translate_errors(), self.filesystem.open_output_stream(self.key, compression=None) as stream:
            stream.write(data)

    def require_atomic(self) -> None:
        """Raise CatalogError unless a write to this store takes effect whole or not at all."""
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
        """Return the files in this folder, or all `below` it, by path; none where there is no such folder."""
        from pyarrow.fs import FileSelector

        with self._translate_errors():
            self._invalidate_listings()
            selector = FileSelector(self.key, allow_not_found=True, recursive=below)
            found = [info for info in self.filesystem.get_file_info(selector) if info.type.name == "File"]
        start = len(self.key.strip("/")) + 1
        listed = (Entry(self / info.path.strip("/")[start:], info.mtime) for info in found)
        return sorted(listed, key=lambda entry: entry.path.inner)

    def iterdir(self) -> Iterator["RemotePath"]:
        """Yield the files in this folder (folders in it are not shown)."""
        return (entry.path for entry in self.entries())

    def glob(self, pattern: str) -> Iterator["RemotePath"]:
        """Yield the files below this folder that match, part by part, a pattern of *, ? and [...]."""
        wanted = pattern.split("/")
        for entry in self.entries(below=len(wanted) > 1):
            parts = entry.path.inner.removeprefix(f"{self.inner}/").split("/")
            if len(parts) == len(wanted) and all(map(fnmatch.fnmatchcase, parts, wanted)):
                yield entry.path

    def _invalidate_listings(self) -> None:
        """Make fsspec ask the store, and not its own memory of an earlier listing."""
        handler = getattr(self.filesystem, "handler", None)
        if handler is not None:
            handler.fs.invalidate_cache()

    @contextmanager
    def _translate_errors(self) -> Iterator[None]:
        """Turn whatever a store or its library raises into one line of ours; a file that is not there stays what it is."""
        try:
            yield
        except VgpianoError:
            raise
        except FileNotFoundError:
            raise FileNotFoundError(errno.ENOENT, "No such file", str(self)) from None
        except Exception as error:  # noqa: BLE001 - each store's library has an error tree of its own
            raise CatalogError(f"{self}: {_describe_failure(error, self.base)}") from None


AnyPath = Path | RemotePath


def expand_user(text: str | Path) -> Path:
    """Return a path with ~ or ~user at its beginning in full, as a shell has it; ~ of nobody stays as it is."""
    return Path(os.path.expanduser(text))  # noqa: PTH111 - Path's own takes ./~ for ~ and fails where nobody is meant


def parse_location(text: str | Path) -> AnyPath:
    """Return the path that `text` means: a Path for a folder (`expand_user`) or a file:// URL, else a RemotePath.

    Raises UsageError for a URL that is none, or whose scheme nothing installed knows.
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
    """Return the pyarrow file system of a URL and the path in it. No request is made but, for S3, one that finds the region."""
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
        raise UsageError(f"{shown} names no place; give at least a bucket, such as s3://bucket/vgpiano")
    return filesystem, key


def _single_put_url(base: str) -> str:
    """Return the S3 URL with the option by which a small object is one PUT, so that a killed writer leaves no unfinished upload."""
    import pyarrow as pa
    from pyarrow.fs import FileSystem

    with_option = f"{base}{'&' if '?' in base else '?'}allow_delayed_open=true"
    try:
        FileSystem.from_uri(with_option)
    except (pa.ArrowInvalid, OSError):
        return base  # an older pyarrow does not know it: three requests, of which the last one counts
    return with_option


def _connect_fsspec(base: str, shown: str, scheme: str) -> tuple[Any, str]:
    from pyarrow.fs import FileSystem

    try:
        found: tuple[Any, str] = FileSystem.from_uri(f"fsspec+{base}")
    except ImportError as error:
        missing = "pip install fsspec" if "fsspec" in str(error) else clean(str(error))
        raise UsageError(f"{shown}: {scheme}:// needs a library that is not installed: {missing}") from None
    except ValueError:
        raise UsageError(f"{shown}: no file system for {scheme}://; a data root is {SCHEMES}") from None
    except Exception as error:  # noqa: BLE001 - each store's library has an error tree of its own
        raise CatalogError(f"{shown}: {_describe_failure(error, base)}") from None
    return found


def _describe_failure(error: Exception, base: str) -> str:
    """Return what a store answered, in one line without the URL's credentials, and what to look at."""
    parts = urlsplit(base)
    message = clean(str(error)) or type(error).__name__
    for secret in (base, parts.netloc.rpartition("@")[0], parts.password or "", parts.query):
        message = message.replace(secret, "***") if secret else message
    aws_error = re.search(r"AWS Error (\w+) during (\w+)[^:]*: ([^;(]*)", message)
    message = f"{aws_error[2]}: {aws_error[3].strip()} ({aws_error[1]})" if aws_error else message[:200]
    return f"{message}; check the bucket's name, the endpoint (such as AWS_ENDPOINT_URL) and the credentials"
