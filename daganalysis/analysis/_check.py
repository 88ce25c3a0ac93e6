"""Gates of pipelines: conditions over an archive, decided only if the data suffice."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from daganalysis.analysis._time_budget import time_budget
from daganalysis.engine.states import ENDED
from daganalysis.engine.vocabulary import CHANGES_OF_LENGTH, ENGINE_TIME, STANDS_FAILED, UNFINISHED
from daganalysis.errors import UsageError
from daganalysis.statistics.autocorrelation import autocorrelation_of
from daganalysis.statistics.distributions import binomial_ppf, normal_isf, t_isf, t_ppf
from daganalysis.statistics.proportions import clopper_pearson_interval
from daganalysis.tables.results import CHECK
from daganalysis.text.humanize import human_share, plural

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from daganalysis.archive import Archive

_CONDITION = re.compile(r"\s*(?P<metric>[a-z_0-9]+)\s*>\s*(?P<limit>\d+(?:\.\d+)?)\s*")
_SIDES = ("base", "candidate")
_LEVEL = 0.05
"""A one-sided decision at 5 % looks at one end of a two-sided interval at 10 %."""
_LIKELY_CHANCE = 0.4
"""Corrected p-value above which a difference that is seen leaves no gate undecided: among runs that are all alike, there is often one."""
_BURSTS = "they do not come in bursts, which these runs are too few to show"
_FEWEST_GROUPS = 2
"""Of fewer groups of hits, nothing tells whether they come in bursts."""

FAIL_ON = CHANGES_OF_LENGTH
"""Verdicts of ``compare`` that a gate may be about."""

_DURATIONS = "{base_s:.3f} s to {candidate_s:.3f} s (x {ratio:.2f})"
_HELP = "{help_share_base} to {help_share_candidate} of the runs needed help"
_SLOW = "{slow_share_base} to {slow_share_candidate} of the runs are slow"
_WORDS = {
    "slower": {"slower": _DURATIONS, "more_help": _HELP, "more_slow_runs": _SLOW},
    "faster": {"faster": _DURATIONS, "less_help": _HELP, "fewer_slow_runs": _SLOW},
}
"""The verdicts that trip each gate, and their text."""


@dataclass(slots=True)
class Gate:
    """The result of a gate: the entries that tripped it, that were undecided, that held, and that it does not cover."""

    tripped: list[str] = field(default_factory=list)
    undecided: list[str] = field(default_factory=list)
    held: list[str] = field(default_factory=list)
    not_compared: list[str] = field(default_factory=list)


def compare_gate(compared: pd.DataFrame, fail_on: str) -> Gate:
    """Decide a gate over the result of ``compare``.

    It is tripped by each row of the verdict ``fail_on``, and, for ``slower``, by each row that shows more runs that needed help or more
    slow runs. It is undecided for each row with too few runs, for a test or to show a visible difference (unless equal runs show such a
    difference as often), for each row without a cluster on both sides, and for each workflow that both sides have without comparable runs.
    A workflow or a stage that only one side has is not compared. If nothing was compared, the gate is undecided. Raises :class:`UsageError`
    for another verdict than ``slower`` or ``faster``.

    >>> import daganalysis as da
    >>> a, b = (da.load(f"sample_data/versions/{v}") for v in "ab")
    >>> compare_gate(da.compare(a, b), "slower").tripped[1]
    'Create tenant / Import script for tenant: 9.227 s to 13.328 s (x 1.44)'
    """
    if fail_on not in FAIL_ON:
        raise UsageError("no such gate", where=fail_on, hint=" or ".join(FAIL_ON))
    gate = Gate()
    rows = _records(compared)
    too_few: set[tuple[Any, ...]] = set()
    for row in rows:
        what, group = _what(row), (row["workflow"], row["n_agents"], row["outcome"])
        shown = _shown(row, fail_on)
        if shown:
            gate.tripped += [f"{what}: {words}" for words in shown]
        elif not (row["n_base"] and row["n_candidate"]):
            # It is enough to name a workflow that was not compared, without its stages.
            whole = row["workflow"] or "(unnamed)"
            if row["name"] is None or whole not in gate.not_compared:
                gate.not_compared.append(whole if row["name"] is None else what)
        elif row["ratio"] is None:
            if group not in too_few:
                too_few.add(group)
                gate.undecided.append(f"{what}: {row['reason']}: {row['unmatched_clusters']}")
        elif row["verdict"] != "insufficient" or _is_likely_chance(row) or _points_elsewhere(row, fail_on):
            gate.held.append(what)
        elif row["p_value"] is not None:
            gate.undecided.append(f"{what}: looks {_factor(row['ratio'])}, but {_sides(row)} cannot show it; {_needed(row)}")
        elif group not in too_few:
            # The stages of a run are as many as the run.
            too_few.add(group)
            gate.undecided.append(f"{what}: {_sides(row)} cannot show any difference; {_needed(row)}")
    gate.undecided += _never_alike(rows)
    if not (gate.tripped or gate.undecided or gate.held):
        gate.undecided.append("everything: no workflow has runs of this outcome on both sides")
    gate.not_compared = list(dict.fromkeys(gate.not_compared))
    return gate


def _shown(row: dict[str, Any], fail_on: str) -> list[str]:
    """Return in words the differences of a row that trip a gate."""
    shares = {name: human_share(value) for name, value in row.items() if "_share_" in name}
    verdicts = (row["verdict"], *(row["also"] or "").split(", "))
    return [_WORDS[fail_on][verdict].format(**row | shares) for verdict in verdicts if verdict in _WORDS[fail_on]]


def _is_likely_chance(row: dict[str, Any]) -> bool:
    """Return whether a difference that is seen, though not shown, is what runs that are all alike often show."""
    return row["p_value"] is not None and row["p_value"] > _LIKELY_CHANCE


def _points_elsewhere(row: dict[str, Any], fail_on: str) -> bool:
    """Return whether the visible difference, though not shown, is in the opposite direction of the gate."""
    return row["p_value"] is not None and (row["ratio"] > 1) != (fail_on == "slower")


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a frame, with None for every null."""
    plain = frame.astype(object).where(frame.notna(), None)
    return [dict(zip(plain.columns, row, strict=True)) for row in plain.to_numpy().tolist()]


