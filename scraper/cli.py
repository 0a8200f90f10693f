"""The command `scrape`: VGMusic's piano section into the catalog, politely, and a stand-in for the site to try things on."""

from catalog.base import early  # noqa: F401 - before what takes time to import

# isort: split

from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from catalog.base import console
from catalog.base.console import Format, complain
from catalog.options import Root, RowFormat, command_group, given_path
from catalog.storage.files import data_root, local_root
from scraper.http.limits import DELAY_S
from scraper.options import BaseUrl, Contact, Delay, Limit, Private
from scraper.vgmusic.urls import VGMUSIC

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from scraper.vgmusic.menu import Outcome
    from scraper.vgmusic.totals import Survey, Totals

app = command_group(__doc__ or "")
GOES_ON = "what was fetched is kept; the same command goes on"
REASONS_SHOWN = 40
LINES_SHOWN = 50


class TitleFrom(StrEnum):
    """Where the title of an imported file comes from."""

    name = "name"
    text = "text"


@app.command()
def vgmusic(
    section: Annotated[
        str, typer.Option(help="A section by its name in the site's menu or its path (/music/…/), or all.")
    ] = "piano",
    base_url: BaseUrl = VGMUSIC,
    allow_private_hosts: Private = False,
    delay: Delay = DELAY_S,
    limit: Limit = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Read the listing page only, and say what would be done.")
    ] = False,
    contact: Contact = "",
    root: Root = None,
) -> None:
    """Scrape a section of VGMusic, or all. What is held already is not asked for again."""
    from scraper.http.fetch import Fetcher
    from scraper.vgmusic.crawl import crawl_section, survey_section
    from scraper.vgmusic.menu import choose_sections, crawl_sections, survey_sections
    from scraper.vgmusic.urls import site

    console.when_stopped(GOES_ON)
    with Fetcher(site(base_url, allow_private_hosts), delay, contact) as fetcher:
        sections = choose_sections(local_root(root), fetcher, section)
        if dry_run and len(sections) == 1:
            _tell_plan(survey_section(local_root(root), fetcher, sections[0].name), fetcher.delay)
            return
        with console.Progress(f"scraping {section}") as progress:
            if len(sections) > 1:
                found = survey_sections(local_root(root), fetcher, sections) if dry_run else None
                _tell_all(
                    found or crawl_sections(local_root(root), fetcher, sections, limit, progress),
                    len(sections),
                    fetcher.delay,
                )
                return
            with _telling_when_stopped():
                totals = crawl_section(local_root(root), fetcher, sections[0].name, limit, progress)
    _tell(totals)


@app.command()
def new(
    base_url: BaseUrl = VGMUSIC,
    allow_private_hosts: Private = False,
    delay: Delay = DELAY_S,
    limit: Limit = None,
    contact: Contact = "",
    root: Root = None,
) -> None:
    """Scrape what was uploaded to VGMusic since the last time, with the dates of the uploads."""
    from scraper.http.fetch import Fetcher
    from scraper.vgmusic.uploads import crawl_new
    from scraper.vgmusic.urls import site

    console.when_stopped(GOES_ON)
    with (
        Fetcher(site(base_url, allow_private_hosts), delay, contact) as fetcher,
        console.Progress("new uploads") as progress,
        _telling_when_stopped(),
    ):
        totals = crawl_new(local_root(root), fetcher, limit, progress)
    _tell(totals)


def _tell_plan(plan: "Survey", delay: float, name: str = "") -> None:
    print(f"{name}{plan.line} at {delay:g} s a request")


def _tell_all(outcomes: "Iterable[Outcome]", listed: int, delay: float) -> None:
    from scraper.vgmusic.totals import ScrapeInterrupted

    empty = failed = done = 0
    try:
        for outcome in outcomes:
            done += outcome.problem is None
            empty += outcome.empty
            failed += outcome.problem is not None and not outcome.empty
            _tell_one(outcome, delay)
    except ScrapeInterrupted as stop:
        print(f"{stop.section}:")
        _tell(stop.totals)
        print(
            f"{listed} sections = {done} done + {empty} empty + {failed} failed + {listed - done - empty - failed} not done"
        )
        raise
    print(f"{listed} sections = {done} done + {empty} empty + {failed} failed")
    if failed or not done:
        raise typer.Exit(1)


def _tell_one(outcome: "Outcome", delay: float) -> None:
    """Print what became of one section."""
    if outcome.totals is not None:
        print(f"{outcome.section.name}:", flush=True)
        _tell(outcome.totals)  # which ends the command where the run was stopped
    elif outcome.plan is not None:
        _tell_plan(outcome.plan, delay, f"{outcome.section.name}: ")
    else:
        complain(f"{outcome.section.name}: {outcome.problem}")


@contextmanager
def _telling_when_stopped() -> "Iterator[None]":
    """Print the totals of a scrape that Ctrl-C ends in the block."""
    from scraper.vgmusic.totals import ScrapeInterrupted

    try:
        yield
    except ScrapeInterrupted as stop:
        _tell(stop.totals)
        raise


