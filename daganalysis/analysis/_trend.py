"""Trends: level shifts in the history of a workflow."""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING, Any, NamedTuple

from daganalysis.analysis._stage_matching import stage_codes
from daganalysis.engine.times import SCHEDULER_SLEEP_S
from daganalysis.statistics.change_points import largest_split, split_p
from daganalysis.statistics.families import LEVEL, SMALLEST_RATIO, tarone_testable
from daganalysis.statistics.rank_tests import ranks
from daganalysis.tables.results import TREND

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    import pandas as pd

    from daganalysis.archive import Archive

PERSISTENCE = 5
"""Runs that a level must last: a spike is no shift."""
_LIKE = ["cluster", "workflow", "n_agents"]
_FINEST = 1_000
"""Places at which a shift is put, in a history longer than that."""
_SHORTEST_PART = 64
"""A level that came and went is looked for down to this part of a history."""
_HALVES = 2


def trend(archive: Archive) -> pd.DataFrame:
    """Find level shifts: one row per shift in the history of a workflow's stage, or of its whole runs (``name`` null), by time.

    A history is what runs that succeeded took, in order of their start: those of one cluster, one workflow and one number of agents. Shifts
    are looked for by seeded binary segmentation on the ranks of the durations, so that a spike weighs little. A level must last five runs,
    the shift hold in a test of the best split of ranks (Lausen and Schumacher 1992) corrected over all histories of the archive, and be
    10 % and one tick of the engine at least. A history of less than ten runs shows none. In one of more than a thousand, a shift is placed
    to within a thousandth of its length.

    >>> import daganalysis as da
    >>> da.trend(da.load("sample_data/documented/scale-out.json")).empty
    True
    """
    import numpy as np
    import pandas as pd

    runs = archive.table("dags", ["run_id", *_LIKE, "outcome", "started_at", "elapsed_s"])
    runs = runs[runs["outcome"].eq("succeeded") & runs["started_at"].notna()].sort_values(["started_at", "run_id"], ignore_index=True)
    histories = list(_histories(runs, archive.table("nodes", ["run_id", "stage", "name", "duration_s"])))
    lengths = [len(history.seconds) for history in histories]
    could = tarone_testable([_HALVES * split_p(largest_split(n), n, PERSISTENCE) for n in lengths])
    rows: list[dict[str, Any]] = []
    for history, can in zip(histories, could, strict=True):
        for low, start, high, p_value in _shifts(history.seconds, sum(could)) if can else ():
            before, after = (float(np.median(history.seconds[a:b])) for a, b in ((low, start), (start, high)))
            first = runs.iloc[history.runs[start]]
            row = {"name": history.name, "at_run_id": first["run_id"], "at": first["started_at"], "before_s": before, "after_s": after}
            row |= {"ratio": after / before, "n_before": start - low, "n_after": high - start, "confidence": 1 - p_value}
            rows.append(row | {name: first[name] for name in _LIKE})
    return TREND.conform(pd.DataFrame(rows, columns=TREND.names)) if rows else TREND.empty()


class _History(NamedTuple):
    """What one stage (or the whole, without a name) took in runs like each other, in order of their start: which runs, and the seconds."""

    name: str | None
    runs: np.ndarray
    seconds: np.ndarray


def _histories(runs: pd.DataFrame, nodes: pd.DataFrame) -> Iterator[_History]:
    """Give the histories that are long enough for two levels; the runs are in order of their start."""
    import numpy as np
    import pandas as pd

    nodes = nodes.sort_values(["run_id", "stage"], ignore_index=True)
    codes, keys = stage_codes(nodes)
    names = [None, *map(str, keys)]
    # What runs took as a whole stands before what their stages took.
    of_name = np.concatenate([np.zeros(len(runs), int), codes + 1])
    of_run = np.concatenate([np.arange(len(runs)), pd.Index(runs["run_id"]).get_indexer(nodes["run_id"])])
    seconds = np.concatenate([runs["elapsed_s"].to_numpy("float64"), nodes["duration_s"].to_numpy("float64")])
    like = runs.groupby(_LIKE, dropna=False).ngroup().to_numpy()
    known = np.flatnonzero((of_run >= 0) & ~np.isnan(seconds))
    group = like[of_run[known]] * len(names) + of_name[known]
    order = np.lexsort((of_run[known], group))
    known, group = known[order], group[order]
    for own in np.split(known, np.flatnonzero(np.diff(group)) + 1):
        if len(own) >= 2 * PERSISTENCE:
            yield _History(names[of_name[own[0]]], of_run[own], seconds[own])


