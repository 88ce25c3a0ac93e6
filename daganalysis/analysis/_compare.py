"""Comparison of two archives, or two runs: what became slower, and whether the runs show it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from daganalysis.analysis._compared_runs import UNLABELLED, RunKind, Series, Side
from daganalysis.analysis._contributions import contributions
from daganalysis.analysis._stage_matching import match_stages
from daganalysis.engine.times import SCHEDULER_SLEEP_S
from daganalysis.engine.vocabulary import DIFFERENCES
from daganalysis.errors import UsageError
from daganalysis.statistics.autocorrelation import Autocorrelation, LagSums, autocorrelation_of, fitted_autocorrelation
from daganalysis.statistics.multiple_testing import LEVEL, SMALLEST_RATIO, holm, tarone_testable
from daganalysis.statistics.rank_tests import median, midmean
from daganalysis.statistics.sample_sizes import sample_size_to_show, sample_size_to_test
from daganalysis.statistics.stratified import (
    Shares,
    compare_shares,
    lag_sums,
    lie_far_apart,
    location_test,
    robust_logs,
    smallest_stratified_p,
    stratified_effect,
)
from daganalysis.tables.results import COMPARE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import numpy as np
    import pandas as pd

    from daganalysis.analysis._compared_runs import ByCluster
    from daganalysis.archive import Archive

SECOND_LEVEL = 0.01
"""Chance of a false alarm accepted for each further question to the same runs: slow runs, and runs that needed help."""
SLOW_RUN_RATIO = 1.5
"""A run that takes longer than this many medians is slow."""
SMALLEST_SLOW_CHANGE = 0.05
"""A smaller change of the share of slow runs is not reported."""
SMALLEST_HELP_CHANGE = 0.02
"""A smaller change of the share of runs that needed help is not reported."""
_BORROWED = 15
"""The autocorrelation of a row is estimated from its own runs and, with the weight of this many more, from all stages of the workflow."""
_MUCH_MEMORY = 1.5
"""Variance inflation from which on memory is given as the reason why runs show nothing."""
_SIDES = ("base", "candidate")
_NUMBERS = (
    *("base_s", "candidate_s", "diff_s", "ratio", "ci_low", "ci_high", "p_value", "above", "n_effective_base", "n_effective_candidate"),
    *("slow_share_base", "slow_share_candidate", "slow_p_value", "help_share_base", "help_share_candidate", "help_p_value"),
)


def compare(base: Archive, candidate: Archive, *, outcomes: Sequence[str] = ("succeeded",), level: str = "stage") -> pd.DataFrame:
    """Compare the runs of two archives, stage by stage and as a whole.

    Runs are compared with runs of the same workflow, number of agents and outcome. Stages are matched by name and order; a stage that only
    one side has, or that has another name on each side, has a row of its own. The ratio is the Hodges-Lehmann estimate.

    A verdict needs a Mann-Whitney test that holds after Holm correction over all rows that could show something, and an effect of at least
    10 % and one tick of the engine. The verdict is ``insufficient`` if so few runs cannot show anything, or if an effect is visible that
    these runs cannot confirm; ``n_needed`` then has the number of runs that would be enough. ``same`` means that no such effect is visible;
    the interval shows how large a hidden one may be. docs/verdicts.md explains each verdict.

    Args:
        base: The runs to compare with.
        candidate: The runs to judge.
        outcomes: Compare runs with these outcomes only. ``left_out_base`` and ``left_out_candidate`` count the others.
        level: ``"stage"``; or ``"contributions"``, which takes one run a side and splits the difference of their elapsed times, exactly, by
            stage and category.

    Returns:
        One row per stage of a workflow, and one for the whole run (``name`` null), sorted by workflow, number of agents, outcome and stage.
        Durations in seconds.

    Raises:
        UsageError: There is no such level, or, for contributions, the difference of the two elapsed times is unknown.

    Example:
        >>> import daganalysis as da
        >>> a, b = (da.load(f"sample_data/versions/{v}") for v in "ab")
        >>> da.compare(a, b).query("verdict == 'slower'")["name"].dropna().tolist()
        ['Import script for tenant']
    """
    if level == "contributions":
        return contributions(base, candidate)
    if level != "stage":
        raise UsageError("no such level of compare", where=level, hint="stage or contributions")
    rows = list(_rows(Side.of(base, outcomes), Side.of(candidate, outcomes), outcomes))
    _judge(rows)
    import pandas as pd

    return COMPARE.conform(pd.DataFrame([{name: row[name] for name in COMPARE.names} for row in rows], columns=COMPARE.names))


def left_out(compared: pd.DataFrame) -> list[str]:
    """Return in words, for each workflow of a result of ``compare``, which runs were left out.

    >>> import daganalysis as da
    >>> tenants = da.load("sample_data/endpoints")
    >>> left_out(da.compare(tenants, tenants))
    ['Create tenant: 1 succeeded_after_retry of the base, 1 succeeded_after_retry of the candidate']
    """
    whole = compared[compared["name"].isna()].drop_duplicates("workflow")
    said = []
    for workflow, *sides in whole[["workflow", "left_out_base", "left_out_candidate"]].to_numpy(dtype=object).tolist():
        words = [f"{runs} of the {side}" for runs, side in zip(sides, ("base", "candidate"), strict=True) if isinstance(runs, str)]
        if words:
            said.append(f"{workflow if isinstance(workflow, str) else '(unnamed)'}: {', '.join(words)}")
    return said


def _rows(base: Side, candidate: Side, outcomes: Sequence[str]) -> Iterator[dict[str, Any]]:
    kinds = {*base.kinds, *candidate.kinds}
    compared = {kind.workflow for kind in kinds}
    # A workflow without compared runs still has a row, which says what was left out.
    rest = {*base.left_out, *candidate.left_out} - compared
    nothing = Series()
    for kind in sorted([*kinds, *(RunKind(workflow, -1, outcomes[0]) for workflow in rest)], key=lambda kind: (kind[0] or "", kind[1:])):
        left, right = base.kinds.get(kind, nothing), candidate.kinds.get(kind, nothing)
        shared: dict[str, Any] = {
            "workflow": kind.workflow,
            "n_agents": kind.n_agents if kind.n_agents >= 0 else None,
            "outcome": kind.outcome,
            "left_out_base": base.left_out_of(kind.workflow),
            "left_out_candidate": candidate.left_out_of(kind.workflow),
        }
        ordered = base.ordered & candidate.ordered
        rows = [shared | {"stage": 0, "name": None, "base_name": None, "pair": _Pair.of(left.whole, right.whole, ordered)}]
        rows[0]["help"] = _help(base, candidate, kind, ordered)
        matched = match_stages(left.sequence, right.sequence)
        former = set(matched.values())
        for key in [*right.sequence, *(key for key in left.sequence if key not in former)]:
            own = key in right.stages
            before = matched.get(key) if own else key
            row = shared | {"name": str(key), "base_name": str(before) if before and str(before) != str(key) else None, "help": None}
            row["stage"] = round(right.places[key] if own else left.places[key])
            values = left.stages.get(before, {}) if before else {}
            rows.append(row | {"pair": _Pair.of(values, right.stages[key] if own else {}, ordered)})
        # The stages of a workflow together make the estimate of the autocorrelation of each more stable.
        together = sum((row["pair"].lags.scaled(row["pair"].lags.n) for row in rows), LagSums.of(()))
        for row in rows:
            yield row | _numbers(row["pair"], together)


def _help(base: Side, candidate: Side, kind: RunKind, ordered: set[str]) -> Shares | None:
    """Compare how many of all the runs of a workflow needed help, within clusters; None where one side has none of a common cluster."""
    of_base, of_candidate = (side.needed_help.get((kind.workflow, kind.n_agents), {}) for side in (base, candidate))
    clusters = sorted(of_base.keys() & of_candidate.keys())
    if not clusters:
        return None
    strata = [(of_base[cluster], of_candidate[cluster]) for cluster in clusters]
    return _shares(strata, [cluster in ordered for cluster in clusters])


def _shares(strata: Sequence[tuple[np.ndarray, np.ndarray]], ordered: Sequence[bool]) -> Shares:
    if not any(side.any() for pair in strata for side in pair):
        return Shares(0.0, 0.0, 1.0, 1.0)
    known = [pair for pair, has_order in zip(strata, ordered, strict=True) if has_order]
    memory = autocorrelation_of([side for pair in known for side in pair])
    n = sum(len(x) + len(y) for x, y in strata)
    return compare_shares(strata, sum((len(x) + len(y)) * memory.inflation(max(len(x), len(y))) for x, y in strata) / n)


@dataclass(slots=True)
class _Pair:
    """The durations of a row on both sides, in order of time, by the clusters that both have; and what has no partner."""

    clusters: list[str]
    strata: list[tuple[np.ndarray, np.ndarray]]
    logs: Sequence[tuple[np.ndarray, np.ndarray]]
    ordered: list[bool]
    alone: list[tuple[str, str, np.ndarray]]
    lags: LagSums

    @classmethod
    def of(cls, base: ByCluster, candidate: ByCluster, ordered: set[str]) -> _Pair:
        both = sorted(cluster for cluster in base.keys() & candidate.keys() if len(base[cluster]) and len(candidate[cluster]))
        alone = [
            (side, cluster, values[cluster])
            for side, values in (("base", base), ("candidate", candidate))
            for cluster in sorted(values)
            if cluster not in both and len(values[cluster])
        ]
        strata = [(base[cluster], candidate[cluster]) for cluster in both]
        has_order = [cluster in ordered for cluster in both]
        logs = robust_logs(strata)
        lags = lag_sums([pair for pair, has in zip(logs, has_order, strict=True) if has])
        return cls(both, strata, logs, has_order, alone, lags)

    def values(self, side: str) -> np.ndarray:
        """All durations of one side: the compared ones or, if none has a partner, all others."""
        import numpy as np

        own = [pair[_SIDES.index(side)] for pair in self.strata] or [values for of, _, values in self.alone if of == side]
        return np.concatenate(own) if own else np.empty(0)

    def alone_text(self) -> str | None:
        """Name the clusters without a partner, and their side."""
        return ", ".join(f"{cluster or '(no label)'} ({side}, {len(values)} runs)" for side, cluster, values in self.alone) or None


def _numbers(pair: _Pair, together: LagSums) -> dict[str, Any]:
    import numpy as np

    values = [pair.values(side) for side in _SIDES]
    row: dict[str, Any] = dict.fromkeys(_NUMBERS)
    row |= {"n_base": len(values[0]), "n_candidate": len(values[1]), "unmatched_clusters": None, "inflation": 1.0, "identical": False}
    row |= {"clusters": None, "slow": None, "sizes": [(len(x), len(y)) for x, y in pair.strata], "seen": False}
    if not pair.strata:
        row["base_s"], row["candidate_s"] = (median(np.sort(side)) if len(side) else None for side in values)
        row["unmatched_clusters"] = pair.alone_text() if all(map(len, values)) else None
        return row
    weights = [len(x) * len(y) / (len(x) + len(y)) for x, y in pair.strata]
    ordered = [[np.sort(side) for side in sides] for sides in zip(*pair.strata, strict=True)]
    medians, middles = ([_standardised(weights, side, of) for side in ordered] for of in (median, midmean))
    found = stratified_effect(pair.strata)
    own = pair.lags + together.scaled(_BORROWED) if together.n else pair.lags
    memory = Autocorrelation() if lie_far_apart(pair.strata) else fitted_autocorrelation(own)
    located = location_test(pair.logs, memory)
    widened = math.sqrt(located.inflation)
    named = [cluster for cluster in pair.clusters if cluster != UNLABELLED]
    row |= {
        "base_s": medians[0],
        "candidate_s": medians[1],
        "diff_s": medians[1] - medians[0],
        "ratio": found.ratio,
        "ci_low": None if found.low is None else found.ratio * (found.low / found.ratio) ** widened,
        "ci_high": None if found.high is None else found.ratio * (found.high / found.ratio) ** widened,
        "p_value": max(found.p_value, located.p_value) if memory.coefficient else found.p_value,
        "above": found.above,
        "inflation": located.inflation,
        "n_effective_base": located.effective[0],
        "n_effective_candidate": located.effective[1],
        "clusters": ", ".join(named) or None,
        "unmatched_clusters": pair.alone_text(),
        "identical": all(map(np.array_equal, *ordered)),
        "slow": _shares(_slow_runs(pair.strata), pair.ordered),
    }
    row["seen"] = _is_seen(found.ratio, *middles)
    return row


def _is_seen(ratio: float, base: float, candidate: float) -> bool:
    """Whether a difference is large enough to matter: 10 % and one tick of the engine, by the ratio and by the middles of both sides.

    A middle is the mean of the middle half, because medians of durations in whole ticks jump by a tick although nothing has changed.
    """
    if abs(math.log(ratio)) < math.log(SMALLEST_RATIO) or (ratio > 1) != (candidate > base):
        return False
    return abs(candidate - base) >= SCHEDULER_SLEEP_S and max(base, candidate) >= SMALLEST_RATIO * min(base, candidate)


def _standardised(weights: Sequence[float], ordered: Sequence[np.ndarray], middle: Callable[[np.ndarray], float]) -> float:
    """The middle of one side, as if both had the same mix of clusters."""
    return sum(weight * middle(values) for weight, values in zip(weights, ordered, strict=True)) / sum(weights)


def _slow_runs(strata: Sequence[tuple[np.ndarray, np.ndarray]]) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return which runs are slow: longer than half as much again as the median of their cluster on both sides, and by more than a tick."""
    import numpy as np

    found = []
    for x, y in strata:
        middle = median(np.sort(np.concatenate([x, y])))
        bound = max(SLOW_RUN_RATIO * middle, middle + SCHEDULER_SLEEP_S)
        found.append(((x > bound).astype(float), (y > bound).astype(float)))
    return found


