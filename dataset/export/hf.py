"""Export a corpus for `datasets.load_dataset`: Parquet and a dataset card."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from catalog.base.console import Report, clean
from catalog.storage.files import write_text
from catalog.table import parquet
from dataset.corpus.corpus import Corpus
from dataset.corpus.credits import escape_markdown
from dataset.corpus.manifest import Manifest
from dataset.corpus.schema import SPLITS
from dataset.export.common import RIGHTS_NOTICE, Written
from dataset.export.provenance import citation_section, origin, sources_section
from dataset.reasons import describe_reason, format_settings

LICENCE_FILE = "LICENSE.md"  # the Hub links only to a file of this name, or LICENSE
SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))


def write(corpus: Corpus, folder: Path, report: Report) -> Written:
    """Write data/, README.md and LICENSE.md to the empty `folder`."""
    (folder / "data").mkdir()
    table = joined_table(corpus)
    for split in SPLITS:
        part = table.filter([name == split for name in table.column("split").to_pylist()])
        parquet.write(part, folder / _file(split))
    write_text(folder / "README.md", card(corpus, table.schema))
    write_text(folder / LICENCE_FILE, f"# Third-party works\n\n{RIGHTS_NOTICE}\n")
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
        f"license_link: {LICENCE_FILE}",
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
            f"{contents(corpus)},",
            f"{origin(corpus)}, filtered, freed of duplicates and split so that no work stands on two sides.",
            "",
            "Chosen by the query:",
            "",
            f"    {clean(manifest.query)}",
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
            *_reasons(manifest),
            "## Filters",
            "",
            *_filters(manifest),
            "",
            "## Splits",
            "",
            f"Seed {manifest.seed}; pieces of one work are never on two sides.",
            "",
            *_table(("split", "pieces"), [(split, getattr(funnel, split)) for split in SPLITS]),
            "",
            sources_section(corpus),
            "",
            "Each row of the data names its source, address, file and dates: `source`, `url`, `sha256`, `listed_at`, `fetched_at`.",
            "",
            "## Fields",
            "",
            fields_table(schema),
            "",
            "## Credits",
            "",
            "[CREDITS.md](CREDITS.md) names who sequenced each piece; [manifest.json](manifest.json) says how to build the corpus again.",
            "",
            citation_section(corpus),
            "",
        ]
    )


def _file(split: str) -> str:
    return f"data/{split}-00000-of-00001.parquet"


def contents(corpus: Corpus) -> str:
    """Return what a corpus contains, in words: pieces, games and sequencers."""
    table = corpus.table()
    games, makers = (len({*table[name].to_pylist()} - {None, ""}) for name in ("game", "sequencer"))
    by = f"{_count(makers, 'person', 'people')} sequenced" if makers else "their makers did not sign"
    unnamed = sum(not name for name in table["sequencer"].to_pylist())
    besides = f" ({unnamed} unsigned)" if makers and unnamed else ""
    return (
        f"{_count(len(table), 'piano piece', 'piano pieces')} of {_count(games, 'video game', 'video games')}, "
        f"as notes on a grid of 1/24 quarter note: MIDI files that {by}{besides}"
    )


def _count(number: int, one: str, several: str) -> str:
    return f"{number:,} {one if number == 1 else several}"


def _reasons(manifest: Manifest) -> list[str]:
    """Return why pieces were left out; nothing if none was."""
    found = [(name, count, describe_reason(name, manifest.filters)) for name, count in sorted(manifest.reasons.items())]
    return ["Left out, by reason:", "", *_table(("reason", "pieces", "meaning"), found), ""] if found else []


def _filters(manifest: Manifest) -> list[str]:
    """Return the filters that were on with their settings, and the names of the others."""
    off = [
        name
        for name, value in sorted(manifest.filters.items())
        if isinstance(value, dict) and not value.get("on", True)
    ]
    on = [(name, format_settings(manifest.filters[name])) for name in sorted({*manifest.filters} - {*off})]
    others = ["", f"Off: {', '.join(map(escape_markdown, off))}."] if off else []
    return [*_table(("filter", "setting"), on), *others]


def _table(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> list[str]:
    return [
        f"| {' | '.join(header)} |",
        "|---" * len(header) + "|",
        *("| " + " | ".join(escape_markdown(str(cell)) for cell in row) + " |" for row in rows),
    ]
