"""The commands of `scrape`."""

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests import forked
from tests.scraper.conftest import PIANO, Server, midi, row

BIN = Path(sys.executable).parent
HERE = {"VGPIANO_BASE_URL": "", "VGPIANO_ALLOW_PRIVATE_HOSTS": "", "VGPIANO_ROOT": "", "VGPIANO_CONTACT": ""}


def scrape(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if name not in HERE}
    return forked.command("scrape", *arguments, env=clean | environment)


def here(server: Server, root: Path) -> list[str]:
    return ["--base-url", server.base_url, "--allow-private-hosts", "--delay", "0", "--root", str(root)]


def test_the_last_line_adds_up_and_faults_are_named(server: Server, tmp_path: Path) -> None:
    server.publish({"a.mid": midi(1), "b.mid": midi(1)}, row("gone.mid", midi(2)), row("../x.mid", b"", "Bad\u202e"))
    server.files[PIANO + "a.mid"] = midi(1)
    done = scrape("vgmusic", *here(server, tmp_path))
    assert done.returncode == 0
    assert (
        "listed 4 = 0 already held + 1 duplicates + 1 fetched + 1 missing + 0 quarantined + 1 unsafe + 0 not requested"
        in done.stdout
    )
    assert f"missing: {server.base_url}{PIANO}gone.mid: http_404" in done.stderr
    assert "unsafe: A Game / Bad / ../x.mid: path_in_name" in done.stderr


def test_a_run_that_stops_early_says_why_and_exits_1(server: Server, tmp_path: Path) -> None:
    server.publish({"a.mid": midi(1)})
    server.faults[PIANO + "a.mid"] = [lambda handler: handler.reply(429, Retry_After="9999")]
    done = scrape("vgmusic", *here(server, tmp_path))
    assert done.returncode == 1
    assert "stopped early: 127.0.0.1 asks for a pause until" in done.stderr


def test_the_environment_sets_the_site(server: Server, tmp_path: Path) -> None:
    server.publish({"a.mid": midi(1)})
    settings = {"VGPIANO_BASE_URL": server.base_url, "VGPIANO_ROOT": str(tmp_path), "VGPIANO_CONTACT": "me@example.org"}
    refused = scrape("vgmusic", **settings)
    assert refused.returncode == 2
    assert "--allow-private-hosts" in refused.stderr
    assert server.log == []
    done = scrape("vgmusic", "--delay", "0", **settings, VGPIANO_ALLOW_PRIVATE_HOSTS="1")
    assert (done.returncode, "1 fetched" in done.stdout) == (0, True)
    assert "me@example.org" in server.log[0].headers["User-Agent"]


def test_a_dry_run_says_what_would_be_done(server: Server, tmp_path: Path) -> None:
    server.publish({"a.mid": midi(1), "b.mid": midi(2)})
    done = scrape("vgmusic", "--dry-run", *here(server, tmp_path))
    assert done.stdout.startswith(f"listed 2: 0 held, 0 unsafe, 2 files to request ({2 * len(midi(1))} bytes)")
    assert server.asked() == ["/robots.txt", "PAGE"]


@pytest.mark.parametrize(
    "arguments, complaint",
    [
        (["--section", "/music/../organ/"], "path of a section"),
        (["--delay", "0.1"], "--delay"),
        (["--base-url", "http://10.0.0.1"], "private"),
    ],
)
def test_a_wrong_call_is_one_line_and_exit_2(tmp_path: Path, arguments: list[str], complaint: str) -> None:
    done = scrape("vgmusic", *arguments, "--root", str(tmp_path))
    assert done.returncode == 2
    assert complaint in done.stderr
    assert done.stderr.count("\n") == 1


def test_help_imports_nothing_heavy() -> None:
    code = "import sys, scraper.cli; print(*[m for m in ('requests', 'pyarrow', 'bs4', 'music21', 'numpy') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_what_the_system_refuses_is_one_line_that_says_what_to_do(server: Server, tmp_path: Path) -> None:
    server.publish({"a.mid": midi(1)})
    (tmp_path / "file").write_bytes(b"")
    done = scrape("vgmusic", *here(server, tmp_path / "file"))
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert line.startswith(f"error: {tmp_path / 'file' / 'catalog'}: Not a directory; a file is where")


FULL = "mount -t tmpfs -o size=64k tmpfs {root} && mkdir {root}/scrape && dd if=/dev/zero of={root}/filler bs=4k 2>/dev/null; "
CAN_MOUNT = (
    subprocess.run(["unshare", "-rm", "sh", "-c", "mount -t tmpfs t /mnt"], capture_output=True).returncode == 0
    if shutil.which("unshare")
    else False
)


@pytest.mark.skipif(not CAN_MOUNT, reason="no small file system can be mounted here to be filled")
def test_a_full_disk_is_one_line_that_says_what_to_do(server: Server, tmp_path: Path) -> None:
    server.publish({"a.mid": midi(1)})
    words = shlex.join([str(BIN / "scrape"), "vgmusic", *here(server, tmp_path)])
    line = ["unshare", "-rm", "sh", "-c", FULL.format(root=tmp_path) + words]
    done = subprocess.run(line, capture_output=True, text=True)
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert line.startswith(f"error: {tmp_path}/catalog")  # the file that could not be written
    assert line.endswith(
        ": No space left on device; free some space, then run this again: what was written so far is kept"
    )
    assert server.asked() == []  # nothing is asked for that cannot be accounted for


@pytest.mark.parametrize("kilobytes", [0, 1, 4])
def test_a_file_that_may_not_grow_is_named(kilobytes: int, tmp_path: Path) -> None:
    """The shell's limit on file sizes is reported, whichever library writes."""
    (tmp_path / "a.mid").write_bytes(midi(1) + bytes(9000))
    words = shlex.join([str(BIN / "scrape"), "import", str(tmp_path / "a.mid"), "--root", str(tmp_path / "data")])
    done = subprocess.run(["bash", "-c", f"ulimit -f {kilobytes}; {words}"], capture_output=True, text=True)
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert line.startswith(f"error: {tmp_path / 'data'}/")
    assert ".tmp-" not in line
    assert "File too large; allow larger files" in line
    again = scrape("import", str(tmp_path / "a.mid"), "--root", str(tmp_path / "data"))
    assert "found 1 = 1 new" in again.stdout
    assert not list((tmp_path / "data").rglob(".tmp-*"))


@pytest.mark.parametrize("kind", ["link", "loop", "pipe", "folder", "device"])
def test_a_journal_that_is_no_file_is_refused_and_left_alone(kind: str, server: Server, tmp_path: Path) -> None:
    server.publish({"a.mid": midi(1)})
    theirs = tmp_path / "theirs.txt"
    theirs.write_text("a line\nand half a one")
    journal = tmp_path / "data" / "scrape" / "journal.jsonl"
    journal.parent.mkdir(parents=True)
    if kind == "pipe":
        os.mkfifo(journal)
    elif kind == "folder":
        journal.mkdir()
    else:
        journal.symlink_to({"link": theirs, "loop": journal, "device": "/dev/full"}[kind])
    for words in (["vgmusic", *here(server, tmp_path / "data")], ["journal", "--root", str(tmp_path / "data")]):
        done = scrape(*words)
        assert done.returncode == 1, done
        [line] = done.stderr.splitlines()
        assert line.startswith(f"error: {journal} is not a regular file; move it away")
    assert theirs.read_text() == "a line\nand half a one"
    assert server.asked() == []
