"""The network: Keras and NumPy agree; weights are written and read."""

import os
import struct
import tracemalloc
import warnings
import zipfile
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from catalog.base.errors import TrainingError
from tests.training.songs import song
from training.events import encoding
from training.events import fields as events
from training.events.batches import EncodedPiece
from training.events.encoding import encode
from training.network import inference, weights
from training.network.backend import load_keras
from training.note_lstm.recipe import NoteLSTMRecipe

RECIPE = NoteLSTMRecipe(width=32, layers=2, head=16, batch=3, precision="float32")


@pytest.fixture(scope="module")
def keras_network() -> Any:
    keras = load_keras()
    from training.network.network import NoteLSTM

    keras.utils.set_random_seed(5)
    network = NoteLSTM(asdict(RECIPE), 2, 3, name="note_lstm")
    network.build(None)
    for weight in network.trainable_weights:  # biases and gains that are not zero, so that none goes untested
        weight.assign(np.random.default_rng(weight.shape[0]).normal(0, 0.3, weight.shape))
    return network


def batch_of(pieces: int, length: int, *, planned: bool = False) -> dict[str, np.ndarray]:
    songs = [song(n, bars=40) for n in range(pieces)]
    rows = np.stack([e[: length + 1] for e in encode(songs, planned=planned)]).astype(np.int32)
    style = np.array([[n % 3, n % 4] for n in range(pieces)], np.int32)
    return {"events": rows, "style": style}


@pytest.mark.parametrize("planned", [False, True])
def test_numpy_and_keras_give_the_same_probabilities(keras_network: Any, planned: bool) -> None:
    from training.network.network import arrays

    batch = batch_of(4, 90, planned=planned)
    assert batch["events"][:, 1:, encoding.PLANNED].any() == planned
    for groups in (encoding.HEARD, encoding.RELEASES):  # each column is in use but those of more notes than are played
        assert batch["events"][:, 1:, groups].any(axis=(0, 1)).sum() >= 3
    theirs = keras_network(batch)
    plain = inference.NoteNetwork(arrays(keras_network))
    ours, _ = plain.logits_of(batch["events"], plain.style(batch["style"]), plain.start(4))
    for name in events.FIELDS:
        expected = np.exp(theirs[name]) / np.exp(theirs[name]).sum(axis=-1, keepdims=True)
        found = np.exp(ours[name]) / np.exp(ours[name]).sum(axis=-1, keepdims=True)
        assert np.abs(expected - found).max() < 1e-4
        assert found.shape == (4, 90, events.SIZES[name])


def test_the_loss_is_the_bits_a_note_that_evaluation_gives(keras_network: Any) -> None:
    from training.network.network import arrays

    batch = batch_of(3, 50)
    mask = np.ones((3, 50), np.float32)
    mask[1, 30:] = 0
    loss = keras_network.compute_loss(y=batch["events"][:, 1:, :4], y_pred=keras_network(batch), sample_weight=mask)
    pieces = [
        EncodedPiece(batch["events"][n, : int(mask[n].sum()) + 1], tuple(batch["style"][n].tolist())) for n in range(3)
    ]
    bits = inference.NoteNetwork(arrays(keras_network)).bits(pieces)
    assert float(loss) == pytest.approx(bits.sum() / mask.sum(), rel=1e-4)


def test_coarse_bits_are_those_of_the_sum_of_the_probabilities_of_a_coarse_class(keras_network: Any) -> None:
    from training.network.network import arrays

    plain = inference.NoteNetwork(arrays(keras_network))
    [rows] = encode([song(3, bars=12)])
    rows = rows.copy()
    rows[5::3, events.TIME], rows[6::3, events.DURATION] = events.to_class(78), events.to_class(190)  # of wide classes
    piece = EncodedPiece(rows, (1, 1))
    logits, _ = plain.logits_of(rows[None].astype(np.int32), plain.style(np.array([piece.style])), plain.start(1))
    expected = {}
    for column, name in enumerate(events.FIELDS):
        scores = logits[name][0].astype(np.float64)
        probabilities = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
        total = 0.0
        for row, number in zip(probabilities, rows[1:, column], strict=True):
            same = [number]
            if name in ("time", "duration"):
                same = [k for k in range(len(events.EDGES)) if events.COARSE[k] == events.COARSE[number]]
            total -= np.log2(sum(row[k] for k in same))
        expected[name] = total
    [fine], [coarse] = plain.bits([piece], coarse=True)
    assert fine.tolist() == plain.bits([piece])[0].tolist()
    assert coarse == pytest.approx([*expected.values()], rel=1e-5)
    for name, is_lower in zip(events.FIELDS, coarse < fine - 1, strict=True):
        assert is_lower == (name in ("time", "duration"))


