"""Trends: level shifts, drifts and cycles in the history of a workflow."""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING, Any, NamedTuple

from daganalysis.analysis._stage_matching import coded_stages
from daganalysis.engine.times import SCHEDULER_SLEEP_S, SECOND_NS
from daganalysis.statistics.autocorrelation import winsorised
from daganalysis.statistics.change_points import largest_split, split_p
from daganalysis.statistics.multiple_testing import LEVEL, SMALLEST_RATIO, tarone_testable
from daganalysis.statistics.patterns import cycle_columns, shown_patterns
from daganalysis.statistics.rank_tests import log_seconds, ranks
from daganalysis.tables import DAGS
from daganalysis.tables.column_arrays import NONE, codes_of, integers, is_equal, numbered, one_array, ranked, reals
from daganalysis.tables.declaration import decode_texts
from daganalysis.tables.results import TREND

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    import pandas as pd
    import pyarrow as pa

    from daganalysis.archive import Archive
    from daganalysis.statistics.patterns import Pattern
    from daganalysis.tables.column_arrays import Floats, Ints

PERSISTENCE = 5
"""Runs that a level must last: a spike is no shift."""
_LIKE = ["cluster", "workflow", "n_agents"]
_DAY_S = 86_400.0
_SHORTEST_PART = 64
"""A level that came and went is looked for down to this part of a history."""
_HALVES = 2
_LONGEST_KEPT = 512
"""The splits of a history take a thousand bytes a run; those of longer histories are not kept for the next one of equal length."""


def trend(archive: Archive) -> pd.DataFrame:
    """Find level shifts, drifts and cycles in how long runs took.

    A history has the lengths of the runs that succeeded, of one cluster, one workflow and one number of agents, in order of their start.
    Seeded binary segmentation on the ranks of the durations finds shifts, so a spike weighs little. A level must last five runs. A shift
    must be at least 10 % and one tick of the engine, and must hold in a test of the best split of ranks (Lausen and Schumacher 1992),
    corrected over all histories of the archive. It must also hold if each run may resemble the one before it, and against a steady drift
    and a cycle of a day or a week, which have rows of their own. A history of less than ten runs shows none.

    Args:
        archive: The runs.

    Returns:
        One row per shift, drift or cycle (``kind``) in the history of a workflow's stage, or of its whole runs (``name`` null), sorted by
        cluster, workflow, number of agents, instant and stage. Durations in seconds. The instant of a drift or a cycle is the start of its
        first run.

    Example:
        >>> import daganalysis as da
        >>> da.trend(da.load("sample_data/documented/scale-out.json")).empty
        True
    """
    import numpy as np
    import pandas as pd
    import pyarrow as pa

    runs = _succeeded(archive)
    start = integers(runs.column("started_at"))
    days = (start - start[:1]) / SECOND_NS / _DAY_S
    histories = _histories(runs, archive.coded("nodes", ["run_id", "stage", "name", "duration_s"]))
    smallest = {n: _HALVES * split_p(largest_split(n), n, PERSISTENCE) for n in np.unique(histories.lengths).tolist()}
    testable = np.flatnonzero(tarone_testable([smallest[n] for n in histories.lengths.tolist()])).tolist()
    rows: list[dict[str, Any]] = []
    firsts: list[int] = []
    for history in map(histories.history, testable):
        for found in _patterns(history, days[history.runs], len(testable)):
            firsts.append(int(history.runs[found.start]))
            rows.append({"name": history.name, "ratio": found.after_s / found.before_s, "confidence": 1 - found.p_value, **found._asdict()})
    if not rows:
        return TREND.empty()
    of_first = DAGS.frame(decode_texts(runs.take(pa.array(firsts)), DAGS)).rename(columns={"run_id": "at_run_id", "started_at": "at"})
    return TREND.conform(pd.concat([pd.DataFrame(rows), of_first], axis=1)[TREND.names])


def _succeeded(archive: Archive) -> pa.Table:
    """Return the runs that succeeded, in order of their start."""
    import numpy as np
    import pyarrow as pa

    runs = archive.coded("dags", ["run_id", *_LIKE, "outcome", "started_at", "elapsed_s"])
    start = integers(runs.column("started_at"))
    rows = np.flatnonzero(is_equal(runs.column("outcome"), "succeeded") & (start != NONE))
    return runs.take(pa.array(rows[np.lexsort((ranked(runs.column("run_id"))[0][rows], start[rows]))]))


class _History(NamedTuple):
    """What one stage (or the whole, without a name) took in runs like each other, in order of their start: which runs, and the seconds."""

    name: str | None
    runs: np.ndarray
    seconds: np.ndarray


class _Histories(NamedTuple):
    """The histories that are long enough for two levels: the first value of each, and how many it has."""

    starts: Ints
    lengths: Ints
    runs: Ints
    """The run of each value; the runs are in order of their start."""
    seconds: Floats
    name: Ints
    """The number of each value's stage among the names."""
    names: list[str | None]

    def history(self, place: int) -> _History:
        """Return one of them."""
        start = int(self.starts[place])
        own = slice(start, start + int(self.lengths[place]))
        return _History(self.names[self.name[start]], self.runs[own], self.seconds[own])


