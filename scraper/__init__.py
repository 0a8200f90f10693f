"""Bringing pieces in: listing pages, polite HTTP, archives and folders that somebody has, and the demo site.

What `__all__` lists is for other programs; each name is imported from its module when it is first asked for.
"""

from typing import TYPE_CHECKING

from catalog.lazy import lazily

if TYPE_CHECKING:
    from scraper.audit import Audit
    from scraper.audit import audit as audit_journal
    from scraper.crawl import crawl as crawl_section
    from scraper.crawl import survey as survey_section
    from scraper.demo_site import build as build_demo_site
    from scraper.demo_site import served as serve_demo_site
    from scraper.fetch import Fetcher
    from scraper.imports import Labels, import_files
    from scraper.imports import Totals as ImportTotals
    from scraper.journal import Journal
    from scraper.menu import Outcome, Section
    from scraper.menu import choose as choose_sections
    from scraper.menu import crawl_all as crawl_sections
    from scraper.menu import survey_all as survey_sections
    from scraper.status import status as list_sections
    from scraper.totals import Survey, Totals
    from scraper.uploads import crawl_new
    from scraper.urls import VGMUSIC, Site, site
else:
    __getattr__, __dir__ = lazily(
        __name__,
        {
            "Audit": "scraper.audit",
            "Fetcher": "scraper.fetch",
            "ImportTotals": "scraper.imports:Totals",
            "Journal": "scraper.journal",
            "Labels": "scraper.imports",
            "Outcome": "scraper.menu",
            "Section": "scraper.menu",
            "Site": "scraper.urls",
            "Survey": "scraper.totals",
            "Totals": "scraper.totals",
            "VGMUSIC": "scraper.urls",
            "audit_journal": "scraper.audit:audit",
            "build_demo_site": "scraper.demo_site:build",
            "choose_sections": "scraper.menu:choose",
            "crawl_new": "scraper.uploads",
            "crawl_section": "scraper.crawl:crawl",
            "crawl_sections": "scraper.menu:crawl_all",
            "import_files": "scraper.imports",
            "list_sections": "scraper.status:status",
            "serve_demo_site": "scraper.demo_site:served",
            "site": "scraper.urls",
            "survey_section": "scraper.crawl:survey",
            "survey_sections": "scraper.menu:survey_all",
        },
    )

__distribution__ = "vgpiano"  # `vgpiano.py` looks for this line: other distributions have a package of this name

__all__ = [
    "VGMUSIC",
    "Audit",
    "Fetcher",
    "ImportTotals",
    "Journal",
    "Labels",
    "Outcome",
    "Section",
    "Site",
    "Survey",
    "Totals",
    "audit_journal",
    "build_demo_site",
    "choose_sections",
    "crawl_new",
    "crawl_section",
    "crawl_sections",
    "import_files",
    "list_sections",
    "serve_demo_site",
    "site",
    "survey_section",
    "survey_sections",
]
