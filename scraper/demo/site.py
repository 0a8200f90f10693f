"""Build the demo site: VGMusic's piano section with public-domain pieces.

music21 exports the pieces of `pieces.py` in two worker processes. Files are written atomically. Existing files are
kept unless the list of pieces, music21 or EXPORT_VERSION has changed. The same list gives the same bytes. The record
`.made.json` names every file that was created. Other files are never removed, and a folder with files but no record is
refused.
"""

import hashlib
import html
import json
import logging
import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from itertools import groupby
from multiprocessing import get_context
from pathlib import Path
from typing import Any
from urllib.parse import quote

from filelock import FileLock

from catalog.base.console import Report
from catalog.base.errors import ScrapeError, UsageError
from catalog.base.shield import block_sigint
from catalog.storage.files import TEMPORARY_PREFIX, remove_leftovers, write_bytes, write_text
from catalog.storage.reading import read_json
from scraper.demo.pieces import STAND_INS, StandIn
from scraper.demo.server import is_port_free, serve_folder
from scraper.vgmusic.urls import SECTIONS

EXPORT_VERSION = 1  # increase it when the output of export() changes
WORKERS = 2
RECORD = ".made.json"
SEQUENCER = "music21 corpus"
_ROBOTS = "User-agent: *\nDisallow: /new-files/upload/\n"


def build_demo_site(folder: Path, report: Report | None = None, stand_ins: Sequence[StandIn] = STAND_INS) -> int:
    """Create or complete the site in `folder` and return the number of listed pieces.

    A piece that cannot be exported is reported on standard error and left out. Raises ScrapeError if no piece can be
    exported, and UsageError, before anything is written, if `folder` contains other files.
    """
    _check_folder(folder)
    section = folder / SECTIONS["piano"].strip("/")
    section.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / ".lock"):
        _check_folder(folder)
        remove_leftovers(section)
        failed = _known_failures(folder, section, stand_ins)
        todo = [piece for piece in stand_ins if piece.file not in failed and not (section / piece.file).exists()]
        if todo:
            failed |= _export_all(todo, section, report)
            _write_record(folder, stand_ins, failed)
        made = [(piece, (section / piece.file).read_bytes()) for piece in stand_ins if (section / piece.file).exists()]
        if not made:
            raise ScrapeError(
                f"music21 failed to export all pieces of the demo site: {failed}; reinstall it (`make setup`)"
            )
        _write_if_changed(section / "index.html", listing_page(made))
        _write_if_changed(folder / "robots.txt", _ROBOTS)
    return len(made)


@contextmanager
def serve_demo_site(folder: Path, port: int = 0) -> Iterator[str]:
    """Serve the site in `folder` during the block and yield its base URL.

    Port 0 uses the previous port if it is free, or any other. The address is part of a piece's key, so repeated
    scrapes of the same catalog should use the same one.
    """
    note = folder / ".port"
    text = note.read_text() if note.exists() else ""
    last = int(text) if text.isdecimal() else 0
    with serve_folder(folder, last if port == 0 and is_port_free(last) else port) as base_url:
        write_text(note, base_url.rpartition(":")[2])
        yield base_url


@dataclass(frozen=True, slots=True)
class _SiteRecord:
    """The record of a site: the key of its inputs, failed pieces, and all file names."""

    key: str
    failed: dict[str, str] = field(default_factory=dict)
    files: tuple[str, ...] | None = None  # None in records of an earlier version


def _write_record(folder: Path, stand_ins: Sequence[StandIn], failed: Mapping[str, str]) -> None:
    made = _SiteRecord(_key(stand_ins), dict(failed), tuple(piece.file for piece in stand_ins))
    write_text(folder / RECORD, json.dumps(asdict(made), indent=2))


def _read_record(folder: Path) -> _SiteRecord | None:
    """Return the record in `folder`, or None. Raises UsageError if it is damaged."""
    try:
        return read_json(folder / RECORD, _SiteRecord, fail=UsageError, remedy="give an empty folder with --dir")
    except (FileNotFoundError, NotADirectoryError):
        return None


def _check_folder(folder: Path) -> None:
    """Raise UsageError if `folder` has no record but contains other files or links."""
    if _read_record(folder) is not None:
        return
    for place, folders, files in os.walk(folder):
        foreign = [name for name in folders if (Path(place) / name).is_symlink()]
        foreign += [name for name in files if name != ".lock" and not name.startswith(TEMPORARY_PREFIX)]
        if foreign:
            raise UsageError(
                f"{Path(place) / min(foreign)}: the demo site needs a folder of its own, but {folder} contains other files; "
                "give an empty or new folder with --dir"
            )


