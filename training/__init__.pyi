"""Training, sampling, evaluation, novelty figures, rendering and pages.

The public names, each with its module. Type checkers read this file, and Python loads the names from it.
"""

from .blind_test import BlindTest as BlindTest
from .blind_test import make_blind_test as make_blind_test
from .classic.quality import TokenQuality as TokenQuality
from .copies import find_copies_in_run as find_copies_in_run
from .copies import open_sources as open_sources
from .evaluate import evaluate_folder as evaluate_folder
from .evaluate import evaluate_run as evaluate_run
from .generate import music as music
from .listening.votes import Tally as Tally
from .listening.votes import tally_votes as tally_votes
from .network.quality import Quality as Quality
from .novelty.figures import Copy as Copy
from .novelty.figures import Novelty as Novelty
from .novelty.figures import find_copies as find_copies
from .novelty.training_index import TrainingIndex as TrainingIndex
from .observer import Observer as Observer
from .page.comparison_page import Entry as Entry
from .page.comparison_page import write_comparison as write_comparison
from .page.run_page import write_page as write_page
from .rendering.audio import encode_audio as encode_audio
from .rendering.audio import mp3 as mp3
from .rendering.audio import synthesize as synthesize
from .rendering.engrave import A4 as A4
from .rendering.engrave import SCREEN as SCREEN
from .rendering.engrave import Paper as Paper
from .rendering.engrave import engrave_score as engrave_score
from .rendering.loops import LoopRecord as LoopRecord
from .rendering.loops import render_loop as render_loop
from .rendering.render import Output as Output
from .rendering.render import Rendered as Rendered
from .rendering.render import RenderPiece as RenderPiece
from .rendering.render import render_pieces as render_pieces
from .rendering.roll import RollPassage as RollPassage
from .rendering.roll import draw_roll as draw_roll
from .run import Run as Run
from .run import list_runs as list_runs
from .run_training import train_run as train_run
from .sampling.config import SamplingConfig as SamplingConfig
from .sampling.sample_files import write_pieces as write_pieces
from .train_config import TrainConfig as TrainConfig

__version__: str
