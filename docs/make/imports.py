"""docs/reference/imports.svg: which inner room imports which, arrows downwards.

In: the Python files of the four rooms, and the first line of each inner room. Out: one SVG text, the same for the same code.
An arrow that follows from two others is omitted. Modules that stand directly in a room are not drawn.
"""

import ast
from collections import defaultdict
from collections.abc import Iterator
from graphlib import TopologicalSorter
from html import escape
from itertools import pairwise

from docs.make.commands import TOP

# The rooms from top to bottom: colour, the rooms below, and whether it is drawn in the right-hand column.
ROOMS = {
    "training": ("#7c3aed", ("dataset",), False),
    "dataset": ("#0f766e", ("catalog",), False),
    "scraper": ("#b45309", ("catalog",), True),
    "catalog": ("#1d4ed8", (), False),
}
BOX, BEND, HEIGHT = (
    92,
    12,
    26,
)  # pixels: the width of a box, of the space for an arrow that passes a row, the height of a box
GAP, STEP, PAD = 14, 58, 30  # pixels: between neighbours of a row, between rows, around everything
SWEEPS = 24  # passes over the rows that order them so that few arrows cross

Graph = dict[str, set[str]]


def graph() -> Graph:
    """Return the inner rooms that each inner room imports directly."""
    folders = {f"{room}.{path.parent.name}" for room in ROOMS for path in (TOP / room).glob("*/__init__.py")}
    found: Graph = {name: set() for name in sorted(folders)}
    for name, used in found.items():
        for path in sorted((TOP / name.replace(".", "/")).glob("*.py")):
            used |= {".".join(module.split(".")[:2]) for module in _imports(ast.parse(path.read_text("utf-8")))}
        used &= folders - {name}
    return found


def _imports(node: ast.AST) -> Iterator[str]:
    """Yield the modules that a file imports, inside functions too.

    Imports inside classes and for type checkers alone are left out.
    """
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from (alias.name for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            yield from (f"{child.module}.{alias.name}" for alias in child.names)
        elif not isinstance(child, ast.ClassDef) and not (
            isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test)
        ):
            yield from _imports(child)


def reduced(uses: Graph) -> Graph:
    """Return the graph without the edges that a longer path implies.

    Raises graphlib.CycleError for a cycle.
    """
    reach: Graph = {}
    for name in TopologicalSorter(uses).static_order():
        reach[name] = uses[name].union(*(reach[each] for each in uses[name]))
    return {name: {to for to in used if not any(to in reach[by] for by in used)} for name, used in uses.items()}


def page() -> str:
    """Return the drawing as SVG."""
    uses = reduced(graph())
    rows = _rows(uses)
    paths = [_path(name, to, rows) for name, used in sorted(uses.items()) for to in sorted(used)]
    x, width = _columns(rows, paths)
    height = (max(rows.values()) + 1) * STEP + 2 * PAD
    y = {row: height - PAD - STEP * (row + 0.5) for row in range(max(rows.values()) + 1)}
    parts = [_band(room, [name for name in rows if _room(name) == room], rows, x, y, width) for room in ROOMS]
    for path in paths:
        bends = [(x[node], y[_row(node, rows)]) for node in path]
        parts.append(_arrow(bends, ROOMS[_room(path[0])][0], f"{path[0]} imports {path[-1]}"))
    for name, row in sorted(rows.items()):
        left, top = x[name] - BOX / 2, y[row] - HEIGHT / 2
        parts.append(
            f'<rect x="{left:.0f}" y="{top:.0f}" width="{BOX}" height="{HEIGHT}" rx="4" fill="#fff"'
            f' stroke="{ROOMS[_room(name)][0]}"/>'
            f'<text x="{x[name]:.0f}" y="{y[row] + 4:.0f}" text-anchor="middle">{escape(name.partition(".")[2])}</text>'
        )
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" font-family="sans-serif" font-size="12">'
        "\n<!-- Written by `make docs` from the code. Change the code, then run that. -->"
        "\n<title>Imports between the inner rooms</title>"
        f'\n<rect width="{width:.0f}" height="{height:.0f}" fill="#fff"/>'
    )
    return "\n".join([head, *parts, "</svg>"]) + "\n"


def _room(name: str) -> str:
    return name.partition(".")[0]


