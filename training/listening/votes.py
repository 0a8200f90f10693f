"""The key of a blind test, files of votes, and their count.

In: a key and files of votes. Out: per source, how many answers were right, with 95 % intervals, and how many listeners it
takes to tell a share of 60 % from one of 50 %. Each vote carries the seal that the page has of its excerpt: a keyed hash of
who made it, so that a key changed after the page was sent is noticed.
"""

import hashlib
import hmac
import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta

from catalog.base.errors import TrainingError, UsageError
from catalog.storage.reading import NotNegative, Positive, Sha256, read_json

FORMAT = 1
MAX_VOTES_BYTES = 1 << 20
Z95 = 1.959964  # 97.5 % of the normal distribution are below it: two-sided 5 %
Z80 = 0.841621  # 80 %: power
CHANCE, BETTER = 0.5, 0.6
KEY_REMEDY = "give the key file that `listen` wrote beside the page"
VOTES_REMEDY = "give files that the page of this test saved"

Name = Annotated[str, Meta(min_length=1, max_length=64)]
Answer = Literal["person", "computer"]


@dataclass(frozen=True, slots=True)
class KeyEntry:
    """Who made an excerpt."""

    number: Positive  # of the excerpt on the page, from 1
    source: str  # `people`, the run's name, or the name of a folder given with `--also`
    maker: Answer  # person or computer
    piece: str  # which piece it is from
    start: NotNegative  # where it begins in that piece, in seconds


@dataclass(frozen=True, slots=True)
class Key:
    """The key of a test; whoever has it knows the answers."""

    format: int  # version of the file
    test: Name  # id of the test, which its page and its votes have too
    run: str  # name of the run
    seed: int  # what excerpts and their order were drawn with
    seconds: NotNegative  # length of each excerpt
    secret: Sha256  # key of the hashes on the page
    excerpts: Sequence[KeyEntry]  # in the order of the page

    def to_json(self) -> str:
        """Return the text of the key file."""
        return json.dumps(asdict(self), indent=1, ensure_ascii=False) + "\n"


@dataclass(frozen=True, slots=True)
class Vote:
    """One answer."""

    excerpt: Positive  # its number
    answer: Answer  # person or computer
    known: bool  # whether the listener knew the piece; such votes are not counted
    seal: str  # as the page has it


@dataclass(frozen=True, slots=True)
class Ballot:
    """The votes of one listener, as the page saves them."""

    format: int  # version of the file
    test: Name  # id of the test
    listener: Name  # random id that the page drew; it says nothing of the person
    votes: Sequence[Vote]  # one for each excerpt that was answered


@dataclass(frozen=True, slots=True)
class Counted:
    """The votes on one source, or on all; `low` and `high` are the 95 % Wilson interval of the share."""

    source: str
    maker: str  # person or computer; empty for all sources together
    excerpts: int
    votes: int
    right: int
    share: float | None  # of right answers; None without votes
    low: float
    high: float
    listeners_needed: int  # to tell BETTER from CHANCE, if each answers all of these excerpts


@dataclass(frozen=True, slots=True)
class Tally:
    """The count of all files of votes."""

    listeners: int
    known: int  # votes on pieces that the listener knew, which are not counted
    votes_needed: int
    sources: Sequence[Counted]
    together: Counted


def seal(secret: str, test: str, entry: KeyEntry) -> str:
    """Return the keyed hash of who made an excerpt, which the page holds: SHA-256 in hexadecimal."""
    text = json.dumps([test, entry.number, entry.source, entry.maker, entry.piece])
    return hmac.new(bytes.fromhex(secret), text.encode(), hashlib.sha256).hexdigest()


def read_key(path: Path) -> Key:
    """Return the key in a file; raises TrainingError if it is missing or damaged."""
    try:
        key = read_json(path, Key, fail=TrainingError, remedy=KEY_REMEDY, version=FORMAT)
    except FileNotFoundError:
        raise TrainingError(f"{path}: no such file; {KEY_REMEDY}") from None
    if [entry.number for entry in key.excerpts] != list(range(1, len(key.excerpts) + 1)) or not key.excerpts:
        raise TrainingError(f"{path}: excerpts: not numbered from 1; {KEY_REMEDY}")
    if len({(entry.source, entry.maker) for entry in key.excerpts}) != len({entry.source for entry in key.excerpts}):
        raise TrainingError(f"{path}: excerpts: a source with two makers; {KEY_REMEDY}")
    return key


