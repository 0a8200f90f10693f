"""What is known of every piece: the Parquet schema, the store, the query language, game names, the error tree.

What `__all__` lists is for other programs; each name is imported from its module when it is first asked for.
"""

from typing import TYPE_CHECKING

from catalog.base.lazy import lazily

if TYPE_CHECKING:
    from catalog.base.errors import (
        CatalogError,
        CorpusError,
        DatasetError,
        EmptyListingError,
        FetchError,
        ListingError,
        LockedError,
        MidiError,
        MissingPageError,
        QueryError,
        ScrapeError,
        TrainingError,
        UsageError,
        VgpianoError,
    )
    from catalog.blobs import Verification
    from catalog.games import Game, find_game
    from catalog.games import resolve as game_of
    from catalog.query.compiler import compile_query
    from catalog.schema import MEASURES, PIECES, Piece
    from catalog.storage.files import data_root
    from catalog.store import ROWS, Catalog, Writer
    from catalog.summary import fields as list_fields
    from catalog.summary import games as list_games
    from catalog.summary import totals as list_totals
else:
    __getattr__, __dir__ = lazily(
        __name__,
        {
            "Catalog": "catalog.store",
            "CatalogError": "catalog.base.errors",
            "CorpusError": "catalog.base.errors",
            "DatasetError": "catalog.base.errors",
            "EmptyListingError": "catalog.base.errors",
            "FetchError": "catalog.base.errors",
            "Game": "catalog.games",
            "ListingError": "catalog.base.errors",
            "LockedError": "catalog.base.errors",
            "MEASURES": "catalog.schema",
            "MidiError": "catalog.base.errors",
            "MissingPageError": "catalog.base.errors",
            "PIECES": "catalog.schema",
            "Piece": "catalog.schema",
            "QueryError": "catalog.base.errors",
            "ROWS": "catalog.store",
            "ScrapeError": "catalog.base.errors",
            "TrainingError": "catalog.base.errors",
            "UsageError": "catalog.base.errors",
            "Verification": "catalog.blobs",
            "VgpianoError": "catalog.base.errors",
            "Writer": "catalog.store",
            "compile_query": "catalog.query.compiler",
            "data_root": "catalog.storage.files",
            "find_game": "catalog.games",
            "game_of": "catalog.games:resolve",
            "list_fields": "catalog.summary:fields",
            "list_games": "catalog.summary:games",
            "list_totals": "catalog.summary:totals",
        },
    )

__distribution__ = "vgpiano"  # `vgpiano.py` looks for this line: other distributions have a package of this name

__all__ = [
    "MEASURES",
    "PIECES",
    "ROWS",
    "Catalog",
    "CatalogError",
    "CorpusError",
    "DatasetError",
    "EmptyListingError",
    "FetchError",
    "Game",
    "ListingError",
    "LockedError",
    "MidiError",
    "MissingPageError",
    "Piece",
    "QueryError",
    "ScrapeError",
    "TrainingError",
    "UsageError",
    "Verification",
    "VgpianoError",
    "Writer",
    "compile_query",
    "data_root",
    "find_game",
    "game_of",
    "list_fields",
    "list_games",
    "list_totals",
]
