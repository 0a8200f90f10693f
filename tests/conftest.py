"""What every room's tests share: the real piano section, where it lies beside the checkout."""

from pathlib import Path

import pytest

SITE = Path(__file__).parents[2] / "shared" / "vgmusic" / "site"


@pytest.fixture(scope="session")
def real_site() -> Path:
    """The real piano section as a static site (other people's music: read here, never kept)."""
    if not SITE.is_dir():
        pytest.skip(f"the real piano section is not at {SITE}")
    return SITE
