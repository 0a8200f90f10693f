"""A query matches the rows that pandas matches."""

import string
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from catalog.base.errors import QueryError
from catalog.query.compiler import columns_of, compile_query, conditions, equalities
from catalog.schema import PIECES
from catalog.store import ROWS

ROW_COUNT = 60
TEXTS = [
    "zelda",
    "Zelda",
    "ZELDA",
    "mario",
    "Pokémon",
    "pokemon",
    "ポケモン",
    "",
    " ",
    "a.b",
    "a+b (2)",
    "Stage 1",
    "1",
    "é",
    "𝄞",
    "z",
]
DAY = datetime(2024, 2, 29, 12, 30, tzinfo=UTC)


def make_table() -> pa.Table:
    """Return a table with all kinds of columns, missing and nearly equal values."""

    def column(values: list[Any], every: int, kind: pa.DataType) -> pa.Array:
        cells = [None if every and i % every == 1 else values[i * 7 % len(values)] for i in range(ROW_COUNT)]
        return pa.array(cells, kind)

    return pa.table(
        {
            "series": column(TEXTS[:7], 0, pa.string()),
            "title": column(TEXTS, 5, pa.string()),
            "sequencer": column(TEXTS[::-1], 3, pa.string()),
            "size": column([0, 1, 2, 3, 10, -5, 2**40, 2**53 + 1], 0, pa.int64()),
            "notes": column([0, 1, 2, 3, 100, 30_000], 4, pa.int32()),
            "low": column([0, 1, 2, 3, 127], 0, pa.int16()),
            "beats": column([0.0, 0.5, 1.0, 2.0, 3.0, 1e300, -0.25], 3, pa.float64()),
            "density": column([float("nan"), float("inf"), 1.0, 2.5], 0, pa.float64()),
            "fetched_at": column([DAY + timedelta(days=i) for i in range(6)], 4, pa.timestamp("us", tz="UTC")),
        }
    )


TABLE = make_table()
FRAME = TABLE.to_pandas()
TEXT_COLUMNS, NUMBER_COLUMNS = ("series", "title", "sequencer"), ("size", "notes", "low", "beats", "density")
ROWS_OF_TABLE = list(range(ROW_COUNT))


def ours(query: str) -> list[int]:
    """Return the numbers of the rows of TABLE that `query` matches."""
    numbered = TABLE.append_column("row", pa.array(ROWS_OF_TABLE))
    kept: list[int] = numbered.filter(compile_query(query, TABLE.schema))["row"].to_pylist()
    return kept


def theirs(query: str) -> list[int]:
    """Return the numbers of the rows that pandas matches."""
    return FRAME.query(query, engine="python").index.tolist()


texts = st.sampled_from(TEXTS)
numbers = st.sampled_from(["0", "1", "2", "3", "100", "-5", "1.0", "0.5", "2.5", "1e3", "9007199254740993", "40000"])
moments = st.integers(-1, 6).map(lambda days: repr((DAY + timedelta(days=days)).isoformat()))
order = st.sampled_from(["==", "!=", "<", "<=", ">", ">="])


@st.composite
def number_values(draw: st.DrawFn) -> str:
    value = draw(st.sampled_from(NUMBER_COLUMNS))
    if draw(st.booleans()):
        operator = draw(st.sampled_from(["+", "-", "*", "/"]))
        # pandas computes in the column's own width; the constant 1.5 makes that floating point, as ours always is
        value = f"({value} {operator} {draw(st.sampled_from(['1.5', 'beats', '-0.5']))})"
    return f"-{value}" if draw(st.integers(0, 9)) == 0 else value


