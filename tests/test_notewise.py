"""The PyTorch peers of the benchmarks are causal, step by step as in one pass."""

import sys
from pathlib import Path

import numpy as np
import pytest

from training.events.batches import EncodedPiece
from training.events.encoding import COLUMNS
from training.events.fields import FIELDS, PLACES, SIZES
from training.network.inference import NoteNetwork, bits_of
from training.network.shapes import network_shapes
from training.note_lstm.recipe import NoteLSTMRecipe

torch = pytest.importorskip("torch", reason="the extra `bench` is not installed")
sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
import notewise  # noqa: E402
import speed  # noqa: E402
from torch_twin import twin  # noqa: E402
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


def test_the_network_whose_speed_is_compared_is_ours() -> None:
    recipe, width = NoteLSTMRecipe(width=24, layers=2, head=8), 24
    rng = np.random.default_rng(0)
    shapes = network_shapes(recipe, speed.SERIES, speed.GAMES)
    named = {name: rng.normal(0, 0.3, shape).astype(np.float32) for name, shape in shapes.items()}
    gates = np.r_[0 : 2 * width, 3 * width : 4 * width, 2 * width : 3 * width]  # the order that PyTorch has
    weights = {"intervals.weight": named["intervals/embeddings"], "enter.bias": named["enter/bias"]}
    weights["enter.weight"] = named["enter/kernel"].T
    for kind in ("embed", "trust", "gain"):
        for name in [name for name in named if name.startswith(f"{kind}_")]:
            weights[name.replace("_", ".", 1).replace("/embeddings", ".weight")] = named[name]
    for layer in range(recipe.layers):
        for theirs, ours in (("weight_ih", "kernel"), ("weight_hh", "recurrent_kernel"), ("bias_ih", "bias")):
            weights[f"lstm.{theirs}_l{layer}"] = named[f"lstm_{layer}/{ours}"][..., gates].T
        weights[f"lstm.bias_hh_l{layer}"] = np.zeros(4 * width, np.float32)
    for name, above in zip(FIELDS, np.split(named["above/kernel"], len(FIELDS), axis=1), strict=True):
        weights[f"hidden.{name}.weight"] = np.concatenate([above, named[f"hidden_{name}/kernel"]]).T
        weights[f"out.{name}.weight"] = named[f"out_{name}/kernel"].T
        for layer in ("hidden", "out"):
            weights[f"{layer}.{name}.bias"] = named[f"{layer}_{name}/bias"]
    network, batch = twin(recipe, speed.SERIES, speed.GAMES).eval(), speed.batch(4, 12)
    network.load_state_dict(
        {name: torch.tensor(array.copy()) for name, array in weights.items()} | dict(network.named_buffers())
    )
    with torch.no_grad():
        loss = float(network(torch.tensor(batch.events).long(), torch.tensor(batch.style).long()))
    ours = NoteNetwork(named)
    logits, _ = ours.logits_of(batch.events, ours.style(batch.style), ours.start(4))
    bits = sum(bits_of(logits[name], batch.events[:, 1:, column]).mean() for column, name in enumerate(FIELDS))
    assert loss / np.log(2) == pytest.approx(bits, rel=1e-5)
