"""Which addresses may be requested, by robots.txt and by section."""

from urllib.parse import urlsplit

from catalog.base.errors import FetchError
from scraper.http import limits
from scraper.http.cache import PageCache
from scraper.http.fetch import Fetcher, UrlCheck
from scraper.http.robots import RobotsRules


def load_rules(cache: PageCache, fetcher: Fetcher) -> RobotsRules:
    """Return the robots.txt rules and apply their Crawl-delay to `fetcher`.

    Raises FetchError if the Crawl-delay exceeds the limit.
    """
    site, rules = fetcher.site, cache.robots(fetcher)
    if rules.crawl_delay is not None:
        if rules.crawl_delay > limits.CRAWL_DELAY_CEILING_S:
            raise FetchError(
                f"{site.host} requires {rules.crawl_delay:g} s between requests, more than the limit: stopped"
            )
        fetcher.slow_down(rules.crawl_delay)
    return rules


def section_file_check(fetcher: Fetcher, rules: RobotsRules, below: str, suffix: str) -> UrlCheck:
    """Return a check for the files of a section.

    A file must be below the path `below`, end in `suffix` and be allowed by robots.txt.
    """

    def check_url(url: str) -> str | None:
        problem = fetcher.site.problem(url, below, suffix)
        return problem or (None if rules.allows(urlsplit(url).path) else "disallowed by robots.txt")

    return check_url
