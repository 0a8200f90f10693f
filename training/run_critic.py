"""The critic of a run: fitted when training has ended, and read when pieces are composed.

In: the training pieces, and drafts that the run composes for this. Out: `critic.json` in the run's folder, which names
the weights that composed the drafts, so that other weights get another critic.
"""

from collections.abc import Sequence
from pathlib import Path

from catalog.base.console import Report
from catalog.base.errors import TrainingError
from catalog.storage import checksums as sums
from catalog.storage.reading import read_bytes
from dataset.notes.model import Notes
from training.critic.critic import FORMAT, Critic, passages_of
from training.learner import learner
from training.run import CRITIC_FILE, LARGEST_BYTES, Run
from training.sampling.config import SamplingConfig

# drafts and notes of each, at most; none is longer than the longest training piece, nor all than all of these
DRAFTS, DRAFT_NOTES = 256, 448
PASSAGES = 6  # of each piece, the first ones, at most: as many as a draft has
MOST_PIECES = 1024  # training pieces, evenly spaced


def needs_critic(run: Run) -> bool:
    """Return whether a run that chooses has no critic of its weights."""
    return learner(run.recipe).chooses and _current(run) is None


def write_critic(run: Run, pieces: Sequence[Notes], report: Report = lambda done, total: None) -> None:
    """Fit the critic of the run's weights to its training pieces, or MOST_PIECES of them, and to drafts, and write it.

    Holds the run's lock.
    """
    pieces = pieces[:: max(1, -(-len(pieces) // MOST_PIECES))]
    length = min(DRAFT_NOTES, max(map(len, pieces)))
    count = max(1, min(DRAFTS, sum(map(len, pieces)) // length))
    total = len(pieces) + 2 * count  # composing a draft takes about as long as measuring a piece or a draft

    def composed(done: int, notes: int) -> None:
        report(round(done / max(1, notes) * count), total)

    with run.writing():
        config = SamplingConfig(count=count, notes=length, seed=run.request.seed, max_copy=run.request.max_copy)
        drafts = [draft.notes for draft in learner(run.recipe).compose_drafts(run, config, None, composed)]
        found = []
        for number, notes in enumerate((*pieces, *drafts), 1):
            found.append(passages_of(notes, PASSAGES))
            report(count + number, total)
        critic = Critic.fit(found[: len(pieces)], found[len(pieces) :], sums.digest_of(run.weights))
        sums.write_listed(run.path, CRITIC_FILE, critic.to_json().encode(), fail=TrainingError)


def read_critic(run: Run) -> tuple[Critic | None, str | None]:
    """Return the critic of a run; None, with the reason, if its pieces cannot be chosen by one.

    Raises TrainingError if critic.json is damaged.
    """
    said = "composed without choosing"
    if not learner(run.recipe).chooses:
        return None, f"{said}: runs of recipe {run.recipe.kind} have no critic"
    critic = _current(run)
    if critic is None:
        return None, f"{said}: run {run.name} has no {CRITIC_FILE} of its weights; make it with: {_remedy(run)}"
    if not critic.scales:
        return None, f"{said}: run {run.name} has too few training pieces ({critic.pieces}) to compare with"
    return critic, None


def _current(run: Run) -> Critic | None:
    """Return the critic of the run's weights, None if there is none."""
    path: Path = run.path / CRITIC_FILE
    sums.check_file(run.path, CRITIC_FILE, fail=TrainingError, remedy=f"remove it, then {_remedy(run)}")
    try:
        text = read_bytes(path, fail=TrainingError, remedy="remove it", max_bytes=LARGEST_BYTES)
    except FileNotFoundError:
        return None
    critic = Critic.from_json(text, path, f"remove it, then {_remedy(run)}")
    is_current = (
        critic.format == FORMAT and run.weights.is_file() and critic.weights_sha256 == sums.digest_of(run.weights)
    )
    return critic if is_current else None


def _remedy(run: Run) -> str:
    return f"train --name {run.name} --resume"
