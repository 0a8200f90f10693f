"""Test the wheel as a new user does: environment, pip, empty folder, three uses.

`python tests/wheel_road.py WHEEL [--constraints FILE] [--site FOLDER] [--minutes M]`; this Python
creates the environment. The site is a replica of VGMusic in FOLDER, or the demo site, which the
wheel itself builds and serves. Takes minutes, an index that pip reaches, and 4 GB of temporary
space, which is freed at the end. Prints what was installed and its size. On a failure, prints the
output of the step and exits with code 1.
"""

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

COMMANDS = ("catalog", "scrape", "dataset", "train", "evaluate", "generate", "render", "novelty", "listen")
SCRIPT = Path(__file__).with_name("user_script.py")
SERVE = """
import pathlib, sys, threading
from scraper.demo.server import serve_folder
with serve_folder(pathlib.Path(sys.argv[1])) as url:
    print(url, flush=True)
    threading.Event().wait()
"""


class Road:
    """An environment in `folder`/env, and steps run in `folder`/empty.

    Nothing else is on the path.
    """

    def __init__(self, folder: Path) -> None:
        self.packages, self.bin, self.where = folder / "env" / "lib", folder / "env" / "bin", folder / "empty"
        self.where.mkdir()
        venv.create(folder / "env", with_pip=True)
        ours = ("PYTHON", "VGPIANO", "VIRTUAL")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        self.environment = {**kept, "PATH": f"{self.bin}:/usr/bin:/bin", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}

    def step(self, *words: str, shown_lines: int = 0) -> str:
        """Run one command and return its output; exit if it fails.

        Prints its time and the last `shown_lines` lines of its output.
        """
        started = time.monotonic()
        done = subprocess.run(
            [str(self.bin / words[0]), *words[1:]],
            cwd=self.where,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        print(f"{time.monotonic() - started:7.1f} s  {' '.join(words)}", flush=True)
        if done.returncode:
            sys.exit(f"{done.stdout}\nexit code {done.returncode}")
        for line in done.stdout.strip().splitlines()[-shown_lines:] if shown_lines else ():
            print(f"           {line}")
        return done.stdout


def demand(fact: bool, what: str) -> None:
    """Exit unless `fact` holds."""
    if not fact:
        sys.exit(f"not so: {what}")


def main() -> None:
    """Run all steps."""
    parser = argparse.ArgumentParser()
    parser.add_argument("wheel", type=Path)
    parser.add_argument("--constraints", type=Path)
    parser.add_argument("--site", type=Path)
    parser.add_argument("--minutes", type=float, default=0.5)
    asked = parser.parse_args()
    print(f"Python {platform.python_version()}, {platform.system()} {platform.machine()}, {asked.wheel.name}")
    with tempfile.TemporaryDirectory(prefix="wheel-road-") as folder:
        road = Road(Path(folder).resolve())
        pinned = ["-c", str(asked.constraints.resolve())] if asked.constraints else []
        road.step("pip", "install", "--quiet", *pinned, str(asked.wheel.resolve()))
        weigh(road)
        versions = [road.step(command, "--version") for command in COMMANDS]
        said = [text.partition(" ")[0] for text in versions]
        demand(said == list(COMMANDS), f"every command says its name and version: {versions}")
        site = serve(road, asked.site)
        try:
            uses(road, asked.minutes)
        finally:
            site.terminate()
            site.wait()
        types(road)
    print("the road is walked")


def weigh(road: Road) -> None:
    """Print what was installed, largest first."""
    listed = {each["name"]: each["version"] for each in json.loads(road.step("pip", "list", "--format", "json"))}
    [packages] = road.packages.glob("python*/site-packages")
    weights = {path.name: sum(f.stat().st_size for f in path.rglob("*") if f.is_file()) for path in packages.iterdir()}
    heaviest = sorted(weights.items(), key=lambda item: -item[1])[:12]
    print(f"           {len(listed)} packages, {sum(weights.values()) / 1e6:.0f} MB: ", end="")
    print(", ".join(f"{name} {size / 1e6:.0f}" for name, size in heaviest))
    print("           " + ", ".join(f"{n} {listed[n]}" for n in ("tensorflow", "keras", "numpy", "pyarrow")))


def serve(road: Road, folder: Path | None) -> "subprocess.Popen[str]":
    """Serve the site locally and pass its address to the following steps."""
    demo = ["scrape", "demo-site", "--port", "0", "--dir", str(road.where.parent / "site")]
    words = demo if folder is None else ["python", "-c", SERVE, str(folder.resolve())]
    words[0] = str(road.bin / words[0])
    site = subprocess.Popen(words, cwd=road.where, env=road.environment, stdout=subprocess.PIPE, text=True)
    line = site.stdout.readline() if site.stdout else ""
    url = next((word.rstrip(";") for word in line.split() if word.startswith("http://")), "")
    demand(bool(url), f"the site is served: {line}")
    road.environment |= {"VGPIANO_BASE_URL": url, "VGPIANO_ALLOW_PRIVATE_HOSTS": "1"}
    return site


def uses(road: Road, minutes: float) -> None:
    """Run the three uses, then evaluate the trained run and generate from it.

    `make scrape` is `scrape vgmusic`.
    """
    data = road.where / "data"
    road.step("scrape", "vgmusic", "--delay", "0", shown_lines=1)
    road.step("dataset", "build", "--game", "ocarina", shown_lines=3)
    demand((data / "corpora" / "ocarina-of-time" / "notes.parquet").is_file(), "the corpus is there")
    road.step("train", "--query", "series == 'zelda'", "--minutes", str(minutes), shown_lines=3)
    run = data / "runs" / "series-zelda"
    demand(len(list(run.glob("samples/*.mid"))) == 3, "training ends with three samples")
    demand(len(list(run.glob("samples/*.mp3"))) == 3, "and their sound")
    demand((run / "index.html").stat().st_size > 100_000, "and the run's page")
    road.step("evaluate", "series-zelda", shown_lines=5)
    road.step("generate", "series-zelda", "--seconds", "20", "--out", "out", shown_lines=5)
    road.step("novelty", "series-zelda", shown_lines=3)
    road.step("dataset", "report", "ocarina-of-time", shown_lines=1)


def types(road: Road) -> None:
    """Check a user's typed script strictly against the installed wheel, and run it."""
    shutil.copy(SCRIPT, road.where)
    road.step("pip", "install", "--quiet", "mypy")
    road.step("mypy", "--strict", SCRIPT.name, shown_lines=1)
    road.step("python", SCRIPT.name, "data", "ocarina-of-time", "series-zelda", "mine.mid", shown_lines=2)


if __name__ == "__main__":
    main()
