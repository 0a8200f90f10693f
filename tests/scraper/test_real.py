"""The real piano section, whole, over real HTTP."""

from pathlib import Path

import pytest

from catalog.store import Catalog
from scraper.demo.server import serve_folder
from scraper.http.fetch import Fetcher
from scraper.vgmusic.crawl import crawl_section
from scraper.vgmusic.urls import SECTIONS, site

pytestmark = pytest.mark.road


@pytest.mark.real
def test_the_whole_section_is_stored_and_a_rerun_makes_one_request(real_site: Path, tmp_path: Path) -> None:
    seen: list[str] = []
    with serve_folder(real_site, on_request=seen.append) as base_url:
        with Fetcher(site(base_url, True), 0) as fetcher:
            totals = crawl_section(tmp_path, fetcher)
        assert (totals.listed, totals.fetched, totals.twins, totals.requests) == (721, 719, 2, 721)
        seen.clear()
        with Fetcher(site(base_url, True), 0) as fetcher:
            again = crawl_section(tmp_path, fetcher)
        assert (again.held, again.unchanged) == (721, True)
        assert seen == [SECTIONS["piano"]]
    catalog = Catalog(tmp_path)
    assert len(catalog.pieces("state == 'fetched'")) == 721
    assert len(list((tmp_path / "midi").glob("??/*.mid"))) == 719
    assert catalog.verify().ok
    assert len(catalog.pieces("series == 'zelda'")) == 79
    assert len(catalog.pieces("game == 'ocarina-of-time'")) == 18
