"""Commands that train a run again, from its own files.

In: a run and its corpus's manifest. Out: lines for a shell; they need no files except those that they write.
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
    """Return the lines that build the run's corpus and train the run again.

    `manifest` is that of the corpus. A corpus that was named by its path is used from there. A run that started from
    another run needs that run.
    """
    request, (minutes, epochs) = run.request, run.budget()
    is_named = manifest is not None and manifest.name == request.corpus
    recipe, lines = _recipe(run)
    words = ["train", "--corpus", request.corpus, "--recipe", recipe, "--seed", str(request.seed)]
    defaults = {field.name: field.default for field in fields(TrainingRequest)}
    for option, value in (
        ("minutes", minutes),
        ("epochs", epochs),
        ("init", request.init),
        ("keep", request.keep),
        ("max_copy", request.max_copy),
    ):
        if value is not None and value != defaults[option]:
            words += [f"--{option.replace('_', '-')}", _shown(value)]
    return [*(build_commands(manifest) if manifest and is_named else []), *lines, command(words)]


def _recipe(run: Run) -> tuple[str, Sequence[str]]:
    """Return the value of `--recipe`, and lines that write it if it is a file."""
    usual = plain(run.recipe.kind)
    changed = {name: value for name, value in asdict(run.recipe).items() if value != getattr(usual, name)}
    if not changed:
        return run.recipe.kind, ()
    file = f"{run.name}.recipe.json"
    return file, file_lines(file, [json.dumps({"kind": run.recipe.kind, **changed})])


def _shown(value: object) -> str:
    """Return a value as an option takes it, without a zero fraction."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
