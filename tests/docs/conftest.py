"""What the pages' commands need: a replica site, files, a recipe, a bucket."""

import json
import os
from collections.abc import Iterator

import pytest
import requests

from dataset.midi.midi_writer import write_midi
from scraper.demo.pieces import STAND_INS
from scraper.demo.server import serve_folder
from scraper.demo.site import build_demo_site
from tests import forked
from tests.docs.walk import Walk
from tests.training.conftest import QUICK
from tests.training.songs import song

SMALL = {**QUICK, "warmup": 5, "batch": 257}  # an odd batch has one lane, whose step takes half the time
OWN = 12  # pieces of one's own
CHORALES = 3  # of each of the demo's games of Zelda


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory, s3_server: str) -> Iterator[Walk]:
    """A reader in an empty folder but for what the pages take as given."""
    folder = tmp_path_factory.mktemp("docs")
    (folder / "my-midi").mkdir()
    for number in range(OWN):
        (folder / "my-midi" / f"song-{number}.mid").write_bytes(write_midi(song(number)))
    for name in ("mine.mid", "sample-1.mid"):
        (folder / name).write_bytes(write_midi(song(40)))
    (folder / "small.json").write_text(json.dumps(SMALL))
    requests.put(f"{s3_server}/docs", timeout=10).raise_for_status()
    some = [piece for game in dict.fromkeys(p.game for p in STAND_INS) for piece in STAND_INS if piece.game == game]
    chosen = [piece for piece in some if "Zelda" in piece.game and piece.work.startswith("bach/")]
    kept = [p for p in chosen if sum(q.game == p.game for q in chosen[: chosen.index(p)]) < CHORALES]
    build_demo_site(folder / "site", stand_ins=kept)
    before = dict(os.environ)  # which Keras and others write to, too
    forked.trace_only()
    forked.step_by_step()
    with pytest.MonkeyPatch.context() as environment, serve_folder(folder / "site") as base_url:
        environment.chdir(folder)
        environment.delenv("VGPIANO_ROOT", raising=False)
        for name, value in {
            "VGPIANO_BASE_URL": base_url,
            "VGPIANO_ALLOW_PRIVATE_HOSTS": "1",
            "HF_HOME": str(folder / "hf"),
            "HF_HUB_OFFLINE": "1",
            "AWS_ENDPOINT_URL": s3_server,
            "AWS_ACCESS_KEY_ID": "a-key-id",
            "AWS_SECRET_ACCESS_KEY": "a-secret-key",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }.items():
            environment.setenv(name, value)
        walk = Walk(folder, "s3://docs", environment)
        yield walk
        walk.stop()
    forked.step_by_step(False)
    os.environ.clear()
    os.environ.update(before)