@st.composite
def comparisons(draw: st.DrawFn) -> str:
    kind = draw(st.integers(0, 11))
    if kind == 9:
        chosen = ", ".join(draw(st.lists(texts, max_size=4).map(lambda chosen: map(repr, chosen))))
        return f"{draw(st.sampled_from(TEXT_COLUMNS))}.isin([{chosen}])"
    if kind == 10:
        inclusive = draw(st.sampled_from(["", ", inclusive='left'", ", inclusive='right'", ", inclusive='neither'"]))
        if draw(st.booleans()):
            return f"{draw(st.sampled_from(TEXT_COLUMNS))}.between({draw(texts)!r}, {draw(texts)!r}{inclusive})"
        return f"{draw(st.sampled_from(NUMBER_COLUMNS))}.between({draw(numbers)}, {draw(numbers)}{inclusive})"
    if kind == 11:
        return f"{draw(st.sampled_from(TEXT_COLUMNS))}.str.len() {draw(order)} {draw(numbers)}"
    if kind == 0:
        return f"{draw(number_values())} {draw(order)} {draw(numbers)}"
    if kind == 1:
        return f"{draw(numbers)} {draw(order)} {draw(number_values())} {draw(order)} {draw(numbers)}"
    if kind == 2:
        return f"{draw(st.sampled_from(TEXT_COLUMNS))} {draw(order)} {draw(texts)!r}"
    if kind == 3:
        chosen = draw(st.lists(texts, max_size=4))
        return f"{draw(st.sampled_from(TEXT_COLUMNS))} {draw(st.sampled_from(['in', 'not in', '==', '!=']))} {chosen!r}"
    if kind == 4:
        # pandas rounds whole numbers beyond 2**53 once a list holds a fraction; we keep them exact
        chosen = ", ".join(draw(st.lists(numbers.filter(lambda number: len(number) < 16), max_size=4)))
        return f"{draw(st.sampled_from(NUMBER_COLUMNS))} {draw(st.sampled_from(['in', 'not in']))} [{chosen}]"
    if kind == 5:
        earlier_or_later = draw(st.sampled_from(["<", "<=", ">", ">="]))  # pandas never finds a time equal to a text
        return f"fetched_at {earlier_or_later} {draw(moments)}"
    if kind == 6:
        anything = draw(st.sampled_from([*TEXT_COLUMNS, *NUMBER_COLUMNS, "fetched_at"]))
        return f"{anything}.{draw(st.sampled_from(['isna', 'notna']))}()"
    if kind == 7:
        column, other = draw(
            st.sampled_from([("title", "sequencer"), ("size", "notes"), ("beats", "density"), ("low", "beats")])
        )
        return f"{column} {draw(order)} {other}"
    column = draw(st.sampled_from(TEXT_COLUMNS))
    method = draw(st.sampled_from(["contains", "startswith", "endswith"]))
    needle = draw(st.sampled_from(["z", "Z", "el", "é", "1", "", "ポ", "a", "(2)"]))
    options = draw(st.sampled_from(["", ", na=True", ", na=False"]))
    if method == "contains":
        options += draw(st.sampled_from([", regex=False", ", case=False, regex=False"]))
        if draw(st.booleans()):
            needle = draw(
                st.sampled_from(
                    [
                        r"^\w+$",
                        r"z.*a",
                        r"\d",
                        r"[^\d\s]",
                        r"(?i)ZEL",
                        r"\s",
                        r"\W",
                        r"[\w.]{2,3}",
                        "a|é",
                        r"a\.b",
                        "",
                        r"\S\S",
                    ]
                )
            )
            options = draw(st.sampled_from(["", ", case=False", ", na=True"]))
    return f"{column}.str.{method}({needle!r}{options})"


@st.composite
def queries(draw: st.DrawFn, depth: int = 3) -> str:
    if depth == 0 or draw(st.integers(0, 3)) == 0:
        return draw(comparisons())
    kind = draw(st.integers(0, 4))
    if kind == 0:
        return f"not {draw(queries(depth - 1))}"
    if kind == 1:
        return f"~({draw(queries(depth - 1))})"
    if kind == 2:
        return f"({draw(queries(depth - 1))})"
    joint = draw(st.sampled_from([" and ", " or ", " & ", " | "]))
    return f"{draw(queries(depth - 1))}{joint}{draw(queries(depth - 1))}"


@pytest.mark.filterwarnings("ignore:invalid escape sequence")  # pandas lets Python's advice through
@settings(max_examples=600, deadline=None)
@given(queries())
@example("size == 1 & low > 0 | series == 'mario'")
@example("not (beats != 1.0) | ~(sequencer == title)")
@example("-beats < 0.5")
@example(r"title.str.contains('^\w+$')")
@example(r"title.str.contains('[^\w]') and not title.str.contains('\W', na=True)")
@example("title != 'zelda' and not sequencer < 'a'")
@example("~title.str.len().between(2, 5) or sequencer.str.len() * 1.5 == 6 or not size.isin((1, 2.0))")
def test_a_query_gives_the_rows_that_pandas_gives(query: str) -> None:
    assert ours(query) == theirs(query)


