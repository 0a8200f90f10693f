"""Classifier two-sample test: are composed pieces told apart from people's?

    python benchmarks/told_apart.py --corpus all (--run RUN [--chosen] [--primed BARS] | --midi FOLDER)
                                    [--root data] [--count 150] [--out FILE]

After D. Lopez-Paz and M. Oquab, Revisiting Classifier Two-Sample Tests (ICLR 2017). In: a corpus, of which the longest
piece of each work is taken if it has --first notes, and drafts that a run composes, or a folder of MIDI files. With
--primed, the run continues the first bars of held-out pieces, and only what follows them is looked at. Each piece's
first notes become the features of `music_features.py`. Boosted trees and logistic regression learn to tell --count
pieces a side, drawn at random, on four fifths of them and are tried on the last, five times.

Out: the mean area under the ROC curve over --draws draws with the interval of 95 % of them, where 0.5 is "not told
apart"; the same for people's pieces against others of people; each feature with the area that it reaches alone,
medians, and people's quartiles; the share of onsets on the grid, early and late; and the shares of pieces that are
stuck and that end on the tonic. Drafts are longer than what is looked at, so that no side shows its ending.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

sys.path[:0] = [str(Path(__file__).resolve().parent)]  # for `python -m benchmarks.told_apart`

import continuations  # noqa: E402 - modules of this folder
import told_apart_table as tables  # noqa: E402
from figures import Figure  # noqa: E402
from music_features import FIRST, features  # noqa: E402

from catalog.base.errors import TrainingError, VgpianoError  # noqa: E402
from dataset.corpus.corpus import Corpus, CorpusPiece  # noqa: E402
from dataset.notes.model import Notes  # noqa: E402
from training.generate import compose_samples, music  # noqa: E402
from training.midi import read_notes  # noqa: E402
from training.run import Run  # noqa: E402
from training.run_critic import read_critic  # noqa: E402
from training.sampling.config import SamplingConfig  # noqa: E402

Table = npt.NDArray[np.float64]
KINDS = ("trees", "linear")
COUNT, DRAWS, FOLDS = 150, 20, 5
NOTES = 500  # notes composed, more than are looked at: enough for bar 32, and the ending is not among the features
LEAST = FOLDS  # pieces a side


def people(corpus: Corpus, first: int = FIRST) -> list[Notes]:
    """Return the longest piece of each work, if it has at least `first` notes.

    Pieces of all sides of the split are used.
    """
    works: dict[str, CorpusPiece] = {}
    for piece in corpus.pieces():
        if len(piece.notes) >= max(first, len(works[piece.work].notes) + 1 if piece.work in works else 0):
            works[piece.work] = piece
    return [piece.notes for piece in works.values()]


def table(pieces: Sequence[Notes], first: int = FIRST) -> tuple[list[str], Table]:
    """Return the names of the features and their values [pieces, features]."""
    rows = [features(notes, first) for notes in pieces]
    return list(rows[0]), np.array([[row[name] for name in rows[0]] for row in rows])


def auc(one: Table, other: Table, seed: int) -> tuple[float, float]:
    """Return the areas under the ROC curve of boosted trees and logistic regression.

    Areas are of held-out folds. Features become normal scores of their ranks among all pieces, which needs no labels;
    unknown ones become 0.
    """
    from scipy.stats import norm, rankdata
    from sklearn.ensemble import GradientBoostingClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    data = np.concatenate([one, other])
    ranks = rankdata(data, axis=0, nan_policy="omit")
    scores = np.nan_to_num(norm.ppf((ranks - 0.5) / np.maximum(1, (~np.isnan(data)).sum(axis=0))))
    label = np.repeat([0, 1], [len(one), len(other)])
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    trees = GradientBoostingClassifier(
        n_estimators=100, max_depth=3, learning_rate=0.1, subsample=0.5, max_features="sqrt", random_state=seed
    )
    linear = LogisticRegression(C=0.02, max_iter=1000)
    first, second = (
        float(roc_auc_score(label, cross_val_predict(model, scores, label, cv=folds, method="predict_proba")[:, 1]))
        for model in (trees, linear)
    )
    return first, second


def told_apart(real: Table, made: Table, draws: int = DRAWS, count: int = COUNT) -> dict[str, Any]:
    """Return the mean areas over draws of `count` pieces a side, and of people alone.

    `better` is the classifier with the larger mean, with the interval of 95 % of its draws. People against people are
    two halves without a common piece, of `count` each where there are so many; they are told by the same classifier.
    `each` and `people_each` are its areas draw by draw. Raises ValueError for few pieces.
    """
    count = min(count, len(real), len(made))
    halves = min(count, len(real) // 2)
    if halves < LEAST:
        raise ValueError(f"{len(real)} pieces of people and {len(made)} composed; at least {2 * LEAST} and {LEAST}")
    rng = np.random.default_rng(0)
    found, control = np.zeros((draws, 2)), np.zeros((draws, 2))
    for draw in range(draws):
        some = real[rng.permutation(len(real))]
        found[draw] = auc(some[:count], made[rng.permutation(len(made))[:count]], draw)
        control[draw] = auc(some[:halves], some[halves : 2 * halves], draw)
    best = int(found.mean(axis=0).argmax())
    result: dict[str, Any] = {"count": count, "people_count": halves, "draws": draws}
    for number, kind in enumerate(KINDS):
        result |= {kind: float(found[:, number].mean()), f"{kind}_interval": _interval(found[:, number])}
        result |= {f"people_{kind}": float(control[:, number].mean())}
        result |= {f"people_{kind}_interval": _interval(control[:, number])}
    for whose in ("", "people_"):
        kind = KINDS[best]
        name = whose.rstrip("_") or "better"
        result |= {name: result[f"{whose}{kind}"], f"{name}_interval": result[f"{whose}{kind}_interval"]}
    each = {"each": found[:, best].tolist(), "people_each": control[:, best].tolist()}
    return {**result, **each, "classifier": KINDS[best]}


def beside(
    real: Sequence[Notes], sets: Mapping[str, Sequence[Notes]], draws: int, first: int
) -> dict[str, dict[str, Any]]:
    """Return `told_apart` of each set of composed pieces against people's, by name.

    The first `first` notes are looked at. Sets with too few pieces of that length, and all if people's are too few, are
    left out.
    """
    if len(real) < 2 * LEAST:
        return {}
    found = {}
    _, theirs = table(real, first)
    for name, pieces in sets.items():
        long = [notes for notes in pieces if len(notes) >= first]
        if len(long) >= LEAST:
            found[name] = told_apart(theirs, table(long, first)[1], draws, len(long))
    return found


def as_figures(
    found: Mapping[str, dict[str, Any]], ours: str, names: Mapping[str, str], prefix: str, command: str
) -> list[Figure]:
    """Return the results of `beside` as figures: the set `ours` beside people's pieces, and beside each other set."""
    if ours not in found:
        return []
    mine = found[ours]
    what, unit = "composed pieces told from people's by the better of two classifiers", "area under the ROC curve"
    note = f"0.5 is not told apart; {mine['count']} pieces a side, each value a draw of people's pieces, "
    note += f"by {mine['classifier']}"
    rows = [
        ("people", "people against people", mine["people_each"], f"{note}; {mine['people_count']} for people alone")
    ]
    for name, result in found.items():
        if name != ours:
            slug = name.replace(", ", "-").replace(" ", "-")
            rows.append((slug, names[name], result["each"], f"{note}; {result['count']} for the peer"))
    return [
        Figure(f"{prefix}/{id_}", what, unit, tuple(mine["each"]), peer, tuple(theirs), "lower", command, text)
        for id_, peer, theirs, text in rows
    ]


