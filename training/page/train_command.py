"""The commands that train a run again, made from its own files alone: what it was asked, its recipe, and its corpus's manifest.

Out: lines for a shell, which need no file but what they write themselves; on the same catalog they ask for the same.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, fields

from dataset.build_command import build_commands, command, file_lines
from dataset.corpus.manifest import Manifest
from training.recipe import plain
from training.run import Run
from training.run_record import TrainingRequest


def train_commands(run: Run, manifest: Manifest | None) -> list[str]:
    """Return the lines that build the run's corpus, which `manifest` is of, and train the run again.

    A corpus that was named by where it lies is taken from there. A run that began from another one needs that one.
    """
    asked, (minutes, epochs) = run.asked, run.budget()
    is_named = manifest is not None and manifest.name == asked.corpus
    recipe, lines = _recipe(run)
    words = ["train", "--corpus", asked.corpus, "--recipe", recipe, "--seed", str(asked.seed)]
    defaults = {field.name: field.default for field in fields(TrainingRequest)}
    for option, value in (
        ("minutes", minutes),
        ("epochs", epochs),
        ("init", asked.init),
        ("keep", asked.keep),
        ("max_copy", asked.max_copy),
    ):
        if value is not None and value != defaults[option]:
            words += [f"--{option.replace('_', '-')}", _shown(value)]
    return [*(build_commands(manifest) if manifest and is_named else []), *lines, command(words)]


def _recipe(run: Run) -> tuple[str, Sequence[str]]:
    """Return what `--recipe` takes, and the lines that write it where it is a file."""
    usual = plain(run.recipe.kind)
    changed = {name: value for name, value in asdict(run.recipe).items() if value != getattr(usual, name)}
    if not changed:
        return run.recipe.kind, ()
    file = f"{run.name}.recipe.json"
    return file, file_lines(file, [json.dumps({"kind": run.recipe.kind, **changed})])


def _shown(value: object) -> str:
    """Return a value as an option takes it, without a fraction where it has none."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