def _histories(runs: pa.Table, nodes: pa.Table) -> _Histories:
    """Find the histories; the runs are in order of their start."""
    import numpy as np
    import pyarrow as pa

    run = codes_of(nodes.column("run_id"), one_array(runs.column("run_id")).cast(pa.string()))
    rows, key, keys = coded_stages(nodes, run)
    names = [None, *map(str, keys)]
    # The lengths of whole runs come before those of their stages.
    of_name = np.concatenate([np.zeros(runs.num_rows, int), key + 1])
    of_run = np.concatenate([np.arange(runs.num_rows), run[rows]])
    seconds = np.concatenate([reals(runs.column("elapsed_s")), reals(nodes.column("duration_s"))[rows]])
    like = numbered(ranked(runs.column("cluster"))[0], ranked(runs.column("workflow"))[0], integers(runs.column("n_agents")))[0]
    known = np.flatnonzero(~np.isnan(seconds))
    group = like[of_run[known]] * len(names) + of_name[known]
    order = np.lexsort((of_run[known], group))
    known, group = known[order], group[order]
    starts = np.flatnonzero(np.diff(group, prepend=-1))
    lengths = np.diff(starts, append=len(group))
    is_long = lengths >= 2 * PERSISTENCE
    return _Histories(starts[is_long], lengths[is_long], of_run[known], seconds[known], of_name[known], names)


class _Found(NamedTuple):
    """A pattern of a history: its beginning, both of its levels, the runs on each (None: it has no levels), its p-value."""

    kind: str
    start: int
    before_s: float
    after_s: float
    n_before: int | None
    n_after: int | None
    period_s: float | None
    p_value: float


def _patterns(history: _History, days: np.ndarray, family: int) -> Iterator[_Found]:
    """Yield the patterns shown in a history: drifts and cycles first, then shifts in order."""
    import numpy as np

    seconds = history.seconds
    screened = _screened(seconds, family)
    cuts = list(screened)
    plain = _far_apart(log_seconds(seconds), cuts)
    shown = shown_patterns(ranks(seconds), days, cuts, least=PERSISTENCE, level=LEVEL / family, plain=plain)
    for pattern in shown:
        if pattern.kind != "shift":
            before, after = _ends(seconds, days, pattern)
            if _is_large(before, after):
                period = None if pattern.period is None else pattern.period * _DAY_S
                yield _Found(pattern.kind, 0, before, after, None, None, period, pattern.p_value * family)
    p_values = {cut: max(screened[cut], pattern.p_value * family) for pattern in shown for cut in pattern.cuts}
    cuts = _large_enough(seconds, sorted(p_values))
    edges = [0, *_placed(seconds, cuts), len(seconds)]
    for cut, low, start, high in zip(cuts, edges, edges[1:], edges[2:], strict=False):
        before, after = (float(np.median(seconds[a:b])) for a, b in ((low, start), (start, high)))
        yield _Found("shift", start, before, after, start - low, high - start, None, p_values[cut])


def _far_apart(logs: np.ndarray, cuts: list[int]) -> set[int]:
    """Choose the cuts between levels whose distance is larger than the range of either."""
    edges, found = [0, *cuts, len(logs)], set()
    for low, cut, high in zip(edges, edges[1:], edges[2:], strict=False):
        before, after = logs[low:cut], logs[cut:high]
        gap = max(float(after.min() - before.max()), float(before.min() - after.max()))
        if gap > max(float(before.max() - before.min()), float(after.max() - after.min())):
            found.add(cut)
    return found


def _ends(seconds: np.ndarray, days: np.ndarray, pattern: Pattern) -> tuple[float, float]:
    """Fit a drift or a cycle to the logarithms: the seconds at the beginning and the end of a drift, at the trough and peak of a cycle."""
    import numpy as np

    logs = winsorised(log_seconds(seconds))
    place = np.arange(len(logs))[:, None]
    columns = place if pattern.period is None else cycle_columns(days, pattern.period)
    columns = np.column_stack([np.ones(len(logs)), columns])
    fitted = columns @ np.linalg.lstsq(columns, logs, rcond=None)[0]
    ends = (fitted[0], fitted[-1]) if pattern.period is None else (fitted.min(), fitted.max())
    return float(np.exp(ends[0])), float(np.exp(ends[1]))


def _is_large(before: float, after: float) -> bool:
    """Whether two levels differ enough to matter: by 10 % and a tick of the engine."""
    low, high = sorted((before, after))
    return high >= SMALLEST_RATIO * max(low, 1e-6) and high - low >= SCHEDULER_SLEEP_S


