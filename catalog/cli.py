"""The command `catalog`: query, summarise and verify the catalog."""

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

app = command_group("Query, summarise and verify the catalog of pieces.")


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
    from catalog.rows import count_groups, sorted_pieces
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
    """Print totals: pieces by state, files, bytes, games, series, sequencers."""
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


def _print(table: "pa.Table", form: Format) -> None:
    from catalog.base.output import render

    print(render(table, form))


def main() -> None:
    """Run the command line."""
    console.run(app)
