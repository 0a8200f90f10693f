"""The command `evaluate`."""

from catalog.base import early  # noqa: F401 - before what takes time to import

# isort: split

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

import typer

from catalog.base import console
from catalog.base.errors import UsageError
from catalog.options import Root, Version, absolute_path, single_command
from catalog.storage.files import data_root, working_root
from training.commands.completion import RunName

if TYPE_CHECKING:
    from training.learner import Evaluation

app = single_command()


@app.command()
def evaluate(
    run: RunName,
    split: Annotated[
        Literal["train", "validation", "test"] | None,
        typer.Option("--split", help="Split of the corpus (default: test)."),
    ] = None,
    midi: Annotated[
        Path | None,
        typer.Option("--midi", callback=absolute_path, help="Evaluate on a folder of MIDI files instead of a split."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one line of JSON.")] = False,
    root: Root = None,
    version: Version = False,
) -> None:
    """Show how well a run's kept epoch predicts held-out music.

    The figures are bits per note, in total and for each field; lower is better. A last line gives them at the coarser
    classes of time and duration of earlier versions. Runs of recipe classic are measured in nats per token.
    """
    from training.evaluate import evaluate_folder, evaluate_run
    from training.run import Run

    if split is not None and midi is not None:
        raise UsageError("--split and --midi exclude each other; give one")
    base = data_root(root)
    opened = Run.open(working_root(base), run)
    quality: Evaluation
    if midi is not None:
        quality = evaluate_folder(
            opened, midi, lambda path, reason: console.print_message(f"left out {path}: {reason}")
        )
    else:
        with console.Progress("windows") as progress:
            quality = evaluate_run(base, opened, split or "test", progress)
    if as_json:
        print(json.dumps(asdict(cast(Any, quality))))
        return
    print("\n".join(quality.lines()))
    if opened.request.init is not None and opened.progress().keeps_start:
        start = f"epoch 0, the weights of run {opened.request.init}"
        print(f"{start}: no epoch of training was better on the validation pieces")


def main() -> None:
    """Run `evaluate` as a console script."""
    console.run(app)