def _judge(rows: Sequence[dict[str, Any]]) -> None:
    """Give every row its verdict, and its p-values corrected over all that could show anything.

    Three families are corrected separately: the durations, at 5 %; and, at 1 % each, the shares of slow runs and of runs that needed help,
    which look at the same runs a second time.
    """
    both = [row for row in rows if row["ratio"] is not None]
    n_tested = _correct(both, "p_value", [smallest_stratified_p(row["sizes"]) for row in both])
    for name in ("slow", "help"):
        known = [row for row in rows if row[name] is not None]
        for row in known:
            shares: Shares = row[name]
            row |= {f"{name}_share_base": shares.base, f"{name}_share_candidate": shares.candidate, f"{name}_p_value": shares.p_value}
        _correct(known, f"{name}_p_value", [row[name].smallest for row in known], SECOND_LEVEL)
    for row in rows:
        found = [verdict for verdict in (_shift(row), *_second(row)) if verdict]
        shown = [verdict for verdict in found if verdict in DIFFERENCES]
        row["verdict"] = shown[0] if shown else found[0]
        row["also"] = ", ".join(shown[1:]) or None
        row["reason"] = _reason(row) if row["verdict"] == "insufficient" else None
        row["n_needed"] = _needed(row, len(both) or 1, n_tested) if row["verdict"] == "insufficient" and row["ratio"] is not None else None


