"""Matrix products of the NumPy network use one thread while it composes or measures, and as many as before after it."""

from typing import Any

import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from tests.training.songs import song
from tests.training.test_sampler import VOCABULARY, copying
from training.events.batches import EncodedPiece
from training.events.encoding import encode
from training.network.inference import NoteNetwork
from training.network.quality import quality
from training.sampling.config import SamplingConfig
from training.sampling.sampler import compose


def threads() -> set[int]:
    """Return the number of threads of each BLAS library."""
    return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}


def test_composing_and_measuring_use_one_thread_and_leave_the_others_as_they_were(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[set[int]] = []
    advance = NoteNetwork.advance

    def watched(self: NoteNetwork, *arguments: Any) -> Any:
        seen.append(threads())
        return advance(self, *arguments)

    monkeypatch.setattr(NoteNetwork, "advance", watched)
    network, held = copying(), [EncodedPiece(encode([song(1, bars=2)])[0], (0, 0))]
    with threadpool_limits(2, user_api="blas"):
        before = threads()
        compose(network, VOCABULARY, SamplingConfig(notes=4))
        composing, seen[:] = [*seen], []
        quality(network, held)
        network.note_bits(held, network.style(held[0].events[:1, :2] * 0))
        assert threads() == before == {2}
    assert composing[:1] == seen[:1] == [{1}]
    assert all(now == {1} for now in composing + seen)
