"""Shell completion of runs, recipes, games and series."""

from collections.abc import Iterable
from typing import Annotated

import typer

from catalog.options import complete_prefix, expand_name, requested_root
from catalog.storage.files import working_root
from training.recipes import RECIPES


def _runs(context: typer.Context) -> Iterable[str]:
    from training.run import list_runs

    return list_runs(working_root(requested_root(context)))


def _recipes(context: typer.Context) -> Iterable[str]:
    return RECIPES


def _styles(kind: str, context: typer.Context) -> Iterable[str]:
    from training.events.vocabulary import Vocabulary
    from training.run import Run

    # while an option value is completed, the arguments are still unparsed in `args`
    name = context.params.get("run") or next(iter(context.args), "")
    run = Run.open(working_root(requested_root(context)), name)
    names: Iterable[str] = getattr(Vocabulary.from_json(run.vocabulary_text, run.name), kind)
    return names


def _sources(context: typer.Context) -> Iterable[str]:
    from dataset.corpus.corpus import names

    return {*names(requested_root(context)), *_runs(context)}


runs = complete_prefix(_runs)
sources = complete_prefix(_sources)
recipes = complete_prefix(_recipes)
games = complete_prefix(lambda context: _styles("games", context))
series = complete_prefix(lambda context: _styles("series", context))

RunName = Annotated[str, typer.Argument(help="Name or path of a run.", callback=expand_name, autocompletion=runs)]
