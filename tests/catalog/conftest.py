"""Rows, and processes that write them and can be killed."""

import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from catalog.schema import Piece


def make_piece(number: int, **changes: Any) -> Piece:
    """Return a row for piece `number`, with `changes`."""
    fields: dict[str, Any] = {
        "source": "vgmusic",
        "section": "piano",
        "url": f"https://example.org/{number}.mid",
        "game_title": "Some Game",
        "game": "some-game",
        "series": "some",
        "title": f"Stage {number}",
        "state": "missing",
        "md5": f"{number:032x}",
        "bytes": number,
        "fetched_at": datetime(2024, 1, 1, tzinfo=UTC),
    }
    return Piece(**(fields | changes))


@pytest.fixture
def run_script() -> Callable[..., "subprocess.Popen[str]"]:
    """Start Python code with arguments in a new process; its stdout can be read."""

    def start(code: str, *arguments: object) -> "subprocess.Popen[str]":
        command = [sys.executable, "-c", code, *map(str, arguments)]
        return subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]
        )

    return start
