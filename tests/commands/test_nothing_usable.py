"""Commands that find nothing usable say why and exit with 3; what repeats is told together."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.reading.broken_inputs import GOOD

LOGS = b'{"successful": true, "data": {"contents": [{"sub_task_id": 7, "execute_times": 1, "log_content": "done"}]}}'
REFUSED = b'{"successful": false, "status": 401, "traceId": "", "error": {"code": 1, "message": "access denied"}}'


@pytest.mark.parametrize("command", ["summary", "runs", "validate", "show"])
@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "there is no file in it"),
        (LOGS, "the logs"),
        (REFUSED, "401, 1: access denied"),
        (b"notes", "text without answers"),
    ],
)
def test_nothing_usable_has_a_reason_and_a_next_step(command, content, reason, tmp_path: Path, run):
    if content is not None:
        (tmp_path / "a.log").write_bytes(content)
    status, _, err = run(command, str(tmp_path))
    assert status == 3
    assert f"nothing in {tmp_path} can be used" in err
    assert reason in err
    assert "Next step: " in err


@pytest.mark.parametrize("part", ["dags", "dags/part-000001-0000.parquet"])
def test_a_table_of_a_store_is_answered_with_the_store(part, store: str, run):
    status, _, err = run("summary", f"{store}/{part}")
    assert (status, err) == (2, f"daganalysis: one table of a store: {store}/{part} (name the store itself: {store})\n")


def test_what_was_skipped_is_said_in_one_line(tmp_path: Path, run):
    for name, content in (("a.json", GOOD), ("b.png", b"\x89PNG\r\n"), ("c.png", b"\x89PNG\r\n"), ("README", b"notes")):
        (tmp_path / name).write_bytes(content)
    assert "3 files skipped: 2 pictures, 1 text without answers" in run("summary", str(tmp_path))[2]


def test_validate_tells_what_repeats_together_and_in_full(tmp_path: Path, run):
    for number in range(5):
        (tmp_path / f"{number}.json").write_bytes(b"connection refused " * 3)
    (tmp_path / "good.json").write_bytes(GOOD)
    out = run("validate", str(tmp_path))[1]
    assert out.startswith("error    no-json in 5 files: 0.json, 1.json, 2.json and 2 more\n")
    assert len(json.loads(run("validate", str(tmp_path), "--format", "json")[1])) == 5


def test_a_load_without_anything_usable_names_what_was_read_not_the_store(tmp_path: Path, run):
    for name in ("a.json", "b.json", "c.json"):
        (tmp_path / name).write_bytes(b"connection refused")
    store = tmp_path / "store"
    status, _, err = run("load", str(tmp_path / "a.json"), str(tmp_path / "b.json"), str(tmp_path / "c.json"), "-o", str(store))
    assert status == 3
    assert f"nothing in {tmp_path}/a.json and 2 other sources can be used (3 rejected records): " in err