def _interval(values: Table) -> list[float]:
    low, high = np.percentile(values, [2.5, 97.5])
    return [float(low), float(high)]


def compared(real: Sequence[Notes], made: Sequence[Notes], draws: int, count: int, first: int) -> dict[str, Any]:
    """Return the test and all tables for people's and composed pieces."""
    long = [notes for notes in made if len(notes) >= first]
    names, theirs = table(real, first)
    _, ours = table(long, first) if long else ([], np.zeros((0, len(names))))
    return {
        **told_apart(theirs, ours, draws, count),
        "people_pieces": len(real),
        "composed_pieces": len(made),
        "too_short": len(made) - len(long),
        "features": tables.given_away(names, theirs, ours),
        "grid": {"people": tables.grid_drift(real), "composed": tables.grid_drift(made)},
        "stuck": {"people": tables.stuck(real), "composed": tables.stuck(made)},
        "ends_on_tonic": {"people": tables.ends_on_tonic(real), "composed": tables.ends_on_tonic(made)},
    }


def composed(
    run: Run, count: int, notes: int, temperature: float = 1.0, seed: int = 0, *, chosen: bool = False
) -> list[Notes]:
    """Return new pieces of a run: drafts, nothing chosen, or with `chosen` what `generate` writes."""
    config = SamplingConfig(count=count, notes=notes, temperature=temperature, seed=seed, max_copy=run.request.max_copy)
    return choose(run, config) if chosen else music(run, config)