def _needed(row: dict[str, Any]) -> str:
    """Return how many more runs would be enough, by side."""
    more = {side: row["n_needed"] - row[f"n_{side}"] for side in _SIDES if row["n_needed"] > row[f"n_{side}"]}
    if len(more) == len(_SIDES) and len(set(more.values())) == 1:
        return f"about {more['base']} more a side would"
    return " and ".join(f"about {n} more of the {side}" for side, n in more.items()) + " would"


def _sides(row: dict[str, Any]) -> str:
    """Return how many runs were compared."""
    base, candidate = row["n_base"], row["n_candidate"]
    return f"{plural(base, 'run')} a side" if base == candidate else f"{base} against {plural(candidate, 'run')}"


def _factor(ratio: float) -> str:
    """Return a ratio in words.

    >>> _factor(1.5), _factor(0.5)
    ('1.50× slower', '2.00× faster')
    """
    return f"{ratio:.2f}× slower" if ratio >= 1 else f"{1 / ratio:.2f}× faster"


def _what(row: dict[str, Any]) -> str:
    return f"{row['workflow'] or '(unnamed)'} / {row['name'] or 'whole run'}"


def _never_alike(rows: Sequence[dict[str, Any]]) -> list[str]:
    """The workflows that are on both sides, compared or left out, but never in two runs like each other."""
    sides: dict[str | None, set[str]] = {}
    compared = set()
    for row in rows:
        seen = sides.setdefault(row["workflow"], set())
        seen |= {side for side in _SIDES if row[f"n_{side}"] or row[f"left_out_{side}"]}
        if row["n_base"] and row["n_candidate"]:
            compared.add(row["workflow"])
    used = {row["workflow"] for row in rows if row["n_base"] or row["n_candidate"]}
    unlike = sorted((name or "(unnamed)") for name in used - compared if len(sides[name]) == len(_SIDES))
    return [f"{name}: both sides have runs, but none on as many agents and of the same outcome" for name in unlike]


class _Estimate(NamedTuple):
    """A metric: its value, its lower and upper bound (one-sided, 95 % each; None if nothing bounds it), and its number of runs.

    ``assumes`` is the assumption of the upper bound.
    """

    value: float | None
    low: float | None
    high: float | None
    n: int
    assumes: str | None = None


