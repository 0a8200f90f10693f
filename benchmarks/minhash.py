"""The usual pipeline of MinHash libraries over notes, for the benchmark of duplicates: shingles, signatures, an LSH index, pairs.

In: pieces. Out: pairs of them that a library calls alike. A shingle is the intervals between so many notes in a row, in the order of onset
and pitch, so that key, tempo, velocity and resolution make no difference. Signature, index and threshold are the library's own; what the
index yields is held to the threshold by the signatures, as both libraries' documentation does it.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from dataset.notes.model import Notes

SHINGLE = 4  # notes
THRESHOLD = 0.15
BANDS = 64  # of two signatures, as datasketch chooses for this threshold
PERMUTATIONS, SEED = 128, 1
Pairs = set[tuple[int, int]]  # (later, earlier)


def shingles(notes: Notes) -> list[bytes]:
    """The different runs of SHINGLE - 1 intervals; the whole piece where it is shorter."""
    order = np.lexsort((notes.pitch, notes.onset))
    steps = np.diff(notes.pitch[order].astype(np.int16)).astype(np.int8)
    if len(steps) < SHINGLE - 1:
        return [steps.tobytes()]
    runs = np.unique(np.lib.stride_tricks.sliding_window_view(steps, SHINGLE - 1), axis=0)
    return [run.tobytes() for run in runs]


def alike(signatures: Sequence[Any], index: Any, threshold: float) -> Pairs:
    """Put the signatures into the library's index one by one; of what it yields for each, those that reach the threshold."""
    pairs = set()
    for number, signature in enumerate(signatures):
        for other in index.query(signature):
            if signature.jaccard(signatures[other]) >= threshold:
                pairs.add((number, other))
        index.insert(number, signature)
    return pairs


def datasketch(pieces: Sequence[Notes], threshold: float) -> Pairs:
    """datasketch: MinHash with update_batch, MinHashLSH, candidates held to the threshold by MinHash.jaccard."""
    from datasketch import MinHash, MinHashLSH

    signatures = MinHash.bulk([shingles(notes) for notes in pieces], num_perm=PERMUTATIONS, seed=SEED)
    return alike(signatures, MinHashLSH(threshold=threshold, num_perm=PERMUTATIONS), threshold)


def rensa(pieces: Sequence[Notes], threshold: float) -> Pairs:
    """Rensa: signatures of R-MinHash in one call, its LSH index, candidates held to the threshold by RMinHash.jaccard."""
    from rensa import RMinHash, RMinHashLSH

    signatures = RMinHash.from_token_sets([shingles(notes) for notes in pieces], num_perm=PERMUTATIONS, seed=SEED)
    return alike(signatures, RMinHashLSH(threshold=threshold, num_perm=PERMUTATIONS, num_bands=BANDS), threshold)


PEERS: dict[str, Callable[[Sequence[Notes], float], Pairs]] = {"datasketch": datasketch, "rensa": rensa}
