"""The command `dataset`: measure what the catalog holds, build corpora from it, and show them."""

from catalog.base import early  # noqa: F401 - before what takes time to import

# isort: split

import json
import sys
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from catalog.base import console
from catalog.base.errors import UsageError
from catalog.options import DocumentFormat, Root, command_group, games, given_name, given_path
from catalog.storage.files import data_root
from dataset.completion import corpora

if TYPE_CHECKING:
    from collections.abc import Mapping
    from concurrent.futures import Executor

    from dataset.corpus.corpus import Corpus
    from dataset.filters.rules import DuplicateRule, Filter

app = command_group("Turn pieces of the catalog into corpora.")

Workers = Annotated[int | None, typer.Option("--workers", min=1, max=1024, help="Processes that parse; one a core.")]
Cluster = Annotated[
    str | None,
    typer.Option("--cluster", help="Parse on the Dask cluster of this scheduler, such as tcp://10.0.0.1:8786."),
]
FilterFile = Annotated[
    Path | None,
    typer.Option("--filters", callback=given_path, help="TOML laid over the default filters (see `dataset filters`)."),
]


CorpusName = Annotated[
    str, typer.Argument(help="Name of a corpus, or its folder.", callback=given_name, autocompletion=corpora)
]


@app.command()
def measure(
    query: Annotated[str | None, typer.Argument(help="Only pieces for which this holds, as in `catalog show`.")] = None,
    again: Annotated[bool, typer.Option("--again", help="Also what has been measured before.")] = False,
    workers: Workers = None,
    cluster: Cluster = None,
    root: Root = None,
) -> None:
    """Measure the notes of stored pieces (key, tempo, polyphony …), for queries and for people."""
    from catalog.summary import opened
    from dataset.measure import measure_catalog

    opened(data_root(root))
    console.when_stopped("what was measured is kept; the same command (without --again) goes on")
    with _executor(workers, cluster) as executor, console.Progress("measuring") as report:
        done = measure_catalog(data_root(root), query, again=again, workers=workers, executor=executor, report=report)
    print(f"{done.files} files: {done.before} measured before, {done.now} now")
    for reason, count in done.unreadable.items():
        print(f"  of these without notes, {reason}: {count}")


@app.command()
def duplicates(
    query: Annotated[str | None, typer.Argument(help="Only pieces for which this holds, as in `catalog show`.")] = None,
    form: DocumentFormat = "table",
    workers: Workers = None,
    cluster: Cluster = None,
    root: Root = None,
) -> None:
    """List the pieces that belong together: the same bytes or notes, nearly the same, contained, or one work."""
    from dataset.duplicates.find import find_duplicates

    with _executor(workers, cluster) as executor, console.Progress("parsing") as report:
        found = find_duplicates(data_root(root), query, workers=workers, executor=executor, report=report)
    if form == "json":
        json.dump(found.relations, sys.stdout, indent=2)
        print()
        return
    for group in found.groups:
        print(f"{', '.join(group.kinds)}: {len(group.members)} pieces")
        for member in group.members:
            by = console.clean(member.sequencer or "unknown")
            print(f"    {console.clean(member.game)}: {console.clean(member.title)}, by {by}")
        for row in group.links:
            print(f"        {console.clean(_evidence(row))}")
    print(f"{found.pieces} pieces compared: {len(found.groups)} groups, {len(found.relations)} relations")


@app.command()
def build(
    game: Annotated[
        str | None,
        typer.Option(help="The one game whose slug contains this, such as ocarina.", autocompletion=games),
    ] = None,
    query: Annotated[
        str | None, typer.Option(help="Pieces for which this holds, such as \"series == 'zelda'\".")
    ] = None,
    name: Annotated[str | None, typer.Option(help="The corpus's name; by default from the game or the query.")] = None,
    seed: Annotated[int, typer.Option(help="Decides which pieces are held out.")] = 0,
    filters: FilterFile = None,
    piano_tracks: Annotated[
        bool, typer.Option("--piano-tracks", help="Take the piano tracks of pieces with other instruments too.")
    ] = False,
    keep_duplicates: Annotated[
        bool, typer.Option("--keep-duplicates", help="Leave out no piece for being another again; its name ends so.")
    ] = False,
    workers: Workers = None,
    cluster: Cluster = None,
    root: Root = None,
) -> None:
    """Build a corpus: parse, filter, drop duplicates, split, and say what became of every piece."""
    if (game is None) == (query is None):
        raise UsageError("give --game NAME or --query Q, one of them (everything: --query \"source == 'vgmusic'\")")
    from catalog.games import find_game
    from catalog.summary import opened
    from dataset import build as library
    from dataset.filters.load import load_filters
    from dataset.plan import Plan

    console.when_stopped("no corpus was changed; the same command begins again")
    chosen = load_filters(filters)
    if keep_duplicates:
        chosen = chosen.keeping_duplicates()
    if query is None:
        slugs = opened(data_root(root)).pieces(columns=["game"])["game"].unique().to_pylist()
        query = f"game == '{find_game(game or '', slugs)}'"
    with _executor(workers, cluster) as executor, console.Progress("parsing") as report:
        plan = Plan(query=query, seed=seed, filters=chosen, piano_tracks=piano_tracks)
        if keep_duplicates and name is None:
            name = f"{plan.name}-with-duplicates"
        corpus = library.build_corpus(data_root(root), plan, name, workers=workers, executor=executor, report=report)
    _print_funnel(corpus)