def choose(run: Run, config: SamplingConfig) -> list[Notes]:
    """Return what `generate` writes; raises TrainingError if the run has no critic."""
    require_critic(run)
    return compose_samples(run, config).pieces


def require_critic(run: Run) -> None:
    """Raise TrainingError if the run has no critic, so that what `generate` writes would be drafts."""
    critic, reason = read_critic(run)
    if critic is None:
        raise TrainingError(str(reason))


def read_folder(folder: Path) -> list[Notes]:
    """Return the pieces of all MIDI files in a folder and below.

    Raises FileNotFoundError if there are none.
    """
    files = sorted(file for kind in ("*.mid", "*.midi") for file in folder.rglob(kind))
    if not files:
        raise FileNotFoundError(f"{folder}: no MIDI files (*.mid); give the folder of the samples with --midi")
    return [read_notes(file) for file in files]


def parsed() -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, default=Path("data"), help="data root, for names of corpus and run")
    parser.add_argument("--corpus", required=True, help="name or folder of the corpus with people's pieces")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--run", help="name or folder of the run that composes")
    source.add_argument("--midi", type=Path, help="folder of composed MIDI files, instead of a run")
    parser.add_argument("--primed", type=int, metavar="BARS", help="continue the first BARS bars of held-out pieces")
    parser.add_argument("--chosen", action="store_true", help="what `generate` writes, instead of drafts")
    parser.add_argument("--count", type=int, default=COUNT, help="pieces a side")
    parser.add_argument("--first", type=int, default=FIRST, help="notes of each piece that are looked at")
    parser.add_argument("--notes", type=int, default=NOTES, help="notes of each draft")
    parser.add_argument("--temperature", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--draws", type=int, default=DRAWS)
    parser.add_argument("--rows", type=int, default=25, help="features shown")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    options.notes = max(options.notes, options.first)
    if options.count < LEAST or options.draws < 1 or options.first < 32:
        parser.error(f"--count must be at least {LEAST}, --draws 1, and --first 32")
    if options.primed is not None and (options.midi or options.primed < 1):
        parser.error("--primed must be at least 1, and needs --run")
    if options.chosen and options.midi:
        parser.error("--chosen needs --run")
    return options


def main() -> None:
    options = parsed()
    try:
        corpus = Corpus.open(options.root, options.corpus)
        real = people(corpus, options.first)
        if options.midi:
            made = read_folder(options.midi)[: options.count]
        else:
            run = Run.open(options.root, options.run)
            if options.primed:
                if options.chosen:
                    require_critic(run)
                primes = continuations.beginnings(corpus, options.primed, options.first)
                how = options.notes, options.temperature, options.seed
                made = continuations.continued(run, primes, *how, chosen=options.chosen)
            else:
                size = options.count, options.notes
                made = composed(run, *size, options.temperature, options.seed, chosen=options.chosen)
        result = compared(real, made, options.draws, options.count, options.first)
    except (VgpianoError, OSError, ValueError) as error:
        raise SystemExit(f"told_apart: {error}") from None
    print(tables.text(result, options.rows))
    if options.out:
        options.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
