"""The studies of the statistics, with few trials: what they must show, with the slack that few trials need."""

from __future__ import annotations

import pytest

from benchmarks.studies.__main__ import FEW, STUDIES, main, run
from benchmarks.studies.failing import adjusted_rand


@pytest.mark.parametrize("name", STUDIES)
def test_a_study_shows_what_it_must(name):
    rows = run(FEW, [name])
    assert rows
    assert [f"{row.work}: {row.value:g} {row.measure}" for row in rows if not row.is_met] == []


def test_a_study_gives_the_same_figures_every_time(capsys):
    figures = []
    for _ in range(2):
        assert main(["--small", "--only", "signatures"]) == 0
        figures.append(capsys.readouterr().out)
    assert figures[0] == figures[1]


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
