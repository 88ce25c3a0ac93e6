"""``trend``: where it puts a level shift, and how often it sees one that is none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

import daganalysis as da
from benchmarks.studies.archives import MEANS, NAMES, archive_of, noisy, share_row

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from benchmarks.goals import Row

_RUNS = 60
_MIDDLE = 30
_NEAR = 3
_SHIFTED = 3
"""The stage that shifts, from 0."""


def shifts(trials: int) -> Iterator[Row]:
    """A shift of 25 % in the middle of 60 runs, noise of 10 %; no shift; one spike; a level that came and went."""
    rng = np.random.default_rng(63)
    found = []
    for _ in range(trials):
        runs = noisy(rng, MEANS, _RUNS, 0.1)
        runs[_MIDDLE:, _SHIFTED] *= 1.25
        found.append(da.trend(archive_of(runs)))
    yield share_row(
        "shift of 25 % at run 30 of 60", "share found within 3 runs", 0.9, [_is_near(table, [_MIDDLE]) for table in found], at_least=True
    )
    yield share_row(
        "shift of 25 % at run 30 of 60",
        "share with a neighbour blamed",
        0.05,
        [bool((~table["name"].isin([NAMES[_SHIFTED]]) & table["name"].notna()).any()) for table in found],
    )
    for noise in (0.1, 0.3):
        quiet = [not da.trend(archive_of(noisy(rng, MEANS, _RUNS, noise))).empty for _ in range(trials)]
        yield share_row(f"no shift, noise {noise:.0%}", "share with any", 0.05, quiet)
    spiked = []
    for _ in range(trials):
        runs = noisy(rng, MEANS, _RUNS, 0.1)
        runs[rng.integers(_RUNS), _SHIFTED] *= 10
        spiked.append(not da.trend(archive_of(runs)).empty)
    yield share_row("one run ten times as long", "share with any shift", 0.05, spiked)
    found = []
    for _ in range(trials):
        runs = noisy(rng, MEANS, _RUNS, 0.1)
        runs[20:40, _SHIFTED] *= 1.4
        found.append(da.trend(archive_of(runs)))
    yield share_row(
        "40 % more from run 20 to 40",
        "share with both ends within 3 runs",
        0.9,
        [_is_near(table, [20, 40]) for table in found],
        at_least=True,
    )


def _is_near(table: pd.DataFrame, places: list[int]) -> bool:
    own = table[table["name"] == NAMES[_SHIFTED]]
    at = [int(run_id.lstrip("r")) for run_id in own["at_run_id"]]
    return len(at) == len(places) and all(abs(a - place) <= _NEAR for a, place in zip(at, places, strict=True))
