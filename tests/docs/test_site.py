"""The site builds without warnings, is self-contained, readable and searchable."""

import functools
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from bs4 import BeautifulSoup
from playwright.sync_api import Browser

from tests.docs.pages import TOP, nav

pytestmark = pytest.mark.road

LOADS = (("script", "src"), ("img", "src"), ("link", "href"), ("iframe", "src"), ("source", "src"))
NOT_LOADED = {"canonical", "next", "prev"}  # links that say something and fetch nothing


class Quiet(SimpleHTTPRequestHandler):
    """Serves files and says nothing."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        """Keep requests to ourselves."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site as `make docs` builds it."""
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)],
        cwd=TOP,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr.strip()) == (0, "", "")
    return folder


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    """Where the site is served on this machine."""
    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(site))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def html(site: Path, file: str) -> Path:
    return (site / file).with_suffix(".html")


def test_every_page_of_the_nav_is_there_and_loads_nothing_from_elsewhere(site: Path) -> None:
    measured = [str(path.relative_to(TOP)) for path in TOP.glob("benchmarks/*.md")]
    assert measured
    for file in (*nav(), *measured):
        page = BeautifulSoup(html(site, file).read_text(), "html.parser")
        for name, attribute in LOADS:
            for tag in page.find_all(name):
                rels = set(tag.get("rel") or ())
                where = urlsplit(str(tag.get(attribute) or ""))
                assert rels & NOT_LOADED or where.scheme in ("", "data"), f"{file} loads {tag}"
                assert not where.netloc, f"{file} loads {tag}"
    for sheet in site.rglob("*.css"):
        assert "url(http" not in sheet.read_text().replace('"', ""), sheet


def test_links_out_of_the_folder_lead_to_pages_of_the_site(site: Path) -> None:
    page = BeautifulSoup(html(site, "compare.md").read_text(), "html.parser")
    links = {str(link["href"]) for link in page.find("article").find_all("a", href=True)}
    assert {"figures.html", "benchmarks/RESULTS.html"} <= links
    figures = BeautifulSoup(html(site, "figures.md").read_text(), "html.parser")
    assert len(figures.find("article").find_all("tr")) > 10


@pytest.mark.parametrize("width", [360, 1280])
def test_in_a_browser_it_fits_and_asks_nobody_else(address: str, browser: Browser, width: int) -> None:
    page = browser.new_page(viewport={"width": width, "height": 800})
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for file in ("index", "reference/formats", "figures"):
        page.goto(f"{address}/{file}.html")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, file
    page.close()
    assert len(asked) > 10
    assert [url for url in asked if not url.startswith((address, "data:", "blob:"))] == []


def test_its_search_finds(address: str, browser: Browser) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.goto(f"{address}/index.html")
    page.locator(".md-search__input").focus()
    page.locator(".md-search-result__meta", has_text="Type to start").wait_for(timeout=30_000)
    page.locator(".md-search__input").press_sequentially(
        "loop_share"
    )  # it listens for keys, and not to a value that is set
    page.locator(".md-search-result__item", has_text="Files and their fields").first.wait_for(timeout=30_000)
    page.close()
