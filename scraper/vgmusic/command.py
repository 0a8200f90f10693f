"""The command `scrape vgmusic`."""

from typing import Annotated

import typer

from catalog.options import LocalRoot
from scraper.commands.scrape import scrape_source
from scraper.http.limits import DELAY_S
from scraper.options import BaseUrl, Contact, Delay, DryRun, Limit, Private
from scraper.vgmusic.urls import SOURCE, VGMUSIC


def vgmusic(
    section: Annotated[
        str, typer.Option(help="Section to scrape: its name in the site's menu, its path (/music/…/), or all.")
    ] = "piano",
    base_url: BaseUrl = VGMUSIC,
    allow_private_hosts: Private = False,
    delay: Delay = DELAY_S,
    limit: Limit = None,
    dry_run: DryRun = False,
    contact: Contact = "",
    root: LocalRoot = None,
) -> None:
    """Scrape one section of VGMusic, or all sections.

    Files that are already in the catalog are not downloaded again.
    """
    scrape_source(SOURCE, base_url, allow_private_hosts, section, delay, limit, dry_run, contact, root)
