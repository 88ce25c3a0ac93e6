"""Trends: level shifts in the history of a workflow."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

from daganalysis.analysis.matching import stage_keys
from daganalysis.analysis.statistics import LEVEL, SMALLEST_RATIO, can_show, largest_split, split_p
from daganalysis.engine.times import SCHEDULER_SLEEP_S
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
    import pandas as pd

    histories = list(_histories(archive))
    smallest = [_HALVES * split_p(largest_split(len(history.rows)), len(history.rows), PERSISTENCE) for history in histories]
    could = can_show(smallest)
    rows: list[dict[str, Any]] = []
    for history, can in zip(histories, could, strict=True):
        for low, start, high, p_value in _shifts(history.rows["s"].to_numpy(), sum(could)) if can else ():
            before, after = history.rows["s"].iloc[low:start].median(), history.rows["s"].iloc[start:high].median()
            first = history.rows.iloc[start]
            row = {"name": history.name, "at_run_id": first["run_id"], "at": first["started_at"], "before_s": before, "after_s": after}
            row |= {"ratio": after / before, "n_before": start - low, "n_after": high - start, "confidence": 1 - p_value}
            rows.append(row | {name: first[name] for name in _LIKE})
    return TREND.conform(pd.DataFrame(rows, columns=TREND.names)) if rows else TREND.empty()


class _History(NamedTuple):
    """What one stage (or the whole, without a name) took in runs like each other, in order of their start."""

    name: str | None
    rows: pd.DataFrame


def _histories(archive: Archive) -> Iterator[_History]:
    """Give the histories that are long enough for a shift."""
    dags = archive.table("dags", ["run_id", *_LIKE, "outcome", "started_at", "elapsed_s"])
    dags = dags[dags["outcome"].eq("succeeded") & dags["started_at"].notna()].drop(columns="outcome")
    dags = dags.sort_values(["started_at", "run_id"], ignore_index=True)
    wholes = dags.dropna(subset="elapsed_s").rename(columns={"elapsed_s": "s"})
    for whole in _long_ones(wholes, _LIKE):
        yield _History(None, whole)
    nodes = archive.table("nodes", ["run_id", "stage", "name", "duration_s"]).sort_values(["run_id", "stage"], ignore_index=True)
    keys = stage_keys(nodes)
    names = {key: str(key) for key in set(keys)}
    nodes["name"] = [names[key] for key in keys]
    nodes = nodes.dropna(subset="duration_s").rename(columns={"duration_s": "s"})
    stages = dags.drop(columns="elapsed_s").merge(nodes, on="run_id", how="inner").sort_values(["started_at", "run_id", "stage"])
    for rows in _long_ones(stages, [*_LIKE, "name"]):
        yield _History(rows["name"].iloc[0], rows)


def _long_ones(rows: pd.DataFrame, keys: list[str]) -> Iterator[pd.DataFrame]:
    """Give the rows of one key after another, of those that have enough for two levels."""
    size = rows.groupby(keys, dropna=False)["run_id"].transform("size")
    for _, own in rows[size >= 2 * PERSISTENCE].groupby(keys, dropna=False):
        yield own


def _shifts(seconds: np.ndarray, family: int) -> Iterator[tuple[int, int, int, float]]:
    """Give (start of the old level, start of the new, end of the new, corrected p-value) of each shift, in order."""
    from scipy.stats import rankdata

    pending, found = [(0, len(seconds))], dict[int, float]()
    while pending:
        low, high = pending.pop()
        if high - low < 2 * PERSISTENCE:
            continue
        cut, p_value = _best_split(rankdata(seconds[low:high]))
        if p_value * family <= LEVEL:
            found[low + cut] = p_value * family
            pending += [(low, low + cut), (low + cut, high)]
    cuts = _large_enough(seconds, sorted(found))
    p_values = [found[cut] for cut in cuts]
    edges = [0, *_placed(seconds, cuts), len(seconds)]
    for low, start, high, p_value in zip(edges, edges[1:], edges[2:], p_values, strict=False):
        yield low, start, high, p_value


def _best_split(ranks: np.ndarray) -> tuple[int, float]:
    """Where a shift is most evident, and how probable one so evident is by chance.

    Half of the chance of an error is spent on the whole history, the other half on the intervals within it, which alone show a level that
    came and went (seeded binary segmentation: Kovacs, Buehlmann, Li and Munk 2023).
    """
    import numpy as np

    ((cut, p_whole),) = _splits(ranks[None, :])
    best = (p_whole, cut)
    lengths = list(_intervals(len(ranks)))
    n_inner = sum(len(lows) for _, lows in lengths)
    for size, lows in lengths:
        for low, (cut, p_value) in zip(lows, _splits(ranks[np.add.outer(lows, np.arange(size))]), strict=True):
            best = min(best, (p_value * n_inner, low + cut))
    return best[1], min(1.0, _HALVES * best[0])


def _intervals(n: int) -> Iterator[tuple[int, list[int]]]:
    """Intervals of ever smaller lengths, each length all over the history, by half of it: the length, and where they begin."""
    length = n / math.sqrt(2)
    while length >= max(2 * PERSISTENCE, n / _SHORTEST_PART):
        size = math.ceil(length)
        count = 2 * math.ceil(n / length) - 1
        yield size, [round(step * (n - size) / (count - 1)) for step in range(count)]
        length /= math.sqrt(2)


def _splits(ranks: np.ndarray) -> list[tuple[int, float]]:
    """Of each row: where two levels fit best, and how probable so good a fit is by chance."""
    import numpy as np

    n = ranks.shape[1]
    places = np.arange(PERSISTENCE, n - PERSISTENCE + 1)
    # Rank sums come in whole numbers: half of one is the correction for continuity.
    off = np.abs(np.cumsum(ranks, axis=1)[:, places - 1] - places * ranks.mean(axis=1)[:, None]) - 0.5
    variances = ranks.var(axis=1, ddof=1)
    evidence = off / np.sqrt(np.maximum(variances, 1e-300)[:, None] * places * (n - places) / n)
    best = evidence.argmax(axis=1)
    found = zip(best.tolist(), evidence.max(axis=1).tolist(), variances.tolist(), strict=True)
    return [(PERSISTENCE + place, split_p(most, n, PERSISTENCE)) if variance else (PERSISTENCE, 1.0) for place, most, variance in found]


def _placed(seconds: np.ndarray, cuts: list[int]) -> list[int]:
    """Place each shift anew, between its neighbours: it may have been found in an interval that knew little of its levels."""
    import ruptures
    from scipy.stats import rankdata

    edges = [0, *cuts, len(seconds)]
    for n, (low, high) in enumerate(zip(edges, edges[2:], strict=False), start=1):
        finder = ruptures.Binseg(model="l2", min_size=PERSISTENCE, jump=max(1, (high - low) // _FINEST))
        edges[n] = low + int(finder.fit(rankdata(seconds[low:high])).predict(n_bkps=1)[0])
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
