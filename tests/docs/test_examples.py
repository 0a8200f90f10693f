"""All commands and Python code in README and the pages run offline, in order."""

import json
import re
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.docs.pages import DOCS, GENERATED, Block, pages
from tests.docs.walk import Walk

pytestmark = [pytest.mark.road, pytest.mark.filterwarnings("ignore::DeprecationWarning:keras")]


@pytest.mark.parametrize("page", [page for page in pages() if page not in GENERATED])
def test_what_a_page_shows_works(page: str, walk: Walk) -> None:
    walk.up_to(page)


def test_a_command_that_no_rule_covers_fails(walk: Walk, monkeypatch: pytest.MonkeyPatch) -> None:
    for text, language in (
        ("curl https://example.org\n", "sh"),
        ("ls\n", "bash"),
        ("catalog show 'no such ==='\n", "sh"),
    ):
        with pytest.raises((pytest.fail.Exception, AssertionError)):
            walk._block(Block("docs/none.md", 1, language, None, text), {}, monkeypatch)


def test_the_reference_names_the_fields_of_the_files_that_were_written(walk: Walk) -> None:
    walk.up_to("docs/tutorial.md")
    root = walk.folder / "data" / "tutorial"
    corpus, run = root / "corpora" / "ocarina-of-time", root / "runs" / "first"
    vocabulary = read(run / "vocabulary.json")
    opening = next(opening for opening in vocabulary["openings"] if opening["later"])
    held = {
        "catalog/pieces/*.parquet": columns(root / "catalog" / "pieces"),
        "catalog/measures/*.parquet": columns(root / "catalog" / "measures"),
        **{f"{name}.parquet": columns(corpus / f"{name}.parquet") for name in ("notes", "excluded", "relations")},
        "manifest.json": [*read(corpus / "manifest.json"), *read(corpus / "manifest.json")["funnel"]],
        "splits/seed-N.parquet": columns(root / "splits" / "seed-0.parquet"),
        "run.json": list(read(run / "run.json")["asked"]),
        "vocabulary.json": [*vocabulary, *opening, *opening["later"][0]],
        "checkpoints/": list(read(run / "checkpoints" / "state.json")),
        "yardstick.json": [name for name in read(run / "yardstick.json") if name != "format"],
    }
    described = {name: fields(name) for name in held}
    described["excluded.parquet"] = [n for n in described["excluded.parquet"] if n in held["excluded.parquet"]]
    described["relations.parquet"] = [n for n in described["relations.parquet"] if n in held["relations.parquet"]]
    assert {name: sorted(set(found)) for name, found in held.items()} == {
        name: sorted(set(said)) for name, said in described.items()
    }
    assert set((run / "metrics.csv").read_text().splitlines()[0].split(",")) <= set(fields("metrics.csv"))
    assert set(read(run / "recipe.json")) <= set(fields("recipe.json"))
    assert set(read(run / "sources" / "pieces.json")["pieces"][0]) <= set(fields("sources/"))
    lines = [json.loads(line) for line in (root / "scrape" / "journal.jsonl").read_text().splitlines()]
    written = {name for line in lines if line["event"] != "end" for name in line}
    assert written <= set(fields("scrape/journal.jsonl"))


def read(path: Path) -> Any:
    return json.loads(path.read_text())


def columns(path: Path) -> list[str]:
    return [*pq.read_schema(path if path.is_file() else next(path.glob("*.parquet"))).names]


def fields(section: str) -> list[str]:
    """Return the fields in a section of the reference, from its tables' first column."""
    text = (DOCS / "reference" / "formats.md").read_text()
    [body] = re.findall(rf"^### {re.escape(section)}\n(.*?)(?=^###? |\Z)", text, re.DOTALL | re.MULTILINE)
    return re.findall(r"^\| `([^`]+)` \|", body, re.MULTILINE)
