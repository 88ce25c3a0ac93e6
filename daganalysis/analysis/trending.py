"""Trends: level shifts in the history of a workflow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from daganalysis.analysis.statistics import LEVEL
from daganalysis.tables.results import TREND

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    import pandas as pd

    from daganalysis.archive import Archive

_PERSISTENCE = 5
"""Runs that a level must last: a spike is no shift."""
_SMALLEST_RATIO = 1.1
_TICK_S = 1.0
_PERMUTATIONS = 1999
_SEED = 20_250_101


def trend(archive: Archive) -> pd.DataFrame:
    """Find level shifts: one row per shift in the history of a workflow's stage, or of its whole runs (``name`` null), by time.

    Runs that succeeded are put in order of their start. Shifts are looked for by binary segmentation (ruptures) on the ranks of the
    durations, so
    that one spike weighs little; a level must last five runs, a shift must hold in a permutation test corrected over the series of the
    workflow (Bonferroni), and be 10 % and one tick of the engine at least. Fewer than ten runs show nothing.

    >>> import daganalysis as da
    >>> da.trend(da.load("sample_data/documented/scale-out.json")).empty
    True
    """
    import pandas as pd

    rows: list[dict[str, Any]] = []
    for series in _histories(archive):
        names = list(series)
        for name in names:
            history = series[name]
            for start, low, high, p_value in _shifts(history["s"].to_numpy(), len(names)):
                before, after = history["s"].iloc[low:start].median(), history["s"].iloc[start:high].median()
                row = history.iloc[start]
                found = {"workflow": row["workflow"], "name": name, "at_run_id": row["run_id"], "at": row["started_at"]}
                found |= {"before_s": before, "after_s": after, "ratio": after / before, "n_before": start - low, "n_after": high - start}
                rows.append(found | {"confidence": 1 - p_value})
    if not rows:
        return TREND.empty()
    return TREND.conform(pd.DataFrame(rows, columns=TREND.names))


def _histories(archive: Archive) -> Iterator[dict[str | None, pd.DataFrame]]:
    """The series of each workflow: whole runs under None, stages under their names, each in order of the runs' starts."""
    dags = archive.table("dags", ["run_id", "workflow", "outcome", "started_at", "elapsed_s"])
    dags = dags[dags["outcome"].eq("succeeded") & dags["workflow"].notna() & dags["started_at"].notna()]
    nodes = archive.table("nodes", ["run_id", "stage", "name", "duration_s"])
    nodes = nodes[nodes["name"].notna() & nodes["duration_s"].notna()].sort_values(["run_id", "stage"])
    again = nodes.groupby(["run_id", "name"]).cumcount()
    nodes = nodes.assign(name=nodes["name"].where(again == 0, nodes["name"] + " #" + (again + 1).astype(str)))
    for _, runs in dags.sort_values(["workflow", "started_at", "run_id"]).groupby("workflow"):
        if len(runs) < 2 * _PERSISTENCE:
            continue
        series: dict[str | None, pd.DataFrame] = {None: runs[runs["elapsed_s"].notna()].rename(columns={"elapsed_s": "s"})}
        own = runs.drop(columns="elapsed_s").merge(nodes, on="run_id").sort_values(["started_at", "run_id"], kind="stable")
        series |= {str(name): stage.rename(columns={"duration_s": "s"}) for name, stage in own.groupby("name")}
        yield {name: history.reset_index(drop=True) for name, history in series.items() if len(history) >= 2 * _PERSISTENCE}


def _shifts(seconds: np.ndarray, family: int) -> list[tuple[int, int, int, float]]:
    """Return (start of the new level, start of the old, end of the new, corrected p-value), in order."""
    pending, cuts = [(0, len(seconds))], dict[int, float]()
    while pending:
        low, high = pending.pop()
        part = seconds[low:high]
        if len(part) < 2 * _PERSISTENCE:
            continue
        cut, p_value = _one_shift(part)
        if p_value * family > LEVEL:
            continue
        cuts[low + cut] = min(1.0, p_value * family)
        pending += [(low, low + cut), (low + cut, high)]
    return list(_large_enough(seconds, cuts))


def _large_enough(seconds: np.ndarray, cuts: dict[int, float]) -> Iterator[tuple[int, int, int, float]]:
    import numpy as np

    kept = sorted(cuts)
    while True:
        edges = [0, *kept, len(seconds)]
        levels = [float(np.median(seconds[a:b])) for a, b in zip(edges, edges[1:], strict=False)]
        small = [
            cut
            for cut, before, after in zip(kept, levels, levels[1:], strict=False)
            if abs(after - before) < _TICK_S or max(after, before) < _SMALLEST_RATIO * min(after, before)
        ]
        if not small:
            break
        kept.remove(small[0])
    for n, cut in enumerate(kept):
        yield cut, edges[n], edges[n + 2], cuts[cut]


def _one_shift(part: np.ndarray) -> tuple[int, float]:
    """The best place for one shift, and how often chance does as well: a permutation test of the largest gain."""
    import numpy as np
    import ruptures
    from scipy.stats import rankdata

    ranks = rankdata(part)
    found = ruptures.Binseg(model="l2", min_size=_PERSISTENCE, jump=1).fit(ranks).predict(n_bkps=1)
    cut = int(found[0])
    rng = np.random.default_rng(_SEED)
    shuffled = rng.permuted(np.tile(ranks, (_PERMUTATIONS, 1)), axis=1)
    gain = _gains(ranks[None, :]).max()
    by_chance = _gains(shuffled).max(axis=1)
    return cut, float((1 + np.sum(by_chance >= gain - 1e-9)) / (_PERMUTATIONS + 1))


def _gains(series: np.ndarray) -> np.ndarray:
    """How much a shift at each place lowers the sum of squares, by row; the same measure as ruptures' l2 cost."""
    import numpy as np

    n = series.shape[1]
    place = np.arange(_PERSISTENCE, n - _PERSISTENCE + 1)
    left = np.cumsum(series, axis=1)[:, place - 1]
    mean = series.mean(axis=1, keepdims=True)
    deviation: np.ndarray = (left - place * mean) ** 2 * n / (place * (n - place))
    return deviation
