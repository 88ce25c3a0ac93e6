"""The benchmarks run; how fast anything is, is not asked here."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import same_tables
from benchmarks.__main__ import MEASUREMENTS
from benchmarks.goals import Row, as_text
from tests.profiles import some


@pytest.mark.parametrize("names", some([(), ("one-response",)], gate=[("one-response",)]), ids=["all", "one"])
def test_the_small_mode_measures_every_row_and_leaves_nothing_behind(tmp_path, names):
    work = tmp_path / "work"
    work.mkdir()
    # A process of its own: the archives are made by forked processes, which the threads of other tests would endanger.
    command = [
        sys.executable,
        "-m",
        "benchmarks",
        "--small",
        *(("--only", *names) if names else ()),
        "--work",
        work,
        "--json",
        tmp_path / "values.json",
    ]
    subprocess.run(command, cwd=Path(__file__).parents[2], check=True, capture_output=True)
    written = json.loads((tmp_path / "values.json").read_text())
    assert len(written["rows"]) > (0 if names else len(MEASUREMENTS))
    assert all(row["value"] > 0 and row["met"] in {True, False} for row in written["rows"])
    assert not list(work.iterdir())


def test_the_digests_of_tables_are_the_same_twice_and_with_any_jobs(capsys):
    arguments = ["--simulated", "1", "sample_data/start"]
    assert same_tables.main([*arguments, "--jobs", "1"]) == 0
    alone = capsys.readouterr().out
    command = [sys.executable, "-m", "benchmarks.same_tables", *arguments, "--jobs", "2"]
    assert subprocess.run(command, check=True, capture_output=True, text=True).stdout == alone
    assert "simulated-000 timeline/part-000001-0000.parquet" in alone


def test_a_value_beyond_its_goal_is_marked_in_the_table():
    slow = Row("loading", "times the rate of the peer", 2.0, at_least=True, value=1.5)
    fast = Row("again", "share of the first time", 0.05, at_least=False, value=0.01)
    heading, first, second = as_text([slow, fast]).splitlines()
    assert heading.split()[0] == "work"
    assert first.endswith("at least 2    1.5    not reached")
    assert second.endswith("at most 0.05  0.01")
