"""Measure when a network memorises a theme, and what prevents it.

    python benchmarks/accident.py [--root data] [--epochs 12] [--count 100] [--notes 500]

The original Twilight Princess model had memorised "Midna's Lament". The piano section has the theme three times, as
"Midna's Desperation"; two of the pieces have nearly the same notes. One recipe is trained for the same epochs with the
same seed, on all pieces of the game, which are all in the training split:

    theme twice: one of the near duplicates is left out, as in a corpus; the epoch with the lowest training loss is kept, as in 2018
    theme three times
    theme three times, the same run, sampled with a guard of 24 notes
    theme three times, keeping the epoch that is best on held-out pieces, as `train` does

Out: the share of --count samples that is copied from the training pieces, and how much of it from the theme; and a
page in experiments/accident below the root with three samples of each, copied passages highlighted. Existing runs and
samples are reused.
"""

import argparse
import json
from pathlib import Path
from typing import Any

from catalog.storage.files import write_text
from dataset import build
from dataset.corpus.corpus import Corpus
from dataset.filters.load import default_filters
from dataset.midi.midi_reader import read_midi
from dataset.notes.model import Notes
from dataset.plan import Plan
from training import run_training as course
from training.generate import music
from training.note_lstm.recipe import NoteLSTMRecipe
from training.novelty.figures import PASSAGE_LENGTHS, find_copies, medians
from training.novelty.training_index import TrainingIndex
from training.observer import Observer
from training.page.comparison_page import Entry, Original, write_comparison
from training.recipe import Keep, to_json
from training.run import Run, list_runs
from training.sampling import sample_files
from training.sampling.sampler import SamplingConfig
from training.train_config import TrainConfig

QUERY, SPLIT_SEED = "game == 'twilight-princess'", 2  # with this seed all three are in the training split
THEME = "Midna"
GUARD = 24
SHOWN = 3
RECIPE = NoteLSTMRecipe(
    transpose=0, patience=1000
)  # without transposition, as in the original, and without early stopping
ORIGINAL = Original(10, 0.0324, 220)


def corpus_of(root: Path, *, thrice: bool) -> Corpus:
    """Return the game's corpus, with or without the near duplicate."""
    filters = default_filters()
    if thrice:
        filters = filters.keeping_duplicates()
    return build.build_corpus(
        root, Plan(query=QUERY, seed=SPLIT_SEED, filters=filters), f"midna-{'thrice' if thrice else 'twice'}"
    )


def trained(root: Path, corpus: Corpus, keep: Keep, epochs: int) -> Run:
    name = f"{corpus.name}-{keep}"
    if name not in list_runs(root):
        recipe = root / "experiments" / "accident" / "recipe.json"
        write_text(recipe, to_json(RECIPE))
        order = TrainConfig(corpus=corpus.name, recipe=str(recipe), epochs=epochs, name=name, keep=keep, max_copy=0)
        course.train_run(root, order, Observer(print), render=False)
    elif not course.is_trained(Run.open(root, name)):
        course.train_run(root, TrainConfig(name=name, resume=True), Observer(print), render=False)
    return Run.open(root, name)


def drawn(run: Run, count: int, notes: int, guard: int) -> list[Path]:
    """Return the files of --count samples drawn with the given guard."""
    folder = run.path / f"drawn-{notes}-{guard}"
    if len(sample_files.samples(folder)) < count:
        pieces = music(run, SamplingConfig(count=count, notes=notes, seed=1, max_copy=guard))
        sample_files.write_pieces(folder, pieces, run.name)
    return sample_files.samples(folder)[:count]


def figures(run: Run, pieces: list[Notes]) -> dict[str, Any]:
    found = [find_copies(TrainingIndex.open(run.sources), notes) for notes in pieces]
    copies = [copy for one in found for copy in one.copies]
    return {
        "samples": len(pieces),
        "longest of all": max(one.longest for one in found),
        **{name: round(value, 4) for name, value in medians(found).items()},
        "samples with a passage of 24 notes and more": sum(one.longest >= 24 for one in found),
        "passages": len(copies),
        "passages of the theme": sum(THEME in copy.title for copy in copies),
    }


def sentence_of(found: dict[str, Any]) -> str:
    """Return a sentence about all samples; the page shows only a few of them."""
    lengths = " / ".join(map(str, PASSAGE_LENGTHS))
    shares = " / ".join(f"{found[f'share of all notes, {least} notes']:.1%}" for least in PASSAGE_LENGTHS)
    return (
        f"Of {found['samples']} samples together {shares} of the notes stand in passages of {lengths} notes and more; "
        f"{found['samples with a passage of 24 notes and more']} samples have one of 24 or more, the longest has "
        f"{found['longest of all']}. Of {found['passages']} passages {found['passages of the theme']} are of the theme."
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, default=Path("data"))
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--notes", type=int, default=500)
    options = parser.parse_args()
    twice, thrice = corpus_of(options.root, thrice=False), corpus_of(options.root, thrice=True)
    learned = trained(options.root, thrice, "training", options.epochs)
    cases = (
        ("Theme twice: near duplicate left out", trained(options.root, twice, "training", options.epochs), 0),
        ("Theme three times", learned, 0),
        ("Theme three times, guard of 24 notes", learned, GUARD),
        (
            "Theme three times, best epoch on held-out pieces",
            trained(options.root, thrice, "validation", options.epochs),
            0,
        ),
    )
    entries = []
    for label, run, guard in cases:
        files = drawn(run, options.count, options.notes, guard)
        found = figures(run, [read_midi(file.read_bytes()) for file in files])
        print(json.dumps({label: found}), flush=True)
        entries.append(Entry(label, run, SHOWN, ORIGINAL, sentence_of(found), files[0].parent))
    page = options.root / "experiments" / "accident" / "index.html"
    lead = "Twilight Princess by networks that have it by heart, with and without what keeps them from copying."
    write_comparison(options.root, entries, page, title="The accident", lead=lead)
    print(page)


if __name__ == "__main__":
    main()
