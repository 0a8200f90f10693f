"""The catalog of pieces: Parquet schema, store, query language, game names, errors.

Each public name is imported from the module that defines it. Type checkers and Python both read
this file.
"""

from .base.errors import CatalogError as CatalogError
from .base.errors import CorpusError as CorpusError
from .base.errors import DatasetError as DatasetError
from .base.errors import EmptyListingError as EmptyListingError
from .base.errors import FetchError as FetchError
from .base.errors import ListingError as ListingError
from .base.errors import LockedError as LockedError
from .base.errors import MidiError as MidiError
from .base.errors import MissingPageError as MissingPageError
from .base.errors import QueryError as QueryError
from .base.errors import ScrapeError as ScrapeError
from .base.errors import TrainingError as TrainingError
from .base.errors import UsageError as UsageError
from .base.errors import VgpianoError as VgpianoError
from .blobs import Verification as Verification
from .games import Game as Game
from .games import find_game as find_game
from .games import game_of as game_of
from .query.compiler import compile_query as compile_query
from .schema import MEASURES as MEASURES
from .schema import PIECES as PIECES
from .schema import Piece as Piece
from .storage.files import data_root as data_root
from .store import ROWS as ROWS
from .store import Catalog as Catalog
from .store import Writer as Writer
from .summary import list_fields as list_fields
from .summary import list_games as list_games
from .summary import list_totals as list_totals

__version__: str