def check(archive: Archive, conditions: Sequence[str]) -> pd.DataFrame:
    """Decide conditions such as ``failed_share>0.1`` over an archive.

    The runs of an archive are a sample. A condition is ``tripped`` if the metric is shown to be beyond the limit (its one-sided 95 % bound
    is beyond it), ``held`` if the metric is shown not to be, and ``undecided`` otherwise.

    Bounds of shares of runs are Clopper-Pearson bounds. Bounds of percentiles come from order statistics, and bounds of shares of time from
    a ratio of sums over runs. If runs resemble their neighbours in time, as failures in bursts do, the bounds are those of fewer,
    independent runs. A run whose answers leave the metric open counts as a hit in the upper bound only. Counts (``n_failed``,
    ``lost_share``) are not a sample: they are always decided, unless there is no run. With at most one group of hits, a share is held only
    if hits do not come in bursts, and ``assumes`` says so. A child DAG counts with its main DAG, if the main DAG is in the archive.

    Args:
        archive: The runs.
        conditions: The conditions: a metric, ``>`` and a limit.

    Returns:
        One row per condition, in their order.

    Raises:
        UsageError: A condition cannot be read.

    Example:
        >>> import daganalysis as da
        >>> fleet = da.load("sample_data/fleet", cluster_by="dir")
        >>> da.check(fleet, ["failed_share>0.2", "retry_share>0.1"])[["condition", "n", "decision"]].to_dict("records")
        [{'condition': 'failed_share>0.2', 'n': 84, 'decision': 'held'}, {'condition': 'retry_share>0.1', 'n': 84, 'decision': 'undecided'}]
    """
    import pandas as pd

    metrics = _Metrics(archive)
    rows = []
    for condition in conditions:
        match = _CONDITION.fullmatch(condition)
        if match is None or match["metric"] not in METRICS:
            raise UsageError("no such condition", where=condition, hint="for instance failed_share>0.1; metrics: " + ", ".join(METRICS))
        found, limit = METRICS[match["metric"]](metrics), float(match["limit"])
        decision = "undecided"
        if found.low is not None and found.low > limit:
            decision = "tripped"
        elif found.high is not None and found.high <= limit:
            decision = "held"
        stated = found if decision == "held" else found._replace(assumes=None)
        rows.append({"condition": condition.strip(), "metric": match["metric"], "limit": limit, "decision": decision, **stated._asdict()})
    return CHECK.conform(pd.DataFrame(rows, columns=CHECK.names))


def check_gate(checked: pd.DataFrame) -> Gate:
    """Sum up the result of ``check``, in words."""
    gate = Gate()
    for row in _records(checked):
        words = f"{row['condition']}: it is {row['value']:.4g} in {row['n']} runs" if row["n"] else f"{row['condition']}: no run tells"
        if row["value"] is not None and row["low"] != row["high"]:
            low = f"at least {row['low']:.4g}" if row["low"] is not None else "no lower bound"
            high = f"at most {row['high']:.4g}" if row["high"] is not None else "no upper bound"
            words += f", {low}, {high}"
        if row["assumes"] is not None:
            words += f", assuming that {row['assumes']}"
        {"tripped": gate.tripped, "held": gate.held, "undecided": gate.undecided}[row["decision"]].append(words)
    return gate


class _Metrics:
    """The main runs that the metrics are computed from, in order of their start."""

    def __init__(self, archive: Archive) -> None:
        dags = archive.table("dags", ["run_id", "parent_run_id", "state", "outcome", "retries_min", "retries_max", "cluster", "started_at"])
        dags = dags[~dags["parent_run_id"].isin(dags["run_id"])].sort_values(["started_at", "run_id"], ignore_index=True)
        budget = time_budget(archive)
        self.ended = dags[~dags["outcome"].isin(UNFINISHED) & (dags["outcome"].ne("unknown") | dags["state"].isin(ENDED))]
        timed = budget[budget["run_id"].isin(dags["run_id"]) & budget["elapsed_s"].notna()]
        self.timed = dags[["run_id", "cluster", "started_at"]].merge(timed, on="run_id")

    def hits(self, name: str) -> pd.Series[bool]:
        """Return for each ended run whether it counts for a share or a count."""
        outcome = self.ended["outcome"]
        if name == "retry":
            return self.ended["retries_min"].fillna(0) > 0
        return outcome.isin(STANDS_FAILED) if name == "failed" else outcome.eq("cancelled")

    def doubtful(self, name: str) -> int:
        """Count the ended runs whose answers do not show whether they are hits."""
        ended = self.ended
        if name == "retry":
            perhaps = ended["retries_max"].isna() | (ended["retries_max"] > 0)
            return int((~self.hits(name) & perhaps.fillna(value=True).astype(bool)).sum())
        return int((ended["outcome"].eq("unknown") & ended["state"].eq("FAILED")).sum()) if name == "failed" else 0