def test_the_state_carries_from_stretch_to_stretch_whatever_is_beside_a_piece(
    keras_network: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from training.network.network import arrays

    plain = inference.NoteNetwork(arrays(keras_network))
    pieces = [EncodedPiece(e, (1, 1)) for e in encode([song(n, bars=2 + 3 * n) for n in range(6)])]
    alone = np.concatenate([plain.bits([piece]) for piece in pieces])
    assert np.allclose(plain.bits(pieces), alone, rtol=1e-5)
    monkeypatch.setattr(inference, "STRETCH", 7)
    monkeypatch.setattr(inference, "BATCH", 4)
    assert np.allclose(plain.bits(pieces), alone, rtol=1e-5)


def test_training_goes_on_from_the_state_of_the_batch_before_but_for_fresh_windows() -> None:
    from training.network.network import NoteLSTM

    network = NoteLSTM(asdict(replace(RECIPE, dropout=0.0)), 2, 3, name="carrying")
    network.build(None)
    batch = batch_of(3, 60)
    whole = network(batch)
    fresh = np.array([0, 1, 0], np.float32)
    network({**batch, "events": batch["events"][:, :31], "fresh": np.ones(3, np.float32)}, training=True)
    second = {**batch, "events": batch["events"][:, 30:], "fresh": fresh}
    later, alone = network(second, training=True), network(second)
    for name in events.FIELDS:
        gone_on, begun = np.asarray(later[name]), np.asarray(alone[name])
        assert np.allclose(gone_on[[0, 2]], np.asarray(whole[name])[[0, 2], 30:], atol=1e-4)
        assert np.allclose(gone_on[1], begun[1], atol=1e-4)
        assert not np.allclose(gone_on[0], begun[0], atol=1e-4)


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
def test_each_window_has_its_own_rate_of_dropout(policy: str) -> None:
    from training.network.network import NoteLSTM

    network = NoteLSTM(asdict(replace(RECIPE, dropout=0.5, batch=3)), 2, 3, dtype=policy, name="dropping")
    network.build(None)
    batch = {**batch_of(3, 20), "fresh": np.ones(3, np.float32), "dropout": np.array([0, 0.5, 0], np.float32)}
    whole, dropped = network(batch), network(batch, training=True)
    for name in events.FIELDS:
        assert np.allclose(np.asarray(dropped[name])[[0, 2]], np.asarray(whole[name])[[0, 2]], atol=1e-5)
        assert not np.allclose(np.asarray(dropped[name])[1], np.asarray(whole[name])[1], atol=1e-2)


def test_a_network_comes_back_from_its_file(keras_network: Any, tmp_path: Path) -> None:
    from training.network.network import arrays

    keras_network.save(tmp_path / "model.keras")
    back = load_keras().models.load_model(tmp_path / "model.keras")
    for name, array in arrays(keras_network).items():
        assert (array == arrays(back)[name]).all()


def test_weights_fit_a_network_with_more_styles_and_keep_the_old_ones(keras_network: Any) -> None:
    from training.network.network import NoteLSTM, arrays, assign

    wider = NoteLSTM(asdict(RECIPE), 2, 5, name="wider")
    wider.build(None)
    assign(wider, arrays(keras_network))
    old, new = arrays(keras_network)["embed_game/embeddings"], arrays(wider)["embed_game/embeddings"]
    assert new.shape == (6, old.shape[1])
    assert (new[:4] == old).all()


def test_no_flipped_bit_of_weights_is_read_in_silence(tmp_path: Path) -> None:
    path = tmp_path / "weights.npz"
    rng = np.random.default_rng(0)
    named = {f"lstm_{i}/kernel": rng.normal(size=(8, 4 + i)).astype(np.float32) for i in range(3)}
    meta = weights.WeightsMeta("a" * 64, "b" * 64, 3, 1.5)
    data, refused = weights.pack_weights(named, meta), 0
    for bit in range(0, len(data) * 8, 7):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        try:
            found, told = weights.unpack_weights(bytes(flipped), path)
        except TrainingError:
            refused += 1
            continue
        assert told == meta
        assert found.keys() == named.keys()
        assert all(found[name].tobytes() == named[name].tobytes() for name in named)
        assert all(found[name].shape == named[name].shape for name in named)
    assert refused > len(data) * 8 / 7 / 2


def spoiled_archive(path: Path, member: str, header: str, size: int, *, compressed: bool = False) -> None:
    """Add an array with this header and `size` bytes to a file of weights.

    At most 1 MB of the bytes are written.
    """
    start = np.lib.format.magic(1, 0) + struct.pack("<H", len(header)) + header.encode()
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED) as archive:
        archive.writestr(member, start + bytes(min(size, 1 << 20)))
        if size > 1 << 20:  # a member that says of itself to be as large
            archive.infolist()[-1].file_size = archive.infolist()[-1].compress_size = size