def _rows(uses: Graph) -> dict[str, int]:
    """Return the row of each inner room, 0 at the bottom.

    It is above all that it imports, and above the rooms below its own.
    """
    rows: dict[str, int] = {}
    for room in reversed(ROOMS):
        floor = max((row + 1 for name, row in rows.items() if _room(name) in ROOMS[room][1]), default=0)
        for name in TopologicalSorter(uses).static_order():
            if _room(name) == room:
                rows[name] = max([floor, *(rows[to] + 1 for to in uses[name] if _room(to) == room)])
    return rows


def _row(node: str, rows: dict[str, int]) -> int:
    """Return the row of an inner room, or of a bend, which is named FROM>TO>ROW."""
    return rows[node] if node in rows else int(node.rpartition(">")[2])


def _path(name: str, to: str, rows: dict[str, int]) -> list[str]:
    """Return an arrow as the boxes at its ends and a bend in each row between."""
    return [name, *(f"{name}>{to}>{row}" for row in range(rows[name] - 1, rows[to], -1)), to]


def _columns(rows: dict[str, int], paths: list[list[str]]) -> tuple[dict[str, float], float]:
    """Return the horizontal centre of every box and bend, and the drawing's width."""
    near: dict[str, list[str]] = defaultdict(list)
    for path in paths:
        for above, below in pairwise(path):
            near[above].append(below)
            near[below].append(above)
    lanes: dict[tuple[bool, int], list[str]] = defaultdict(list)
    for node in sorted(near.keys() | rows.keys()):
        lanes[ROOMS[_room(node)][2], _row(node, rows)].append(node)
    widths = {right: max(_width(lane) for key, lane in lanes.items() if key[0] == right) for right in (False, True)}
    starts = {False: PAD + GAP, True: PAD + 4 * GAP + widths[False]}
    x: dict[str, float] = {}
    for sweep in range(SWEEPS):
        for (right, _), lane in sorted(lanes.items(), key=lambda item: item[0][1], reverse=bool(sweep % 2)):
            lane.sort(key=lambda node: _mean([x[each] for each in near[node] if each in x], x.get(node, 0.0)))
            at = starts[right] + (widths[right] - _width(lane)) / 2
            for node in lane:
                size = BOX if node in rows else BEND
                x[node] = at + size / 2
                at += size + GAP
    return x, starts[True] + widths[True] + PAD + GAP


def _width(lane: list[str]) -> float:
    return sum((BEND if ">" in node else BOX) + GAP for node in lane) - GAP


def _mean(values: list[float], default: float) -> float:
    return sum(values) / len(values) if values else default


def _band(
    room: str, names: list[str], rows: dict[str, int], x: dict[str, float], y: dict[int, float], width: float
) -> str:
    """Return the area of a room, with its name in the lower left corner."""
    colour, _, right = ROOMS[room]
    top, bottom = (y[pick(rows[name] for name in names)] for pick in (max, min))
    split = min(x[name] for name in rows if ROOMS[_room(name)][2]) - BOX / 2 - 1.5 * GAP
    left, end = (split, width - PAD / 2) if right else (PAD / 2, width - PAD / 2 if room == "catalog" else split - GAP)
    return (
        f'<rect x="{left:.0f}" y="{top - STEP / 2 + 2:.0f}" width="{end - left:.0f}" height="{bottom - top + STEP - 4:.0f}"'
        f' rx="6" fill="{colour}" fill-opacity="0.08"/>'
        f'<text x="{left + 8:.0f}" y="{bottom + STEP / 2 - 10:.0f}" font-weight="bold" fill="{colour}">{room}</text>'
    )


def _arrow(bends: list[tuple[float, float]], colour: str, title: str) -> str:
    """Return a curve with a head from the first box's lower edge to the last's upper."""
    (x, y), (end, bottom) = bends[0], bends[-1]
    points = [(x, y + HEIGHT / 2), *bends[1:-1], (end, bottom - HEIGHT / 2 - 5)]
    d = f"M{points[0][0]:.0f} {points[0][1]:.0f}"
    for (x, y), (to_x, to_y) in pairwise(points):
        middle = (y + to_y) / 2
        d += f"C{x:.0f} {middle:.0f} {to_x:.0f} {middle:.0f} {to_x:.0f} {to_y:.0f}"
    tip = f"M{end - 3:.0f} {points[-1][1]:.0f}h6l-3 5z"
    return (
        f"<g><title>{escape(title)}</title>"
        f'<path d="{d}" fill="none" stroke="{colour}" stroke-opacity="0.7"/><path d="{tip}" fill="{colour}"/></g>'
    )