def _shifts(seconds: np.ndarray, family: int) -> Iterator[tuple[int, int, int, float]]:
    """Give (start of the old level, start of the new, end of the new, corrected p-value) of each shift, in order."""
    pending, found = [(0, len(seconds))], dict[int, float]()
    while pending:
        low, high = pending.pop()
        if high - low < 2 * PERSISTENCE:
            continue
        cut, p_value = _best_split(ranks(seconds[low:high]))
        if p_value * family <= LEVEL:
            found[low + cut] = p_value * family
            pending += [(low, low + cut), (low + cut, high)]
    cuts = _large_enough(seconds, sorted(found))
    p_values = [found[cut] for cut in cuts]
    edges = [0, *_placed(seconds, cuts), len(seconds)]
    for low, start, high, p_value in zip(edges, edges[1:], edges[2:], p_values, strict=False):
        yield low, start, high, p_value


def _best_split(ranked: np.ndarray) -> tuple[int, float]:
    """Where a shift is most evident, and how probable one so evident is by chance.

    Half of the chance of an error is spent on the whole history, the other half on the intervals within it, which alone show a level that
    came and went (seeded binary segmentation: Kovacs, Buehlmann, Li and Munk 2023).
    """
    import numpy as np

    n = len(ranked)
    # Ranks come in halves: these sums, and for all but the longest histories those of squares, are exact.
    off = ranked - (n + 1) / 2
    sums, squares = (np.concatenate([[0.0], np.cumsum(values)]) for values in (off, off**2))
    lengths = _intervals(n)
    n_inner = sum(len(lows) for _, lows in lengths)
    best = _best_of(sums, squares, n, np.zeros(1, int))
    for size, lows in lengths:
        p_value, cut = _best_of(sums, squares, size, lows)
        best = min(best, (p_value * n_inner, cut))
    return best[1], min(1.0, _HALVES * best[0])


@functools.lru_cache(maxsize=256)
def _intervals(n: int) -> list[tuple[int, np.ndarray]]:
    """Intervals of ever smaller lengths, each length all over the history, by half of it: the length, and where they begin."""
    import numpy as np

    found, length = [], n / math.sqrt(2)
    while length >= max(2 * PERSISTENCE, n / _SHORTEST_PART):
        size = math.ceil(length)
        count = 2 * math.ceil(n / length) - 1
        found.append((size, np.rint(np.arange(count) * (n - size) / (count - 1)).astype(int)))
        length /= math.sqrt(2)
    return found


def _best_of(sums: np.ndarray, squares: np.ndarray, n: int, lows: np.ndarray) -> tuple[float, int]:
    """Of the intervals of a length: how probable by chance is the most evident split in any of them, and where it is.

    Given are the sums of what stands before each place in the history, and of its squares.
    """
    import numpy as np

    places = np.arange(PERSISTENCE, n - PERSISTENCE + 1)
    before, totals = sums[lows], sums[lows + n] - sums[lows]
    variances = (squares[lows + n] - squares[lows] - totals**2 / n) / (n - 1)
    # Rank sums come in whole numbers: half of one is the correction for continuity.
    off = np.abs(sums[lows[:, None] + places] - before[:, None] - places * (totals / n)[:, None]) - 0.5
    scaled = off / np.sqrt(places * (n - places) / n)
    cuts = scaled.argmax(axis=1)
    evidence = scaled[np.arange(len(lows)), cuts] / np.sqrt(np.maximum(variances, 1e-300))
    most = float(evidence.max())
    return split_p(most, n, PERSISTENCE), int((lows + PERSISTENCE + cuts)[evidence == most].min())


def _placed(seconds: np.ndarray, cuts: list[int]) -> list[int]:
    """Place each shift anew, between its neighbours: it may have been found in an interval that knew little of its levels."""
    import ruptures

    edges = [0, *cuts, len(seconds)]
    for n, (low, high) in enumerate(zip(edges, edges[2:], strict=False), start=1):
        finder = ruptures.Binseg(model="l2", min_size=PERSISTENCE, jump=max(1, (high - low) // _FINEST))
        edges[n] = low + int(finder.fit(ranks(seconds[low:high])).predict(n_bkps=1)[0])
    return edges[1:-1]


def _large_enough(seconds: np.ndarray, cuts: list[int]) -> list[int]:
    """Drop shifts that are too small to be called one, the smallest first: levels on its sides become one."""
    import numpy as np

    while cuts:
        edges = [0, *cuts, len(seconds)]
        levels = [float(np.median(seconds[a:b])) for a, b in zip(edges, edges[1:], strict=False)]
        sizes = [(max(pair) / max(min(pair), 1e-6), max(pair) - min(pair)) for pair in zip(levels, levels[1:], strict=False)]
        small = [place for place, (ratio, diff) in enumerate(sizes) if ratio < SMALLEST_RATIO or diff < SCHEDULER_SLEEP_S]
        if not small:
            break
        del cuts[min(small, key=lambda place: sizes[place])]
    return cuts
