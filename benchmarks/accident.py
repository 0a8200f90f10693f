"""The original's accident: its Twilight Princess model had "Midna's Lament" by heart. When does a network copy, and what keeps it off?

    python benchmarks/accident.py [--root data] [--epochs 12] [--count 100] [--notes 500]

The section has the theme three times, as "Midna's Desperation"; two of them are nearly the same notes. Samples of one recipe, trained
for the same epochs from the same seed on all pieces of the game, which are all on the training side:

    theme twice: of the near pair one is left out, as a corpus does; the epoch of the lowest training loss is kept, as the original did
    theme three times
    theme three times, the same run, its samples drawn with the guard of 24 notes
    theme three times, the epoch kept is the best on held-out pieces, as `train` does

Out: what of --count samples of each stands in what it learned from, and how much of that in the theme; and a page with three samples of
each side by side, copied passages lit, in experiments/accident of the root. Runs and samples that are there are not made again.
"""

import argparse
import json
from pathlib import Path
from typing import Any

from catalog.storage.files import write_text
from dataset import build
from dataset.corpus.corpus import Corpus
from dataset.filters.load import default_filters
from dataset.notes.model import Notes, read_midi
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

QUERY, SPLIT_SEED = "game == 'twilight-princess'", 2  # with this seed all three are on the training side
THEME = "Midna"
GUARD = 24
SHOWN = 3
RECIPE = NoteLSTMRecipe(
    transpose=0, patience=1000
)  # every piece in its own key, as the original heard it, and to the end
ORIGINAL = Original(10, 0.0324, 220)


def corpus_of(root: Path, *, thrice: bool) -> Corpus:
    """The game's corpus, the near duplicate in it or left out."""
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
    """The files of --count samples, drawn with that guard."""
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


def said(found: dict[str, Any]) -> str:
    """A sentence about all samples, for the page shows a few."""
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
    asked = parser.parse_args()
    twice, thrice = corpus_of(asked.root, thrice=False), corpus_of(asked.root, thrice=True)
    learned = trained(asked.root, thrice, "training", asked.epochs)
    cases = (
        ("Theme twice: near duplicate left out", trained(asked.root, twice, "training", asked.epochs), 0),
        ("Theme three times", learned, 0),
        ("Theme three times, guard of 24 notes", learned, GUARD),
        (
            "Theme three times, best epoch on held-out pieces",
            trained(asked.root, thrice, "validation", asked.epochs),
            0,
        ),
    )
    entries = []
    for label, run, guard in cases:
        files = drawn(run, asked.count, asked.notes, guard)
        found = figures(run, [read_midi(file.read_bytes()) for file in files])
        print(json.dumps({label: found}), flush=True)
        entries.append(Entry(label, run, SHOWN, ORIGINAL, said(found), files[0].parent))
    page = asked.root / "experiments" / "accident" / "index.html"
    lead = "Twilight Princess by networks that have it by heart, with and without what keeps them from copying."
    write_comparison(asked.root, entries, page, title="The accident", lead=lead)
    print(page)


if __name__ == "__main__":
    main()
