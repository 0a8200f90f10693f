"""The command `dataset`: measure pieces, build corpora, and show or export them."""

from catalog.base import early  # noqa: F401 - before the slow imports

# isort: split

import json
import sys
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from catalog.base import console
from catalog.base.errors import UsageError
from catalog.options import DocumentFormat, Root, absolute_path, command_group, expand_name, games
from catalog.storage.files import data_root
from dataset.completion import corpora
from dataset.export.forms import Form
from dataset.filters.presets import PRESET_HELP, Preset

if TYPE_CHECKING:
    from collections.abc import Mapping
    from concurrent.futures import Executor

    from dataset.filters.rules import DuplicateRule, Filter

app = command_group("Turn pieces of the catalog into corpora.")

Workers = Annotated[
    int | None, typer.Option("--workers", min=1, max=1024, help="Number of parsing processes; by default one per core.")
]
Cluster = Annotated[
    str | None,
    typer.Option(
        "--cluster", help="Parse on the Dask cluster with this scheduler address, such as tcp://10.0.0.1:8786."
    ),
]
PresetName = Annotated[Preset | None, typer.Option("--preset", help=PRESET_HELP)]
FilterFile = Annotated[
    Path | None,
    typer.Option(
        "--filters",
        callback=absolute_path,
        help="TOML file that overrides the default filters, or those of the preset.",
    ),
]


CorpusName = Annotated[
    str, typer.Argument(help="Name or folder of a corpus.", callback=expand_name, autocompletion=corpora)
]


@app.command()
def measure(
    query: Annotated[
        str | None, typer.Argument(help="Only pieces that match this query, as in `catalog show`.")
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="Measure again the pieces that are already measured.")] = False,
    workers: Workers = None,
    cluster: Cluster = None,
    root: Root = None,
) -> None:
    """Measure the notes of stored pieces (key, tempo, polyphony …) for queries."""
    from catalog.summary import open_catalog
    from dataset.measure import measure_catalog

    open_catalog(data_root(root))
    console.set_stop_hint("finished measurements are kept; run the same command (without --again) to continue")
    with _executor(workers, cluster) as executor, console.Progress("measuring") as report:
        done = measure_catalog(data_root(root), query, again=again, workers=workers, executor=executor, report=report)
    print(f"{done.files} files: {done.before} already measured, {done.now} measured now")
    for reason, count in done.unreadable.items():
        print(f"  without notes, {reason}: {count}")


@app.command()
def duplicates(
    query: Annotated[
        str | None, typer.Argument(help="Only pieces that match this query, as in `catalog show`.")
    ] = None,
    form: DocumentFormat = "table",
    workers: Workers = None,
    cluster: Cluster = None,
    root: Root = None,
) -> None:
    """List related pieces: same bytes or notes, similar, contained, or one work."""
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
        typer.Option(help="A game: its title, or part of its slug, such as ocarina.", autocompletion=games),
    ] = None,
    query: Annotated[
        str | None, typer.Option(help="Pieces that match this query, such as \"series == 'zelda'\".")
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="Name of the corpus; by default made from the game or query.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the split into train, validation and test.")] = 0,
    preset: PresetName = None,
    filters: FilterFile = None,
    piano_tracks: Annotated[
        bool, typer.Option("--piano-tracks", help="Use only piano tracks, also from pieces with other instruments.")
    ] = False,
    keep_duplicates: Annotated[
        bool, typer.Option("--keep-duplicates", help="Keep duplicates; the default name then ends in -with-duplicates.")
    ] = False,
    workers: Workers = None,
    cluster: Cluster = None,
    root: Root = None,
) -> None:
    """Build a corpus: parse, filter, remove duplicates, split, record exclusions."""
    if (game is None) == (query is None):
        raise UsageError("give either --game NAME or --query Q (for everything: --query \"source == 'vgmusic'\")")
    from catalog.named import query_of
    from catalog.summary import open_catalog
    from dataset import build as library
    from dataset.filters.load import load_filters
    from dataset.overview import overview
    from dataset.plan import Plan

    console.set_stop_hint("no corpus was changed; run the same command to start again")
    chosen = load_filters(filters, preset)
    if keep_duplicates:
        chosen = chosen.keeping_duplicates()
    chosen_query = query_of(game, query, lambda columns: open_catalog(data_root(root)).pieces(columns=columns))
    with _executor(workers, cluster) as executor, console.Progress("parsing") as report:
        plan = Plan(query=chosen_query or "", seed=seed, filters=chosen, preset=preset, piano_tracks=piano_tracks)
        if name is None and (preset or keep_duplicates):
            name = plan.name + (f"-{preset}" if preset else "") + ("-with-duplicates" if keep_duplicates else "")
        corpus = library.build_corpus(data_root(root), plan, name, workers=workers, executor=executor, report=report)
    print("\n".join(overview(corpus)))


