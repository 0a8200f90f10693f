"""The PyTorch peers of the benchmarks are causal, step by step as in one pass."""

import sys
from pathlib import Path

import numpy as np
import pytest

from training.events.batches import EncodedPiece
from training.events.classes import FIELDS, PLACES, SIZES
from training.events.encoding import COLUMNS

torch = pytest.importorskip("torch", reason="the extra `bench` is not installed")
sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
import notewise  # noqa: E402
from transformer import Transformer  # noqa: E402

BODIES = {"lstm": lambda: notewise.LSTM(16), "transformer": lambda: Transformer(16, 2, 2)}


@pytest.fixture(params=list(BODIES))
def network(request: pytest.FixtureRequest) -> notewise.NoteNetwork:
    torch.manual_seed(0)
    return notewise.NoteNetwork(BODIES[request.param](), 3, 4, 0.1, head=8).eval()


def rows(notes: int, seed: int = 0) -> np.ndarray:
    """Random notes, [notes, 5]."""
    rng = np.random.default_rng(seed)
    return np.stack([rng.integers(0, size, notes) for size in (*SIZES.values(), PLACES)], 1)


def costs(network: notewise.NoteNetwork, held: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        return network.nats(torch.from_numpy(held[None]), torch.tensor([[1, 2]]))[0][0].numpy()


def test_a_note_costs_the_same_whatever_comes_after_it(network: notewise.NoteNetwork) -> None:
    held = rows(20)
    other = np.concatenate([held[:12], rows(8, seed=1)])
    assert np.allclose(costs(network, held)[:11], costs(network, other)[:11], atol=1e-5)
    assert not np.allclose(costs(network, held)[11:], costs(network, other)[11:])


def test_an_output_is_told_of_the_fields_before_its_own_only(network: notewise.NoteNetwork) -> None:
    held = rows(20)
    for column, name in enumerate(FIELDS):
        changed = held.copy()
        changed[-1, column] = (changed[-1, column] + 1) % SIZES[name]
        differs = np.abs(costs(network, held)[-1] - costs(network, changed)[-1]) > 1e-7
        assert not differs[:column].any()
        assert differs[column:].all()


def test_note_by_note_is_as_at_once(network: notewise.NoteNetwork) -> None:
    held, style = torch.from_numpy(rows(20)[None]), torch.tensor([[1, 2]])
    with torch.no_grad():
        whole, _ = network.read(held, style)
        state, parts = None, []
        for at in range(held.shape[1]):
            part, state = network.read(held[:, at : at + 1], style, state)
            parts.append(part)
    assert torch.allclose(whole, torch.cat(parts, 1), atol=1e-5)


@pytest.mark.parametrize("notes", [2, 256, 257, 258, 700])
def test_every_note_is_counted_once_with_as_much_context_as_there_is(network: notewise.NoteNetwork, notes: int) -> None:
    """Beyond the context of 256, windows overlap; the last 64 notes of each count."""
    held = rows(notes)
    events = np.zeros((notes, COLUMNS), np.int16)
    events[:, :5] = held
    context = network.body.context or max(notes, 4)
    wanted = [costs(network, held[: context + 1]), costs(network, held[:30])]
    for counted in range(context, notes - 1, context // 4):
        end = min(notes - 1, counted + context // 4)
        wanted.append(costs(network, held[end - context : end + 1])[counted - end :])
    found = notewise.bits(network, [EncodedPiece(events, (1, 2)), EncodedPiece(events[:30], (1, 2))])
    assert found == pytest.approx(np.concatenate(wanted).mean(0) / np.log(2), rel=1e-4)
