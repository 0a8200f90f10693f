"""Bringing pieces in: listing pages, polite HTTP, archives and folders that somebody has, and the demo site.

The public names, each with the module that defines it: type checkers read them here, and Python loads them from here.
"""

from .crawl.crawl import crawl_source as crawl_source
from .crawl.crawl import survey_source as survey_source
from .crawl.sections import Outcome as Outcome
from .crawl.totals import Survey as Survey
from .crawl.totals import Totals as Totals
from .demo.site import build_demo_site as build_demo_site
from .demo.site import serve_demo_site as serve_demo_site
from .http.audit import Audit as Audit
from .http.audit import audit_journal as audit_journal
from .http.fetch import Fetcher as Fetcher
from .http.journal import Journal as Journal
from .http.site import Site as Site
from .local.import_files import ImportTotals as ImportTotals
from .local.import_files import Labels as Labels
from .local.import_files import import_files as import_files
from .source.rows import Section as Section
from .sources import SOURCES as SOURCES
from .sources import list_sections as list_sections
from .vgmusic.crawl import crawl_section as crawl_section
from .vgmusic.crawl import crawl_sections as crawl_sections
from .vgmusic.crawl import survey_section as survey_section
from .vgmusic.crawl import survey_sections as survey_sections
from .vgmusic.menu import choose_sections as choose_sections
from .vgmusic.uploads import crawl_new as crawl_new
from .vgmusic.urls import VGMUSIC as VGMUSIC
from .vgmusic.urls import site as site

__version__: str