def _tell(totals: "Totals") -> None:
    for piece in totals.faults[:REASONS_SHOWN]:
        complain(f"{piece.state}: {piece.url}: {piece.reason}")
    for row in totals.rejected[:REASONS_SHOWN]:
        complain(f"unsafe: {row.game} / {row.title} / {row.href}: {row.reason}")
    more = max(0, len(totals.faults) - REASONS_SHOWN) + max(0, len(totals.rejected) - REASONS_SHOWN)
    if more:
        complain(f"and {more} more")
    for count, what in ((totals.gone, "no longer listed: kept, and marked"), (totals.back, "listed again")):
        if count:
            print(f"{count} pieces {what}")
    if totals.unchanged:
        print("the listing page is unchanged")
    print(totals.line)
    if totals.stopped is not None:
        complain(f"stopped early: {totals.stopped}")
        raise typer.Exit(1)


@app.command("import")
def import_(
    paths: Annotated[
        list[Path],
        typer.Argument(callback=given_path, help="Folders, zip files or MIDI files; folders with all below them."),
    ],
    game: Annotated[
        str | None, typer.Option(help="The game all of it is from; else each file's folder, or archive, names it.")
    ] = None,
    series: Annotated[str | None, typer.Option(help="The series all of it is from; else that of the game.")] = None,
    title_from: Annotated[
        TitleFrom, typer.Option(help="Where titles come from: the file's name, or the text in it where there is some.")
    ] = TitleFrom.name,
    root: Root = None,
) -> None:
    """Bring MIDI files that you have into the catalog. What is in already stays as it is."""
    from scraper.local.import_files import Labels, import_files

    console.when_stopped("what was brought in so far is kept; the same command goes on")
    with console.Progress("importing") as progress:
        totals = import_files(data_root(root), paths, Labels(game, series, title_from is TitleFrom.text), progress)
    for address, reason in totals.faults[:REASONS_SHOWN]:
        complain(f"skipped: {reason}: {address}")
    skipped = sum(totals.skipped.values())
    if skipped > REASONS_SHOWN:
        complain(f"and {skipped - REASONS_SHOWN} more")
    print(totals.line)
    if not totals.new + totals.held:
        complain("no MIDI file in what was named")
        raise typer.Exit(1)


@app.command()
def status(
    section: Annotated[str | None, typer.Option(help="Of this section alone.")] = None,
    form: RowFormat = Format.table,
    root: Root = None,
) -> None:
    """Print what is listed, held, missing, quarantined and gone, section by section. Asks nothing of the site."""
    from catalog.base.output import render
    from scraper.vgmusic import status

    print(render(status.list_sections(local_root(root), section), form))


@app.command()
def journal(
    check: Annotated[
        bool, typer.Option("--check", help="Say whether every run kept its delays and adds up; exit code 1 if not.")
    ] = False,
    last: Annotated[
        int | None,
        typer.Option(min=1, help=f"Print so many lines at most; by default {LINES_SHOWN} in a table, else all."),
    ] = None,
    form: RowFormat = Format.table,
    root: Root = None,
) -> None:
    """Print what was asked of whom, when, and what came of it: every request of every run."""
    from catalog.base.output import render
    from scraper.http.audit import audit_journal
    from scraper.http.journal import Journal

    if not check:
        most = last or (LINES_SHOWN if form is Format.table else None)
        print(render(Journal(local_root(root)).table(most), form))
        return
    found = audit_journal(local_root(root))
    for problem in found.problems:
        print(problem)
    print(found.line)
    raise typer.Exit(1 if found.problems else 0)


@app.command()
def demo_site(
    command: Annotated[
        list[str] | None,
        typer.Argument(help="Run this while the site is served, with VGPIANO_BASE_URL set to it; write -- before it."),
    ] = None,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port on 127.0.0.1; 0 for that of last time, else any that is free.")
    ] = 8765,
    folder: Annotated[
        Path | None,
        typer.Option("--dir", callback=given_path, help="Where the site is made; else demo-site below the data root."),
    ] = None,
    root: Root = None,
) -> None:
    """Make and serve a replica of VGMusic's piano section, whose pieces are public-domain stand-ins.

    Ctrl-C ends it, or the end of COMMAND.
    """
    import os
    import subprocess
    import threading

    from scraper.demo.site import build_demo_site, serve_demo_site

    console.when_stopped("the pieces that were made are kept; the same command goes on")
    folder = folder or local_root(root) / "demo-site"
    with console.Progress("exporting stand-ins") as progress:
        pieces = build_demo_site(folder, progress)
    console.when_stopped("the site is kept, and served no more")
    with serve_demo_site(folder, port) as base_url:
        if command:
            print(f"{pieces} stand-ins at {base_url}", flush=True)
            address = {"VGPIANO_BASE_URL": base_url, "VGPIANO_ALLOW_PRIVATE_HOSTS": "1"}
            done = subprocess.run(command, env={**os.environ, **address}, check=False)  # noqa: S603 - the user's own command
            raise typer.Exit(done.returncode)
        print(f"{pieces} stand-ins at {base_url}; in another terminal, for example:")
        print(f"  scrape vgmusic --base-url {base_url} --allow-private-hosts --delay 0")
        print(f"  VGPIANO_BASE_URL={base_url} VGPIANO_ALLOW_PRIVATE_HOSTS=1 make scrape", flush=True)
        threading.Event().wait()


def main() -> None:
    """Run `scrape`."""
    console.run(app)


if __name__ == "__main__":
    main()
