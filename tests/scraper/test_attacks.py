"""Attacks by a site or by local files that the tests of faults do not cover.

Also what a user sees during a scrape.
"""

import ast
import hashlib
import json
import os
import pty
import ssl
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from typer.main import get_command

from catalog.base import console
from catalog.store import Catalog
from scraper.cli import app
from scraper.http.fetch import Fetcher
from scraper.http.site import Site
from scraper.vgmusic.crawl import crawl_section
from scraper.vgmusic.urls import site
from tests.scraper import switches
from tests.scraper.boxed import scrape
from tests.scraper.chaos import Chaos
from tests.scraper.conftest import HURRIED, PIANO, midi, page, row
from tests.scraper.spoiled import FILE, FILES, PAGE, VICTIM, clean_kept, clean_run, holding_files, says  # noqa: F401 - a fixture


def test_bytes_beyond_four_times_the_listed_size_are_not_taken(server: Chaos, tmp_path: Path) -> None:
    big = midi(1) + bytes(29_966)
    server.publish({"big.mid": big, "small.mid": midi(2)})
    server.throw(PIANO + "big.mid", switches.body(big * 5))
    server.throw(PIANO + "small.mid", switches.body(midi(2) * 3000))
    done = scrape(server, tmp_path / "box")
    assert says(done.err, f"missing: *big.mid: too_large: more than {4 * len(big):,} bytes")
    assert says(done.err, "missing: *small.mid: too_large: more than 65,536 bytes")


@pytest.mark.parametrize("kind", ["audio/midi", "audio/x-midi", "application/octet-stream", "text/plain", ""])
def test_bytes_count_not_the_type_that_a_server_gives_them(server: Chaos, tmp_path: Path, kind: str) -> None:
    server.throw(FILE, switches.body(FILES[VICTIM], kind))
    assert clean_kept(server, tmp_path) == dict.fromkeys(FILES, "fetched")


def test_names_that_differ_in_case_alone_are_two_pieces(server: Chaos, tmp_path: Path) -> None:
    server.publish({"Route_1.mid": midi(1), "route_1.mid": midi(2)})
    assert clean_kept(server, tmp_path) == {"Route_1.mid": "fetched", "route_1.mid": "fetched"}
    assert len(list((tmp_path / "data" / "midi").glob("??/*.mid"))) == 2


def test_a_link_planted_in_the_store_is_replaced_and_what_it_points_to_is_left_alone(
    server: Chaos, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.write_bytes(b"precious")
    root = tmp_path / "data"
    planted = [Catalog(root).blob_path(hashlib.sha256(FILES[VICTIM]).hexdigest())]
    planted += [root / "scrape" / name for name in ("robots.json", "vgmusic-piano.html", "vgmusic-piano.json")]
    for path in planted:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(outside)
    assert clean_kept(server, tmp_path) == dict.fromkeys(FILES, "fetched")
    assert outside.read_bytes() == b"precious"
    assert not any(path.is_symlink() for path in planted)


def test_passwords_kept_on_this_machine_do_not_leak(
    server: Chaos, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    clean_run(server, tmp_path / "data")
    assert not any({"Authorization", "Cookie", "Referer"} & set(seen.headers) for seen in server.log)


def test_cookies_that_a_site_sets_are_carried_nowhere_else(server: Chaos, tmp_path: Path) -> None:
    server.throw(PAGE, lambda handler: handler.reply(200, server.files[PAGE], Set_Cookie="who=you; Domain=invalid"))
    clean = scrape(server, tmp_path / "box")
    assert clean.code == 0
    assert not any("Cookie" in seen.headers for seen in server.log)


def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key, certificate = tmp_path / "key", tmp_path / "certificate"
    line = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1"]
    line += ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key)]
    try:
        subprocess.run([*line, "-out", str(certificate)], check=True, capture_output=True)
    except (FileNotFoundError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no certificate could be made with openssl: {error}")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))  # what an environment says is not asked either
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with Chaos() as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        there = Site("https", "127.0.0.1", server.server_address[1], private=True)
        with Fetcher(there, 0, patience=HURRIED) as fetcher:
            answer = fetcher.get(there.origin + "/x.mid", there.problem, 100)
        server.shutdown()
    assert answer.problem == "certificate_error"
    assert "certificate verify failed" in answer.detail
    assert server.log == []


def test_a_title_without_end_is_cut_and_hostile_text_never_reaches_the_terminal(server: Chaos, tmp_path: Path) -> None:
    title = "\x1b]0;pwned\x07\x1b[2J\u202eevil\x0c" + "long " * 10_000
    server.files[PAGE] = page(row("gone.mid", midi(1), title), row("../\x1b[31mx.mid", b"", title), game=title)
    done = scrape(server, tmp_path / "box")
    assert done.code == 0
    [piece] = Catalog(tmp_path / "box" / "data").pieces().to_pylist()
    assert len(piece["title"]) <= 500
    for text in (done.out, done.err, json.dumps(piece, default=str, ensure_ascii=False)):
        assert not {"\x1b", "\x07", "\x0c", "\u202e"} & set(text)


def test_a_long_run_says_how_far_it_is_in_plain_lines_where_nobody_watches(
    server: Chaos, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("catalog.base.console.PLAIN_EVERY_S", 0.0)
    with console.Progress("scraping piano") as progress, Fetcher(site(server.base_url, True), 0) as fetcher:
        crawl_section(tmp_path, fetcher, report=progress)
    assert capfd.readouterr().err.splitlines() == [f"scraping piano: {done} of 6" for done in range(6)]


def test_a_terminal_gets_one_line_that_moves(server: Chaos, tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    line = [sys.executable, "-m", "scraper.cli", "vgmusic", "--allow-private-hosts", "--delay", "0.05"]
    line += ["--base-url", server.base_url, "--root", str(tmp_path / "data")]
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
    process = subprocess.Popen(line, stderr=theirs, stdout=subprocess.PIPE, text=True, env=environment)
    out, _ = process.communicate(timeout=60)
    os.close(theirs)
    drawn = os.read(ours, 1 << 16).decode()
    os.close(ours)
    assert process.returncode == 0
    assert "scraping piano" in drawn
    assert "/6" in drawn
    assert "listed 6 = " in out


def test_no_switch_turns_robots_off() -> None:
    options = [name for command in get_command(app).commands.values() for p in command.params for name in p.opts]  # type: ignore[attr-defined]
    assert not [name for name in options if "robot" in name or "insecure" in name or "verify" in name]


def test_listing_text_can_reach_no_shell_no_code_no_pickle() -> None:
    rooms = Path(__file__).parents[2]
    for path in [*(rooms / "scraper").glob("*.py"), *(rooms / "catalog").glob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not set(names) & {"pickle", "marshal", "shelve"}, path
            if isinstance(node, ast.Call):
                called = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
                of_module = isinstance(node.func, ast.Attribute) and getattr(node.func.value, "id", "") == "re"
                assert called not in ("eval", "exec", "system", "popen") + (() if of_module else ("compile",)), path
                given = {word.arg: word.value for word in node.keywords}
                assert "shell" not in given, path
                verify = given.get("verify")
                assert not (isinstance(verify, ast.Constant) and verify.value is False), path
