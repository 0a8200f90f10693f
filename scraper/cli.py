"""The command `scrape`: download MIDI files from a site into the catalog.

It also imports local files and serves a demo site.
"""

from catalog.base import early  # noqa: F401 - before slow imports

# isort: split

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from catalog.base import console
from catalog.base.console import Format
from catalog.options import LocalRoot, Root, RowFormat, absolute_path, command_group
from catalog.storage.files import data_root, local_root
from scraper.commands.report import print_imported, print_totals, print_totals_on_interrupt
from scraper.commands.scrape import RESUME_HINT
from scraper.folders import FIRST, load_command, load_source, source_names
from scraper.http.limits import DELAY_S
from scraper.options import BaseUrl, Contact, Delay, Limit, Private
from scraper.vgmusic.urls import VGMUSIC

if TYPE_CHECKING:
    from scraper.source.rows import Listing

app = command_group(__doc__ or "")
for each in source_names():
    app.command(each)(load_command(each))
LINES_SHOWN = 50


class TitleFrom(StrEnum):
    """Where the title of an imported file comes from."""

    name = "name"
    text = "text"


@app.command()
def new(
    base_url: BaseUrl = VGMUSIC,
    allow_private_hosts: Private = False,
    delay: Delay = DELAY_S,
    limit: Limit = None,
    contact: Contact = "",
    root: LocalRoot = None,
) -> None:
    """Scrape the files uploaded to VGMusic since the last run, with upload dates."""
    from scraper.http.fetch import Fetcher
    from scraper.vgmusic.uploads import crawl_new
    from scraper.vgmusic.urls import site

    console.set_stop_hint(RESUME_HINT)
    with (
        Fetcher(site(base_url, allow_private_hosts), delay, contact) as fetcher,
        console.Progress("new uploads") as progress,
        print_totals_on_interrupt(),
    ):
        totals = crawl_new(local_root(root), fetcher, limit, progress)
    print_totals(totals)


@app.command("import")
def import_(
    paths: Annotated[
        list[Path],
        typer.Argument(callback=absolute_path, help="Folders (searched recursively), zip files or MIDI files."),
    ],
    game: Annotated[
        str | None, typer.Option(help="Game of all files; by default the name of each file's folder or archive.")
    ] = None,
    series: Annotated[str | None, typer.Option(help="Series of all pieces; by default that of the game.")] = None,
    title_from: Annotated[
        TitleFrom, typer.Option(help="Source of titles: the file name, or the text in the file if there is any.")
    ] = TitleFrom.name,
    root: Root = None,
) -> None:
    """Import local MIDI files into the catalog.

    Files that are already in the catalog are left unchanged. Titles, games and sequencers come from
    VGMusic's listing pages where they lie beside the files, as in a copy made with wget.
    """
    from scraper.local.import_files import Labels, import_files

    console.set_stop_hint("imported files are kept; run the same command to resume")
    with console.Progress("importing") as progress:
        labels = Labels(game, series, title_from is TitleFrom.text)
        totals = import_files(data_root(root), paths, labels, progress, _read_page)
    print_imported(totals)


def _read_page(page: bytes, url: str) -> "Listing":
    """Return the rows of a listing page of the first source, which is loaded only if there is a page."""
    return load_source(FIRST).read(page, url)


@app.command()
def status(
    section: Annotated[str | None, typer.Option(help="Print only this section.")] = None,
    since: Annotated[
        str | None,
        typer.Option(help="List the new, changed and gone pieces since this date, such as 2026-11-01 (UTC)."),
    ] = None,
    form: RowFormat = Format.table,
    root: LocalRoot = None,
) -> None:
    """Print the number of listed, stored and missing files of each section.

    With --since, print what changed since a date instead. No requests are sent.
    """
    from catalog.base.output import render

    if since is not None:
        from scraper.crawl.since import describe_changes, list_changes, parse_date

        date = parse_date(since)
        changes = list_changes(local_root(root), date, section)
        print(render(changes, form))
        if form is Format.table:
            print(describe_changes(changes, date))
        return
    from scraper.sources import list_sections

    print(render(list_sections(local_root(root), section), form))


@app.command()
def journal(
    check: Annotated[
        bool,
        typer.Option("--check", help="Check the delays and totals of every run; exit code 1 if there is a problem."),
    ] = False,
    last: Annotated[
        int | None,
        typer.Option(min=1, help=f"Print at most this many lines; by default {LINES_SHOWN} in a table, otherwise all."),
    ] = None,
    form: RowFormat = Format.table,
    root: LocalRoot = None,
) -> None:
    """Print every request that was sent: when, to which address, and its outcome."""
    from catalog.base.output import render
    from scraper.http.audit import audit_journal
    from scraper.http.journal import Journal

    if not check:
        max_lines = last or (LINES_SHOWN if form is Format.table else None)
        print(render(Journal(local_root(root)).table(max_lines), form))
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
        typer.Argument(help="Command to run while the site is served, with VGPIANO_BASE_URL set; put -- before it."),
    ] = None,
    port: Annotated[
        int,
        typer.Option(min=0, max=65535, help="Port on 127.0.0.1; 0 uses the previous port if it is free, or any other."),
    ] = 8765,
    folder: Annotated[
        Path | None,
        typer.Option(
            "--dir", callback=absolute_path, help="Folder of the site; by default demo-site below the data root."
        ),
    ] = None,
    root: LocalRoot = None,
) -> None:
    """Serve a replica of VGMusic's piano section with public-domain pieces.

    The server stops on Ctrl-C, or when COMMAND exits.
    """
    import os
    import subprocess
    import threading

    from scraper.demo.site import build_demo_site, serve_demo_site

    console.set_stop_hint("exported pieces are kept; run the same command to resume")
    folder = folder or local_root(root) / "demo-site"
    with console.Progress("exporting stand-ins") as progress:
        pieces = build_demo_site(folder, progress)
    console.set_stop_hint("the server has ended; the site is kept")
    with serve_demo_site(folder, port) as base_url:
        if command:
            print(f"{pieces} stand-ins at {base_url}", flush=True)
            address = {"VGPIANO_BASE_URL": base_url, "VGPIANO_ALLOW_PRIVATE_HOSTS": "1"}
            done = subprocess.run(command, env={**os.environ, **address}, check=False)  # noqa: S603 - the command given by the user
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
