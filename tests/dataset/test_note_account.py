"""Every note-on in the bytes of a file is kept, or dropped for a reason."""

import json
from pathlib import Path

import pytest

from dataset.build import build_corpus
from dataset.corpus.corpus import Corpus
from dataset.note_account import NoteAccount, account_of
from dataset.plan import Plan
from tests import forked
from tests.dataset.conftest import fill, midi, off, on


def piece(number: int, *, drums: int = 0, flute: int = 0, unended: int = 0, lost: int = 0) -> bytes:
    """Return a file of 30 piano notes, and notes of other parts.

    The last `unended` piano notes have no note-off. `lost` bytes are missing at its end, of which the last four are the
    end of the last track.
    """
    pitches = [36 + (7 * n + number * n * n) % 48 for n in range(30)]
    piano = [
        event
        for n, pitch in enumerate(pitches)
        for event in ([on(0, pitch)] if n >= 30 - unended else [on(0, pitch), off(240, pitch)])
    ]
    others = [event for _ in range(drums) for event in (on(0, 36, channel=9), off(9, 36, channel=9))]
    others += [
        (0, b"\xc1\x49"),
        *(event for _ in range(flute) for event in (on(0, 80, channel=1), off(9, 80, channel=1))),
    ]
    return midi(piano, others)[: -lost or None]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A data root with a corpus `plain`, and one `piano` of its piano tracks."""
    files = {"A": piece(1, drums=7), "B": piece(2, flute=11), "C": piece(3, unended=2), "D": piece(5, lost=4)}
    fill(tmp_path, files)
    build_corpus(tmp_path, Plan(query="game == 'a-game'"), "plain")
    build_corpus(tmp_path, Plan(query="game == 'a-game'", piano_tracks=True), "piano")
    return tmp_path


def test_read_is_kept_and_dropped_by_reason(root: Path) -> None:
    plain, piano = (account_of(Corpus.open(root, name).measures()) for name in ("plain", "piano"))
    assert plain == NoteAccount(read=138, kept=131, dropped={"drums": 7}, unended=2, cut_short=1)
    assert piano == NoteAccount(
        read=138, kept=120, dropped={"other_instruments": 11, "drums": 7}, unended=2, cut_short=1
    )
    for corpus, account in (("plain", plain), ("piano", piano)):
        assert account is not None
        assert account.kept == sum(len(each.notes) for each in Corpus.open(root, corpus).pieces())
        assert account.read == account.kept + sum(account.dropped.values())


def test_show_prints_the_account(root: Path) -> None:
    shown = forked.command("dataset", "show", "piano", "--root", root).stdout
    lines = [line.split() for line in shown.splitlines()]
    for wanted in (
        "note-ons 138",
        "kept 120",
        "dropped: other_instruments 11",
        "dropped: drums 7",
        "without a note-off 2",
        "cut short 1",
    ):
        assert wanted.split() in lines
    told = json.loads(forked.command("dataset", "show", "piano", "--format", "json", "--root", root).stdout)
    dropped = {"other_instruments": 11, "drums": 7}
    assert told["note_ons"] == {"read": 138, "kept": 120, "dropped": dropped, "unended": 2, "cut_short": 1}


def test_measures_of_an_earlier_version_have_no_account(root: Path) -> None:
    measures = Corpus.open(root, "plain").measures()
    assert account_of(measures.drop_columns(["note_ons"])) is None
