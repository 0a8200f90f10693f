"""The command `scrape toy`."""

from catalog.options import Root
from scraper.commands.scrape import scrape_source
from scraper.options import BaseUrl, Contact, Delay, DryRun, Limit, Private


def toy(
    section: str = "piano",
    base_url: BaseUrl = "https://www.example.org",
    allow_private_hosts: Private = False,
    delay: Delay = 1.0,
    limit: Limit = None,
    dry_run: DryRun = False,
    contact: Contact = "",
    root: Root = None,
) -> None:
    """Scrape lists of a toy site."""
    scrape_source("toy", base_url, allow_private_hosts, section, delay, limit, dry_run, contact, root)