def test_a_time_is_equal_to_the_same_moment_in_any_zone_and_utc_where_none_is_named() -> None:
    expected = [i for i, moment in enumerate(TABLE["fetched_at"].to_pylist()) if moment == DAY]
    assert expected
    for written in (
        "2024-02-29T12:30:00+00:00",
        "2024-02-29T13:30:00+01:00",
        "2024-02-29 12:30",
        "2024-02-29T12:30:00Z",
    ):
        assert ours(f"fetched_at == '{written}'") == expected
        assert ours(f"fetched_at in ['{written}']") == expected


def test_whole_numbers_beyond_floating_point_stay_exact() -> None:
    assert ours("size == 9007199254740993") == ours("size in [0.5, 9007199254740993]") != []
    assert ours("size == 9007199254740994") == []
    assert ours("size < 99999999999999999999999999") == ROWS_OF_TABLE


@pytest.mark.parametrize(
    "query, rows",
    [
        ("a == b", [1]),
        ("a == +9007199254740993", [1]),
        ("a == -9007199254740993", [2]),
        ("a == -9007199254740992", []),
        ("a == -9223372036854775808", [3]),
        ("a > -18446744073709551000", [0, 1, 2, 3]),
        ("a < 18446744073709551000", [0, 1, 2, 3]),
        ("a == f", [0, 1]),  # one of two columns is floating point, so both are; as in pandas
        ("f == a", [0, 1]),
    ],
)
def test_whole_numbers_of_two_columns_and_with_a_sign_stay_exact(query: str, rows: list[int]) -> None:
    table = pa.table({"a": [2**53, 2**53 + 1, -(2**53) - 1, -(2**63)], "b": [2**53 + 1] * 4, "f": [2.0**53] * 4})
    numbered = table.append_column("row", pa.array(range(4)))
    assert numbered.filter(compile_query(query, table.schema))["row"].to_pylist() == rows


def test_and_or_may_be_written_as_signs_without_brackets() -> None:
    assert ours("size==1|size==2&low>=0") == ours("size == 1 or (size == 2 and low >= 0)")


def test_a_thousand_alternatives_are_one_query() -> None:
    assert ours("not " * 90 + "size > 1") == ours("size > 1")
    assert ours(" or ".join(["size == 1"] * 1_000)) == ours("size == 1")
    assert ours("size in " + repr(list(range(3_000)))) == ours("0 <= size < 3000")


@pytest.mark.filterwarnings("ignore:This pattern is interpreted as a regular expression")
@settings(max_examples=300, deadline=None)
@given(st.text(alphabet=string.ascii_letters + r"\[]^-{},.*+?()|$wWdDsSbBZ019 é", max_size=12))
def test_a_pattern_finds_what_it_finds_in_pandas_or_is_refused(pattern: str) -> None:
    query = f"title.str.contains({pattern!r})"
    try:
        found = ours(query)
    except QueryError:
        return
    if r"\b" not in pattern and r"\B" not in pattern:  # RE2 takes only ASCII letters for letters there, and says so
        assert found == theirs(query)


def test_columns_and_equalities_of_a_query_are_found_without_running_it() -> None:
    query = "series == 'zeldda' and game in ['a', 'b'] or 'mario' == series and bytes > 3 and title != 'x'"
    assert columns_of(query) == {"series", "game", "bytes", "title"}
    assert set(equalities(query)) == {("series", "zeldda"), ("game", "a"), ("game", "b"), ("series", "mario")}


def test_every_column_of_the_catalog_can_be_queried() -> None:
    for field in ROWS:
        assert compile_query(f"{field.name}.notna()", ROWS) is not None
    assert {field.name for field in PIECES} <= set(ROWS.names)


@given(st.lists(queries(), min_size=1, max_size=3))
@settings(max_examples=100, deadline=None)
def test_a_query_matches_where_all_its_conditions_hold(parts: list[str]) -> None:
    text = " and ".join(f"({part})" for part in parts)
    numbered = TABLE.append_column("row", pa.array(ROWS_OF_TABLE))
    rest = numbered
    for condition in conditions(text, TABLE.schema):
        assert condition.columns == columns_of(text) or condition.columns < columns_of(text)
        rest = rest.filter(condition.arrow)
    assert rest["row"].to_pylist() == ours(text)
