"""The wheel as a stranger meets it: a new environment, pip and its index, an empty folder, and there the three uses.

`python tests/wheel_road.py WHEEL [--constraints FILE] [--site FOLDER] [--minutes M]`; the Python that runs this is the one
that the environment is made of. The site is a replica of VGMusic in FOLDER, else the demo's, which the wheel itself makes and
serves. Takes minutes, an index that pip reaches, and 4 GB of the temporary folder, which it gives back. Says what was
installed and its weight; exit code 1 with the output of the step that failed.
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

COMMANDS = ("catalog", "scrape", "dataset", "train", "evaluate", "generate", "render", "novelty")
SCRIPT = Path(__file__).with_name("user_script.py")
SERVE = """
import pathlib, sys, threading
from scraper.demo.server import serve_folder
with serve_folder(pathlib.Path(sys.argv[1])) as url:
    print(url, flush=True)
    threading.Event().wait()
"""


class Road:
    """An environment in `folder`/env, and steps that are walked in `folder`/empty with nothing else on the path."""

    def __init__(self, folder: Path) -> None:
        self.packages, self.bin, self.where = folder / "env" / "lib", folder / "env" / "bin", folder / "empty"
        self.where.mkdir()
        venv.create(folder / "env", with_pip=True)
        ours = ("PYTHON", "VGPIANO", "VIRTUAL")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        self.environment = {**kept, "PATH": f"{self.bin}:/usr/bin:/bin", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}

    def step(self, *words: str, told: int = 0) -> str:
        """Run one command, say how long it took and the last `told` lines of its output, and return that. Ends where it fails."""
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
        for line in done.stdout.strip().splitlines()[-told:] if told else ():
            print(f"           {line}")
        return done.stdout


def demand(fact: bool, what: str) -> None:
    """End the road unless `fact` holds."""
    if not fact:
        sys.exit(f"not so: {what}")


def main() -> None:
    """Walk the road."""
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
    """Print what was installed, the heaviest first."""
    listed = {each["name"]: each["version"] for each in json.loads(road.step("pip", "list", "--format", "json"))}
    [packages] = road.packages.glob("python*/site-packages")
    weights = {path.name: sum(f.stat().st_size for f in path.rglob("*") if f.is_file()) for path in packages.iterdir()}
    heaviest = sorted(weights.items(), key=lambda item: -item[1])[:12]
    print(f"           {len(listed)} packages, {sum(weights.values()) / 1e6:.0f} MB: ", end="")
    print(", ".join(f"{name} {size / 1e6:.0f}" for name, size in heaviest))
    print("           " + ", ".join(f"{n} {listed[n]}" for n in ("tensorflow", "keras", "numpy", "pyarrow", "symusic")))


def serve(road: Road, folder: Path | None) -> "subprocess.Popen[str]":
    """Serve the site on this machine and put its address into the environment of the steps to come."""
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
    """The three uses (`make scrape` is `scrape vgmusic`), and then what was trained is judged and composes."""
    data = road.where / "data"
    road.step("scrape", "vgmusic", "--delay", "0", told=1)
    road.step("dataset", "build", "--game", "ocarina", told=3)
    demand((data / "corpora" / "ocarina-of-time" / "notes.parquet").is_file(), "the corpus is there")
    road.step("train", "--query", "series == 'zelda'", "--minutes", str(minutes), told=3)
    run = data / "runs" / "series-zelda"
    demand(len(list(run.glob("samples/*.mid"))) == 3, "training ends with three samples")
    demand(len(list(run.glob("samples/*.mp3"))) == 3, "and their sound")
    demand((run / "index.html").stat().st_size > 100_000, "and the run's page")
    road.step("evaluate", "series-zelda", told=5)
    road.step("generate", "series-zelda", "--seconds", "20", "--out", "out", told=5)
    road.step("novelty", "series-zelda", told=3)
    road.step("dataset", "report", "ocarina-of-time", told=1)


def types(road: Road) -> None:
    """A user's typed script, checked strictly against what is installed, and run."""
    shutil.copy(SCRIPT, road.where)
    road.step("pip", "install", "--quiet", "mypy")
    road.step("mypy", "--strict", SCRIPT.name, told=1)
    road.step("python", SCRIPT.name, "data", "ocarina-of-time", "series-zelda", "mine.mid", told=2)


if __name__ == "__main__":
    main()
