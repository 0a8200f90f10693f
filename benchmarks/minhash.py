"""The usual MinHash pipeline over notes: shingles, signatures, LSH index, pairs.

In: pieces. Out: pairs that a library considers similar. A shingle is the sequence of intervals between consecutive
notes, in the order of onset and pitch, so key, tempo, velocity and resolution do not matter. Signatures, index and
threshold are those of the library. Candidates from the index are compared with the threshold by their signatures, as
both libraries document it.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from dataset.notes.model import Notes

SHINGLE = 4  # notes
THRESHOLD = 0.15
BANDS = 64  # of two hashes, as datasketch chooses for this threshold
PERMUTATIONS, SEED = 128, 1
Pairs = set[tuple[int, int]]  # (later, earlier)


def shingles(notes: Notes) -> list[bytes]:
    """Return the distinct runs of SHINGLE - 1 intervals, or one for a short piece."""
    order = np.lexsort((notes.pitch, notes.onset))
    steps = np.diff(notes.pitch[order].astype(np.int16)).astype(np.int8)
    if len(steps) < SHINGLE - 1:
        return [steps.tobytes()]
    runs = np.unique(np.lib.stride_tricks.sliding_window_view(steps, SHINGLE - 1), axis=0)
    return [run.tobytes() for run in runs]


def alike(signatures: Sequence[Any], index: Any, threshold: float) -> Pairs:
    """Add the signatures to the index one by one; return candidates at the threshold."""
    pairs = set()
    for number, signature in enumerate(signatures):
        for other in index.query(signature):
            if signature.jaccard(signatures[other]) >= threshold:
                pairs.add((number, other))
        index.insert(number, signature)
    return pairs


def datasketch(pieces: Sequence[Notes], threshold: float) -> Pairs:
    """Use datasketch: MinHash.update_batch, MinHashLSH and MinHash.jaccard."""
    from datasketch import MinHash, MinHashLSH

    signatures = MinHash.bulk([shingles(notes) for notes in pieces], num_perm=PERMUTATIONS, seed=SEED)
    return alike(signatures, MinHashLSH(threshold=threshold, num_perm=PERMUTATIONS), threshold)


def rensa(pieces: Sequence[Notes], threshold: float) -> Pairs:
    """Use Rensa: R-MinHash signatures in one call, LSH index, RMinHash.jaccard."""
    from rensa import RMinHash, RMinHashLSH

    signatures = RMinHash.from_token_sets([shingles(notes) for notes in pieces], num_perm=PERMUTATIONS, seed=SEED)
    return alike(signatures, RMinHashLSH(threshold=threshold, num_perm=PERMUTATIONS, num_bands=BANDS), threshold)


PEERS: dict[str, Callable[[Sequence[Notes], float], Pairs]] = {"datasketch": datasketch, "rensa": rensa}
