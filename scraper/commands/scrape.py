"""Scrape a source site, as its command asks, and print what was done."""

from catalog.base import console
from catalog.storage.files import local_root
from scraper.commands.report import print_outcomes, print_plan, print_totals, print_totals_on_interrupt
from scraper.folders import load_source

RESUME_HINT = "downloaded files are kept; run the same command to resume"


def scrape_source(
    name: str,
    address: str,
    allow_private_hosts: bool,
    wanted: str,
    delay: float,
    limit: int | None,
    dry_run: bool,
    contact: str,
    root: str | None,
) -> None:
    """Scrape `wanted` sections of the source `name`, or print what a run would do.

    With `dry_run` nothing is downloaded but the listing pages.
    """
    from scraper.crawl.crawl import crawl_source, survey_source
    from scraper.crawl.sections import crawl_all, survey_all
    from scraper.http.fetch import Fetcher

    console.set_stop_hint(RESUME_HINT)
    source, data = load_source(name), local_root(root)
    with Fetcher(source.site(address, allow_private_hosts), delay, contact) as fetcher:
        sections = source.sections(data, fetcher, wanted)
        section = sections[0].name
        if dry_run and len(sections) == 1:
            with console.Progress(f"reading {section}") as progress:
                plan = survey_source(source, data, fetcher, section, progress)
            print_plan(plan, fetcher.delay)
            return
        with console.Progress(f"scraping {section if wanted == 'all' and len(sections) == 1 else wanted}") as progress:
            if len(sections) > 1:
                found = survey_all(source, data, fetcher, sections) if dry_run else None
                outcomes = found or crawl_all(source, data, fetcher, sections, limit, progress)
                print_outcomes(outcomes, len(sections), fetcher.delay)
                return
            with print_totals_on_interrupt():
                totals = crawl_source(source, data, fetcher, section, limit, progress)
    print_totals(totals)
