"""The weights of a network on disk: arrays by name in one file, and whose they are beside them."""

import io
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from catalog.errors import TrainingError
from catalog.files import write_bytes
from catalog.reading import Count, NotNegative, Sha256, parse_json

Array = npt.NDArray[np.float32]

META = "meta"


@dataclass(frozen=True, slots=True)
class WeightsMeta:
    """Whose weights these are: hashes of recipe and vocabulary, the epoch, its validation bits per note."""

    recipe_sha256: Sha256  # of recipe.json's text
    vocabulary_sha256: Sha256  # of vocabulary.json's text
    epoch: Count  # after which they stood so
    validation_bits: NotNegative | None  # bits per note on the validation pieces then; None where nothing was validated


def save_weights(path: Path, named: dict[str, Array], meta: WeightsMeta) -> None:
    """Write the weights by name, atomically, with their meta beside them in the one file."""
    write_bytes(path, packed(named, meta))


def packed(named: dict[str, Array], meta: WeightsMeta) -> bytes:
    """Return the content of a file with the weights by name and their meta."""
    held = json.dumps({name: getattr(meta, name) for name in WeightsMeta.__slots__}).encode()
    file = io.BytesIO()
    np.savez(file, **named, **{META: np.frombuffer(held, dtype=np.uint8)})  # type: ignore[arg-type]
    return file.getvalue()


def load_weights(path: Path) -> tuple[dict[str, Array], WeightsMeta]:
    """Return weights by name and their meta. Raises TrainingError where the file is missing or damaged."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise TrainingError(
            f"{path}: no weights yet; let the first epoch of training end, or `train --resume`"
        ) from None
    return loaded(data, path)


def loaded(data: bytes, path: Path) -> tuple[dict[str, Array], WeightsMeta]:
    """Return weights by name and their meta from the bytes of a file, `path`. Raises TrainingError where they are damaged."""
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as held:
            named = {name: held[name] for name in held.files if name != META}
            text = held[META].tobytes()
    except (ValueError, KeyError, OSError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise TrainingError(f"{path}: damaged ({error}); train the run again") from None
    meta = parse_json(text, WeightsMeta, f"{path}: {META}", fail=TrainingError, remedy="damaged: train the run again")
    return named, meta