def read_votes(path: Path, key: Key) -> Ballot:
    """Return the votes in a file; raises TrainingError if it is damaged, or not of the test of this key."""
    try:
        ballot = read_json(
            path, Ballot, fail=TrainingError, remedy=VOTES_REMEDY, version=FORMAT, max_bytes=MAX_VOTES_BYTES
        )
    except FileNotFoundError:
        raise TrainingError(f"{path}: no such file; {VOTES_REMEDY}") from None
    if ballot.test != key.test:
        raise TrainingError(f"{path}: test: {ballot.test}, the key is of test {key.test}; {VOTES_REMEDY}")
    seen: set[int] = set()
    for at, vote in enumerate(ballot.votes):
        where = f"{path}: votes[{at}]"
        if vote.excerpt > len(key.excerpts):
            raise TrainingError(f"{where}: excerpt {vote.excerpt}, the test has {len(key.excerpts)}; {VOTES_REMEDY}")
        if vote.excerpt in seen:
            raise TrainingError(f"{where}: excerpt {vote.excerpt} is answered twice; {VOTES_REMEDY}")
        if vote.seal != seal(key.secret, key.test, key.excerpts[vote.excerpt - 1]):
            raise TrainingError(
                f"{where}: excerpt {vote.excerpt} has not the seal that the key gives: the key or the votes were changed; "
                f"{KEY_REMEDY}, and files as the page saved them"
            )
        seen.add(vote.excerpt)
    return ballot


def tally_votes(key: Path, votes: Sequence[Path]) -> Tally:
    """Return the count of files of votes against the key of their test.

    Raises TrainingError for a file that is missing, damaged or of another test, and UsageError for two files of one listener.
    """
    opened = read_key(key)
    ballots: dict[str, tuple[Path, Ballot]] = {}
    for path in votes:
        ballot = read_votes(path, opened)
        if ballot.listener in ballots:
            raise UsageError(f"{ballots[ballot.listener][0]} and {path} are of one listener: give the later one alone")
        ballots[ballot.listener] = path, ballot
    cast = [vote for _, ballot in ballots.values() for vote in ballot.votes]
    return _count(opened, len(ballots), cast)


def _count(key: Key, listeners: int, cast: Sequence[Vote]) -> Tally:
    counted = [vote for vote in cast if not vote.known]
    makers = {entry.source: entry.maker for entry in key.excerpts}
    right = {
        number: sum(vote.excerpt == number and vote.answer == key.excerpts[number - 1].maker for vote in counted)
        for number in range(1, len(key.excerpts) + 1)
    }

    def of(source: str, maker: str) -> Counted:
        own = {entry.number for entry in key.excerpts if source in (entry.source, "")}
        total, good = sum(vote.excerpt in own for vote in counted), sum(right[number] for number in own)
        low, high = wilson(good, total)
        needed = -(-votes_needed() // len(own))
        return Counted(source, maker, len(own), total, good, good / total if total else None, low, high, needed)

    sources = [
        of(source, makers[source]) for source in sorted(makers, key=lambda name: (makers[name] != "person", name))
    ]
    return Tally(listeners, len(cast) - len(counted), votes_needed(), sources, of("", ""))


def wilson(right: int, total: int) -> tuple[float, float]:
    """Return the 95 % interval of a share (Wilson 1927); 0 to 1 without votes."""
    if total == 0:
        return 0.0, 1.0
    share, square = right / total, Z95**2
    middle = (share + square / (2 * total)) / (1 + square / total)
    reach = Z95 / (1 + square / total) * math.sqrt(share * (1 - share) / total + square / (4 * total**2))
    return max(0.0, middle - reach), min(1.0, middle + reach)


def votes_needed(chance: float = CHANCE, better: float = BETTER) -> int:
    """Return how many votes tell a share `better` from `chance`: two-sided test at 5 %, power 80 %."""
    spread = Z95 * math.sqrt(chance * (1 - chance)) + Z80 * math.sqrt(better * (1 - better))
    return math.ceil((spread / (better - chance)) ** 2)