def _screened(seconds: np.ndarray, family: int) -> dict[int, float]:
    """Where shifts would be in a history of independent runs, in order: {start of the new level: corrected p-value}."""
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
    return dict(zip(_placed(seconds, cuts), p_values, strict=True))


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
    splits = _splits(n) if n <= _LONGEST_KEPT else _splits.__wrapped__(n)
    evidence, cuts = _best_of_intervals(sums, squares, splits)
    most = np.maximum.reduceat(evidence, splits.lengths_begin)
    n_inner = len(evidence) - 1
    p_values = [
        split_p(float(largest), size, PERSISTENCE) * (n_inner if place else 1)
        for place, (largest, size) in enumerate(zip(most, splits.sizes, strict=True))
    ]
    best = min(p_values)
    is_best = np.array([p_value == best for p_value in p_values])[splits.of_length] & (evidence == most[splits.of_length])
    return int(cuts[is_best].min()), min(1.0, _HALVES * best)


class _Splits(NamedTuple):
    """The intervals of a history, the whole one first, then ever shorter ones, and all their splits in one array."""

    sizes: list[int]
    """The lengths of the intervals."""
    of_length: Ints
    """Which of the lengths each interval has."""
    lengths_begin: Ints
    """The first interval of each length."""
    low: Ints
    """Where each interval begins."""
    n: Ints
    """The length of each interval."""
    starts: Ints
    """The first split of each interval."""
    of_split: Ints
    """The interval of each split."""
    before: Ints
    """How many values of the interval are before each split."""
    places: Ints
    """Where each split is in the history."""
    scale: Floats
    """What the sum of ranks before each split is divided by."""


@functools.lru_cache(maxsize=64)
def _splits(n: int) -> _Splits:
    """Return the splits of a history of n values."""
    import numpy as np

    lengths = [(n, np.zeros(1, int)), *_intervals(n)]
    of_length = np.repeat(np.arange(len(lengths)), [len(lows) for _, lows in lengths])
    low, sizes = np.concatenate([lows for _, lows in lengths]), [size for size, _ in lengths]
    of_interval = np.array(sizes)[of_length]
    n_splits = of_interval - 2 * PERSISTENCE + 1
    starts = np.cumsum(n_splits) - n_splits
    of_split = np.repeat(np.arange(len(low)), n_splits)
    before = np.arange(len(of_split)) - starts[of_split] + PERSISTENCE
    scale = np.sqrt(before * (of_interval[of_split] - before) / of_interval[of_split])
    begins = np.flatnonzero(np.diff(of_length, prepend=-1))
    return _Splits(sizes, of_length, begins, low, of_interval, starts, of_split, before, low[of_split] + before, scale)


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


def _best_of_intervals(sums: np.ndarray, squares: np.ndarray, splits: _Splits) -> tuple[np.ndarray, np.ndarray]:
    """Return how evident the most evident split of each interval is, its standardised rank sum, and where that split is.

    Given are the sums of what stands before each place in the history, and of its squares.
    """
    import numpy as np

    low, n = splits.low, splits.n
    totals = sums[low + n] - sums[low]
    variances = (squares[low + n] - squares[low] - totals**2 / n) / (n - 1)
    # Rank sums come in whole numbers: half of one is the correction for continuity.
    off = np.abs(sums[splits.places] - sums[low][splits.of_split] - splits.before * (totals / n)[splits.of_split]) - 0.5
    scaled = off / splits.scale
    most = np.maximum.reduceat(scaled, splits.starts)
    at = np.flatnonzero(scaled == most[splits.of_split])[::-1]
    first = np.empty(len(low), np.int64)
    first[splits.of_split[at]] = at  # of equals the first, which is written last
    return most / np.sqrt(np.maximum(variances, 1e-300)), low + PERSISTENCE + first - splits.starts


def _placed(seconds: np.ndarray, cuts: list[int]) -> list[int]:
    """Locate each shift again, between its neighbours, because it may have been found in an interval with little of its levels."""
    import numpy as np

    edges = [0, *cuts, len(seconds)]
    for number, (low, high) in enumerate(zip(edges, edges[2:], strict=False), start=1):
        ranked, n = ranks(seconds[low:high]), high - low
        places = np.arange(PERSISTENCE, n - PERSISTENCE + 1)
        off = np.cumsum(ranked - (n + 1) / 2)[places - 1]
        # The split after which least is left of the squares.
        edges[number] = low + int(places[(off**2 / (places * (n - places))).argmax()])
    return edges[1:-1]


def _large_enough(seconds: np.ndarray, cuts: list[int]) -> list[int]:
    """Drop shifts that are too small to be called one, the smallest first: levels on its sides become one."""
    import numpy as np

    while cuts:
        edges = [0, *cuts, len(seconds)]
        levels = [float(np.median(seconds[a:b])) for a, b in zip(edges, edges[1:], strict=False)]
        pairs = list(zip(levels, levels[1:], strict=False))
        sizes = [(max(pair) / max(min(pair), 1e-6), max(pair) - min(pair)) for pair in pairs]
        small = [place for place, pair in enumerate(pairs) if not _is_large(*pair)]
        if not small:
            break
        del cuts[min(small, key=lambda place: sizes[place])]
    return cuts
