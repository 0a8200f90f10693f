"""Makes ready what each `scrape` needs first, before the processes of `boxed` are forked: the parser, the table of games."""

from catalog.games import game_of
from tests import parser as parser

game_of("Tetris")
