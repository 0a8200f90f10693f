"""docs/reference/formats.md, from the schemas and record types in the code.

It describes every file below the data root, field by field.
"""

from collections.abc import Iterable, Mapping

import pyarrow as pa

from catalog.edits.entries import Edit
from catalog.edits.journal import Event
from catalog.edits.overlay import EDITED
from catalog.scenes import SCENE, scenes
from catalog.schema import KEY, MEASURED_BY, MEASURES, PIECES, describe
from catalog.table.identity import CatalogId
from dataset.corpus.manifest import FORMAT as CORPUS_FORMAT
from dataset.corpus.manifest import Funnel, Manifest
from dataset.corpus.schema import EXCLUDED, NOTES, PROVENANCE
from dataset.corpus.schema import RELATIONS as RELATED
from dataset.corpus.split_ledger import LEDGER
from dataset.filters.load import load_filters
from dataset.filters.rules import DuplicateRule, Filter
from dataset.plan import versions
from dataset.reasons import REASONS, RELATIONS
from docs.make.records import record
from scraper.http.journal import FIELDS
from training.classic.recipe import ClassicRecipe, ClassicRow
from training.critic.critic import Critic
from training.events.vocabulary import Opening, Start, Vocabulary
from training.listening.votes import Ballot, Key, KeyEntry, Vote
from training.network.weights import WeightsMeta
from training.note_lstm.recipe import EpochRow, NoteLSTMRecipe
from training.novelty.passages import Index
from training.novelty.training_index import IndexedPiece
from training.page.reference import MEASURE_LABELS, Reference
from training.progress import Progress
from training.rendering.loops import LoopRecord
from training.rendering.render import FORMS
from training.run_record import TrainingRequest
from training.sampling.sample_record import GUESS_NAMES, SampleLoop, SampleRecord, StyleShare
from training.two_sample import Scale

HEAD = "<!-- Written by `make docs` from the code. Change the code, then run that. -->"


def page() -> str:
    """Return the whole page as Markdown."""
    return "\n\n".join([HEAD, *_top(), *_catalog(), *_corpora(), *_runs(), *_loops(), *_listening()]) + "\n"


def _top() -> list[str]:
    return [
        "# Files and their fields",
        "Everything lives below one data root: `./data`, or `--root PATH`, or `$VGPIANO_ROOT`. Where the files lie is drawn in\n"
        "[the design](../design.md#files). A *slug* is a name in lower-case letters, digits and hyphens; *ticks* are 1/24 of a\n"
        "quarter note; addresses are as the source has them.",
    ]


def _catalog() -> list[str]:
    key = ", ".join(f"`{name}`" for name in KEY)
    return [
        "## The catalog",
        "### catalog/pieces/*.parquet",
        f"One row per piece. Its key is ({key}); of several rows with one key, in several files, the newest counts, and the files\n"
        "are merged at the end of a run.",
        _schema(PIECES),
        "### catalog/measures/*.parquet",
        "One row per file, by `dataset measure`; a query sees it beside the piece. Null where the file cannot be read. The\n"
        f"definitions have version {MEASURED_BY}.",
        _schema(MEASURES, measured=True),
        "### The scene of a piece",
        "This column is not stored: it is derived from the title whenever rows are read.",
        _schema(pa.schema([SCENE])),
        _pairs(("scene", "what the piece is for"), scenes()),
        "### catalog/catalog.json",
        "Which files of the two tables are this catalog's. Their names are `part-NUMBER-ID-CHECKSUM.parquet` and `base-…`: the id is\n"
        "that of the catalog, the checksum the first 16 digits of the file's SHA-256. Before the footer of each Parquet file stand the\n"
        "8 bytes `vgp-seal` and the SHA-256 of all that follows; other programs pass over them.",
        _record(CatalogId),
        "### catalog/edits.toml",
        "Corrections by hand (`catalog edit`), applied whenever the catalog is read; a query sees two more columns:",
        _schema(EDITED),
        "One line per piece, in the table `[edits]`. Its key is the SHA-256 of the file, or `SOURCE MD5 URL` if none is stored. A field\n"
        "without a value is as listed.",
        _record(Edit),
        "### catalog/edits.jsonl",
        "The journal of edits: one JSON object per command, only ever added to. An empty field is omitted.",
        _record(Event),
        "### midi/ab/abcdef….mid",
        "The bytes as they were received, named by their SHA-256; the folder is its first two digits.",
        "### quarantine/",
        "Bytes that failed a check, with a JSON file beside them that has both values.",
        "### scrape/journal.jsonl",
        "One JSON object per line and event: the beginning of a run, each request, and the end with totals. Lines are only ever added.",
        _pairs(("field", "meaning"), FIELDS),
    ]


