"""A frame comes out as a terminal's table, JSON, CSV or Markdown."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from rich.cells import cell_len

from daganalysis.formats import formatted
from daganalysis.formats.terminal import terminal_table
from daganalysis.tables import BASE_TABLES, DAGS, ISSUES, SUB_TASKS
from daganalysis.tables.explanations import LOCKS
from daganalysis.tables.results import SUMMARY
from daganalysis.text.zones import Zone
from tests.rows import at, frame_of

SCALE_OUT = {
    "run_id": "prod-a/22130706433028869",
    "name": "Cluster scale out",
    "outcome": "succeeded_after_retry",
    "started_at": at(1.5),
    "elapsed_s": 28.613749,
    "stage": 9,
    "max_stage": 9,
    "n_nodes": 9,
    "work_ok": True,
}


def text_of(kind: str, *rows: dict[str, Any], table: Any = DAGS, **options: Any) -> str:
    return "".join(formatted(frame_of(table, *rows), table, kind, **options))


def test_json_is_one_array_of_rows_with_every_column_in_order() -> None:
    rows = json.loads(text_of("json", SCALE_OUT))
    assert [list(row) for row in rows] == [DAGS.names]


def test_json_keeps_raw_values_and_writes_instants_as_rfc_3339() -> None:
    row = json.loads(text_of("json", SCALE_OUT))[0]
    assert (row["elapsed_s"], row["n_nodes"], row["work_ok"]) == (28.613749, 9, True)
    assert row["started_at"] == "2024-01-01T00:00:01.500000000Z"


def test_json_has_null_and_never_nan() -> None:
    text = text_of("json", {"run_id": "a"})
    assert json.loads(text)[0]["elapsed_s"] is None
    assert "NaN" not in text


def test_json_of_no_rows_is_an_empty_array() -> None:
    assert json.loads(text_of("json")) == []


def test_csv_keeps_numbers_as_numbers_and_guards_text_alone() -> None:
    text = text_of("csv", {"run_id": "=1+1", "name": "-x", "elapsed_s": -5.0, "n_nodes": 3})
    row = next(csv.DictReader(io.StringIO(text)))
    assert (row["run_id"], row["name"], row["elapsed_s"], row["n_nodes"]) == ("'=1+1", "'-x", "-5.0", "3")


def test_csv_leaves_nulls_empty_and_writes_lists_as_json() -> None:
    text = text_of("csv", {"run_id": "a", "task_logs": ["one", 'two "2"']}, table=SUB_TASKS)
    row = next(csv.DictReader(io.StringIO(text)))
    assert row["agent"] == ""
    assert json.loads(row["task_logs"]) == ["one", 'two "2"']


def test_markdown_is_one_line_a_row_with_numbers_to_the_right() -> None:
    head, rule, row, *zone = text_of("markdown", SCALE_OUT | {"name": "a|b\n<i>"}).splitlines()
    assert head.startswith("| run_id | cluster |")
    assert rule.split("|")[1 + DAGS.names.index("elapsed_s")] == "---:"
    assert "a\\|b\\\\n&lt;i&gt;" in row
    assert zone == ["", "Times in UTC."]


@pytest.mark.parametrize("name", list(BASE_TABLES))
@pytest.mark.parametrize("width", [40, 80, 120])
def test_no_line_of_a_table_is_wider_than_the_terminal(name: str, width: int) -> None:
    table = BASE_TABLES[name]
    row = {column.name: "wide 租户 " * 9 for column in table.columns if column.type.value == "string"}
    text = text_of("table", row | ({"duration_s": 12.5} if "duration_s" in table.names else {}), table=table, width=width)
    assert max(cell_len(line) for line in text.splitlines()) <= width


def test_a_table_has_units_and_no_more_digits_than_a_person_reads() -> None:
    assert "28.6 s" in text_of("table", SCALE_OUT)


def test_the_most_telling_columns_come_through() -> None:
    row = next(line for line in text_of("table", SCALE_OUT, width=80).splitlines() if line.startswith("prod-a"))
    assert [part in row for part in ("28869", "Cluster", "succeeded_after_retry", "28.6 s")] == [True] * 4


def test_what_is_left_out_is_said_with_how_to_see_it() -> None:
    text = " ".join(text_of("table", SCALE_OUT, width=60).split())
    assert re.search(r"left out: \w+", text)
    assert "--wide shows all" in text


def test_a_wide_table_leaves_nothing_out() -> None:
    head = text_of("table", SCALE_OUT, width=None).splitlines()[0]
    assert head.split() == DAGS.names


def test_ids_lose_their_middle_and_texts_their_end() -> None:
    text = text_of("table", SCALE_OUT | {"name": "A name far too long for a column among others"}, width=60)
    assert "…" in text
    assert "28869" in text
    assert "A name far" in text


def test_names_come_through_before_the_whole_of_long_ids() -> None:
    row = SCALE_OUT | {"run_id": "c03/3336294682933583715844663186250939760897028861", "name": "Initialize cluster", "started_at": at(0)}
    line = terminal_table(frame_of(DAGS, row), DAGS, 80).splitlines()[-3]
    assert "Initialize cluster" in line
    assert line.startswith("c03/3")
    assert "897028861 " in line


def test_neglected_time_of_a_lock_is_shown_on_eighty_columns_beside_the_longest_ids() -> None:
    row = {
        "cluster": "c01",
        "lock": "agent",
        "key": "10.175.100.41:2886",
        "run_id": "c01/20179266601028861",
        "taken_at": at(0),
        "held_s": 779.0,
        "working_s": 57.4,
        "neglected_s": 719.0,
    }
    text = terminal_table(frame_of(LOCKS, row, row | {"run_id": "c03/3336294682933583715844663186250939760897028861"}), LOCKS, 80)
    assert "neglected_s" in text
    assert "11 min 59 s" in text
    assert max(map(len, text.splitlines())) <= 80


def test_a_hostile_name_stays_on_its_line_and_drives_nothing() -> None:
    text = text_of("table", {"severity": "error", "code": "html", "message": "\x1b[2J\nx\u202e"}, table=ISSUES)
    assert "\x1b" not in text
    assert "\\x1b[2J\\nx\\u202e" in text


def test_no_rows_are_said_so() -> None:
    assert text_of("table") == "no rows\n"


def test_what_is_the_same_in_every_row_is_said_once() -> None:
    text = text_of("table", {"run_id": "a", "name": "Start OB"}, {"run_id": "b", "name": "Start OB"})
    assert text.count("Start OB") == 1
    assert "(name Start OB in every row)" in text


def test_sentences_stand_below_their_row_and_a_long_one_is_cut() -> None:
    text = text_of("table", {"severity": "error", "code": "html-page", "message": "why " * 99, "hint": "do this"}, table=ISSUES)
    lines = text.splitlines()
    below = [line for line in lines if line.startswith("    ")]
    assert below[0].startswith("    why why")
    assert below[4].endswith("…")
    assert below[5] == "    do this"


def test_a_long_table_is_written_in_pieces_with_every_row() -> None:
    rows = [{"run_id": str(number), "name": "x" * 100} for number in range(2_000)]
    pieces = list(formatted(frame_of(DAGS, *rows), DAGS, "csv"))
    assert len(pieces) > 1
    assert [row["run_id"] for row in csv.DictReader(io.StringIO("".join(pieces)))] == [row["run_id"] for row in rows]


@pytest.mark.parametrize(("kind", "yes", "no"), [("csv", "true", "false"), ("markdown", "yes", "no"), ("json", True, False)])
def test_a_boolean_is_said_as_each_format_has_it(kind: str, yes: object, no: object) -> None:
    text = text_of(kind, {"run_id": "a", "work_ok": True}, {"run_id": "b", "work_ok": False})
    place = DAGS.names.index("work_ok")
    if kind == "json":
        assert [row["work_ok"] for row in json.loads(text)] == [yes, no]
    else:
        rows = [line.split("," if kind == "csv" else " | ") for line in text.splitlines()[-2:]]
        assert [row[place] for row in rows] == [yes, no]


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_the_note_below_a_table_is_one_line_that_fits(width: int) -> None:
    *_, blank, note = text_of("table", SCALE_OUT, SCALE_OUT | {"run_id": "12"}, width=width).splitlines()
    assert blank == ""
    assert len(note) <= width


def test_counts_without_room_are_added_up() -> None:
    rows = [{"workflow": "Create tenant with a long name", "n_runs": 9, "succeeded": 1, "rollback_failed": 3, "passed": 2, "cancelled": 3}]
    shown = terminal_table(frame_of(SUMMARY, *rows), SUMMARY, 60).splitlines()
    assert any("other" in line for line in shown)
    numbers = [int(word) for word in " ".join(shown).split() if word.isdecimal()]
    assert sum(numbers) == 18


def test_times_are_told_in_one_named_zone() -> None:
    frame = frame_of(DAGS, {"run_id": "11", "started_at": at(0)})
    text = terminal_table(frame, DAGS, 120, Zone("+08:00"))
    assert "2024-01-01 08:00:00" in text
    assert "times in +08:00" in text


def test_a_clock_change_shows_both_offsets() -> None:
    moments = [dt.datetime(2024, 10, 27, hour, 30, tzinfo=dt.UTC) for hour in (0, 1)]
    assert [Zone("Europe/Berlin").bare(moment)[11:] for moment in moments] == ["02:30:00 +02:00", "02:30:00 +01:00"]


HOSTILE = ("a\rb", "\r=1+1", "=cmd|' /C calc'!A0", "x\n=2", '","', "\u202e\u200b", "@SUM(1)", "\t=1", "a;b", "\x85=1")


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_text_in_every_column_stays_in_its_cell(tmp_path: Path, text: str) -> None:
    import duckdb

    row = {name: [text, text] if name == "task_logs" else text for name in ("run_id", "node_gid", "task_gid", "name", "agent", "task_logs")}
    written = text_of("csv", row, row, table=SUB_TASKS)
    (tmp_path / "hostile.csv").write_text(written, encoding="utf-8", newline="")
    with (tmp_path / "hostile.csv").open(encoding="utf-8", newline="") as file:
        cells = list(csv.reader(file))
    assert len(cells) == 3
    assert len(pd.read_csv(tmp_path / "hostile.csv")) == 2
    assert duckdb.sql(f"SELECT * FROM read_csv('{tmp_path}/hostile.csv', header=true, all_varchar=true)").shape[0] == 2
    assert not any(re.match(r"[\s]*[=+@]", cell) for row in cells[1:] for cell in row)
    assert not re.search("[\r\u202e\u200b\x85]", written)


def test_markdown_calls_nobody_and_links_no_ticket() -> None:
    written = text_of("markdown", {"name": "@root GH-12 #7", "task_gid": "1"}, table=SUB_TASKS)
    assert not re.search(r"@root|GH-12|#7", written)
