"""Turning corpora into music: events, network, training, evaluation, sampling, novelty, sound, scores and pages.

What `__all__` lists is for other programs; each name is imported from its module when it is first asked for.
"""

from typing import TYPE_CHECKING

from catalog.lazy import lazily

if TYPE_CHECKING:
    from training.audio import audio as synthesize
    from training.audio import encode as encode_audio
    from training.audio import mp3
    from training.classic_quality import TokenQuality
    from training.compare import Entry, write_comparison
    from training.copied import of_run as find_copies_in_run
    from training.copied import sources as open_sources
    from training.course import take as train_run
    from training.engrave import A4, SCREEN, Paper
    from training.engrave import engrave as engrave_score
    from training.evaluate import Quality
    from training.examine import evaluate_folder, evaluate_run
    from training.novelty import Copy, Novelty
    from training.novelty import novelty as find_copies
    from training.page import write_page
    from training.playing import music, write_pieces
    from training.render import Output, Rendered, render_pieces
    from training.render import Piece as RenderPiece
    from training.roll import Passage as RollPassage
    from training.roll import roll as draw_roll
    from training.run import Run
    from training.run import names as list_runs
    from training.session import Order
    from training.sources import Sources
    from training.wish import Wish
else:
    __getattr__, __dir__ = lazily(
        __name__,
        {
            "A4": "training.engrave",
            "Copy": "training.novelty",
            "Entry": "training.compare",
            "Novelty": "training.novelty",
            "Order": "training.session",
            "Output": "training.render",
            "Paper": "training.engrave",
            "Quality": "training.evaluate",
            "RenderPiece": "training.render:Piece",
            "Rendered": "training.render",
            "RollPassage": "training.roll:Passage",
            "Run": "training.run",
            "SCREEN": "training.engrave",
            "Sources": "training.sources",
            "TokenQuality": "training.classic_quality",
            "Wish": "training.wish",
            "draw_roll": "training.roll:roll",
            "encode_audio": "training.audio:encode",
            "engrave_score": "training.engrave:engrave",
            "evaluate_folder": "training.examine",
            "evaluate_run": "training.examine",
            "find_copies": "training.novelty:novelty",
            "find_copies_in_run": "training.copied:of_run",
            "list_runs": "training.run:names",
            "mp3": "training.audio",
            "music": "training.playing",
            "open_sources": "training.copied:sources",
            "render_pieces": "training.render",
            "synthesize": "training.audio:audio",
            "train_run": "training.course:take",
            "write_comparison": "training.compare",
            "write_page": "training.page",
            "write_pieces": "training.playing",
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