def _corpora() -> list[str]:
    filters = load_filters(None)
    rules: list[Filter | DuplicateRule] = [*filters.filters, *filters.duplicates]
    listed = [(f"`{rule.name}`", "on" if rule.on else "off", rule.bounds, rule.why) for rule in rules]
    beside = {name: why for name, why in REASONS.items() if name not in {rule.name for rule in rules}}
    by = ", ".join(f"`{name}`" for name in versions())
    return [
        "## A corpus: corpora/NAME/",
        f"Format {CORPUS_FORMAT}. Every listed piece is a row of `notes.parquet` or of `excluded.parquet`.",
        "### notes.parquet",
        "One row per piece, in the order of the catalog. The lists of notes have one entry per note, by onset, then pitch.",
        _schema(NOTES),
        "### excluded.parquet",
        "One row for each piece that was left out.",
        _schema(EXCLUDED),
        "#### Reasons",
        "From the filters, as `dataset filters` prints them; each can be changed, and others added, with `--filters FILE`:",
        _table(("reason", "by default", "stays with", "why"), listed),
        "And without a filter:",
        _pairs(("reason", "meaning"), beside),
        "### relations.parquet",
        "One row for each pair of related pieces, with the evidence.",
        _schema(RELATED),
        "#### Relations",
        _pairs(("relation", "meaning"), RELATIONS),
        "### measures.parquet",
        "The measures of the pieces kept, with the fields of `catalog/measures/`, in the order of `notes.parquet`.",
        "### provenance.parquet",
        "Dates of the pieces kept, in the order of `notes.parquet`; no part of the corpus's identity.",
        _schema(PROVENANCE),
        "### manifest.json",
        "How to get the corpus again, and what came of it. No times and no paths: the same input gives the same bytes.",
        _record(Manifest),
        f"`versions` has {by}. The funnel:",
        _record(Funnel),
        "### CREDITS.md",
        "Every sequencer, with the pieces that the corpus took from them, and the copyright notices and texts in their files.",
        "### edits.toml",
        "The lines of `catalog/edits.toml` that apply to the listed pieces; absent if there are none.",
        "### splits/seed-N.parquet",
        "The side that each piece was given when a corpus with this seed first held it. Below the data root, beside the corpora.",
        _schema(LEDGER),
    ]


def _loops() -> list[str]:
    return [
        "## Loops",
        "`NAME-loop.json`, which `render --loop` writes beside the sound of a loop:",
        _record(LoopRecord),
    ]


def _listening() -> list[str]:
    return [
        "## Blind tests",
        "`NAME.key.json`, which `listen` writes beside the page:",
        _record(Key),
        "Each excerpt:",
        _record(KeyEntry),
        "The seals on the page are HMAC-SHA256 with the bytes of `secret`, of the JSON list `[test, number, source, maker, piece]`,\n"
        "written as Python's `json.dumps` does. The file of votes that the page saves:",
        _record(Ballot),
        "Each vote:",
        _record(Vote),
    ]