def _known_failures(folder: Path, section: Path, stand_ins: Sequence[StandIn]) -> dict[str, str]:
    """Return the pieces that failed before, or remove the files of an outdated site."""
    made = _read_record(folder)
    if made is not None and made.key == _key(stand_ins):
        if made.files is None:
            _write_record(folder, stand_ins, made.failed)
        return made.failed
    named = made.files if made is not None else ()
    for name in [piece.file for piece in stand_ins] if named is None else named:
        if name == Path(name).name:
            (section / name).unlink(missing_ok=True)
    _write_record(folder, stand_ins, {})
    return {}


def _key(stand_ins: Sequence[StandIn]) -> str:
    return hashlib.sha256(repr((EXPORT_VERSION, version("music21"), stand_ins)).encode()).hexdigest()


def _export_all(todo: Sequence[StandIn], section: Path, report: Report | None) -> dict[str, str]:
    failed: dict[str, str] = {}
    with ProcessPoolExecutor(WORKERS, mp_context=get_context("spawn")) as pool:
        try:
            with block_sigint():
                jobs = {pool.submit(_export_to, piece.work, section / piece.file): piece for piece in todo}
            for done, job in enumerate(as_completed(jobs), start=1):
                piece, problem = jobs[job], job.result()
                if problem is not None:
                    failed[piece.file] = problem
                    logging.getLogger("scraper").warning(
                        f"left out of the demo site: {piece.what} ({piece.work}): {problem}"
                    )
                if report:
                    report(done, len(todo))
        except KeyboardInterrupt:
            pool.shutdown(cancel_futures=True)  # running exports are finished, no others are started
            raise
    return failed


def _export_to(work: str, path: Path) -> str | None:
    """Export `work` to `path` in a worker process; return None or the error."""
    try:
        write_bytes(path, export(work))
    except Exception as error:  # noqa: BLE001 - music21 raises many types, and other pieces must still be exported
        return f"{type(error).__name__}: {error}"[:200]
    return None


def export(work: str) -> bytes:
    """Return `work` of music21's corpus as MIDI, with all parts played by a piano.

    Repeats are expanded. Raises the exceptions of music21.
    """
    from music21 import corpus, instrument
    from music21.converter import parseFile
    from music21.midi.translate import streamToMidiFile

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        score: Any = parseFile(corpus.getWork(work), forceSource=True, storePickle=False)
        for part in score.parts:
            for old in list(part.recurse().getElementsByClass(instrument.Instrument)):
                part.remove(old, recurse=True)
            part.insert(0, instrument.Piano())
        return bytes(streamToMidiFile(score).writestr())


def listing_page(made: Sequence[tuple[StandIn, bytes]]) -> str:
    """Return the listing page of pieces with their bytes, in the layout since 2024.

    Cells are left unclosed, as on the real site.
    """
    by_game = sorted(made, key=lambda item: item[0].game.lower())
    rows = []
    for game, items in groupby(by_game, key=lambda item: item[0].game):
        rows.append(f'<tr class="gameheader">\n<td class="header" colspan="5">{html.escape(game)}</td>\n</tr>')
        rows.extend(_row(piece, data) for piece, data in items)
        rows.append('<tr>\n<td colspan="5">&nbsp;</td>\n</tr>')
    return _PAGE.format(rows="\n".join(rows))


def _row(piece: StandIn, data: bytes) -> str:
    return (
        f'<tr>\n<td><a href="{quote(piece.file)}">{html.escape(piece.title)}</a>\n'
        f'<td align="right">{len(data)} bytes\n<td align="center">{SEQUENCER}\n'
        f'<td class="comments" align="center"><a href="/file/{hashlib.md5(data).hexdigest()}.html#disqus_thread">Comments</a>'
        "\n</tr>"
    )


def _write_if_changed(path: Path, text: str) -> None:
    if not path.exists() or path.read_bytes() != text.encode():
        write_text(path, text)


_PAGE = """<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 4.01 Transitional//EN" "http://www.w3.org/TR/html4/loose.dtd">
<html>
<head>
<meta http-equiv="Content-Type" content="text/html; charset=utf-8">
<title>VGMusic.com - Piano Only Music</title>
</head>
<body>
<p>This is not VGMusic. It is a replica of its piano section's layout, for trying things out offline; every piece is a stand-in
from music21's public-domain corpus. <a href="/">Home</a></p>
<table width="100%">
<tr class="header">
<th class="header">Song Title</th>
<th class="header">File Size</th>
<th class="header">Sequenced By</th>
<th class="header">Comments</th>
</tr>
<tr>
<td colspan="5">&nbsp;</td>
</tr>
{rows}
</table>
<hr>
<address>
A stand-in for a page of VGMusic.com Indexer, version 4.1.0.
</address>
</body>
</html>
"""
