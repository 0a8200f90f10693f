"""Ratios, spreads and tables of benchmarks; README shows only what was measured."""

import ast
import json
import sys
from dataclasses import asdict
from pathlib import Path

import pytest

TOP = Path(__file__).parents[2]
BENCHMARKS = TOP / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))
import report  # noqa: E402 - a neighbour of the scripts
from figures import Figure, in_turn  # noqa: E402


def figure(
    better: str = "lower", ours: tuple = (2.0, 1.0, 4.0), theirs: tuple = (6.0, 8.0, 4.0), id_: str = "parse/music21"
) -> Figure:
    return Figure(id_, "a name", "s", ours, "peer 1.0", theirs, better, "python x.py")  # type: ignore[arg-type]


def results(*figures: Figure, **changed: object) -> dict:
    record = {
        "about": "What it is.",
        "date": "2026-01-02",
        "machine": "A processor, 2 cores",
        "input": "ten pieces",
        "share": 1.0,
        "seconds": 90.0,
        "failed": "",
        "figures": [asdict(one) for one in figures],
    }
    return {"packages": {"numpy": "2.0"}, "subjects": {"parse": {**record, **changed}}}


@pytest.mark.parametrize("better, ratio, low, high", [("lower", 3.0, 1.0, 8.0), ("higher", 1 / 3, 1 / 8, 1.0)])
def test_a_ratio_is_how_many_times_better_ours_is(better: str, ratio: float, low: float, high: float) -> None:
    assert figure(better).ratio == pytest.approx(ratio)
    assert figure(better).ratios == pytest.approx((low, high))


def test_nothing_is_so_many_times_better_than_zero() -> None:
    assert figure("higher", theirs=(0.0, 0.0, 0.0)).ratio is None
    assert figure("lower", ours=(0.0, 1.0, 2.0)).ratios is None
    assert report.ratio(figure("higher", theirs=(0.0, 0.0, 0.0))) == ""
    assert figure(theirs=()).ratio is None


def test_both_are_measured_in_turn() -> None:
    order: list[str] = []
    ours, theirs = in_turn(3, lambda: order.append("ours") or 1.0, lambda: order.append("theirs") or 2.0)
    assert (ours, theirs) == ((1.0,) * 3, (2.0,) * 3)
    assert order == ["ours", "theirs"] * 3


@pytest.mark.parametrize(
    "value, text",
    [(3652.4, "3,652"), (66.14, "66.1"), (2.678, "2.68"), (0.0712, "0.0712"), (0.995, "0.995"), (1.0, "1"), (0.0, "0")],
)
def test_a_number_has_about_three_digits(value: float, text: str) -> None:
    assert report.amount(value) == text


def test_a_row_has_median_least_most_ratio_times_and_command() -> None:
    row = report.row(figure())
    assert "| 2 (1–4) | peer 1.0 | 6 (4–8) | 3× (1–8) | 3 | `python x.py` |" in row
    assert "s; lower is better" in row
    assert report.times(figure(theirs=(6.0,))) == "3, 1"


def test_what_was_kept_as_json_comes_back() -> None:
    assert report.figure_of(json.loads(json.dumps(asdict(figure())))) == figure()


def test_a_subject_that_failed_is_told_and_one_made_small_too() -> None:
    assert "Failed: ValueError: no" in report.results_text(results(failed="ValueError: no"))
    assert "At 0.1 of the full size" in report.results_text(results(figure(), share=0.1))


def test_readme_keeps_all_but_its_table_which_has_the_chosen_figures() -> None:
    readme = f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n"
    text = report.with_table(readme, results(figure(), figure(id_="parse/unchosen")))
    assert text.startswith(f"before\n{report.BEGIN}\n| what |")
    assert text.endswith(f"|\n{report.END}\nafter\n")
    assert text.count("[parse](benchmarks/RESULTS.md#parse)") == 1
    assert "old" not in text
    with pytest.raises(ValueError, match="README"):
        report.with_table("no place", results(figure()))


def test_readme_and_results_are_what_the_last_run_measured() -> None:
    kept = json.loads((BENCHMARKS / "results.json").read_text("utf-8"))
    readme = (TOP / "README.md").read_text("utf-8")
    assert report.with_table(readme, kept) == readme
    assert report.results_text(kept) == (BENCHMARKS / "RESULTS.md").read_text("utf-8")
    assert all(record["share"] == 1 and not record["failed"] for record in kept["subjects"].values())


def test_every_subject_has_figures_and_says_what_it_measures() -> None:
    tree = ast.parse((BENCHMARKS / "run.py").read_text("utf-8"))
    named = next(
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "SUBJECTS"
    )
    paths = [BENCHMARKS / f"{name}.py" for name in named if (BENCHMARKS / f"{name}.py").exists()]
    assert len(paths) >= 10
    for path in paths:
        module = ast.parse(path.read_text("utf-8"))
        assert ast.get_docstring(module)
        assert any(isinstance(node, ast.FunctionDef) and node.name == "figures" for node in module.body), path
    assert {id_.partition("/")[0] for id_ in report.README} <= set(named)