@pytest.mark.parametrize(
    "member, shape, kind, size, compressed, what",
    [
        ("extra.npy", "(2**30,)", "<f4", 3 << 30, False, "3,2.* bytes of arrays, more than 1,073,741,824"),
        ("extra.npy", "(262144,)", "<f4", 1 << 20, True, "extra is compressed"),
        ("extra.npy", "(9, 1000000000)", "<f4", 64, False, "extra.npy: float32 of shape .9, 1000000000. in 64 bytes"),
        ("extra.npy", "(16,)", "<i4", 64, False, "extra.npy: int32"),
        ("extra.npy", "(1,)", "|O", 8, False, "extra.npy: object"),
        ("w.npy", "(16,)", "<f4", 64, False, "w is contained twice"),
    ],
)
def test_an_array_that_is_none_of_a_network_is_refused_before_memory_is_given_to_it(
    member: str, shape: str, kind: str, size: int, compressed: bool, what: str, tmp_path: Path
) -> None:
    path = tmp_path / "weights.npz"
    weights.save_weights(path, {"w": np.ones(3, np.float32)}, weights.WeightsMeta("a" * 64, "b" * 64, 3, 1.5))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of zipfile, on a name that is there
        header = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape.replace('2**30', str(2**30))}, }}\n"
        spoiled_archive(path, member, header, size, compressed=compressed)
    tracemalloc.start()
    with pytest.raises(TrainingError, match=rf"weights\.npz: damaged \({what}.*train the run again"):
        weights.load_weights(path)
    assert tracemalloc.get_traced_memory()[1] < 4 << 20
    tracemalloc.stop()


def test_damaged_weights_are_refused_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "weights.npz"
    meta = weights.WeightsMeta("a" * 64, "b" * 64, 3, 1.5)
    weights.save_weights(path, {"w": np.ones(3, np.float32)}, meta)
    named, found = weights.load_weights(path)
    assert (named["w"].tolist(), found) == ([1, 1, 1], meta)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(TrainingError, match=r"weights\.npz: damaged"):
        weights.load_weights(path)
    with pytest.raises(TrainingError, match="no weights yet"):
        weights.load_weights(tmp_path / "none.npz")
    os.mkfifo(tmp_path / "pipe.npz")
    for path, what in ((tmp_path / "pipe.npz", "not a regular file"), (tmp_path, "not a regular file")):
        with pytest.raises(TrainingError, match=f"cannot be read .{what}"):
            weights.load_weights(path)
    with pytest.raises(TrainingError, match="is missing"):
        inference.NoteNetwork({"enter/kernel": np.ones((2, 2), np.float32)})
