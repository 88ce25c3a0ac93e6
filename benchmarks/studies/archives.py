"""Archives whose truth is known, made straight as tables: what the analyses of several runs look at, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import scipy

from benchmarks.goals import Row
from daganalysis import Archive
from daganalysis.statistics.proportions import clopper_pearson_interval
from daganalysis.tables import BASE_TABLES

if TYPE_CHECKING:
    from collections.abc import Sequence

SECOND = 1_000_000_000
_BEGIN = 1_767_225_600 * SECOND
_DAY = 86_400 * SECOND
_TICK_S = 1.025
STRICT_FROM = 200
"""Trials from which on a goal is taken at its word."""
NAMES = ("Check", "Download", "Unpack", "Install", "Restart", "Clean up")
MEANS = (4.0, 30.0, 12.0, 60.0, 20.0, 5.0)
"""Seconds that the stages of a study's workflow take."""


def noisy(rng: np.random.Generator, means: Sequence[float], n: int, noise: float) -> np.ndarray:
    """Draw durations of so many runs (rows) and stages (columns), log-normal with a relative noise."""
    durations: np.ndarray = np.asarray(means) * np.exp(rng.normal(0, noise, (n, len(means))))
    return durations


def autoregressive(rng: np.random.Generator, coefficient: float, n: int, n_series: int = 1) -> np.ndarray:
    """Draw stationary autoregressive series of unit variance, one in each column."""
    shocks = rng.standard_normal((n, n_series))
    series = np.empty((n, n_series))
    series[0] = shocks[0]
    for place in range(1, n):
        series[place] = coefficient * series[place - 1] + np.sqrt(1 - coefficient**2) * shocks[place]
    return series


def archive_of(
    durations: np.ndarray,
    prefix: str = "r",
    *,
    clusters: Sequence[str] | None = None,
    outcomes: Sequence[str] | None = None,
    first: int = 0,
    runs_a_day: int = 1,
) -> Archive:
    """Make an archive of runs given by the seconds of their stages, a day apart or less, the ``first`` so many runs after the beginning."""
    runs, nodes = [], []
    for number, row in enumerate(durations):
        cluster, outcome = clusters[number] if clusters else None, outcomes[number] if outcomes else "succeeded"
        run_id, start = f"{prefix}{number:04d}", _BEGIN + (first + number) * _DAY // runs_a_day
        clock = start
        for stage, seconds in enumerate(row, start=1):
            end = clock + round(float(seconds) * SECOND)
            nodes.append((run_id, stage, f"{run_id}-{stage}", NAMES[stage - 1], "succeeded", clock, end, (end - clock) / SECOND))
            clock = end + round(_TICK_S * SECOND)
        runs.append((run_id, cluster, "Upgrade", outcome, 1, start, (nodes[-1][6] - start) / SECOND))
    node_columns = ("run_id", "stage", "node_gid", "name", "outcome", "started_at", "ended_at", "duration_s")
    dag_columns = ("run_id", "cluster", "workflow", "outcome", "n_agents", "started_at", "elapsed_s")
    return tables(dags=(dag_columns, runs), nodes=(node_columns, nodes))


def tables(**content: tuple[Sequence[str], Sequence[tuple[Any, ...]]]) -> Archive:
    """Make an archive of tables given as (names of columns, rows); every other column is null."""
    made = {}
    for name, (columns, rows) in content.items():
        values = dict(zip(columns, zip(*rows, strict=True), strict=True))
        nothing = [None] * len(rows)
        made[name] = BASE_TABLES[name].arrow({column: values.get(column, nothing) for column in BASE_TABLES[name].names})
    return Archive.from_tables(made)


def share_row(work: str, measure: str, goal: float, hits: Sequence[bool], *, at_least: bool = False, nominal: bool = False) -> Row:
    """Put the share of trials that hit beside its goal, with its 95 % interval.

    In fewer than 200 trials, and where the goal is the ``nominal`` level of a test, the goal is given the slack that chance needs (99 %).
    """
    n, k = len(hits), sum(hits)
    if nominal or n < STRICT_FROM:
        goal = float(scipy.stats.binom.ppf(0.01 if at_least else 0.99, n, goal)) / n
    low, high = (float(end) for end in clopper_pearson_interval(k, n))
    detail = {"hits": k, "trials": n, "low": round(low, 4), "high": round(high, 4)}
    return Row(work, measure, goal, at_least=at_least, value=k / n, detail=detail)
