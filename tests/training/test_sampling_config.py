"""Sampling settings: errors for invalid values, correct results at the extremes."""

import json
import math
import warnings
from fractions import Fraction
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from catalog.base.errors import UsageError, VgpianoError
from tests.training.conftest import command
from tests.training.test_sampler import VOCABULARY, weights
from training.commands.field_options import by_field
from training.commands.generate import generate
from training.events.vocabulary import Vocabulary
from training.network import inference
from training.sampling.conditioning import requested_styles
from training.sampling.config import DEFAULTS
from training.sampling.sample_record import SampleRecord, Seam
from training.sampling.sampler import SamplingConfig, choose, compose, compose_drafts

NEVER: tuple[Any, ...] = (
    "0.9",
    "",
    b"x",
    [],
    [1],
    (),
    object(),
    math.nan,
    math.inf,
    -math.inf,
    -1,
    10**400,
    -(10**400),
    1j,
)
NUMBERS: tuple[Any, ...] = (True, False, 1.5, {"pitch": 0.9})
MAPS: tuple[Any, ...] = ({"pitch": "x"}, {"pitch": None}, {"pitch": math.nan}, {"pitch": True}, {1: 0.5}, {None: 0.5})
WRONG: dict[str, tuple[Any, ...]] = {
    "count": (*NEVER, *NUMBERS, *MAPS, None, 0, 1001),
    "notes": (*NEVER, *NUMBERS, *MAPS, 1, 100_001),
    "seconds": (*NEVER, True, *MAPS, 0, 0.0, 3601),
    "bars": (*NEVER, *NUMBERS, *MAPS, 0, 10_001),
    "temperature": (*NEVER, True, *MAPS, None, 0, 0.0, 10.5),
    "top_p": (*NEVER, True, *MAPS, None, 0, 1.01),
    "top_k": (*NEVER, True, *MAPS, None, 0.5, 129, {"pitch": 0.5}),
    "min_p": (*NEVER, True, *MAPS, None, 1.01),
    "form": (*(v for v in NEVER if v != ""), *NUMBERS, *MAPS, "", "aaba", "A B", "AÄ", "A\n", "A" * 200),
    "section_bars": (*NEVER, *NUMBERS, *MAPS, None, 0, 65),
    "harmony": (*NEVER, *NUMBERS, *MAPS, None, "Own", "another"),
    "loop": (*NEVER, 1.5, *MAPS, None, 0, 1),
    "intro": (*NEVER, *NUMBERS, *MAPS, None, 65),
    "seed": tuple(value for value in (*NEVER, *NUMBERS, *MAPS, None) if value != 10**400),  # any whole number from 0
    "series": (*(v for v in NEVER if not isinstance(v, str)), *NUMBERS, *MAPS),
    "game": (*(v for v in NEVER if not isinstance(v, str)), *NUMBERS, *MAPS),
    "style": (*NEVER, True, 1.5, *MAPS, {"wood": 0.0}, {"wood": -1.0}, {"wood": math.inf}, {"wood": 10**400}),
    "max_copy": (*NEVER, *NUMBERS, *MAPS, None, 5, 10_001),
    "without_prime": (*NEVER, 1.5, *MAPS, None, 0, 1),
    "per_plan": (*NEVER, *NUMBERS, *MAPS, None, 0, 1001),
}


