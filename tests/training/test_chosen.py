"""What is composed goes on, passage by passage, as the critic finds likest to people's."""

import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from catalog.base.errors import TrainingError
from dataset.midi.midi_writer import write_midi
from dataset.notes.model import Notes
from tests.training.conftest import command, resealed
from tests.training.songs import song
from tests.training.test_critic import CRITIC, WEIGHTS
from tests.training.test_sampler import VOCABULARY, saying
from training.critic.critic import FORMAT, LEAST_NOTES
from training.critic.measures import WINDOW
from training.generate import TRIES, compose_samples, music
from training.learner import learner
from training.note_lstm.streams import split_streams
from training.note_lstm.trained import open_network
from training.run import CRITIC_FILE, Run
from training.run_critic import read_critic
from training.sampling.config import SamplingConfig
from training.sampling.passages import PASSAGE
from training.sampling.sampler import compose_drafts


def test_after_each_passage_the_likest_try_goes_on_in_all_of_its_plan() -> None:
    """From the first WINDOW notes on; only what can be told at the time is chosen by, as durations change later."""
    config = SamplingConfig(count=8, notes=WINDOW + 2 * PASSAGE, seed=3, per_plan=4)
    network = saying(time={12: 3})
    alone = compose_drafts(network, VOCABULARY, config)
    chosen = compose_drafts(network, VOCABULARY, config, critic=CRITIC)
    for plan in (slice(0, 4), slice(4, 8)):
        firsts = {begin(draft.notes, WINDOW) for draft in chosen[plan]}
        drafts = [begin(draft.notes, WINDOW) for draft in alone[plan]]
        odds = [CRITIC.log_odds(cut(draft.notes, WINDOW + 1)) for draft in alone[plan]]
        assert len(set(drafts)) == 4
        assert firsts == {drafts[int(np.argmax(odds))]}
        assert len({begin(draft.notes, WINDOW + PASSAGE) for draft in chosen[plan]}) == 1
        assert len({begin(draft.notes, WINDOW + 2 * PASSAGE) for draft in chosen[plan]}) == 4
        assert {len(draft.guesses["time"]) for draft in chosen[plan]} == {WINDOW + 2 * PASSAGE - 1}


def cut(notes: Notes, count: int) -> Notes:
    columns = (column[:count] for column in (notes.onset, notes.duration, notes.pitch, notes.velocity))
    return Notes.of(*columns, notes.tempos, notes.time_signatures)


def begin(notes: Notes, count: int) -> bytes:
    """Onsets and pitches of the first notes."""
    return notes.onset[:count].tobytes() + notes.pitch[:count].tobytes()


def test_the_tries_of_a_plan_are_composed_by_one_process() -> None:
    for count, per_plan in ((12, 4), (600, 4), (9, 3), (10, 4), (4, 4)):
        parts = split_streams(count, per_plan)
        assert [number for part in parts for number in part] == list(range(count))
        assert all(part.start % per_plan == 0 for part in parts)


@pytest.fixture
def run(trained: Path, tmp_path: Path) -> Run:
    """A copy of the run `tiny` that tests may change."""
    shutil.copytree(trained / "runs" / "tiny", tmp_path / "runs" / "tiny")
    return Run.open(tmp_path, "tiny")


def test_each_passage_is_the_likest_of_four_and_a_seed_gives_the_same(run: Run) -> None:
    config = SamplingConfig(count=2, notes=WINDOW + 8, seed=5)
    made, again = (compose_samples(run, config) for _ in range(2))
    assert made.records == again.records
    assert (
        made.message == "composed each passage 4 times and chose the likest to human pieces; --draft composes it once"
    )
    critic, _ = read_critic(run)
    assert critic is not None
    every = replace(config, count=8, per_plan=TRIES)
    drafts = learner(run.recipe).compose_drafts(run, every, None, lambda done, total: None, critic)
    for piece in (slice(0, 4), slice(4, 8)):
        assert len({begin(draft.notes, WINDOW) for draft in drafts[piece]}) == 1
    odds = np.array([critic.log_odds(draft.notes) for draft in drafts]).reshape(2, TRIES)
    best = np.arange(2) * TRIES + odds.argmax(axis=1)
    assert sorted(record.draft - 1 for record in made.records) == best.tolist()
    assert [write_midi(notes) for notes in made.pieces] == [
        write_midi(drafts[record.draft - 1].notes) for record in made.records
    ]
    advantages = [record.advantage for record in made.records]
    assert advantages == sorted(advantages, reverse=True)
    assert {(record.drafts, record.kept, record.seed) for record in made.records} == {(TRIES * 2, 2, 5)}
    bare = compose_samples(run, config, draft=True)
    assert bare.pieces == music(run, config)
    assert bare.message is None
    assert [(record.draft, record.drafts, record.distance) for record in bare.records] == [
        (1, 2, None),
        (2, 2, None),
    ]


