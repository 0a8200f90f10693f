"""Names of corpora, for the shell to complete."""

from collections.abc import Iterable

import typer

from catalog.options import asked_root, starting


def _corpora(context: typer.Context) -> Iterable[str]:
    from dataset.corpus.corpus import names

    return names(asked_root(context))


corpora = starting(_corpora)
