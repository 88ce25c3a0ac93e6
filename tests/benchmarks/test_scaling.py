"""The measurements of growth run; what they show is written in docs/scaling.md."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import growth


@pytest.mark.long
def test_the_small_mode_measures_a_point_of_each_kind(tmp_path):
    # A process of its own: the archives are made by forked processes, which the threads of other tests would endanger.
    command = [sys.executable, "-m", "benchmarks.scaling", "--small", "--json", str(tmp_path / "points.json")]
    shown = subprocess.run(command, cwd=Path(__file__).parents[2], check=True, capture_output=True, text=True).stdout
    points = json.loads((tmp_path / "points.json").read_text())
    assert [point["what"] for point in points] == ["runs", "polls", "sub-tasks", "clusters", "a day more"]
    assert all(point["load_s"] > 0 and point["tables_mb"] > 0 and point["evidence_mb"] > 0 for point in points)
    assert len(shown.splitlines()) == 2 + len(points)


def test_the_growth_of_every_hostile_input_is_measured_at_three_sizes():
    for case in growth.CASES:
        sizes = [size for size, _ in growth.measure(case, shrink=1000)]
        assert sizes == [sizes[0], 2 * sizes[0], 4 * sizes[0]]
