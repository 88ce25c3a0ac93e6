"""Tables as Excel workbooks."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

import daganalysis as da
from daganalysis.commands import main
from daganalysis.formats.workbook import write_workbook
from daganalysis.tables import ISSUES, SUB_TASKS
from tests.rows import at, frame_of


def sheet_in(path: Path) -> Any:
    import openpyxl

    return openpyxl.load_workbook(path).active


def cells(path: Path) -> list[tuple[object, ...]]:
    return list(sheet_in(path).iter_rows(values_only=True))


def test_a_file_named_xlsx_is_a_workbook_with_the_rows_of_the_table(tmp_path: Path) -> None:
    assert main(["summary", "sample_data/fleet", "--cluster-by", "dir", "-o", str(tmp_path / "s.xlsx")]) == 0
    heading, *rows = cells(tmp_path / "s.xlsx")
    told = da.summary(da.load("sample_data/fleet", cluster_by="dir"))
    assert list(heading) == list(told.columns)
    assert [row[:2] for row in rows] == list(zip(told["workflow"], told["n_runs"], strict=True))


def test_no_text_is_a_formula_a_link_or_a_number(tmp_path: Path) -> None:
    texts = ["=1+1", "http://example.org", "0123", "a\r\nb\x07"]
    frame = frame_of(ISSUES, *({"severity": "info", "code": "x", "message": text} for text in texts))
    with (tmp_path / "i.xlsx").open("wb") as file:
        write_workbook(frame, ISSUES, file)
    assert [row[5] for row in cells(tmp_path / "i.xlsx")[1:]] == ["=1+1", "http://example.org", "0123", "a\\r\\nb\\x07"]
    sheet = sheet_in(tmp_path / "i.xlsx")
    assert {cell.data_type for row in sheet.iter_rows(min_row=2) for cell in row if cell.value is not None} == {"s"}


def test_the_same_table_gives_the_same_bytes(tmp_path: Path) -> None:
    frame = frame_of(SUB_TASKS, {"run_id": "1", "task_gid": "11", "started_at": at(1), "task_logs": ["a", "b"]})
    for name in ("one", "two"):
        with (tmp_path / name).open("wb") as file:
            write_workbook(frame, SUB_TASKS, file)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_without_a_writer_the_command_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "xlsxwriter", None)
    assert main(["summary", "sample_data/documented", "-o", str(tmp_path / "s.xlsx")]) == 3
    assert "pip install 'daganalysis[excel]'" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