def _inflation(runs: pd.DataFrame, values: pd.Series[Any]) -> float:
    """How many runs count as one independent run, as they come in bursts: in the whole history, or in that of each cluster.

    Without distinct starts the runs have no order, and count each.
    """
    if 2 * runs["started_at"].nunique() <= len(runs):
        return 1.0
    numbers = values.astype(float)
    by_cluster = [own.to_numpy() for _, own in numbers.groupby(runs["cluster"].fillna(""))]
    of_all, of_each = autocorrelation_of([numbers.to_numpy()]), autocorrelation_of(by_cluster)
    weighted = sum(len(own) * of_each.inflation(len(own)) for own in by_cluster) / len(numbers)
    return max(of_all.inflation(len(numbers)), weighted)


def _share(metrics: _Metrics, name: str) -> _Estimate:
    hits = metrics.hits(name)
    k, n = int(hits.sum()), len(hits)
    if not n:
        return _Estimate(None, None, None, 0)
    inflation = _inflation(metrics.ended, hits)
    effective = n / inflation
    if inflation > 1:
        # Korn and Graubard (1998): the effective size, and less for the uncertainty of the variance.
        effective *= (normal_isf(_LEVEL) / t_isf(_LEVEL, max(1.0, effective - 1))) ** 2
    most = k + metrics.doubtful(name)
    low, high = clopper_pearson_interval([k / n * effective, most / n * effective], [effective, effective], 2 * _LEVEL)
    return _Estimate(k / n, float(low[0]), float(high[1]), n, _BURSTS if _groups(hits) < _FEWEST_GROUPS else None)


def _groups(hits: pd.Series[bool]) -> int:
    """Count the groups of consecutive hits."""
    return int((hits & ~hits.shift(fill_value=False)).sum())


def _count(metrics: _Metrics, name: str) -> _Estimate:
    k, n = float(metrics.hits(name).sum()), len(metrics.ended)
    return _Estimate(k, k, k + metrics.doubtful(name), n) if n else _Estimate(None, None, None, 0)


def _quantile(metrics: _Metrics, share: float) -> _Estimate:
    of_runs = metrics.timed["elapsed_s"]
    elapsed = of_runs.sort_values().tolist()
    n = len(elapsed)
    if not n:
        return _Estimate(None, None, None, 0)
    value = float(of_runs.quantile(share))
    inflation = _inflation(metrics.timed, of_runs > value)
    effective = max(1, math.floor(n / inflation))
    below = math.floor(binomial_ppf(_LEVEL, effective, share) * n / effective)
    above = math.ceil(binomial_ppf(1 - _LEVEL, effective, share) * n / effective)
    low = elapsed[below - 1] if below else None
    return _Estimate(value, low, elapsed[above] if above < n else None, n)


def _time_share(metrics: _Metrics, parts: Sequence[str], *, sampled: bool = True) -> _Estimate:
    """The share of some categories of all elapsed time, as a ratio of sums over runs (Cochran 1977, chapter 6)."""
    part, whole = metrics.timed[[f"{name}_s" for name in parts]].sum(axis=1), metrics.timed["elapsed_s"]
    n, total = len(whole), float(whole.sum())
    if not n or not total:
        return _Estimate(None, None, None, n)
    share = float(part.sum()) / total
    if not sampled:
        return _Estimate(share, share, share, n)
    if n < 2:
        return _Estimate(share, None, None, n)
    spread = math.sqrt(float(((part - share * whole) ** 2).sum()) / (n * (n - 1))) / (total / n)
    reach = t_ppf(1 - _LEVEL, n - 1) * spread
    return _Estimate(share, max(0.0, share - reach), min(1.0, share + reach), n)


METRICS = {
    "failed_share": lambda metrics: _share(metrics, "failed"),
    "retry_share": lambda metrics: _share(metrics, "retry"),
    "cancelled_share": lambda metrics: _share(metrics, "cancelled"),
    "n_failed": lambda metrics: _count(metrics, "failed"),
    "n_cancelled": lambda metrics: _count(metrics, "cancelled"),
    "elapsed_p50_s": lambda metrics: _quantile(metrics, 0.5),
    "elapsed_p95_s": lambda metrics: _quantile(metrics, 0.95),
    "engine_share": lambda metrics: _time_share(metrics, ENGINE_TIME),
    "lost_share": lambda metrics: _time_share(metrics, ("lost",), sampled=False),
}
"""The metrics of conditions of ``check``."""
