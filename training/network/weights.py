"""Weights files: arrays of a network by name, with identifying metadata."""

import io
import json
import math
import os
import stat
import struct
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from catalog.base.errors import TrainingError
from catalog.storage.files import write_bytes
from catalog.storage.reading import Count, NotNegative, Sha256, parse_json

Array = npt.NDArray[np.float32]

META = "meta"
LARGEST_BYTES = 1 << 30  # of all arrays together; with default settings they have a few MB
RETRAIN = "train the run again"
READ_ERRORS = (
    ValueError,
    KeyError,
    OSError,
    TypeError,
    EOFError,
    ArithmeticError,
    RuntimeError,
    struct.error,
    zipfile.BadZipFile,
)
"""Exceptions of zipfile and NumPy for damaged archives; RuntimeError if a flag marks the archive as encrypted."""


@dataclass(frozen=True, slots=True)
class WeightsMeta:
    """Metadata of a weights file: hashes of recipe and vocabulary, and the epoch."""

    recipe_sha256: Sha256  # of recipe.json's text
    vocabulary_sha256: Sha256  # of vocabulary.json's text
    epoch: Count  # after which they were saved
    validation_bits: NotNegative | None  # bits per note on the validation pieces; None without validation


def save_weights(path: Path, named: dict[str, Array], meta: WeightsMeta) -> None:
    """Write weights by name and their metadata to one file, atomically."""
    write_bytes(path, pack_weights(named, meta))


def pack_weights(named: dict[str, Array], meta: WeightsMeta) -> bytes:
    """Return the bytes of a file with weights by name and their metadata."""
    held = json.dumps({name: getattr(meta, name) for name in WeightsMeta.__slots__}).encode()
    file = io.BytesIO()
    np.savez(file, **named, **{META: np.frombuffer(held, dtype=np.uint8)})  # type: ignore[arg-type]
    return file.getvalue()


def load_weights(path: Path) -> tuple[dict[str, Array], WeightsMeta]:
    """Return weights by name and their metadata.

    Raises TrainingError if the file is missing, damaged or too large.
    """
    try:
        with os.fdopen(_open_regular_file(path), "rb") as file:
            return _read(file, path)
    except FileNotFoundError:
        raise TrainingError(
            f"{path}: no weights yet; wait for the first epoch, or continue with `train --resume`"
        ) from None
    except OSError as error:
        raise TrainingError(f"{path}: cannot be read ({error.strerror or error}); {RETRAIN}") from None


def unpack_weights(data: bytes, path: Path) -> tuple[dict[str, Array], WeightsMeta]:
    """Return weights by name and their metadata from the bytes of the file `path`.

    Raises TrainingError if they are damaged.
    """
    return _read(io.BytesIO(data), path)


def _read(file: BinaryIO, path: Path) -> tuple[dict[str, Array], WeightsMeta]:
    try:
        with zipfile.ZipFile(file) as archive:
            members = _members(archive)
            named = {name: _array(archive, member) for name, member in members.items() if name != META}
            text = _array(archive, members[META], np.uint8).tobytes()
    except READ_ERRORS as error:
        raise TrainingError(f"{path}: damaged ({error}); {RETRAIN}") from None
    meta = parse_json(text, WeightsMeta, f"{path}: {META}", fail=TrainingError, remedy=f"damaged: {RETRAIN}")
    return named, meta


def _members(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """Return the members of the archive by array name.

    Raises ValueError, before any is read, if they are too large.
    """
    members: dict[str, zipfile.ZipInfo] = {}
    for member in archive.infolist():
        name = member.filename.removesuffix(".npy")
        if name in members:
            raise ValueError(f"{name} is contained twice")
        if member.compress_type != zipfile.ZIP_STORED or member.file_size > member.compress_size:
            raise ValueError(f"{name} is compressed, but weights are never written compressed")
        members[name] = member
    size = sum(member.file_size for member in members.values())
    if size > LARGEST_BYTES:
        raise ValueError(f"{size:,} bytes of arrays, more than {LARGEST_BYTES:,}")
    return members


def _array(archive: zipfile.ZipFile, member: zipfile.ZipInfo, dtype: type[np.generic] = np.float32) -> npt.NDArray[Any]:
    """Return the array in a member of the archive.

    Its type and shape must match its bytes. All bytes are read, so the CRC-32 is checked.
    """
    file = io.BytesIO(archive.read(member))
    version = np.lib.format.read_magic(file)
    if version != (1, 0):
        raise ValueError(f"{member.filename}: version {version} of its header")
    shape, fortran, found = np.lib.format.read_array_header_1_0(file)
    data = file.read()
    if found != np.dtype(dtype) or len(data) != math.prod(shape) * found.itemsize:
        raise ValueError(f"{member.filename}: {found} of shape {shape} in {len(data):,} bytes")
    return np.frombuffer(data, dtype).reshape(shape, order="F" if fortran else "C").copy()


def _open_regular_file(path: Path) -> int:
    """Open a regular file; refuse pipes and devices, which might never end."""
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError("not a regular file")
    return handle


def is_matrix(path: str) -> bool:
    """Return whether the variable at a path of Keras is a matrix between layers.

    That is no bias, no table of embeddings, and not what gives the scores of classes.
    """
    *_, layer, weight = path.split("/")
    return weight.endswith("kernel") and not layer.startswith("out_")
