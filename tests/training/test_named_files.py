"""Files named on the command line must be regular and of limited size."""

import os
import shutil
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from tests import forked
from tests.dataset.conftest import fill, tunes

BIG = 3 << 30  # bytes of a file with nothing in it, which takes no room on the disk
SOON_S = 20.0
STRANGE = ("device", "pipe", "folder", "huge", "missing", "a link to the device")


def strange(kind: str, place: Path) -> Path:
    """A path of that kind, below `place` unless it is a device."""
    path = place / "named"
    match kind:
        case "device":
            return Path("/dev/zero")
        case "pipe":
            os.mkfifo(path)
        case "folder":
            path.mkdir()
        case "huge":
            with path.open("wb") as file:
                file.truncate(BIG)
        case "a link to the device":
            path.symlink_to("/dev/zero")
    return path


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("named")
    fill(root, tunes(12))
    return root


@pytest.mark.parametrize("kind", STRANGE)
@pytest.mark.parametrize(
    "words",
    [
        ("dataset", "filters", "--filters", "FILE"),
        ("dataset", "build", "--game", "a-game", "--filters", "FILE"),
        ("train", "--query", "game == 'a-game'", "--recipe", "FILE"),
    ],
    ids=lambda words: " ".join(words[:2]),
)
def test_a_named_file_that_is_none_is_one_line_and_nothing_is_made(
    filled: Path, tmp_path: Path, words: tuple[str, ...], kind: str
) -> None:
    path = strange(kind, tmp_path)
    command = [str(path) if word == "FILE" else word for word in words]
    done = forked.command(*command, env={**os.environ, "VGPIANO_ROOT": str(filled)}, timeout=SOON_S)
    assert done.returncode in (1, 2)
    assert (done.stdout, done.stderr.count("\n")) == ("", 1)
    assert str(path) in done.stderr
    assert not (filled / "corpora").exists()
    assert not (filled / "runs").exists()


@pytest.mark.parametrize("kind", STRANGE[:-2] + STRANGE[-1:])
def test_an_import_passes_over_what_is_no_file_and_takes_the_rest(tmp_path: Path, kind: str) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    for title, data in tunes(2).items():
        (folder / f"{title}.mid").write_bytes(data)
    path = strange(kind, folder) if kind != "device" else strange("a link to the device", folder)
    path.rename(path.with_suffix(".mid"))
    done = forked.command("scrape", "import", folder, "--root", tmp_path / "root", timeout=SOON_S)
    assert done.returncode == 0, done.stderr
    assert "2 new" in done.stdout


def test_a_folder_to_evaluate_on_may_hold_what_is_no_file(trained: Path, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    shutil.copytree(trained / "runs" / "tiny" / "samples", folder)
    for kind in ("pipe", "huge", "a link to the device", "folder"):
        (folder / kind).mkdir()
        path = strange(kind, folder / kind)
        path.rename(path.with_suffix(".mid"))
    done = forked.command("evaluate", "tiny", "--midi", folder, "--root", trained, timeout=60)
    assert done.returncode == 0, done.stderr
    told = done.stderr.splitlines()
    assert len(told) == 3
    assert all(line.startswith(f"left out {folder}/") and line.count(str(folder)) == 1 for line in told)


def test_a_pipe_that_somebody_writes_to_is_not_read(filled: Path, tmp_path: Path) -> None:
    path = strange("pipe", tmp_path)

    def write() -> None:
        with suppress(BrokenPipeError):  # nobody reads it
            path.write_text("[filter.too_short]\non = false\n")

    threading.Thread(target=write, daemon=True).start()
    done = forked.command("dataset", "filters", "--filters", path, timeout=SOON_S)
    assert (done.returncode, done.stdout) == (2, "")
    assert "not a regular file" in done.stderr
