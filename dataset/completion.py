"""Shell completion of corpus names."""

from collections.abc import Iterable

import typer

from catalog.options import root_of, starting


def _corpora(context: typer.Context) -> Iterable[str]:
    from dataset.corpus.corpus import names

    return names(root_of(context))


corpora = starting(_corpora)