@pytest.mark.parametrize("field", WRONG)
def test_every_wrong_type_and_value_of_every_field_is_a_usage_error_that_names_the_option(field: str) -> None:
    assert set(WRONG) == set(SamplingConfig.__slots__)
    for value in WRONG[field]:
        with pytest.raises(VgpianoError) as caught:
            SamplingConfig(**{"notes": 10, **({"bars": 2} if field in ("notes", "intro") else {}), field: value})
        assert isinstance(caught.value, UsageError)
        named = field if field == "per_plan" else f"--{field.replace('_', '-')}"  # it has no option
        assert named in str(caught.value)
        assert len(str(caught.value)) < 200
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "extreme",
    [
        *({"temperature": t} for t in (5e-324, 1e-310, 1e-30, 10, Fraction(1, 3), np.float32(0.5), {"time": 1e-310})),
        *({"top_p": p} for p in (5e-324, 1e-320, 1, 1 - 2**-53)),
        *({"top_k": k} for k in (0, 1, 128, 40.0, np.int64(3))),
        *({"seed": seed} for seed in (0, 2**70, np.int64(5))),
        *(
            {"style": {"wood": a, "water": b}}
            for a, b in ((1e300, 1e300), (1.7e308, 1.7e308), (1e-300, 1e-300), (5e-324, 1e308))
        ),
        {"style": {"wood": 1.7e308, "woo": 1.7e308}},
        {"style": {"wood": 10**308}},
    ],
)
def test_the_extremes_that_are_allowed_give_music_without_a_warning(extreme: dict[str, Any]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        [notes] = compose(inference.NoteNetwork(weights()), VOCABULARY, SamplingConfig(**{"notes": 20, **extreme}))
    assert len(notes) == 20


def test_the_coldest_temperature_takes_the_likeliest_class() -> None:
    logits = np.random.default_rng(0).normal(size=(50, 30)).astype(np.float32)
    logits[:, 3] = -np.inf
    for temperature in (1e-3, 1e-30, 1e-310, 5e-324):
        drawn = choose(logits, np.linspace(0, 0.999999, 50), (temperature, 1.0, 0, 0.0))
        assert (drawn == logits.argmax(axis=1)).all()


def test_equal_weights_are_an_equal_mixture_however_large() -> None:
    network = inference.NoteNetwork(weights())
    pieces = [
        compose(network, VOCABULARY, SamplingConfig(notes=30, style={"wood": w, "water": w}))
        for w in (1.0, 1e300, 1e-300)
    ]
    assert pieces[0] == pieces[1] == pieces[2]


REAL = Vocabulary(("zelda", "final-fantasy"), ("ocarina-of-time", "wind-waker", "final-fantasy-7"), ())


@pytest.mark.parametrize(
    "said, game",
    [
        ("OCARINA", "ocarina-of-time"),
        ("The Legend of Zelda: Ocarina of Time", "ocarina-of-time"),
        ("Legend Of Zelda, The: Ocarina Of Time", "ocarina-of-time"),
        ("Wind  Waker", "wind-waker"),
        ("Final Fantasy VII", "final-fantasy-7"),
        ("windwaker", "wind-waker"),
    ],
)
def test_a_game_is_named_as_freely_as_where_corpora_are_built(said: str, game: str) -> None:
    from catalog.games import find_game

    assert find_game(said, REAL.games) == game
    assert [name for _, name in requested_styles(REAL, None, said, None)] == [game]
    assert [name for _, name in requested_styles(REAL, None, None, {said: 1.0})] == [game]


def test_a_name_that_is_not_there_brings_the_nearest() -> None:
    many = Vocabulary(tuple(f"series-{n}" for n in range(9)), ("ocarina-of-time",), ())
    with pytest.raises(UsageError, match="no game or series 'Okarina of Time'; it knows ocarina-of-time"):
        requested_styles(many, None, None, {"Okarina of Time": 1.0})
    with pytest.raises(UsageError, match="no series 'Ocarina of Time'"):
        requested_styles(many, "Ocarina of Time", None, None)


def test_a_series_is_named_as_freely() -> None:
    assert requested_styles(REAL, "Zelda no Densetsu", None, None) == {("zelda", ""): 1.0}
    for said in ("Zelda", "ZELDA", "The Legend of Zelda", "zel"):
        assert requested_styles(REAL, said, None, None) == {("zelda", ""): 1.0}
        assert requested_styles(REAL, None, None, {said: 2.0}) == {("zelda", ""): 2.0}


def test_a_game_that_is_called_like_its_series_is_suggested_once() -> None:
    alike = Vocabulary(("kirby",), ("kirby",), ())
    with pytest.raises(UsageError) as caught:
        requested_styles(alike, None, None, {"happy": 1.0})
    assert str(caught.value).count("kirby") == 1


@pytest.mark.parametrize(
    "wish, total", [({"notes": 50}, 150), ({"bars": 6}, None), ({"seconds": 20.0, "notes": 300}, None)]
)
def test_progress_grows_to_its_total(wish: dict[str, Any], total: int | None) -> None:
    told: list[tuple[int, int]] = []
    compose(
        inference.NoteNetwork(weights()),
        VOCABULARY,
        SamplingConfig(count=3, **wish),
        report=lambda *done: told.append(done),
    )
    counts = [done for done, _ in told]
    assert counts == sorted(counts)
    assert len(set(counts)) > 4
    assert {all_of for _, all_of in told} == {counts[-1]}
    assert total in (None, counts[-1])


def test_the_command_says_in_one_line_what_it_refuses(trained: Path, tmp_path: Path) -> None:
    words = ("generate", "tiny", "--draft", "--no-render", "--notes", "10", "--seed", "1", "--out", str(tmp_path))
    for more in (("--style", "water=1e300,wood=1e300"), ("--temperature", "1e-310"), ("--game", "WATER")):
        done = command(*words, *more, root=trained)
        assert (done.returncode, done.stderr) == (0, "seed 1\n")
    for more in (
        ("--style", "water=-1"),
        ("--top-p", "2"),
        ("--top-k", "1e300"),
        ("--temperature", "pitch=0"),
        ("--min-p", "-0.1"),
        ("--form", "aaba"),
        ("--form", "AABA", "--bars", "3"),
        ("--section-bars", "4"),
        ("--game", ""),
    ):
        done = command(*words, *more, root=trained)
        assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
        assert done.stderr.startswith("error: ")
    assert len(list(tmp_path.glob("*.mid"))) == 3


def test_whole_numbers_of_numpy_are_written_to_a_record() -> None:
    whole = dict.fromkeys(("count", "bars", "intro", "section_bars", "seed", "per_plan"), np.int64(3))
    config = SamplingConfig(loop=True, top_k=np.int64(5), max_copy=np.int32(8), **whole)
    drafts = compose_drafts(inference.NoteNetwork(weights()), VOCABULARY, config)
    record = SampleRecord.of(
        drafts[0], config, run="r", number=1, drafts=config.count, has_prime=False, seam=Seam(2.0, 1.0)
    )
    assert json.loads(record.to_json())["loop"]["bars"] == 3


def test_the_command_has_the_defaults_of_the_settings() -> None:
    options = signature(generate).parameters
    assert {name: by_field(name, options[name].default) for name in DEFAULTS} == DEFAULTS


def test_a_setting_of_one_field_leaves_the_others_at_their_defaults() -> None:
    usual = SamplingConfig(notes=9).by_field("top_p")
    assert len(set(usual)) > 1
    assert SamplingConfig(notes=9, top_p={"pitch": 0.9}).by_field("top_p") == (usual[0], 0.9, *usual[2:])
    assert SamplingConfig(notes=9, top_p=0.6).by_field("top_p") == (0.6,) * 4
