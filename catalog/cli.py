"""The command `catalog`: query, summarise, correct, merge and verify the catalog."""

from catalog.base import early  # noqa: F401 - before slow imports

# isort: split

from typing import TYPE_CHECKING, Annotated

import typer

from catalog import options
from catalog.base import console
from catalog.base.console import Format
from catalog.base.errors import UsageError
from catalog.options import Root, RowFormat, command_group
from catalog.storage.files import data_root

if TYPE_CHECKING:
    import pyarrow as pa

TABLE_COLUMNS = "game,title,sequencer,bytes,state"  # default columns of a table; csv and json have all columns
MAX_TABLE_ROWS = 1000  # default limit of a table

MAX_LISTED_EDITS = 20  # lines printed by `catalog edit`
MAX_LISTED_CONFLICTS = 50  # lines printed by `catalog merge`

app = command_group("Query, summarise, correct, merge and verify the catalog of pieces.")


@app.command()
def show(
    query: Annotated[
        str | None, typer.Argument(help="Which pieces, such as \"series == 'zelda' and bytes > 9000\".")
    ] = None,
    game: Annotated[
        str | None,
        typer.Option(help="A game: its title, or part of its slug, such as ocarina.", autocompletion=options.games),
    ] = None,
    columns: Annotated[
        str | None,
        typer.Option(help=f"Comma-separated columns, or all; default: {TABLE_COLUMNS} in a table, else all."),
    ] = None,
    sort: Annotated[
        str | None, typer.Option(help="Sort by these comma-separated columns; -COLUMN: the largest first.")
    ] = None,
    group_by: Annotated[
        str | None,
        typer.Option("--group-by", help="Count the pieces for each value of these comma-separated columns."),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(min=0, help=f"Maximum number of rows; 0: no limit. Default: {MAX_TABLE_ROWS} in a table, else 0."),
    ] = None,
    form: RowFormat = Format.table,
    root: Root = None,
) -> None:
    """Print the pieces that match a query, or with --group-by how many there are.

    The query is pandas': comparisons, and, or, not, &, |, ~, in [...], + - * /, .isin([...]), .between(a, b),
    .str.contains/startswith/endswith(...), .str.len(), .isna(), .notna(). `catalog schema` lists the columns.
    Games and series may be given by name: "series == 'Zelda'".
    """
    from catalog.hints import hints
    from catalog.named import query_of
    from catalog.sorting import count_groups, sorted_pieces
    from catalog.summary import open_catalog

    if group_by is not None and columns is not None:
        raise UsageError("--group-by and --columns exclude each other; give one")
    catalog = open_catalog(data_root(root))
    chosen_query = query_of(game, query, lambda names: catalog.pieces(columns=names))
    if group_by is None:
        chosen = (TABLE_COLUMNS if form is Format.table else "all") if columns is None else columns
        rows, what = sorted_pieces(catalog, chosen_query, chosen, sort), "piece"
    else:
        rows, what = count_groups(catalog, chosen_query, group_by, sort), "group"
    max_rows = (MAX_TABLE_ROWS if form is Format.table else 0) if limit is None else limit
    _print(rows.slice(0, max_rows) if max_rows else rows, form)
    if form is Format.table:
        shown = f", {max_rows} shown (--limit 0 shows all)" if 0 < max_rows < len(rows) else ""
        print(f"{len(rows)} {what}{'' if len(rows) == 1 else 's'}{shown}")
    for hint in hints(catalog, query) if query else []:
        console.print_message(hint)


@app.command()
def games(
    text: Annotated[str | None, typer.Argument(help="Only games with this text in slug, series or name.")] = None,
    form: RowFormat = Format.table,
    root: Root = None,
) -> None:
    """Print the games, their series, and the number of pieces of each."""
    from catalog import summary

    found = summary.list_games(summary.open_catalog(data_root(root)), text)
    _print(found, form)
    if form is Format.table:
        print(f"{len(found)} game{'' if len(found) == 1 else 's'}")


@app.command()
def schema(form: RowFormat = Format.table) -> None:
    """Print every field with its type, meaning and unit."""
    from catalog.summary import list_fields

    _print(list_fields(), form)


@app.command()
def stats(form: RowFormat = Format.table, root: Root = None) -> None:
    """Print totals: pieces by state, files, games, series, sequencers, and disk use."""
    from catalog import summary

    _print(summary.list_totals(summary.open_catalog(data_root(root))), form)


