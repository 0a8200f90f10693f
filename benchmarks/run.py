"""Run all benchmarks, each beside its peers, and write the results.

    python benchmarks/run.py [--root data] [--only SUBJECT ...] [--share 0.05] [--times 5]

A subject is a module beside this one with `figures(setting)`. Each runs in its own process, on a copy of the data root
with the corpus `all` (on the demo's pieces if the root has no catalog). The results are `results.json` with all
values, `RESULTS.md`, and the table in README.md, all from the same data. `--only` runs some subjects and keeps the
other results. `--share` makes each subject smaller, as a smoke test; then only --out is written. The exit code is 1 if
a subject failed.
"""

import argparse
import ast
import importlib
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
TOP = HERE.parent
sys.path[:0] = [str(TOP)]

import report  # noqa: E402 - a module of this folder
from figures import TIMES, Setting  # noqa: E402
from inputs import CORPUS, machine, prepared  # noqa: E402

from catalog.storage.files import write_text  # noqa: E402

SUBJECTS = (
    "parse",
    "build",
    "imports",
    "scrape",
    "queries",
    "duplicates",
    "novelty",
    "start",
    "sampling",
    "speed",
    "original",
    "quality",
)
PACKAGES = (
    "vgpiano",
    "numpy",
    "pyarrow",
    "symusic",
    "tensorflow",
    "keras",
    "torch",
    "pandas",
    "duckdb",
    "polars",
    "music21",
    "pretty_midi",
    "muspy",
    "miditok",
    "datasketch",
    "rensa",
    "scikit-learn",
)
MAX_S = 1500.0  # longer subjects are stopped, so that the others can run


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, default=Path("data"))
    parser.add_argument("--only", nargs="+", choices=SUBJECTS, metavar="SUBJECT", help=", ".join(SUBJECTS))
    parser.add_argument("--share", type=float, default=1.0, help="share of the full size, above 0 and at most 1")
    parser.add_argument("--times", type=int, default=TIMES, help="number of repeats of short measurements")
    parser.add_argument("--out", type=Path, default=HERE, help="folder of results.json and RESULTS.md")
    options = parser.parse_args()
    if not 0 < options.share <= 1 or options.times < 1:
        parser.error("--share must be above 0 and at most 1, --times at least 1")
    if options.share < 1 and options.out.resolve() == HERE:
        options.out = Path(tempfile.mkdtemp(prefix="vgpiano-bench-"))
    chosen = [name for name in SUBJECTS if (HERE / f"{name}.py").exists() and name in (options.only or SUBJECTS)]
    results = kept(options.out / "results.json")
    began, failed = time.perf_counter(), []
    with tempfile.TemporaryDirectory(prefix="vgpiano-bench-") as folder:
        root = Path(folder) / "root"
        root.mkdir()
        words = prepared(options.root, root)
        print(f"input: {words}; {machine()} ({time.perf_counter() - began:.0f} s)", flush=True)
        for number, name in enumerate(chosen, 1):
            work = Path(folder) / name
            work.mkdir()
            record = measured(name, Setting(root, CORPUS, work, options.times, options.share), words)
            results["subjects"][name] = record
            print_record(f"{number}/{len(chosen)} {name}", record)
            failed += [name] if record["failed"] else []
            write(options.out, results)  # results so far are kept if the next subject fails
    print(f"all together {(time.perf_counter() - began) / 60:.1f} minutes; {options.out / 'RESULTS.md'}", flush=True)
    missing = [id_ for id_ in report.README if id_ not in report.found(results)]
    if missing:
        print(f"README.md lacks these figures, which were not measured: {', '.join(missing)}")
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def kept(path: Path) -> dict[str, Any]:
    """Return the existing results, or none."""
    found: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.exists() else {"subjects": {}}
    return found


def measured(name: str, setting: Setting, words: str) -> dict[str, Any]:
    """Run one subject in its own process and return its record."""
    out = setting.work / "figures.json"
    given = [str(setting.root), setting.corpus, str(setting.work), str(setting.times), str(setting.share), str(out)]
    line = [sys.executable, "-c", "import run; run.child()", name, *given]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE), str(TOP)]), "TF_CPP_MIN_LOG_LEVEL": "3"}
    since, failed = time.perf_counter(), ""
    with (setting.work / "said.txt").open("w+", encoding="utf-8") as output:
        try:
            code = subprocess.run(line, stdout=output, stderr=output, env=environment, timeout=MAX_S).returncode
        except subprocess.TimeoutExpired:
            code = -1
        seconds = time.perf_counter() - since
        if code:
            output.seek(0)
            text = output.read()
            print(text[-4000:], file=sys.stderr)
            failed = (
                f"took over {MAX_S:.0f} s" if code == -1 else (text.strip().splitlines() or [f"exit code {code}"])[-1]
            )
    about = ast.get_docstring(ast.parse((HERE / f"{name}.py").read_text("utf-8")))
    return {
        "about": str(about).splitlines()[0],
        "date": datetime.now(UTC).date().isoformat(),
        "machine": machine(),
        "input": words,
        "share": setting.share,
        "seconds": round(seconds, 1),
        "failed": failed,
        "figures": [] if failed else json.loads(out.read_text("utf-8")),
    }


def child() -> None:
    """Run a subject in its process and store the figures as JSON."""
    name, root, corpus, work, times, share, out = sys.argv[1:]
    setting = Setting(Path(root), corpus, Path(work), int(times), float(share))
    figures = [asdict(figure) for figure in importlib.import_module(name).figures(setting)]
    if not figures or len({figure["id"] for figure in figures}) != len(figures):
        raise SystemExit(f"{name}: no figures, or two of one id")
    for figure in figures:
        if not figure["id"].startswith(f"{name}/"):
            raise SystemExit(f"{name}: {figure['id']} does not belong to this subject")
        figure["command"] = figure["command"] or f"python benchmarks/run.py --only {name}"
    write_text(Path(out), json.dumps(figures))


def print_record(name: str, record: dict[str, Any]) -> None:
    """Print a subject's progress and its figures."""
    print(f"{name}: {record['seconds']:.0f} s{', FAILED: ' + record['failed'] if record['failed'] else ''}", flush=True)
    for figure in map(report.figure_of, record["figures"]):
        beside = f"; {figure.peer} {report.spread(figure.theirs)}; {report.ratio(figure)}" if figure.theirs else ""
        print(f"  {figure.id}: {report.spread(figure.ours)} {figure.unit}{beside}   $ {figure.command}", flush=True)


def write(out: Path, results: dict[str, Any]) -> None:
    """Write the JSON, RESULTS.md, and README.md's table if it is the repository's."""
    results["subjects"] = {name: results["subjects"][name] for name in SUBJECTS if name in results["subjects"]}
    earlier = results.get("packages", {})  # also of packages that are not installed here, for subjects that are kept
    results["packages"] = {**earlier, "python": sys.version.split()[0], **versions()}
    write_text(out / "results.json", json.dumps(results, indent=1, ensure_ascii=False) + "\n")
    write_text(out / "RESULTS.md", report.results_text(results))
    if out.resolve() == HERE:
        readme = TOP / "README.md"
        write_text(readme, report.with_table(readme.read_text("utf-8"), results))


def versions() -> dict[str, str]:
    """Return the installed packages that take part, with their versions."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


if __name__ == "__main__":
    sys.exit(main())
