"""Output has no terminal commands in any encoding; write errors are one line."""

import io
import os
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest

from catalog.base.console import clean, one_line
from catalog.base.streams import CleanStream, printable

BIN = Path(sys.executable).parent
EVERYTHING = "".join(chr(code) for code in range(0x110000))
COMMANDS = ("catalog schema", "catalog --help")
if os.environ.get("VGPIANO_STREAMS"):  # every command line there is
    COMMANDS += (
        "scrape status --help",
        "dataset filters",
        "train --version",
        "catalog stats",
        "catalog show",
        "scrape journal",
        "dataset list",
        "evaluate x",
        "generate x",
    )
    COMMANDS += ("render x", "novelty x", "scrape --nonsense", "dataset export x --format midi", "train --query x==1")


def test_of_all_characters_only_what_is_seen_is_left() -> None:
    left = printable(EVERYTHING)
    assert left.replace("\n", "").replace("\t", "").isprintable()
    lost = set(EVERYTHING) - set(left)
    assert {unicodedata.category(c) for c in lost} <= {"Cc", "Cf", "Cs", "Co", "Cn", "Zs", "Zl", "Zp"}
    assert {"\x1b", "\x9b", "\r", "\b", "\u202e", "\u2066", "\u2028", "\u200b", "\ud800"} <= lost
    assert "\n" not in one_line(EVERYTHING)
    assert clean(EVERYTHING).isprintable()


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "utf-8", "utf-16", "shift_jis"])
def test_everything_can_be_printed_in_every_encoding(encoding: str) -> None:
    into = io.BytesIO()
    stream = CleanStream(io.TextIOWrapper(into, encoding=encoding, newline=""), required=True)
    print(EVERYTHING, "─ – … × → Pokémon", file=stream, flush=True)
    printed = into.getvalue().decode(encoding)
    assert printed.replace("\n", "").replace("\t", "").isprintable()
    assert printed.endswith(
        {
            "ascii": "- - ... x -> Pok\\xe9mon\n",
            "latin-1": "- - ... × -> Pokémon\n",
            "utf-8": "─ – … × → Pokémon\n",
        }.get(encoding, "mon\n")
    )


def shell(line: str, **environment: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        ["bash", "-c", f"set -o pipefail; {BIN}/{line}"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="surrogateescape",
        env={**os.environ, "VGPIANO_ROOT": "/nonexistent", **environment},
    )


ENDS = {
    ">&-": "",  # closed: no output is wanted
    "2>&-": "",
    "</dev/null >&- 2>&- <&-": "",
    "| head -c0": "",
    "2>/dev/full": "",
    ">/dev/full": "error: standard output: No space left on device; free some space",
}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
@pytest.mark.parametrize("command", COMMANDS)
def test_output_that_leads_nowhere_is_no_traceback(command: str) -> None:
    plain = shell(command)
    out, err = plain.communicate()
    started = {end: shell(f"{command} {end}") for end in ENDS}
    for end, process in started.items():
        said, complained = process.communicate()
        assert "Traceback" not in complained, end
        assert "Exception ignored" not in complained, end
        assert complained.count("\n") <= max(1, err.count("\n")), end
        if plain.returncode:
            assert process.returncode == plain.returncode, end
        elif end == ">/dev/full" and out:
            assert process.returncode == 1
            assert complained.startswith(ENDS[end])
        else:
            assert process.returncode == (141 if "head" in end and out else 0), (end, complained)
            assert said in ("", out)


@pytest.mark.parametrize("command", COMMANDS[:2])
@pytest.mark.parametrize("settings", [{"PYTHONIOENCODING": "latin-1"}, {"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C"}])
def test_a_terminal_of_another_encoding_is_no_traceback(command: str, settings: dict[str, str]) -> None:
    process = shell(command, **settings)
    out, err = process.communicate()
    assert (process.returncode, err) == (0, "")
    assert out.isascii() or "LC_ALL" in settings or settings["PYTHONIOENCODING"] == "latin-1"


def test_a_file_of_ours_never_gets_the_number_of_a_closed_stream(tmp_path: Path) -> None:
    (tmp_path / "a.mid").write_bytes(b"MThd\0\0\0\6\0\0\0\1\0\x60MTrk\0\0\0\4\0\xff\x2f\0")
    process = shell(f"scrape import {tmp_path / 'a.mid'} --root {tmp_path / 'data'} >&- 2>&-")
    process.communicate()
    assert process.returncode == 0
    check = shell(f"catalog verify --root {tmp_path / 'data'}")
    assert check.communicate()[0] == "1 files checked: 0 missing, 0 wrong\n"