def _correct(rows: Sequence[dict[str, Any]], name: str, smallest: Sequence[float], level: float = LEVEL) -> int:
    """Correct the p-values of a family, drop those of rows that could show nothing, and return how many are left."""
    could = tarone_testable(smallest, level)
    tested = [row for row, can in zip(rows, could, strict=True) if can]
    corrected = holm([row[name] for row in tested])
    for row in rows:
        row[name] = None
    for row, p_value in zip(tested, corrected, strict=True):
        row[name] = p_value
    return len(tested)


def _shift(row: dict[str, Any]) -> str:
    """The verdict on the durations alone."""
    if row["ratio"] is None:
        if bool(row["n_base"]) == bool(row["n_candidate"]):
            return "insufficient"
        return "only_base" if row["n_base"] else "only_candidate"
    if row["identical"]:
        return "same"
    if row["p_value"] is None or (row["seen"] and row["p_value"] > LEVEL):
        return "insufficient"
    if not row["seen"]:
        return "same"
    return "slower" if row["ratio"] > 1 else "faster"


def _second(row: dict[str, Any]) -> Iterator[str]:
    """Yield the verdicts on the shares of runs that needed help, and of slow runs."""
    for name, least, more, fewer in (
        ("help", SMALLEST_HELP_CHANGE, "more_help", "less_help"),
        ("slow", SMALLEST_SLOW_CHANGE, "more_slow_runs", "fewer_slow_runs"),
    ):
        if row[f"{name}_p_value"] is not None and row[f"{name}_p_value"] <= SECOND_LEVEL:
            change = row[f"{name}_share_candidate"] - row[f"{name}_share_base"]
            if abs(change) >= least:
                yield more if change > 0 else fewer


def _reason(row: dict[str, Any]) -> str:
    """Return in words why a row is insufficient."""
    if row["ratio"] is None:
        return "no cluster on both sides" if row["n_base"] else "no run to compare"
    if row["p_value"] is None:
        return "too few runs for a test"
    if row["inflation"] >= _MUCH_MEMORY:
        return "runs resemble their neighbours in time: too few independent runs to show the difference seen"
    return "too few runs to show the difference seen"


def _needed(row: dict[str, Any], compared: int, tested: int) -> int:
    """How many runs each side needs: to be tested at all, or to show a difference as large as is seen."""
    if row["p_value"] is None:
        return sample_size_to_test(row["n_base"], row["n_candidate"], compared)
    needed = math.ceil(row["inflation"] * sample_size_to_show(row["above"], tested))
    return int(max(needed, 1 + min(row["n_base"], row["n_candidate"])))
