"""Turning pieces into corpora: notes, measures, filters, duplicates, splits, the corpus format, exports, scores.

The public names, each with the module that defines it: type checkers read them here, and Python loads them from here.
"""

from .build import build_corpus as build_corpus
from .build import ensure_corpus as ensure_corpus
from .corpus.corpus import Corpus as Corpus
from .corpus.corpus import CorpusPiece as CorpusPiece
from .corpus.corpus import list_corpora as list_corpora
from .corpus.manifest import Funnel as Funnel
from .corpus.manifest import Manifest as Manifest
from .duplicates.find import Duplicates as Duplicates
from .duplicates.find import find_duplicates as find_duplicates
from .export.run import Exported as Exported
from .export.run import export_corpus as export_corpus
from .filters.load import load_filters as load_filters
from .filters.rules import Filters as Filters
from .measure import Measured as Measured
from .measure import measure_catalog as measure_catalog
from .midi.midi_reader import read_midi as read_midi
from .midi.midi_writer import write_midi as write_midi
from .notation.musicxml import to_musicxml as to_musicxml
from .notation.records import Credits as Credits
from .notation.records import Score as Score
from .notation.score import score_of as score_of
from .notes.model import Notes as Notes
from .notes.timing import tick_to_seconds as tick_to_seconds
from .parallel.dask_cluster import connect_cluster as connect_cluster
from .plan import Plan as Plan
from .report.report import write_report as write_report

__version__: str