@app.command()
def verify(root: Root = None) -> None:
    """Check every file against its SHA-256: MIDI files, tables, corpora and runs.

    Exits with code 1 and a list of faults if any file is missing or wrong.
    """
    from catalog.store import Catalog
    from catalog.summary import open_catalog

    base = data_root(root)
    with console.Progress("verifying") as report:
        found = Catalog(base).verify(report)
    if not found.checked and not found.faults:
        open_catalog(base)  # raises an error that says how to fill it
    for what, names in (("missing", found.missing), ("wrong", found.wrong), ("unlisted (not a fault)", found.unlisted)):
        for name in names:
            print(f"{what} {name}")
    for fault in found.faults:
        print(console.clean(fault))
    others = f", {len(found.faults)} other faults" if found.faults else ""
    print(f"{found.checked} files checked: {len(found.missing)} missing, {len(found.wrong)} wrong{others}")
    raise typer.Exit(0 if found.ok else 1)


@app.command()
def edit(
    query: Annotated[str | None, typer.Argument(help="Which pieces, as in `catalog show`.")] = None,
    game: Annotated[str | None, typer.Option(help="Their game, a title or a slug; sets the series too.")] = None,
    series: Annotated[str | None, typer.Option(help="Their series, a name or a slug.")] = None,
    title: Annotated[str | None, typer.Option(help="Their title.")] = None,
    sequencer: Annotated[str | None, typer.Option(help="Who made the MIDI files; '' for nobody known.")] = None,
    exclude: Annotated[bool, typer.Option("--exclude", help="Leave them out of corpora; needs --why.")] = False,
    why: Annotated[str | None, typer.Option(help="Why, in your words; kept with the edit.")] = None,
    undo: Annotated[
        bool, typer.Option("--undo", help="Undo all edits of these pieces, or without a query the last command.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what would change, and write nothing.")] = False,
    root: Root = None,
) -> None:
    """Correct what the catalog says of pieces, or leave pieces out of corpora.

    Edits are kept in catalog/edits.toml, one line per piece, and applied whenever the catalog is
    read. They can be undone there or with --undo; catalog/edits.jsonl is the journal.
    """
    from catalog.base.errors import UsageError
    from catalog.editing import Values, edit_pieces, undo_edits
    from catalog.summary import open_catalog

    given = {"game": game, "series": series, "title": title, "sequencer": sequencer, "why": why}
    if undo and (exclude or any(value is not None for value in given.values())):
        raise UsageError("--undo takes a query only; edit in a second command")
    if not undo and query is None:
        raise UsageError("which pieces? give a query, such as \"title == 'Lost Woods'\"; see `catalog edit --help`")
    values = None if undo else Values(exclude=exclude, **given)
    catalog = open_catalog(data_root(root))
    write = not dry_run
    done = (
        undo_edits(catalog, query, write=write)
        if values is None
        else edit_pieces(catalog, str(query), values, write=write)
    )
    for line in done.changed[:MAX_LISTED_EDITS]:
        print(console.clean(line))
    if len(done.changed) > MAX_LISTED_EDITS:
        print(f"... and {len(done.changed) - MAX_LISTED_EDITS} more")
    for note in done.notes:
        print(console.clean(note))
    would = "would change (nothing written)" if dry_run else "changed; corpora have this once they are built again"
    print(f"{done.pieces} piece{'' if done.pieces == 1 else 's'} {would}")


@app.command()
def merge(
    other: Annotated[str, typer.Argument(help="Data root of the other catalog, a folder or a URL; it is only read.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what would be added, and write nothing.")] = False,
    root: Root = None,
) -> None:
    """Add all pieces of another catalog, with their files, dates, splits and edits.

    Where both have a piece, its row gets what either knows. Where they disagree, this catalog's
    value is kept and the disagreement is listed. Corpora and runs are not merged.
    """
    from catalog.merging import merge_catalog

    with console.Progress("merging") as report:
        done = merge_catalog(data_root(root), data_root(other), write=not dry_run, report=report)
    for line in done.conflicts[:MAX_LISTED_CONFLICTS]:
        print(console.clean(f"kept as here: {line}"))
    if len(done.conflicts) > MAX_LISTED_CONFLICTS:
        print(f"... and {len(done.conflicts) - MAX_LISTED_CONFLICTS} more; catalog/edits.jsonl has them all")
    disagreed = f"; {len(done.conflicts)} disagreements, kept as here" if done.conflicts else ""
    print(f"{'would add' if dry_run else 'added'}: {done.line}{disagreed}")


def _print(table: "pa.Table", form: Format) -> None:
    from catalog.base.output import render

    print(render(table, form))


def main() -> None:
    """Run the command line."""
    console.run(app)
