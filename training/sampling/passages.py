"""What is drawn for each stream, and the choice, passage by passage, of how a piece goes on.

Several streams are tries of one piece: they begin with the same form and harmonies of their own. Every PASSAGE notes, the
try whose last notes are likest to people's, by the run's critic, goes on in all of them.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from dataset.notes.model import Notes
from training.critic.critic import Critic
from training.critic.measures import WINDOW
from training.events.fields import DURATION, EDGES, PITCH
from training.events.plans import Plan
from training.sampling.playable import HAND_NOTES, articulate, most_sounding, release
from training.sampling.prompts import Prompt

PASSAGE = 64  # notes after which it is chosen how a piece goes on
CONTEXT = 32  # notes before those that are judged, which decide how long these sound

_VELOCITY = 80  # of the notes that are judged; no measure has it

IntArray = npt.NDArray[np.int32]
Numbers = npt.NDArray[Any]


@dataclass(slots=True)
class Written:
    """What was drawn for a stream so far; of each, one a note."""

    rows: list[IntArray] = field(default_factory=list)  # classes, place and bar
    onsets: list[int] = field(default_factory=list)  # ticks
    right: list[Numbers] = field(default_factory=list)  # see `drawing.right_guesses`
    back: list[int] = field(default_factory=list)  # see `SampleRecord`

    def add(self, row: IntArray, onset: int, right: Numbers, back: int) -> None:
        """Append a note."""
        self.rows.append(row)
        self.onsets.append(onset)
        self.right.append(right)
        self.back.append(back)

    def copy(self) -> "Written":
        """Return a copy to which other notes can be appended."""
        return Written([*self.rows], [*self.onsets], [*self.right], [*self.back])


def choose_tries(
    critic: Critic,
    live: Numbers,
    per_plan: int,
    starts: list[Prompt],
    plans: list[tuple[Plan, IntArray] | None],
    written: list[Written],
) -> Numbers:
    """Return for each live stream the place, among these, of the one that goes on for it; change the lists accordingly.

    That is the likest to people's of the tries of one piece. `live` are the numbers of the streams, ascending, of which
    `per_plan` in a row are such tries. Where fewer than WINDOW notes are written, each goes on itself.
    """
    order = np.arange(len(live))
    for piece in np.unique(live // per_plan).tolist():
        places = np.flatnonzero(live // per_plan == piece).tolist()
        if len(places) == 1:
            continue
        tries = live[places].tolist()
        passages = [last_notes(starts[i], written[i], plans[i]) for i in tries]
        if min(map(len, passages)) == WINDOW:  # of shorter ones, measures cannot be compared with people's
            best = int(np.array([critic.log_odds(passage) for passage in passages], np.float64).argmax())
            order[places] = places[best]
            chosen = tries[best]
            for i in tries:
                starts[i], plans[i] = starts[chosen], plans[chosen]
                written[i] = written[i] if i == chosen else written[chosen].copy()
    return order


def last_notes(prompt: Prompt, written: Written, plan: tuple[Plan, IntArray] | None) -> Notes:
    """Return the last notes of a stream, as many as are judged, with the durations that they will have.

    Bars that repeat others may get other durations when the piece is finished.
    """
    count = WINDOW + CONTEXT
    rows = np.array([*prompt.rows[-count:], *written.rows[-count:]], np.int32)[-count:]
    onset = np.array([*prompt.onsets[-count:], *written.onsets[-count:]], np.int32)[-count:]
    pitch, duration = rows[:, PITCH], np.maximum(1, EDGES[rows[:, DURATION]]).astype(np.int32)
    most: IntArray | int = 2 * HAND_NOTES
    if plan is not None:
        duration, most = articulate(onset, duration, pitch, *plan), most_sounding(onset, *plan)
    duration = release(onset, duration, pitch, 0, most)
    keep = slice(-WINDOW, None)
    velocity = np.full(len(rows), _VELOCITY)[keep]
    return Notes.of(onset[keep], duration[keep], pitch[keep], velocity, prompt.tempos, prompt.meters)