@app.command("filters")
def show_filters(
    preset: PresetName = None,
    filters: FilterFile = None,
    form: DocumentFormat = "table",
) -> None:
    """Show the filters in force, with their thresholds and reasons."""
    from dataset.filters.load import load_filters

    chosen = load_filters(filters, preset)
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
    """Show a corpus: funnel, exclusions with reasons, and what became of note-ons."""
    from dataset.corpus.corpus import Corpus
    from dataset.note_account import account_of
    from dataset.overview import overview

    corpus = Corpus.open(data_root(root), name)
    if form == "json":
        account = account_of(corpus.measures())
        json.dump({**asdict(corpus.manifest), "note_ons": account and asdict(account)}, sys.stdout, indent=2)
        print()
    else:
        print("\n".join(overview(corpus)))


@app.command()
def report(
    name: CorpusName,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", callback=absolute_path, help="Output file; by default report.html in the corpus's folder."
        ),
    ] = None,
    root: Root = None,
) -> None:
    """Write an HTML report: funnel, exclusions, relations, measures, credits."""
    from dataset.corpus.corpus import Corpus
    from dataset.report.report import write_report

    print(console.one_line(write_report(Corpus.open(data_root(root), name), out)))


@app.command("list")
def list_corpora(root: Root = None) -> None:
    """List the corpora."""
    from dataset.corpus.corpus import list_corpora, names

    base = data_root(root)
    found = list_corpora(base)
    for manifest in found:
        name = console.one_line(manifest.name)
        print(f"{name:<32} {manifest.funnel.unique:>7} pieces   {console.clean(manifest.query)}")
    if not (known := names(base)):
        console.print_message(f"no corpora in {base / 'corpora'}; run `dataset build --game NAME` to make one")
    elif len(found) < len(known):
        console.print_message(
            f"{len(known) - len(found)} of {len(known)} corpora cannot be read; "
            f"run `dataset show NAME` for the reason: {', '.join(known)}"
        )


@app.command()
def export(
    name: CorpusName,
    form: Annotated[Form, typer.Option("--format", help="Output format.")],
    out: Annotated[
        Path | None,
        typer.Option("--out", callback=absolute_path, help="Output folder; by default exports/NAME-FORMAT."),
    ] = None,
    root: Root = None,
) -> None:
    """Export a corpus in another format."""
    from dataset.export.run import export_corpus as write

    with console.Progress("writing") as report:
        done = write(data_root(root), name, form, out, report=report)
    print(f"{done.written.pieces} pieces in {console.one_line(done.path)}")
    if done.written.left_out:
        print(f"  {done.written.left_out} left out; see index.csv for the reasons")
    if done.written.cut:
        notes = "note" if done.written.cut == 1 else "notes"
        print(f"  {done.written.cut} {notes} cut, since the hand strikes the key again; see index.csv for the pieces")


def _executor(workers: int | None, cluster: str | None) -> "AbstractContextManager[Executor | None]":
    """Return a context with the cluster's executor, or None for local processes."""
    if cluster is None:
        return nullcontext()
    if workers is not None:
        raise UsageError("give either --workers N or --cluster ADDRESS: a cluster has its own workers")
    from dataset.parallel.dask_cluster import connect_cluster

    return connect_cluster(cluster)


def _evidence(row: "Mapping[str, Any]") -> str:
    """Return a relation as one line: the titles, shared notes and changes."""
    part = f"{row['second_title']} in {row['first_title']}"
    if not row["notes"]:
        return f"{row['relation']}: {part}, by title alone"
    steps, ratio = row["transposition"], row["tempo_ratio"]
    changed = [f"{steps:+d} semitones"] if steps else []
    changed += [f"note values x {ratio:.3g}"] if abs(ratio - 1) > 0.001 else []
    where = f"from beat {row['offset_second'] / 24:.0f} at beat {row['offset_first'] / 24:.0f}"
    return ", ".join([f"{row['relation']}: {part}, {row['share']:.0%} or {row['notes']} notes", *changed, where])


def main() -> None:
    """Run the command line."""
    console.run(app)


if __name__ == "__main__":
    main()
