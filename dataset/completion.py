"""Shell completion of corpus names."""

from collections.abc import Iterable

import typer

from catalog.options import complete_prefix, requested_root


def _corpora(context: typer.Context) -> Iterable[str]:
    from dataset.corpus.corpus import names

    return names(requested_root(context))


corpora = complete_prefix(_corpora)