@app.command("filters")
def show_filters(
    filters: FilterFile = None,
    form: DocumentFormat = "table",
) -> None:
    """Show what leaves a piece out of a corpus: the filters in force, with their thresholds and why."""
    from dataset.filters.load import load_filters

    chosen = load_filters(filters)
    if form == "json":
        json.dump(chosen.settings(), sys.stdout, indent=2)
        print()
        return
    rows: list[Filter | DuplicateRule] = [*chosen.filters, *chosen.duplicates]
    for each in rows:
        print(f"{'on ' if each.on else 'off'}  {each.name:<22}  {each.bounds}".rstrip())
        print(f"     {console.clean(each.why)}")


@app.command()
def show(
    name: CorpusName,
    form: DocumentFormat = "table",
    root: Root = None,
) -> None:
    """Show a corpus: its funnel, and why pieces were left out."""
    from dataset.corpus.corpus import Corpus

    corpus = Corpus.open(data_root(root), name)
    if form == "json":
        json.dump(asdict(corpus.manifest), sys.stdout, indent=2)
        print()
    else:
        _print_funnel(corpus)


@app.command()
def report(
    name: CorpusName,
    out: Annotated[
        Path | None,
        typer.Option("--out", callback=given_path, help="The page; by default report.html in the corpus's folder."),
    ] = None,
    root: Root = None,
) -> None:
    """Write one HTML page that shows a corpus whole: funnel, reasons, relatives, measures, splits, credits."""
    from dataset.corpus.corpus import Corpus
    from dataset.report.report import write_report

    print(console.one_line(write_report(Corpus.open(data_root(root), name), out)))


@app.command("list")
def list_corpora(root: Root = None) -> None:
    """List the corpora that there are."""
    from dataset.corpus.corpus import list_corpora, names

    base = data_root(root)
    found = list_corpora(base)
    for manifest in found:
        name = console.one_line(manifest.name)
        print(f"{name:<32} {manifest.funnel.unique:>7} pieces   {console.clean(manifest.query)}")
    if not (known := names(base)):
        console.complain(f"no corpora in {base / 'corpora'}; `dataset build --game NAME` makes one")
    elif len(found) < len(known):
        console.complain(
            f"{len(known) - len(found)} more cannot be read; `dataset show NAME` says why, of: {', '.join(known)}"
        )


class ExportForm(StrEnum):
    """The form of an export."""

    hf = "hf"
    midi = "midi"
    miditok = "miditok"
    musicxml = "musicxml"
    jsonl = "jsonl"


@app.command()
def export(
    name: CorpusName,
    form: Annotated[ExportForm, typer.Option("--format", help="What to write.")],
    out: Annotated[
        Path | None, typer.Option("--out", callback=given_path, help="Where; by default exports/NAME-FORMAT.")
    ] = None,
    root: Root = None,
) -> None:
    """Write a corpus in the form of another project."""
    from dataset.export.run import export_corpus as write

    with console.Progress("writing") as report:
        done = write(data_root(root), name, form.value, out, report=report)
    print(f"{done.written.pieces} pieces in {console.one_line(done.path)}")
    if done.written.left_out:
        print(f"  {done.written.left_out} left out: index.csv says why")


def _executor(workers: int | None, cluster: str | None) -> "AbstractContextManager[Executor | None]":
    """Return what parses: the workers of a cluster, or None for processes of our own."""
    if cluster is None:
        return nullcontext()
    if workers is not None:
        raise UsageError("give --workers N or --cluster ADDRESS, not both: a cluster has its own workers")
    from dataset.parallel.dask_cluster import connect_cluster

    return connect_cluster(cluster)


def _evidence(row: "Mapping[str, Any]") -> str:
    """Return one relation in words: what stands in what, how much of it, how changed."""
    part = f"{row['second_title']} in {row['first_title']}"
    if not row["notes"]:
        return f"{row['relation']}: {part}, by title alone"
    steps, ratio = row["transposition"], row["tempo_ratio"]
    changed = [f"{steps:+d} semitones"] if steps else []
    changed += [f"note values x {ratio:.3g}"] if abs(ratio - 1) > 0.001 else []
    where = f"from beat {row['offset_second'] / 24:.0f} at beat {row['offset_first'] / 24:.0f}"
    return ", ".join([f"{row['relation']}: {part}, {row['share']:.0%} or {row['notes']} notes", *changed, where])


def _print_funnel(corpus: "Corpus") -> None:
    manifest = corpus.manifest
    funnel = asdict(manifest.funnel)
    print(f"corpus {console.one_line(manifest.name)}, seed {manifest.seed}, query {console.clean(manifest.query)}")
    for stage in ("listed", "fetched", "parsed", "kept", "unique"):
        print(f"  {stage:<12} {funnel[stage]:>7}")
    for split in ("train", "validation", "test"):
        print(f"    {split:<12} {funnel[split]:>5}")
    if manifest.reasons:
        print(f"  left out     {sum(manifest.reasons.values()):>7}")
    for reason, count in sorted(manifest.reasons.items(), key=lambda item: (-item[1], item[0])):
        print(f"    {console.one_line(reason):<24} {count:>5}")
    print(f"  {console.one_line(corpus.path)}")


def main() -> None:
    """Run the command line."""
    console.run(app)


if __name__ == "__main__":
    main()
