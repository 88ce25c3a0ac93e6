"""The studies of the statistics, with few trials: what they must show, with the slack that few trials need."""

from __future__ import annotations

import pytest

from benchmarks.studies.__main__ import STUDIES, main
from benchmarks.studies.failures import adjusted_rand
from tests.profiles import some


@pytest.mark.parametrize("name", some(list(STUDIES), gate=[name for name in STUDIES if name != "histories"]))
def test_a_study_shows_what_it_must(name, capsys):
    status = main(["--small", "--only", name])
    figures = capsys.readouterr().out.splitlines()
    assert [line for line in figures if line.endswith("not reached")] == []
    assert status == 0
    assert len(figures) > 1


@pytest.mark.parametrize(
    ("one", "other", "index"),
    [
        ([1, 1, 2, 2], "aabb", 1.0),
        ([1, 1, 2, 2], "bbaa", 1.0),
        ([1, 1, 2, 2], "abab", -0.5),
        ([1, 2, 3], "abc", 1.0),
        ([0, 0, 1, 2], "aabb", 0.5714),
    ],
)
def test_the_adjusted_rand_index_is_that_of_the_textbook(one, other, index):
    assert adjusted_rand(one, list(other)) == pytest.approx(index, abs=1e-4)
