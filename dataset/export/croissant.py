"""Describe an export for machines, in Croissant 1.1 JSON-LD.

In: a corpus, and the folder of its export. Out: the text of croissant.json: licence, citation, sources, each file with
its SHA-256, and the fields of the records. Records are described only if they are in Parquet, since readers of
Croissant guess the types of other tables: a title such as 1942 would become a number. The same export gives the same
bytes.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

import pyarrow as pa

from catalog.table import parquet
from dataset.corpus.corpus import Corpus
from dataset.export.common import RIGHTS_NOTICE
from dataset.export.provenance import CREATORS, addresses, bibtex, dates_of, title_of

CROISSANT_FILE = "croissant.json"
CONFORMS_TO = "http://mlcommons.org/croissant/1.1"
RECORDS, TABLES = "pieces", "tables"  # ids of the record set and of the files with its rows
PARQUET = "application/x-parquet"
# by the suffix of a file; files of other kinds are bytes
MEDIA_TYPES = {
    ".cff": "application/yaml",
    ".csv": "text/csv",
    ".json": "application/json",
    ".jsonl": "application/jsonlines",
    ".md": "text/markdown",
    ".mid": "audio/midi",
    ".musicxml": "application/vnd.recordare.musicxml+xml",
    ".parquet": PARQUET,
    ".toml": "application/toml",
}
TERMS = """arrayShape citeAs column containedIn equivalentProperty extract field fileObject fileProperty fileSet format
includes isArray isLiveDataset jsonPath key md5 parentField path recordSet references regex repeated replace samplingRate
separator source subField transform"""
CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "sc": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/",
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "description": {"@container": "@language"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "name": {"@container": "@language"},
    **{term: f"cr:{term}" for term in TERMS.split()},
}
"""What the names in croissant.json mean: those of schema.org, and the terms that Croissant adds."""


def croissant(corpus: Corpus, folder: Path) -> str:
    """Return the text of croissant.json for the export of `corpus` in `folder`."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    tables = [path for path in paths if path.suffix == ".parquet"]
    day = max((fetched[:10] for _, fetched in dates_of(corpus) if fetched), default=None)
    sources = addresses(corpus)
    document: dict[str, Any] = {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": CONFORMS_TO,
        "name": corpus.name,
        "description": f"{title_of(corpus)}. Chosen by the query: {corpus.manifest.query}",
        "url": "README.md",
        "version": f"1.0.0+{corpus.hash[:12]}",
        "license": {
            "@type": "sc:CreativeWork",
            "name": "Third-party works",
            "description": RIGHTS_NOTICE,
            "url": "CREDITS.md",
        },
        "creator": {"@type": "sc:Organization", "name": CREATORS},
        "citeAs": bibtex(corpus),
        **({"datePublished": day} if day else {}),  # the newest file: the corpus itself has no date
        **({"isBasedOn": sources} if sources else {}),
        "keywords": ["music", "MIDI", "symbolic music", "piano", "video games"],
        "distribution": [_file(path, folder) for path in paths],
    }
    if tables:
        patterns = sorted({f"{path.parent.relative_to(folder)}/*.parquet" for path in tables})
        document["distribution"].append(
            {
                "@type": "cr:FileSet",
                "@id": TABLES,
                "name": "tables",
                "description": "A row for each piece, in a file for each split.",
                "encodingFormat": PARQUET,
                "includes": patterns,
            }
        )
        document["recordSet"] = [_record_set(parquet.schema_of(tables[0]))]
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _file(path: Path, folder: Path) -> dict[str, Any]:
    name = path.relative_to(folder).as_posix()
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    return {
        "@type": "cr:FileObject",
        "@id": name,
        "name": path.name,
        "contentUrl": name,
        "contentSize": f"{path.stat().st_size} B",
        "encodingFormat": MEDIA_TYPES.get(path.suffix, "application/octet-stream"),
        "sha256": sha256,
    }


def _record_set(schema: pa.Schema) -> dict[str, Any]:
    return {
        "@type": "cr:RecordSet",
        "@id": RECORDS,
        "name": RECORDS,
        "description": "A record for each piece, in the three splits together; the field `split` tells them apart.",
        "key": {"@id": f"{RECORDS}/sha256"},
        "field": [_field(field) for field in schema],
    }


def _field(field: pa.Field) -> dict[str, Any]:
    """Describe a column: one value, a list of values, or a list of records with subfields."""
    kind, name = field.type, f"{RECORDS}/{field.name}"
    row: dict[str, Any] = {"@type": "cr:Field", "@id": name, "name": field.name}
    row |= {"description": (field.metadata or {}).get(b"description", b"").decode() or field.name}
    source = {"fileSet": {"@id": TABLES}, "extract": {"column": field.name}}
    if pa.types.is_list(kind):
        row |= {"isArray": True, "arrayShape": "-1"}
        kind = kind.value_type
    if not pa.types.is_struct(kind):
        return row | {"dataType": _data_type(kind), "source": source}
    parts = (
        {
            "@type": "cr:Field",
            "@id": f"{name}/{part.name}",
            "name": part.name,
            "description": f"{part.name} of {field.name}",
            "dataType": _data_type(part.type),
            "source": source | {"transform": {"jsonPath": part.name}},
        }
        for part in kind
    )
    return row | {"subField": list(parts)}


def _data_type(kind: pa.DataType) -> str:
    if pa.types.is_timestamp(kind):
        return "sc:DateTime"
    if pa.types.is_boolean(kind):
        return "sc:Boolean"
    if pa.types.is_unsigned_integer(kind):
        return f"cr:UInt{kind.bit_width}"
    if pa.types.is_integer(kind):
        return f"cr:Int{kind.bit_width}"
    return f"cr:Float{kind.bit_width}" if pa.types.is_floating(kind) else "sc:Text"
