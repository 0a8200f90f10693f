"""Fixtures for all tests: the real piano section, wheels, and a local S3 server.

The real section is used if it is beside the checkout.
"""

import logging
import re
from collections.abc import Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests

from tests import wheel
from tests.once import Once, maker

if TYPE_CHECKING:
    from playwright.sync_api import Browser

SITE = Path(__file__).parents[2] / "shared" / "vgmusic" / "site"
TITLES = SITE.parent / "titles.tsv"
SCRAPER_CASES = Path(__file__).parents[2] / "shared" / "cases" / "scraper"
MIDI_CASES = Path(__file__).parents[2] / "shared" / "cases" / "midi"
SCORE_CASES = MIDI_CASES.parent / "score"
BUCKETS = count(1)

with suppress(ModuleNotFoundError):  # `make check` brings no hypothesis, and needs none
    from hypothesis import settings

    # How long a case takes depends on the load of the machine.
    settings.register_profile("patient", deadline=None)
    settings.load_profile("patient")


@pytest.fixture(scope="session")
def real_site() -> Path:
    """The real piano section as a static site (third-party music: never copied)."""
    if not SITE.is_dir():
        pytest.skip(f"the real piano section is not at {SITE}")
    return SITE


@pytest.fixture(scope="session")
def real_titles() -> Path:
    """Titles of games of the whole site, each with a tab and its number of pieces."""
    if not TITLES.is_file():
        pytest.skip(f"the titles are not at {TITLES}")
    return TITLES


@pytest.fixture(scope="session")
def scraper_cases() -> Path:
    """Names of folders and pages of the site, with what they mean."""
    if not SCRAPER_CASES.is_dir():
        pytest.skip(f"the case files are not at {SCRAPER_CASES}")
    return SCRAPER_CASES


@pytest.fixture(scope="session")
def midi_cases() -> Path:
    """Small MIDI files with faults, with the right result of each in expected.json."""
    if not MIDI_CASES.is_dir():
        pytest.skip(f"the case files are not at {MIDI_CASES}")
    return MIDI_CASES


@pytest.fixture(scope="session")
def score_cases() -> Path:
    """Small MIDI files that are hard to print, with the right result of each."""
    if not SCORE_CASES.is_dir():
        pytest.skip(f"the case files are not at {SCORE_CASES}")
    return SCORE_CASES


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory) -> Once:
    """A function that creates a folder once for all workers (`tests.once`)."""
    return maker(tmp_path_factory)


@pytest.fixture(scope="session")
def dist(once: Once) -> Path:
    """The folder with the wheel and sdist of this checkout."""
    return once("dist", wheel.build)


@pytest.fixture(scope="session")
def installed(once: Once, dist: Path) -> Path:
    """An environment in which the wheel is installed (`tests.wheel`)."""
    [built] = dist.glob("*.whl")
    return once("installed", lambda folder: wheel.install(built, folder))


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    """The address of an S3 server that stores everything in memory."""
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(s3_server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of a new, empty bucket; sets the environment variables it needs."""
    name = f"bucket-{next(BUCKETS)}"
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_server)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a-key-id")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a-secret-key")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    requests.put(f"{s3_server}/{name}", timeout=10).raise_for_status()
    return f"s3://{name}"


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    """A browser, one for each file that looks at pages (`tests.browser`)."""
    from tests.browser import chromium

    with chromium() as browser:
        yield browser


HEAVY = (
    "test_road.py",
    "training/test_hosts.py",
    "docs/test_examples.py",
    "training/test_train_road.py",
    "training/test_experiment_road.py",
    "training/test_base.py",
    "training/test_keep_road.py",
    "training/test_resume.py",
    "training/test_player.py",
    "dataset/test_cluster.py",
    "dataset/test_real.py",
    "training/test_start.py",
    "training/test_train.py",
    "training/test_classic.py",
    "training/test_prime.py",
    "scraper/test_file_faults.py",
    "training/test_sampler.py",
    "dataset/test_objects.py",
    "dataset/test_build.py",
    "training/test_page.py",
    "scraper/test_page_faults.py",
    "training/test_resume_refused.py",
)


def is_on_the_road(path: Path) -> bool:
    """Return whether a module of tests has the marker `road`."""
    return re.search(r"^pytestmark = .*\bmark\.road\b", path.read_text(encoding="utf-8"), re.MULTILINE) is not None


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Do not import the modules that `make test` or `make road` leaves out.

    Their imports take a third of the seconds that a worker needs before its first test.
    """
    wanted = {"road": True, "not road": False}.get(config.option.markexpr)
    if wanted is None or not collection_path.match("test_*.py"):
        return None
    return is_on_the_road(collection_path) != wanted or None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the slowest files of each target first, so that its workers finish at about the same time."""
    here = Path(__file__).parent

    def rank(item: pytest.Item) -> int:
        name = item.path.relative_to(here).as_posix()
        return HEAVY.index(name) if name in HEAVY else len(HEAVY)

    items.sort(key=rank)