def test_one_process_and_several_choose_alike(run: Run) -> None:
    """A prime is continued alike, too."""
    found = learner(run.recipe)
    critic, _ = read_critic(run)
    for prime in (None, song(3, bars=4)):
        config = SamplingConfig(count=8, notes=WINDOW + 8, seed=2, per_plan=TRIES)
        together = found.compose_drafts(run, config, prime, lambda done, total: None, critic)
        network, vocabulary = open_network(run)
        parts = [
            compose_drafts(
                network, vocabulary, config, prime, run.learned_from().index, numbers=range(at, at + 4), critic=critic
            )
            for at in (0, 4)
        ]
        assert [write_midi(draft.notes) for part in parts for draft in part] == [
            write_midi(draft.notes) for draft in together
        ]


def test_a_run_without_its_critic_composes_without_choosing_and_says_how_to_get_it(run: Run, trained: Path) -> None:
    before = (run.path / CRITIC_FILE).read_bytes()
    (run.path / CRITIC_FILE).unlink()
    made = compose_samples(run, SamplingConfig(count=2, notes=40, seed=1))
    assert made.message == (
        "composed without choosing: run tiny has no critic.json of its weights; make it with: train --name tiny --resume"
    )
    assert made.pieces == music(run, SamplingConfig(count=2, notes=40, seed=1))
    for folder in ("corpora", "catalog", "midi", "splits"):
        (run.path.parents[1] / folder).symlink_to(trained / folder)
    assert command("train", "--name", "tiny", "--resume", "--no-render", root=run.path.parents[1]).returncode == 0
    assert (run.path / CRITIC_FILE).read_bytes() == before


@pytest.mark.parametrize(
    "changed, said",
    [
        (
            {"format": FORMAT + 1},
            r"run tiny has no critic\.json of its weights; make it with: train --name tiny --resume",
        ),
        (
            {"weights_sha256": WEIGHTS},
            r"run tiny has no critic\.json of its weights; make it with: train --name tiny --resume",
        ),
        ({"pieces": 3, "scales": {}}, r"run tiny has too few training pieces \(3\) to compare with"),
    ],
)
def test_why_a_run_composes_without_choosing_is_said_as_it_is(run: Run, changed: dict[str, object], said: str) -> None:
    critic, _ = read_critic(run)
    assert critic is not None
    (run.path / CRITIC_FILE).write_text(replace(critic, **changed).to_json())
    resealed(run.path)
    made = compose_samples(Run.open(run.path.parents[1], "tiny"), SamplingConfig(notes=40))
    assert made.message is not None
    assert re.fullmatch(f"composed without choosing: {said}", made.message)


def test_pieces_too_short_to_compare_are_composed_without_choosing(run: Run) -> None:
    config = SamplingConfig(count=2, notes=LEAST_NOTES - 1, seed=1)
    made = compose_samples(run, config)
    assert made.message == "composed without choosing: fewer than 32 notes are too few to compare"
    assert made.pieces == music(run, config)
    short = compose_samples(run, SamplingConfig(count=2, bars=1, seed=1))  # a bar of the songs has up to 12 notes
    assert short.message == made.message
    assert [record.distance for record in short.records] == [None, None]


def test_more_pieces_than_can_be_tried_twice_are_composed_without_choosing(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("training.generate.MAX_COUNT", 5)
    config = SamplingConfig(count=3, notes=40, seed=1)
    made = compose_samples(run, config)
    assert made.message == "composed without choosing: that takes 2 pieces at most"
    assert made.pieces == music(run, config)
    assert {record.distance for record in made.records} == {None}
    assert compose_samples(run, replace(config, count=2)).records[0].drafts == 4


def test_a_changed_critic_is_refused(run: Run) -> None:
    (run.path / CRITIC_FILE).write_text(CRITIC.to_json())
    with pytest.raises(TrainingError, match=r"critic\.json: damaged: .*; remove it, then train --name tiny --resume$"):
        compose_samples(run, SamplingConfig(notes=40))
    assert compose_samples(run, SamplingConfig(notes=40), draft=True).pieces
