"""What a site lets us ask for: its robots.txt, and the judge of the files below one of its folders."""

from urllib.parse import urlsplit

from catalog.base.errors import FetchError
from scraper.http import limits
from scraper.http.cache import PageCache
from scraper.http.fetch import Fetcher, UrlCheck
from scraper.http.robots import RobotsRules


def load_rules(cache: PageCache, fetcher: Fetcher) -> RobotsRules:
    """Return what robots.txt allows us, its delay taken on. Raises FetchError where it asks for more than a program can give."""
    site, rules = fetcher.site, cache.robots(fetcher)
    if rules.crawl_delay is not None:
        if rules.crawl_delay > limits.CRAWL_DELAY_CEILING_S:
            raise FetchError(
                f"{site.host} wants {rules.crawl_delay:g} s between requests: too slow for a program; stopped"
            )
        fetcher.slow_down(rules.crawl_delay)
    return rules


def section_file_check(fetcher: Fetcher, rules: RobotsRules, below: str, suffix: str) -> UrlCheck:
    """Return the judge of a section's files: below path `below`, ending in `suffix`, as far as robots.txt allows them."""

    def check_url(url: str) -> str | None:
        problem = fetcher.site.problem(url, below, suffix)
        return problem or (None if rules.allows(urlsplit(url).path) else "robots.txt asks programs to leave it alone")

    return check_url
