"""The command `scrape mirror`."""

from typing import Annotated

import typer

from catalog.options import LocalRoot
from scraper.commands.scrape import scrape_source
from scraper.http.limits import DELAY_S
from scraper.options import Contact, Delay, Limit


def mirror(
    url: Annotated[str, typer.Argument(help="Address of a directory listing, such as https://example.org/midi/.")],
    allow_private_hosts: Annotated[
        bool,
        typer.Option(
            "--allow-private-hosts",
            envvar="VGPIANO_ALLOW_PRIVATE_HOSTS",
            help="Allow a URL on this machine or the local network.",
        ),
    ] = False,
    delay: Delay = DELAY_S,
    limit: Limit = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Read only the listing pages and print what would be done.")
    ] = False,
    contact: Contact = "",
    root: LocalRoot = None,
) -> None:
    """Scrape the MIDI files of a directory listing and of all folders below it.

    The name of a file's folder is used as its game. Files that are already in the catalog are not downloaded again.
    """
    scrape_source("mirror", url, allow_private_hosts, "all", delay, limit, dry_run, contact, root)
