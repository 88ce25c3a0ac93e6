"""Typed rows: the records are the declared tables, and the type checker refuses values in the wrong columns."""

from __future__ import annotations

import inspect
import types
import typing
from pathlib import Path

import pytest
from mypy import api

from daganalysis.tables import BASE_TABLES, Type
from daganalysis.tables.base_rows import COLUMNS, ROWS, SubTaskColumns

ROOT = Path(__file__).parents[2]
PLAIN = {Type.STRING: str, Type.INTEGER: int, Type.REAL: float, Type.BOOLEAN: bool, Type.INSTANT: int, Type.STRINGS: list[str]}
TIMES = ("start_time", "end_time", "started_at", "ended_at")


def hints_of(name: str) -> dict[str, object]:
    """Return the type of one value of each column."""
    if name in ROWS:
        return typing.get_type_hints(ROWS[name])
    return {column: typing.get_args(values)[0] for column, values in typing.get_type_hints(COLUMNS[name]).items()}


def types_of(hint: object) -> set[object]:
    """Return the types of a value, None apart and ``NewType`` names resolved."""
    parts = typing.get_args(hint) if typing.get_origin(hint) in {types.UnionType, typing.Union} else (hint,)
    return {getattr(part, "__supertype__", part) for part in parts}


def test_every_base_table_has_one_record() -> None:
    assert sorted([*ROWS, *COLUMNS]) == sorted(BASE_TABLES)


@pytest.mark.parametrize("name", BASE_TABLES)
def test_a_record_has_the_declared_columns_with_their_types(name: str) -> None:
    declared = {column.name: {PLAIN[column.type]} for column in BASE_TABLES[name].columns if column.name != "duration_s"}
    assert {column: types_of(hint) - {types.NoneType} for column, hint in hints_of(name).items()} == declared


@pytest.mark.parametrize("name", BASE_TABLES)
def test_a_record_takes_null_in_the_columns_that_say_when_they_are_null(name: str) -> None:
    nullable = {column.name for column in BASE_TABLES[name].columns if column.null_when and column.name != "duration_s"}
    assert {column for column, hint in hints_of(name).items() if types.NoneType in types_of(hint)} == nullable


def call(name: str, values: dict[str, str]) -> str:
    return f"{name}({', '.join(f'{column}={value}' for column, value in values.items())})"


def swapped(values: dict[str, str], one: str, other: str) -> dict[str, str]:
    return values | {one: values[other], other: values[one]}


@pytest.mark.timeout(900)  # without a cache, mypy looks at every package first
def test_the_type_checker_refuses_two_columns_of_one_type_that_change_places(tmp_path: Path) -> None:
    link = dict.fromkeys(hints_of("links"), '"11"')
    node = {column: f"n_{column}" for column in hints_of("nodes")}
    tasks = {column: f"t_{column}" for column in SubTaskColumns.__annotations__}
    given = [f"n_{column}: {hint}" for column, hint in inspect.get_annotations(ROWS["nodes"]).items()]
    given += [f"t_{column}: {hint.__forward_arg__}" for column, hint in SubTaskColumns.__annotations__.items()]
    right = [call("LinkRow", link), call("NodeRow", node), call("SubTaskColumns", tasks)]
    wrong = [f"LinkRow({', '.join(link.values())})"]  # by position, where nothing would tell two texts apart
    for name, values in (("NodeRow", node), ("SubTaskColumns", tasks)):
        pairs = [(one, other) for one in TIMES for other in TIMES if one < other]
        wrong += [call(name, swapped(values, one, other)) for one, other in pairs]
    script = tmp_path / "rows_made.py"
    lines = [
        "from daganalysis.tables.base_rows import *",
        f"def make({', '.join(given)}) -> None:",
        *(f"    {line}" for line in right + wrong),
    ]
    script.write_text("\n".join(lines))
    # With the project's own options, so that what the check of the types has found out of the package is not found out again.
    complaints = api.run([str(script), "--config-file", str(ROOT / "pyproject.toml"), "--no-error-summary"])[0]
    refused = {int(line.split(":")[1]) for line in complaints.splitlines() if ": error:" in line}
    assert refused == {*range(3 + len(right), 3 + len(right) + len(wrong))}, complaints
