"""Bringing pieces in: listing pages, polite HTTP, archives and folders that somebody has, and the demo site.

What `__all__` lists is for other programs; each name is imported from its module when it is first asked for.
"""

from typing import TYPE_CHECKING

from catalog.base.lazy import lazily

if TYPE_CHECKING:
    from scraper.demo.site import build as build_demo_site
    from scraper.demo.site import served as serve_demo_site
    from scraper.http.audit import Audit
    from scraper.http.audit import audit as audit_journal
    from scraper.http.fetch import Fetcher
    from scraper.http.journal import Journal
    from scraper.http.site import Site
    from scraper.local.import_files import Labels, import_files
    from scraper.local.import_files import Totals as ImportTotals
    from scraper.vgmusic.crawl import crawl as crawl_section
    from scraper.vgmusic.crawl import survey as survey_section
    from scraper.vgmusic.menu import Outcome, Section
    from scraper.vgmusic.menu import choose as choose_sections
    from scraper.vgmusic.menu import crawl_all as crawl_sections
    from scraper.vgmusic.menu import survey_all as survey_sections
    from scraper.vgmusic.status import status as list_sections
    from scraper.vgmusic.totals import Survey, Totals
    from scraper.vgmusic.uploads import crawl_new
    from scraper.vgmusic.urls import VGMUSIC, site
else:
    __getattr__, __dir__ = lazily(
        __name__,
        {
            "Audit": "scraper.http.audit",
            "Fetcher": "scraper.http.fetch",
            "ImportTotals": "scraper.local.import_files:Totals",
            "Journal": "scraper.http.journal",
            "Labels": "scraper.local.import_files",
            "Outcome": "scraper.vgmusic.menu",
            "Section": "scraper.vgmusic.menu",
            "Site": "scraper.vgmusic.urls",
            "Survey": "scraper.vgmusic.totals",
            "Totals": "scraper.vgmusic.totals",
            "VGMUSIC": "scraper.vgmusic.urls",
            "audit_journal": "scraper.http.audit:audit",
            "build_demo_site": "scraper.demo.site:build",
            "choose_sections": "scraper.vgmusic.menu:choose",
            "crawl_new": "scraper.vgmusic.uploads",
            "crawl_section": "scraper.vgmusic.crawl:crawl",
            "crawl_sections": "scraper.vgmusic.menu:crawl_all",
            "import_files": "scraper.local.import_files",
            "list_sections": "scraper.vgmusic.status:status",
            "serve_demo_site": "scraper.demo.site:served",
            "site": "scraper.vgmusic.urls",
            "survey_section": "scraper.vgmusic.crawl:survey",
            "survey_sections": "scraper.vgmusic.menu:survey_all",
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
