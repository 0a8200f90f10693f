"""Turning corpora into music: events, network, training, evaluation, sampling, novelty, sound, scores and pages.

What `__all__` lists is for other programs; each name is imported from its module when it is first asked for.
"""

from typing import TYPE_CHECKING

from catalog.base.lazy import lazily

if TYPE_CHECKING:
    from training.classic.quality import TokenQuality
    from training.evaluate import evaluate_folder, evaluate_run
    from training.network.quality import Quality
    from training.novelty.figures import Copy, Novelty
    from training.novelty.figures import novelty as find_copies
    from training.novelty.report import of_run as find_copies_in_run
    from training.novelty.report import sources as open_sources
    from training.novelty.training_index import Sources
    from training.page.comparison_page import Entry, write_comparison
    from training.page.run_page import write_page
    from training.rendering.audio import audio as synthesize
    from training.rendering.audio import encode as encode_audio
    from training.rendering.audio import mp3
    from training.rendering.engrave import A4, SCREEN, Paper
    from training.rendering.engrave import engrave as engrave_score
    from training.rendering.render import Output, Rendered, render_pieces
    from training.rendering.render import Piece as RenderPiece
    from training.rendering.roll import Passage as RollPassage
    from training.rendering.roll import roll as draw_roll
    from training.run import Run
    from training.run import names as list_runs
    from training.run_training import take as train_run
    from training.sampling.config import Wish
    from training.sampling.generate import music, write_pieces
    from training.session import Order
else:
    __getattr__, __dir__ = lazily(
        __name__,
        {
            "A4": "training.rendering.engrave",
            "Copy": "training.novelty.figures",
            "Entry": "training.page.comparison_page",
            "Novelty": "training.novelty.figures",
            "Order": "training.session",
            "Output": "training.rendering.render",
            "Paper": "training.rendering.engrave",
            "Quality": "training.network.quality",
            "RenderPiece": "training.rendering.render:Piece",
            "Rendered": "training.rendering.render",
            "RollPassage": "training.rendering.roll:Passage",
            "Run": "training.run",
            "SCREEN": "training.rendering.engrave",
            "Sources": "training.novelty.training_index",
            "TokenQuality": "training.classic.quality",
            "Wish": "training.sampling.config",
            "draw_roll": "training.rendering.roll:roll",
            "encode_audio": "training.rendering.audio:encode",
            "engrave_score": "training.rendering.engrave:engrave",
            "evaluate_folder": "training.evaluate",
            "evaluate_run": "training.evaluate",
            "find_copies": "training.novelty.figures:novelty",
            "find_copies_in_run": "training.novelty.report:of_run",
            "list_runs": "training.run:names",
            "mp3": "training.rendering.audio",
            "music": "training.sampling.generate",
            "open_sources": "training.novelty.report:sources",
            "render_pieces": "training.rendering.render",
            "synthesize": "training.rendering.audio:audio",
            "train_run": "training.run_training:take",
            "write_comparison": "training.page.comparison_page",
            "write_page": "training.page.run_page",
            "write_pieces": "training.sampling.generate",
        },
    )

__distribution__ = "vgpiano"  # `vgpiano.py` looks for this line: other distributions have a package of this name

__all__ = [
    "A4",
    "SCREEN",
    "Copy",
    "Entry",
    "Novelty",
    "Order",
    "Output",
    "Paper",
    "Quality",
    "RenderPiece",
    "Rendered",
    "RollPassage",
    "Run",
    "Sources",
    "TokenQuality",
    "Wish",
    "draw_roll",
    "encode_audio",
    "engrave_score",
    "evaluate_folder",
    "evaluate_run",
    "find_copies",
    "find_copies_in_run",
    "list_runs",
    "mp3",
    "music",
    "open_sources",
    "render_pieces",
    "synthesize",
    "train_run",
    "write_comparison",
    "write_page",
    "write_pieces",
]
