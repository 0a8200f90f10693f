"""The sections of VGMusic, read from the menu on the page /music/.

`p.menuhead` names a group, and each link in the `p.menu` after it is a section. Only links to plain folders below
/music/ count. Numbers of files behind the links are not read. Listing pages are parsed in `listing.py`.
"""

import difflib
import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from urllib.parse import urljoin, urlsplit

from bs4 import NavigableString, Tag

from catalog.base.console import clean
from catalog.base.errors import FetchError, ListingError, UsageError
from catalog.titles import fold, slug
from scraper.http import limits
from scraper.http.cache import PageCache
from scraper.http.fetch import Fetcher
from scraper.http.journal import journal_run
from scraper.http.policy import load_rules
from scraper.http.site import Site
from scraper.source.base import ALL
from scraper.source.markup import walk
from scraper.source.rows import Section
from scraper.vgmusic.urls import ALIASES, MUSIC, SECTIONS, SOURCE, section_name

MAX_PARTS = 40  # tags and texts that are read of one link
_COUNT = re.compile(r"\s*\(\d{1,3}(?:,\d{3})*\)$")
_FROM_HOME = re.compile(r"(?:\./)?music/", re.IGNORECASE)


def read_menu(page: bytes, site: Site) -> tuple[Section, ...]:
    """Return the sections in the menu of `page` (/music/), in order, each once.

    The menu is each `p.menu` in `#sidebar`; if none has a section, each `p.menu`; if none has, the whole page. Raises
    ListingError if there are no sections.
    """
    sidebar, menu, everywhere = dict[str, Section](), dict[str, Section](), dict[str, Section]()
    in_sidebar = in_menu = in_group = False
    group = ""
    for node in walk(page):
        if not isinstance(node, Tag):
            group += node if in_group else ""
            continue
        in_sidebar = in_sidebar or node.get("id") == "sidebar"
        if node.name == "p":
            classes = node.get_attribute_list("class")
            in_menu = "menu" in classes
            in_group = "menuhead" in classes or "menularge" in classes
            group = "" if in_group else group
        path = _path(node.get("href"), site) if node.name == "a" else ""
        if path:
            section = _section(path, _link_text(node), group if in_menu else "")
            for found in (everywhere, *[menu] * in_menu, *[sidebar] * (in_menu and in_sidebar)):
                found.setdefault(path, section)
    chosen = sidebar or menu or everywhere
    if len(chosen) > limits.SECTIONS:
        raise ListingError(f"more than {limits.SECTIONS} sections in the menu; name one by its path")
    if not chosen:
        raise ListingError(
            f"no section in the menu of {MUSIC}: the site has changed its layout; name a section by its path"
        )
    return tuple(chosen.values())


def choose_sections(root: Path, fetcher: Fetcher, wanted: str) -> tuple[Section, ...]:
    """Return the sections for `wanted`, and register their paths in `fetcher.site`.

    `wanted` is "all", or a section's path, name or menu title. The menu is downloaded only if needed. Raises
    UsageError if no section or several match, FetchError or ListingError if the menu cannot be read.
    """
    name = section_name(wanted)
    if wanted in SECTIONS:
        chosen: tuple[Section, ...] = (Section(wanted, SECTIONS[wanted], wanted),)
    elif name is not None:
        chosen = (Section(name, wanted, wanted),)
    elif "/" in wanted:
        raise UsageError(f"{wanted!r} is not the path of a section; give one such as {MUSIC}console/nintendo/snes/")
    else:
        with journal_run(root, fetcher, f"{SOURCE} menu"):
            sections = _menu(root, fetcher)
        chosen = sections if wanted == ALL else (_match_section(wanted, sections),)
    known = {**fetcher.site.sections, **{section.name: section.path for section in chosen}}
    fetcher.site = replace(fetcher.site, sections=known)
    return chosen


def _menu(root: Path, fetcher: Fetcher) -> tuple[Section, ...]:
    site, url = fetcher.site, fetcher.site.origin + MUSIC
    rules = load_rules(PageCache(root, f"{SOURCE}-menu"), fetcher)
    if not rules.allows(MUSIC):
        raise FetchError(f"robots.txt of {site.host} disallows {MUSIC}: stopped")
    response = fetcher.get(url, site.problem, limits.PAGE_BYTES, {"Accept-Encoding": "gzip"})
    if response.problem is not None:
        raise FetchError(f"cannot download the menu {url}: {response.reason}; name a section by its path")
    return tuple(section for section in read_menu(response.body, site) if rules.allows(section.path))


def _path(href: object, site: Site) -> str:
    """Return the path of the section that a menu link leads to, or "".

    Relative links are resolved against /music/, but those of the home page ("./music/...") against "/". Of absolute
    addresses of VGMusic only the path counts, also with http and on a replica.
    """
    if not isinstance(href, str) or not href.strip():
        return ""
    link = href.strip()
    try:
        url = urljoin(site.origin + ("/" if _FROM_HOME.match(link) else MUSIC), link)
        parts = urlsplit(url)
    except ValueError:
        return ""
    if parts.scheme in ("http", "https") and parts.netloc.lower() in ALIASES:
        url = site.origin + parts._replace(scheme="", netloc="").geturl()
    if site.problem(url, MUSIC) is not None:
        return ""
    path = parts.path.removesuffix("index.html")
    return path if section_name(path) else ""


def _link_text(link: Tag) -> str:
    """Return the text of a link, up to the next link or line, without a number of files at its end."""
    texts: list[str] = []
    for part in islice(link.descendants, MAX_PARTS):
        if isinstance(part, Tag) and part.name in ("a", "br", "p"):
            break  # the link is not closed
        if type(part) is NavigableString:
            texts.append(part)
    text = clean("".join(texts))
    return _COUNT.sub("", text) or text


def _section(path: str, title: str, group: str) -> Section:
    name = section_name(path) or ""
    words = [clean(text)[: limits.TITLE_CHARACTERS] for text in (title, group)]
    return Section(name, path, words[0] or name, words[1])


def _match_section(wanted: str, sections: Sequence[Section]) -> Section:
    word = slug(fold(wanted))
    exact = [one for one in sections if word in (one.name, slug(fold(one.title)))]
    found = exact or [one for one in sections if one.name.endswith(f"-{word}") or word in slug(fold(one.title))]
    if len(found) == 1:
        return found[0]
    names = [one.name for one in found]
    if names:
        raise UsageError(f"{wanted!r} matches {len(names)} sections: {', '.join(names[:12])}; name one of them")
    near = difflib.get_close_matches(word, [one.name for one in sections], n=3, cutoff=0.3)
    raise UsageError(f"no section called {wanted!r}; nearest: {', '.join(near) or sections[0].name}")