def _runs() -> list[str]:
    forms = ", ".join(f"{kind} as {' or '.join(names)}" for kind, names in FORMS.items())
    seen = ", ".join(f"`{name}`" for name in MEASURE_LABELS)
    return [
        "## A run: runs/NAME/",
        "### run.json",
        "`format`, `files`, which has the SHA-256 of every file that the run was made with, and `asked`, which is what was asked:",
        _record(TrainingRequest),
        "### SHA256SUMS",
        "The SHA-256 of `run.json` and of all that does not change while the run is trained, and of `weights.npz` and `model.keras`\n"
        "as they are now; `sha256sum -c` and `catalog verify` check it. So in `sources/`.",
        "### recipe.json",
        "A recipe of your own is a JSON file with `kind` and the settings that differ: `train --recipe FILE`.",
        "`note-lstm`, with its defaults:",
        _record(NoteLSTMRecipe, defaults=True),
        "`classic`, the experiment of 2018:",
        _record(ClassicRecipe, defaults=True),
        "### vocabulary.json",
        _record(Vocabulary),
        "Each opening is the first note of a training piece:",
        _record(Opening),
        "Each later start:",
        _record(Start),
        "Each measure in `harmony` has the fields of those of [critic.json](#criticjson); here, examples are plans.",
        "### metrics.csv",
        "One line per epoch. Of `note-lstm`:",
        _record(EpochRow),
        "Of `classic`, in nats per token:",
        _record(ClassicRow),
        "### checkpoints/",
        "`epoch-NNNN.keras` and `.npz`, the network, the optimizer and the average as the last epoch left them, and `state.json`,\n"
        "which is written last:",
        _record(Progress),
        "### weights.npz, model.keras",
        "The kept epoch: arrays by name for `generate` and `evaluate`, which need NumPy alone, and the network as Keras saves it.\n"
        "The array `meta` is JSON:",
        _record(WeightsMeta),
        "### sources/",
        "What the run learnt from. `pieces.json` says where each piece comes from:",
        _record(IndexedPiece),
        "`onset.npy`, of each note, in ticks from the start of its file, and the index that passages are searched in, one array\n"
        "per file:",
        _record(Index),
        "### samples/",
        "`epoch-NNNN/` has those that `train` wrote and that an earlier epoch's network plays.\n"
        f"`sample-N.mid`, and what is rendered beside it: {forms}. `sample-N.json` says how it was composed:",
        _record(SampleRecord),
        "Each style:",
        _record(StyleShare),
        "The loop of a sample that `generate --loop` composed:",
        _record(SampleLoop),
        "The guesses, by their numbers in `guesses`; the first note of a piece and the notes of a prime are not drawn, and have none:",
        _table(
            ("field", "guesses follow"),
            [
                (f"`{name}`", "; ".join(f"{number}: {guess}" for number, guess in enumerate(guesses)))
                for name, guesses in GUESS_NAMES.items()
            ],
        ),
        "### critic.json",
        "How passages of the training pieces measure, and how those of drafts differ, for `generate`, which goes on with what is\n"
        "likest to human pieces. Made when training has ended. Runs of `classic` have none.",
        _record(Critic),
        "Each measure:",
        _record(Scale),
        "### yardstick.json",
        f"Measures of human pieces, for the page: {seen}.",
        _record(Reference),
        "### corpus.json, CREDITS.md",
        "The corpus's manifest and credits, as they were when the run began.",
        "### index.html",
        "[The page of the run](../page.md). It loads nothing.",
        "### tensorboard/",
        "The figures of `metrics.csv`, for TensorBoard.",
    ]


def _schema(schema: pa.Schema, *, measured: bool = False) -> str:
    columns = ("type", "unit", "range", "description") if measured else ("type", "description")
    rows = [(f"`{field['name']}`", *(field[name] for name in columns)) for field in describe(schema)]
    return _table(("field", *columns[:-1], "meaning"), rows)


def _record(kind: type, *, defaults: bool = False) -> str:
    rows = [
        (
            f"`{field.name}`",
            f"`{field.type.replace(' | ', ' or ')}`",
            *([f"`{field.default}`"] if defaults else []),
            field.meaning,
        )
        for field in record(kind)
    ]
    return _table(("field", "type", *(["default"] if defaults else []), "meaning"), rows)


def _pairs(head: tuple[str, str], pairs: Mapping[str, str]) -> str:
    return _table(head, [(f"`{name}`", meaning) for name, meaning in pairs.items()])


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    lines = [list(head), *map(list, rows)]
    lines.insert(1, ["---"] * len(lines[0]))
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
