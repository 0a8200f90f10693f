"""Write benchmark results as Markdown: RESULTS.md, and the table in README.md.

In: `results.json` as `run.py` stores it, with a record for each subject. Out: text made only of these data.
"""

import statistics
from typing import Any

from figures import Figure

Results = dict[str, Any]

# The figures in README.md, in this order; missing ones are omitted.
README = (
    "parse/music21",
    "parse/miditok",
    "build/miditok",
    "queries/10m-one-game/pandas",
    "queries/10m-one-game/duckdb",
    "queries/10m-part-of-a-title/duckdb",
    "duplicates/recall-datasketch",
    "duplicates/precision-datasketch",
    "duplicates/time-rensa",
    "speed/pytorch",
    "sampling/one",
    "original/nats",
    "quality/bits-3min/lstm",
    "quality/bits-3min/transformer",
    "novelty/recall-24-39",
    "novelty/search",
    "imports/rate",
    "start/help",
)
BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"
HEAD = """# Results

Written by `benchmarks/run.py` from `benchmarks/results.json`, not by hand; `make bench` makes both again. A value is the median of so many
times, least and most in brackets. The ratio says how many times better ours is than the peer's, by the medians, and in brackets by each
time that both were measured one after the other. Every command stands on a data root in `./data`.
"""


def figure_of(kept: dict[str, Any]) -> Figure:
    """Return a figure from its JSON record."""
    return Figure(**{**kept, "ours": tuple(kept["ours"]), "theirs": tuple(kept["theirs"])})


def amount(value: float) -> str:
    """Format a number to about three digits, or as an integer if whole or large."""
    if value == round(value) or abs(value) >= 100:
        return f"{value:,.0f}"
    if abs(value) >= 10:
        return f"{value:.1f}"
    return f"{value:.2f}" if abs(value) >= 1 else f"{value:.3g}"


def spread(values: tuple[float, ...]) -> str:
    """Format the median, minimum and maximum; empty if nothing was measured."""
    if not values:
        return ""
    middle = amount(statistics.median(values))
    return middle if len(values) == 1 else f"{middle} ({amount(min(values))}–{amount(max(values))})"


def ratio(figure: Figure) -> str:
    """Format the ratio of the medians and the range of the ratios measured in turn."""
    if figure.ratio is None:
        return ""
    low, high = figure.ratios or (figure.ratio, figure.ratio)
    if min(len(figure.ours), len(figure.theirs)) == 1 or amount(low) == amount(high):
        return f"{amount(figure.ratio)}×"
    return f"{amount(figure.ratio)}× ({amount(low)}–{amount(high)})"


def times(figure: Figure) -> str:
    """Format the number of repeats of ours and of the peer's."""
    ours, theirs = len(figure.ours), len(figure.theirs)
    return str(ours) if theirs in (0, ours) else f"{ours}, {theirs}"


def row(figure: Figure) -> str:
    """Return the figure as a row of RESULTS.md."""
    note = f" {figure.note}" if figure.note else ""
    name = f"**{figure.name}**, {figure.unit}; {figure.better} is better.{note}"
    cells = (
        name,
        spread(figure.ours),
        figure.peer,
        spread(figure.theirs),
        ratio(figure),
        times(figure),
        f"`{figure.command}`",
    )
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


def section(name: str, record: dict[str, Any]) -> str:
    """Return a subject's section of RESULTS.md."""
    share = f" At {record['share']:g} of the full size: this only shows that it works." if record["share"] != 1 else ""
    lines = [
        f"## {name}",
        "",
        record["about"],
        "",
        f"{record['date']}, {record['machine']}, {record['seconds']:,.0f} s. Input: {record['input']}.{share}",
        "",
    ]
    if record["failed"]:
        return "\n".join([*lines, f"Failed: {record['failed']}", ""])
    figures = [figure_of(kept) for kept in record["figures"]]
    head = ["| what | ours | peer | its value | ratio | times | command |", "|---|---|---|---|---|---|---|"]
    return "\n".join([*lines, *head, *(row(figure) for figure in figures), ""])


def results_text(results: Results) -> str:
    """Return the text of RESULTS.md."""
    subjects = results["subjects"]
    took = sum(record["seconds"] for record in subjects.values())
    packages = ", ".join(f"{name} {version}" for name, version in results["packages"].items())
    about = f"All subjects together took {took / 60:.1f} minutes. Versions: {packages}.\n"
    return "\n".join([HEAD, about, *(section(name, record) for name, record in subjects.items())])


def found(results: Results) -> dict[str, Figure]:
    """Return all figures of the results by id."""
    return {kept["id"]: figure_of(kept) for record in results["subjects"].values() for kept in record["figures"]}


def readme_table(results: Results) -> str:
    """Return the table of README.md, with a link for each figure to its section."""
    lines = ["| what | ours | peer | its value | ratio | measured |", "|---|---|---|---|---|---|"]
    figures = found(results)
    for one in (figures[id_] for id_ in README if id_ in figures):
        subject = one.id.partition("/")[0]
        cells = (
            f"{one.name}, {one.unit}",
            spread(one.ours),
            one.peer,
            spread(one.theirs),
            ratio(one),
            f"[{subject}](benchmarks/RESULTS.md#{subject})",
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def with_table(readme: str, results: Results) -> str:
    """Return README.md with its table of figures replaced.

    Raises ValueError if a marker of the table is missing.
    """
    before, begin, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"README.md: the marker {BEGIN} or {END} is missing; add both around the table of figures")
    return f"{before}{BEGIN}\n{readme_table(results)}\n{END}{after}"
