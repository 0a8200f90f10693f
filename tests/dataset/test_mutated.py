"""Damaged real files: each is kept or excluded, quickly and in little memory."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from dataset.build import build_corpus
from dataset.midi.midi_reader import read
from dataset.parallel.workers import FAILED, TIMED_OUT, TIMEOUT_S
from dataset.plan import Plan
from tests.dataset.conftest import fill

pytestmark = [pytest.mark.road, pytest.mark.real]
CASES = int(os.environ.get("VGPIANO_MUTATED", "300"))  # the whole test is 20,000: a quarter of a minute
MOST_MB = 500.0
Random = np.random.Generator
Mutation = Callable[[bytearray, Random], bytearray]


def flipped(data: bytearray, random: Random) -> bytearray:
    """Change some bytes."""
    for place in random.integers(0, len(data), int(random.integers(1, 20))):
        data[place] = int(random.integers(0, 256))
    return data


def cut(data: bytearray, random: Random) -> bytearray:
    """Remove the end."""
    return data[: int(random.integers(0, len(data)))]


def stuffed(data: bytearray, random: Random) -> bytearray:
    """Insert bytes."""
    place = int(random.integers(0, len(data)))
    return data[:place] + bytearray(random.bytes(int(random.integers(1, 200)))) + data[place:]


def bitten(data: bytearray, random: Random) -> bytearray:
    """Remove bytes from the middle."""
    place, length = int(random.integers(0, len(data))), int(random.integers(1, 200))
    return data[:place] + data[place + length :]


def headless(data: bytearray, random: Random) -> bytearray:
    """Change the format, the number of tracks or the division."""
    data[8 + int(random.integers(0, 6))] = int(random.integers(0, 256))
    return data


def lying(data: bytearray, random: Random) -> bytearray:
    """Change the length in a track's header, perhaps to gigabytes."""
    tracks = [place for place in range(14, len(data) - 8) if data[place : place + 4] == b"MTrk"]
    if tracks:
        place = tracks[int(random.integers(len(tracks)))] + 4
        data[place : place + 4] = int(random.choice([0, 1, 2**31, 2**32 - 1, random.integers(0, 2**16)])).to_bytes(
            4, "big"
        )
    return data


def delayed(data: bytearray, random: Random) -> bytearray:
    """Insert the largest possible delta times."""
    place = int(random.integers(14, len(data)))
    return data[:place] + bytearray(b"\xff\xff\xff\x7f" * int(random.integers(1, 8))) + data[place:]


def doubled(data: bytearray, random: Random) -> bytearray:
    """Repeat a section many times."""
    place, length = int(random.integers(14, len(data))), int(random.integers(1, 400))
    return data[:place] + data[place : place + length] * int(random.integers(2, 40)) + data[place:]


def swapped(data: bytearray, random: Random) -> bytearray:
    """Swap two sections."""
    low, high = sorted(random.integers(14, len(data), 2).tolist())
    return data[:14] + data[high:] + data[low:high] + data[14:low]


MUTATIONS: tuple[Mutation, ...] = (flipped, cut, stuffed, bitten, headless, lying, delayed, doubled, swapped)


def mutated(site: Path, count: int) -> Iterator[bytes]:
    """Return real files, each damaged in one to three ways; the same per count."""
    files = [path.read_bytes() for path in sorted(site.rglob("*.mid"))]
    random = np.random.default_rng(20_000)
    for number in range(count):
        data = bytearray(files[number % len(files)])
        for choice in random.integers(0, len(MUTATIONS), int(random.integers(1, 4))):
            data = MUTATIONS[choice](data, random) if len(data) > 40 else data
        yield bytes(data)


PARSE = """
import json, resource, sys, time
from collections import Counter
from pathlib import Path
from dataset.parse import ParseTask, parse_all
sources = [ParseTask(path.stem, path) for path in sorted(Path(sys.argv[1]).glob("*.mid"))]
reasons, wrong, longest, last = Counter(), 0, 0.0, time.monotonic()
for _, parsed in parse_all(sources, workers=2):
    longest, last = max(longest, time.monotonic() - last), time.monotonic()
    wrong += (parsed.notes is None) != (parsed.reason is not None) or (parsed.notes is not None and len(parsed.notes) == 0)
    reasons[parsed.reason or "kept"] += 1
own = Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]  # ru_maxrss would count who started us
mb = [int(own) / 1024, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024]
print(json.dumps({"files": len(sources), "reasons": reasons, "wrong": wrong, "longest_s": longest, "mb": mb}))
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads the memory of a process from /proc")
def test_every_damaged_file_ends_with_notes_or_a_reason_in_time_and_in_bounded_memory(
    real_site: Path, tmp_path: Path
) -> None:
    for data in mutated(real_site, CASES):
        (tmp_path / f"{hashlib.sha256(data).hexdigest()}.mid").write_bytes(data)
    done = subprocess.run([sys.executable, "-c", PARSE, str(tmp_path)], stdout=subprocess.PIPE, check=True)
    found = json.loads(done.stdout)
    if os.environ.get("VGPIANO_SAY"):
        print(found)
    reasons = found["reasons"]
    assert sum(reasons.values()) == found["files"] > CASES * 0.95  # some damage gives the same bytes
    assert found["wrong"] == 0
    assert reasons["kept"] > CASES / 20  # some damage can be lived with ...
    assert len(reasons) >= 4  # ... and some not, for more than one reason
    assert FAILED not in reasons  # no exception in our code ...
    assert TIMED_OUT not in reasons  # ... and nothing that takes forever
    assert found["longest_s"] < TIMEOUT_S
    assert max(found["mb"]) < MOST_MB


def test_a_catalog_of_damaged_files_adds_up(real_site: Path, tmp_path: Path) -> None:
    count = min(CASES, 200)
    fill(tmp_path, {f"{number:05d}": data for number, data in enumerate(mutated(real_site, count))})
    corpus = build_corpus(tmp_path, Plan(query="source == 'vgmusic'"))
    assert len(corpus.pieces()) + len(corpus.excluded()) == count
    assert None not in corpus.excluded()["reason"].to_pylist()
    for piece in corpus.pieces()[:50]:
        notes = read((tmp_path / "midi" / piece.sha256[:2] / f"{piece.sha256}.mid").read_bytes()).notes
        assert notes == piece.notes
