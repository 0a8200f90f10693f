"""The picture of a run's page, in README and on the site.

`make picture` calls `python -m docs.make.picture RUN/index.html`.

Only of a run on public-domain music, such as the demo's: what is in the picture is published.
"""

import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

OUT = Path(__file__).parents[1] / "run.png"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
WIDTH, HEIGHT, SCALE = 1080, 900, 1.5  # CSS pixels, and pixels for each of them
INTO_S = 12.0  # where in the first sample the play head stands


def take(page_file: Path, out: Path = OUT) -> None:
    """Open a run's page in a browser, and write what is seen as PNG.

    The first sample is at `INTO_S`, and its score is open.
    """
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        raise SystemExit(f"no browser: install one of {', '.join(BROWSERS)}")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        page = chromium.new_page(
            viewport={"width": WIDTH, "height": HEIGHT}, device_scale_factor=SCALE, color_scheme="light"
        )
        page.goto(page_file.resolve().as_uri())
        player = page.locator("[data-player]").first
        player.locator("audio").evaluate("(audio, at) => { audio.currentTime = at; }", INTO_S)
        player.locator("details").first.evaluate("(score) => { score.open = true; }")
        player.evaluate("(player) => player.scrollIntoView()")
        page.wait_for_timeout(1500)  # until the score has scrolled to where the play head stands
        page.screenshot(path=out)
        chromium.close()


if __name__ == "__main__":
    take(Path(sys.argv[1]), *map(Path, sys.argv[2:]))
