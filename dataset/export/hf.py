"""Export a corpus for `datasets.load_dataset`: Parquet and a dataset card."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa

from catalog.base.console import Report
from catalog.storage.files import write_text
from catalog.table import parquet
from dataset.corpus.corpus import Corpus
from dataset.corpus.credits import escape_markdown
from dataset.corpus.schema import SPLITS
from dataset.export.common import RIGHTS_NOTICE, Written
from dataset.export.provenance import citation_section, origin, sources_section
from dataset.reasons import format_settings

SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))


def write(corpus: Corpus, folder: Path, report: Report) -> Written:
    """Write data/ and README.md to the empty `folder`."""
    (folder / "data").mkdir()
    table = joined_table(corpus)
    for split in SPLITS:
        part = table.filter([name == split for name in table.column("split").to_pylist()])
        parquet.write(part, folder / _file(split))
    write_text(folder / "README.md", card(corpus, table.schema))
    report(table.num_rows, table.num_rows)
    return Written(table.num_rows)


def joined_table(corpus: Corpus) -> pa.Table:
    """Return a row per piece, in corpus order: columns of notes, dates, measures."""
    table = corpus.table()
    for other in (corpus.provenance(), corpus.measures()):
        for field in other.schema:
            if field.name not in table.schema.names:
                table = table.append_column(field, other.column(field.name))
    return table


def fields_table(schema: pa.Schema) -> str:
    """Return a Markdown table of the fields: name, type, meaning, unit and range."""
    lines = ["| field | type | meaning | unit | range |", "|---|---|---|---|---|"]
    for field in schema:
        metadata = {key.decode(): value.decode() for key, value in (field.metadata or {}).items()}
        cells = [field.name, str(field.type), *(metadata.get(key, "") for key in ("description", "unit", "range"))]
        lines.append("| " + " | ".join(escape_markdown(cell) for cell in cells) + " |")
    return "\n".join(lines)


def card(corpus: Corpus, schema: pa.Schema) -> str:
    """Return the dataset card: a YAML header and a description in Markdown."""
    manifest = corpus.manifest
    funnel = manifest.funnel
    files = [line for split in SPLITS for line in (f"  - split: {split}", f"    path: {_file(split)}")]
    header = [
        f"pretty_name: {json.dumps(corpus.name)}",  # JSON is YAML
        "license: other",
        "license_name: third-party-works",
        "license_link: CREDITS.md",
        "task_categories:",
        "- other",
        "tags:",
        *(f"- {tag}" for tag in ("music", "midi", "symbolic-music", "piano", "video-games")),
        "size_categories:",
        f"- {next((name for most, name in SIZES if funnel.unique < most), 'n>1M')}",
        "configs:",
        "- config_name: default",
        "  data_files:",
        *files,
    ]
    stages = ("listed", "fetched", "parsed", "kept", "unique")
    return "\n".join(
        [
            "---",
            *header,
            "---",
            "",
            f"# {escape_markdown(corpus.name)}",
            "",
            "Piano pieces from video games, as notes on a grid of 1/24 quarter note: MIDI files that people sequenced,",
            f"{origin(corpus)}, filtered, freed of duplicates and split so that no work stands on two sides.",
            "",
            f"Chosen by the query: {escape_markdown(manifest.query)}",
            "",
            "## Licence",
            "",
            RIGHTS_NOTICE,
            "You may study it where the law of your country allows that.",
            "",
            "## How to load it",
            "",
            '    from datasets import load_dataset\n    pieces = load_dataset("path/of/this/folder")',
            "",
            "## Funnel",
            "",
            *_table(("stage", "pieces"), [(stage, getattr(funnel, stage)) for stage in stages]),
            "",
            "Left out, by reason (the corpus's excluded.parquet names each piece):",
            "",
            *_table(("reason", "pieces"), sorted(manifest.reasons.items())),
            "",
            "## Filters",
            "",
            *_table(
                ("filter", "setting"),
                [(name, format_settings(manifest.filters[name])) for name in sorted(manifest.filters)],
            ),
            "",
            "## Splits",
            "",
            f"Seed {manifest.seed}; pieces of one work are never on two sides.",
            "",
            *_table(("split", "pieces"), [(split, getattr(funnel, split)) for split in SPLITS]),
            "",
            sources_section(corpus),
            "",
            "## Fields",
            "",
            fields_table(schema),
            "",
            "## Credits",
            "",
            "CREDITS.md names who sequenced each piece; manifest.json says how to build the corpus again.",
            "",
            citation_section(corpus),
            "",
        ]
    )


def _file(split: str) -> str:
    return f"data/{split}-00000-of-00001.parquet"


def _table(header: tuple[str, str], rows: list[tuple[str, Any]]) -> list[str]:
    return [f"| {header[0]} | {header[1]} |", "|---|---|", *(f"| {escape_markdown(str(a))} | {b} |" for a, b in rows)]
