"""Classifier two-sample test: are composed pieces told apart from people's?

    python -m benchmarks.told_apart ROOT CORPUS RUN [--count 150] [--draws 20] [--out FILE]

After D. Lopez-Paz and M. Oquab, Revisiting Classifier Two-Sample Tests (ICLR 2017): boosted trees and logistic
regression learn to tell pieces of the corpus (300 notes and more, one of each work) from drafts of the run by the
features of `music_features.py`; the area under the ROC curve on held-out folds says how well. 0.5 means that they
cannot be told apart. People against people is measured beside it. The features that give most away are listed with
their medians. RUN may also be a folder of MIDI files.
"""

import argparse
import json
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.music_features import FIRST, features
from dataset.corpus.corpus import Corpus
from dataset.notes.model import Notes
from training.generate import music
from training.midi import read_notes
from training.run import Run
from training.sampling.config import SamplingConfig

Table = npt.NDArray[np.float64]
GRID_BARS = ((0, 4), (28, 32))
STUCK = 22  # repetitions of one chord, people's 99th percentile


def people(corpus: Corpus) -> list[Notes]:
    """Return the corpus's pieces of FIRST notes and more, of all splits."""
    pieces = [piece.notes for split in ("train", "validation", "test") for piece in corpus.pieces(split)]  # type: ignore[arg-type]
    return [notes for notes in pieces if len(notes) >= FIRST]


def table(pieces: Sequence[Notes]) -> tuple[list[str], Table]:
    """Return the names of the features and their values [pieces, features]."""
    rows = [features(notes) for notes in pieces]
    return list(rows[0]), np.array([[row[name] for name in rows[0]] for row in rows])


def auc(one: Table, other: Table, seed: int) -> tuple[float, float]:
    """Return the areas under the ROC curve of boosted trees and of logistic regression, five-fold."""
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import QuantileTransformer, StandardScaler

    data = np.nan_to_num(np.concatenate([one, other]))
    label = np.r_[np.zeros(len(one)), np.ones(len(other))]
    folds = StratifiedKFold(5, shuffle=True, random_state=seed)
    trees = HistGradientBoostingClassifier(max_iter=100, max_depth=3, learning_rate=0.1, random_state=seed)
    scaled = QuantileTransformer(n_quantiles=50, output_distribution="normal", random_state=seed)
    linear = make_pipeline(scaled, StandardScaler(), LogisticRegression(C=0.1, max_iter=500))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scores = [
            cross_val_predict(model, data, label, cv=folds, method="predict_proba")[:, 1] for model in (trees, linear)
        ]
    return roc_auc_score(label, scores[0]), roc_auc_score(label, scores[1])


def told_apart(real: Table, made: Table, draws: int, count: int) -> dict[str, Any]:
    """Return the means over draws of `count` pieces a side, the interval of the better, and people against people."""
    rng = np.random.default_rng(0)
    found, control = [], []
    for draw in range(draws):
        some = rng.permutation(len(real))
        found.append(auc(real[some[:count]], made[rng.permutation(len(made))[:count]], draw))
        control.append(auc(real[some[:count]], real[some[count : 2 * count]], draw))
    better, same = np.array(found), np.array(control)
    best = int(better.mean(axis=0).argmax())
    return {
        "trees": better[:, 0].mean(),
        "linear": better[:, 1].mean(),
        "better": better[:, best].mean(),
        "interval": np.percentile(better[:, best], [2.5, 97.5]).tolist(),
        "people": same[:, best].mean(),
        "people_interval": np.percentile(same[:, best], [2.5, 97.5]).tolist(),
    }


def given_away(names: list[str], real: Table, made: Table) -> list[dict[str, Any]]:
    """Return the features by how well each alone tells the pieces apart, with medians and people's quartiles."""
    from sklearn.metrics import roc_auc_score

    label = np.r_[np.zeros(len(real)), np.ones(len(made))]
    rows = []
    for column, name in enumerate(names):
        values = np.nan_to_num(np.r_[real[:, column], made[:, column]])
        alone = roc_auc_score(label, values)
        low, middle, high = np.nanpercentile(real[:, column], [25, 50, 75])
        ours = float(np.nanmedian(made[:, column]))
        rows.append(
            {
                "feature": name,
                "alone": max(alone, 1 - alone),
                "people": middle,
                "quartiles": [low, high],
                "composed": ours,
            }
        )
    return sorted(rows, key=lambda row: -row["alone"])


def on_grid(pieces: Sequence[Notes]) -> list[float]:
    """Return the share of onsets on the grid of sixteenths and triplets, in bars 1–4 and in bars 29–32."""
    shares = []
    for first, last in GRID_BARS:
        hits = []
        for notes in pieces:
            bar = notes.onset // 96
            held = notes.onset[(bar >= first) & (bar < last)]
            hits.append((held % 6 == 0) | (held % 8 == 0))
        shares.append(float(np.concatenate(hits).mean()))
    return shares


def stuck(pieces: Sequence[Notes]) -> float:
    """Return the share of pieces in which one chord is struck more than STUCK times in a row."""
    return float(np.mean([features(notes)["same_chord_run"] > STUCK for notes in pieces]))


def composed(root: Path, run: str, count: int, notes: int, temperature: float, seed: int) -> list[Notes]:
    """Return drafts of a run, or the pieces of a folder of MIDI files."""
    if Path(run).is_dir():
        return [read_notes(path) for path in sorted(Path(run).glob("*.mid"))[:count]]
    return music(Run.open(root, run), SamplingConfig(count=count, notes=notes, temperature=temperature, seed=seed))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", type=Path)
    parser.add_argument("corpus")
    parser.add_argument("run")
    parser.add_argument("--count", type=int, default=150)
    parser.add_argument("--notes", type=int, default=FIRST)
    parser.add_argument("--temperature", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--draws", type=int, default=20)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    pieces = composed(options.root, options.run, options.count, options.notes, options.temperature, options.seed)
    names, real = table(people(Corpus.open(options.root, options.corpus)))
    _, made = table(pieces)
    result = told_apart(real, made, options.draws, min(options.count, len(made)))
    rows = given_away(names, real, made)
    result |= {"grid": on_grid(pieces), "stuck": stuck(pieces), "features": rows}
    print(json.dumps({k: v for k, v in result.items() if k != "features"}, indent=1))
    for row in rows[:25]:
        low, high = row["quartiles"]
        mark = " " if low <= row["composed"] <= high else "*"
        quartiles = f"people {row['people']:.3f} ({low:.3f}–{high:.3f})"
        print(f"{row['alone']:.3f} {mark} {row['feature']:22} {quartiles}, composed {row['composed']:.3f}")
    if options.out:
        options.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
