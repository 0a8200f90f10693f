"""The page of a blind test: excerpts to judge, and a button that saves the answers.

In: sounds and their seals. Out: one HTML file that loads nothing and says nothing of who made what.
"""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from dataset.report.html import render, script
from training.listening.votes import FORMAT

ROOM = "training.listening"


@dataclass(frozen=True, slots=True)
class Shown:
    """An excerpt as the template prints it; `sound` is an MP3 in base64."""

    number: int
    seal: str
    sound: Markup


def listening_page(test: str, seconds: float, sounds: Sequence[tuple[str, bytes]]) -> str:
    """Return the page of the test with this id; `sounds` are (seal, MP3) in the order in which they are heard."""
    shown = [
        Shown(number, seal, Markup(b64encode(sound).decode()))  # noqa: S704 - base64
        for number, (seal, sound) in enumerate(sounds, 1)
    ]
    return render(
        "listen.html",
        room=ROOM,
        test=test,
        format=FORMAT,
        seconds=seconds,
        minutes=max(1, round(seconds * len(shown) / 60)),
        shown=shown,
        script=script("listen.js", room=ROOM),
    )
