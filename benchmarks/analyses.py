"""Analyses of a store, against SQL by DuckDB that gives the same numbers from the same Parquet."""

from __future__ import annotations

import math
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import duckdb

import daganalysis as da
from benchmarks import archives
from benchmarks.goals import Row, spread
from benchmarks.loading import load
from benchmarks.measuring import in_turn, seconds
from daganalysis.engine.vocabulary import CATEGORIES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import pandas as pd

    from benchmarks.sizes import Sizes

_OWN = """
    node AS (SELECT * FROM nodes WHERE run_id IS NOT NULL AND started_at IS NOT NULL AND outcome NOT IN ('never_run', 'ready')),
    own AS (
        SELECT task.run_id, task.stage, task.task_gid, task.agent, task.started_at, task.ended_at, task.duration_s
        FROM sub_tasks task JOIN node USING (run_id, stage) WHERE task.ended_at IS NULL OR task.ended_at > node.started_at)"""
_LATENCY = f"""
    WITH {_OWN},
    work AS (
        SELECT run_id, stage, sum(greatest(0, epoch_ns(ended_at) - greatest(epoch_ns(started_at), coalesce(reached, 0)))) / 1e9 AS work_s
        FROM (
            SELECT *, max(epoch_ns(ended_at)) OVER (
                PARTITION BY run_id, stage ORDER BY started_at, ended_at ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS reached
            FROM own WHERE duration_s IS NOT NULL)
        GROUP BY ALL),
    ends AS (
        SELECT run_id, stage, min(started_at) AS first_start, max(ended_at) AS last_end,
            arg_min(task_gid, {{'a': -duration_s, 'b': task_gid}}) FILTER (duration_s IS NOT NULL) AS slowest_task_gid,
            arg_min(agent, {{'a': -duration_s, 'b': task_gid}}) FILTER (duration_s IS NOT NULL) AS slowest_agent
        FROM own GROUP BY ALL)
    SELECT node.run_id, dag.workflow, node.stage, node.name, node.outcome, node.duration_s AS latency_s, work_s,
        greatest(0, epoch_ns(first_start) - epoch_ns(node.started_at)) / 1e9 AS dispatch_s,
        greatest(0, epoch_ns(node.ended_at) - epoch_ns(last_end)) / 1e9 AS detect_s,
        node.n_sub_tasks, slowest_task_gid, slowest_agent, node.duration_s / dag.elapsed_s AS elapsed_share,
        node.state = 'RUNNING' AS censored
    FROM node LEFT JOIN (SELECT run_id, workflow, elapsed_s FROM dags) dag USING (run_id)
        LEFT JOIN ends USING (run_id, stage) LEFT JOIN work USING (run_id, stage)
    ORDER BY run_id, stage"""
_QUANTILES = """
    count(s) AS n, count(*) FILTER (censored) AS n_censored, min(s) AS min_s, quantile_cont(s, 0.5) AS p50_s,
    quantile_cont(s, 0.95) AS p95_s,
    quantile_cont(s, 0.99) AS p99_s, max(s) AS max_s, arg_min(run_id, {'a': s, 'b': run_id}) FILTER (s IS NOT NULL) AS min_run_id,
    arg_min(run_id, {'a': -s, 'b': run_id}) FILTER (s IS NOT NULL) AS max_run_id"""
_BUDGET = f"""
    SELECT run_id, any_value(elapsed_s) AS elapsed_s,
        {", ".join(f"sum(ns) FILTER (category = '{name}') / 1e9 AS {name}_s" for name in CATEGORIES)},
        sum(ns) FILTER (category IN ('dispatch', 'detect', 'handoff')) / sum(ns) AS engine_share
    FROM dags LEFT JOIN (SELECT run_id, category, epoch_ns(ended_at) - epoch_ns(started_at) AS ns FROM timeline) USING (run_id)
    GROUP BY run_id ORDER BY run_id"""
_OUTCOMES = (
    "succeeded", "succeeded_after_retry", "succeeded_with_node_pass", "passed", "rolled_back", "rollback_failed", "cancelled", "failed",
    "waiting", "running", "not_started", "unknown",
)  # fmt: skip
_SUMMARY = f"""
    WITH budget AS ({_BUDGET}), latency AS (SELECT workflow, name, sum(latency_s) AS total FROM ({_LATENCY}) GROUP BY ALL)
    SELECT workflow, count(*) AS n_runs,
        {", ".join(f"count(*) FILTER (outcome = '{name}') AS {name}" for name in _OUTCOMES)}, max(n_agents) AS n_agents_max,
        median(dags.elapsed_s) AS elapsed_p50_s, quantile_cont(dags.elapsed_s, 0.95) AS elapsed_p95_s,
        sum(coalesce(dispatch_s, 0) + coalesce(detect_s, 0) + coalesce(handoff_s, 0)) FILTER (dags.elapsed_s IS NOT NULL)
            / sum(dags.elapsed_s) AS engine_share,
        avg((coalesce(retries_min, 0) > 0)::INTEGER) AS retry_share,
        (SELECT arg_min(name, {{'a': -total, 'b': name}}) FROM latency WHERE latency.workflow = dags.workflow) AS slowest_stage,
        arg_max(run_id, {{'a': last_observed_at, 'b': run_id}}) AS last_run_id
    FROM dags JOIN (SELECT run_id, dispatch_s, detect_s, handoff_s FROM budget) USING (run_id) GROUP BY workflow ORDER BY workflow"""
_GAPS = """
    WITH gap AS (
        SELECT * FROM timeline
        WHERE NOT (coalesce(from_stage = to_stage, false) AND category IN ('execute', 'dispatch', 'detect'))),
    between_two AS (
        SELECT * FROM gap WHERE category = 'handoff' AND evidence = 'observed' AND from_stage IS NOT NULL AND to_stage IS NOT NULL
            AND duration_s > 0.5),
    tick AS (SELECT run_id, median(duration_s) AS own FROM between_two GROUP BY run_id)
    SELECT run_id, from_stage, to_stage, direction, duration_s AS gap_s, category,
        round_even(duration_s / coalesce(own, (SELECT median(duration_s) FROM between_two)), 0) AS polls, evidence
    FROM gap LEFT JOIN tick USING (run_id) ORDER BY run_id, seq"""
_RETRIES = """
    WITH task AS (
        SELECT run_id, stage, task_gid, name, agent, execute_times, outcome,
            list_filter(task_logs, lambda line: starts_with(line, 'ERROR: '))[1] AS first_error,
            list_contains(task_logs, 'wait operator to advance') AS told
        FROM sub_tasks WHERE execute_times > 1),
    counted AS (
        SELECT run_id, task_gid, count(*) FILTER (kind = 'rollback') AS rollbacks, count(*) FILTER (kind = 'run' AND attempt > 1) AS reruns,
            count(*) FILTER (kind = 'unknown') AS unknown,
            count(*) FILTER (attempts.outcome = 'waiting' AND attempt < execute_times) AS waited
        FROM attempts JOIN task USING (run_id, task_gid) GROUP BY ALL)
    SELECT run_id, stage, task_gid, name, agent, execute_times,
        waited > 0 OR coalesce(told, false) AS protocol,
        CASE WHEN protocol THEN execute_times ELSE coalesce(dag.retries_max, execute_times) END AS of_run,
        least(reruns, of_run) AS retries_min,
        least(CASE WHEN rollbacks + unknown > 0 THEN execute_times - 1 ELSE reruns END, of_run) AS retries_max, rollbacks, outcome,
        nullif(regexp_extract(first_error, '^ERROR: \\[([A-Za-z][\\w.]*)\\]: ', 1), '') AS error_code, first_error
    FROM task JOIN counted USING (run_id, task_gid) LEFT JOIN (SELECT run_id, retries_max FROM dags) dag USING (run_id)
    ORDER BY run_id, stage, task_gid"""
_STRAGGLERS = """
    WITH row AS (
        SELECT task.run_id, task.stage, task.task_gid, task.agent, task.started_at, task.ended_at, task.duration_s, node.name, workflow
        FROM sub_tasks task JOIN nodes node USING (run_id, stage) JOIN (SELECT run_id, workflow FROM dags) USING (run_id)
        WHERE task.duration_s IS NOT NULL AND task.agent IS NOT NULL AND node.ended_at IS NOT NULL AND task.ended_at > node.started_at
            AND coalesce(len(list_filter(task_logs, lambda line:
                starts_with(line, 'Due to multiple obshell being on this machine'))), 0) = 0),
    stage AS (
        SELECT run_id, stage, max(ended_at) AS last, min(started_at) AS first, count(*) AS size, list_sort(list(duration_s)) AS lengths
        FROM row GROUP BY ALL HAVING count(DISTINCT agent) > 1),
    execution AS (
        SELECT *, ended_at = last AND count(*) FILTER (ended_at = last) OVER (PARTITION BY run_id, stage) = 1 AS is_slowest,
            sum((epoch_ns(last) - epoch_ns(ended_at)) / 1e9) OVER (PARTITION BY run_id, stage) AS waited_s,
            list_position(lengths, duration_s) AS own
        FROM row JOIN stage USING (run_id, stage)),
    skewed AS (
        SELECT *, duration_s / greatest(1e-9, (
            lengths[(size - 2) // 2 + 1 + ((size - 2) // 2 + 1 >= own)::INTEGER]
            + lengths[(size - 1) // 2 + 1 + ((size - 1) // 2 + 1 >= own)::INTEGER]
            ) / 2) AS skew
        FROM execution)
    SELECT workflow, name, agent, count(*) AS n, count(*) FILTER (is_slowest) AS n_slowest, median(skew) AS skew_p50,
        coalesce(sum(waited_s) FILTER (is_slowest), 0) AS barrier_wait_s,
        median((epoch_ns(started_at) - epoch_ns(first)) / 1e9) AS dispatch_p50_s,
        median(duration_s) AS work_p50_s, median(size) AS n_agents_p50
    FROM skewed GROUP BY ALL"""
_FAILURES = """
    SELECT workflow, name, regexp_extract(lines[-1], '^ERROR: \\[([A-Za-z][\\w.]*)\\]: ', 1) AS error_code,
        regexp_replace(lines[-1], '\\d+', '<n>', 'g') AS signature, count(*) AS n, count(DISTINCT run_id) AS n_runs,
        count(DISTINCT agent) AS n_agents, min(started_at) AS first_seen, max(started_at) AS last_seen, min(lines[-1]) AS example_line
    FROM attempts JOIN (SELECT run_id, workflow FROM dags) USING (run_id) JOIN (SELECT run_id, stage, name FROM nodes) USING (run_id, stage)
        JOIN (SELECT run_id, task_gid, list_filter(task_logs, lambda line: starts_with(line, 'ERROR: ')) AS lines FROM sub_tasks)
            USING (run_id, task_gid)
    WHERE attempts.outcome IN ('failed', 'timeout', 'interrupted') OR (attempts.outcome = 'unknown' AND kind = 'run' AND len(lines) > 0)
    GROUP BY ALL"""
_NAMED = """
    SELECT workflow, n_agents, run_id, dags.started_at, dags.outcome, nodes.duration_s AS s,
        nodes.name || CASE WHEN count(*) OVER again = 1 THEN '' ELSE ' #' || count(*) OVER again END AS name
    FROM nodes JOIN (SELECT run_id, workflow, n_agents, started_at, outcome FROM dags) dags USING (run_id)
    WHERE nodes.name IS NOT NULL AND nodes.duration_s IS NOT NULL
    WINDOW again AS (PARTITION BY run_id, nodes.name ORDER BY stage)"""
_HISTORIES = f"""
    SELECT workflow, n_agents, name, run_id, started_at, s FROM ({_NAMED}) WHERE outcome = 'succeeded'
    UNION ALL
    SELECT workflow, n_agents, '', run_id, started_at, elapsed_s FROM dags WHERE outcome = 'succeeded' AND elapsed_s IS NOT NULL"""
_COMPARE = f"""
    WITH base AS ({_HISTORIES}), candidate AS ({_HISTORIES}),
    pair AS (
        SELECT workflow, n_agents, name, median(ln(greatest(candidate.s, 1e-6)) - ln(greatest(base.s, 1e-6))) AS middle
        FROM base JOIN candidate USING (workflow, n_agents, name) GROUP BY ALL)
    SELECT workflow, n_agents, name, one.n AS n_base, other.n AS n_candidate, one.s AS base_s, other.s AS candidate_s, exp(middle) AS ratio
    FROM (SELECT workflow, n_agents, name, count(*) AS n, median(s) AS s FROM base GROUP BY ALL) one
        JOIN (SELECT workflow, n_agents, name, count(*) AS n, median(s) AS s FROM candidate GROUP BY ALL) other
            USING (workflow, n_agents, name)
        JOIN pair USING (workflow, n_agents, name)"""
_TREND = f"""
    WITH ranked AS (
        SELECT *, rank() OVER (PARTITION BY workflow, n_agents, name ORDER BY s)
                + (count(*) OVER (PARTITION BY workflow, n_agents, name, s) - 1) / 2 AS r,
            row_number() OVER history AS k, count(*) OVER (PARTITION BY workflow, n_agents, name) AS n
        FROM ({_HISTORIES}) WINDOW history AS (PARTITION BY workflow, n_agents, name ORDER BY started_at, run_id)),
    summed AS (
        SELECT *, sum(r) OVER (PARTITION BY workflow, n_agents, name ORDER BY k) AS reached,
            var_samp(r) OVER (PARTITION BY workflow, n_agents, name) AS spread
        FROM ranked WHERE n >= 10)
    SELECT workflow, n_agents, name, max((abs(reached - k * (n + 1) / 2) - 0.5) / sqrt(spread * k * (n - k) / n)) AS evidence
    FROM summed WHERE k BETWEEN 5 AND n - 5 AND spread > 0 GROUP BY ALL"""


@dataclass(frozen=True)
class Twin:
    """An analysis and its SQL; ``checked`` are the columns whose sums must agree, ``lacks`` what SQL has no words for."""

    name: str
    ours: Callable[[da.Archive], pd.DataFrame]
    sql: str
    checked: tuple[str, ...] = ()
    lacks: str = ""


TWINS = (
    Twin("summary", da.summary, _SUMMARY, ("n_runs", "succeeded", "elapsed_p50_s", "elapsed_p95_s", "engine_share", "retry_share")),
    Twin(
        "stage_latency",
        da.stage_latency,
        _LATENCY,
        ("latency_s", "work_s", "dispatch_s", "detect_s", "elapsed_share"),
        "the correction of agents' clocks",
    ),
    Twin(
        "stage_latency, by workflow",
        lambda archive: da.stage_latency(archive, level="workflow"),
        f"SELECT workflow, name, {_QUANTILES} FROM (SELECT *, latency_s AS s FROM ({_LATENCY})) GROUP BY ALL ORDER BY ALL",
        ("n", "n_censored", "min_s", "p50_s", "p95_s", "p99_s", "max_s"),
    ),
    Twin(
        "stage_latency, by agent",
        lambda archive: da.stage_latency(archive, level="agent"),
        f"SELECT agent, {_QUANTILES} FROM (SELECT run_id, agent, duration_s AS s, state = 'RUNNING' AS censored FROM sub_tasks) "
        "WHERE agent IS NOT NULL GROUP BY ALL ORDER BY ALL",
        ("n", "n_censored", "min_s", "p50_s", "p95_s", "p99_s", "max_s"),
    ),
    Twin("stage_gaps", da.stage_gaps, _GAPS, ("gap_s", "polls")),
    Twin("time_budget", da.time_budget, _BUDGET, ("elapsed_s", "execute_s", "handoff_s", "engine_share")),
    Twin("retries", da.retries, _RETRIES, ("execute_times", "retries_min", "retries_max", "rollbacks", "protocol")),
    Twin(
        "stragglers",
        da.stragglers,
        _STRAGGLERS,
        ("n", "n_slowest", "skew_p50", "barrier_wait_s", "dispatch_p50_s", "work_p50_s"),
        "intervals, tests, and the correction of agents' clocks, whose errors may leave open which agent ended last",
    ),
    Twin("failures", da.failures, _FAILURES, ("n",), "signatures beyond masked digits, and failures that only lines tell"),
    Twin(
        "compare",
        lambda archive: da.compare(archive, archive),
        _COMPARE,
        ("n_base", "base_s", "ratio"),
        "tests, intervals, verdicts: it has the medians and the ratio of all pairs",
    ),
    Twin("trend", da.trend, _TREND, (), "chances, parts of histories, placement: it has the best split of each history as a whole"),
)


def each(sizes: Sizes, work: Path) -> Iterator[Row]:
    """Every analysis, each time from a store just opened."""
    source, store = work / "analysed.ndjson", work / "analysed"
    archives.write_ndjson(source, archives.REAL, megabytes=sizes.analysed_mb)
    load(source, store)
    source.unlink()
    n_sub_tasks = da.read_parquet(store).arrow("sub_tasks", ["run_id"]).num_rows
    for twin in TWINS:
        unlike = differing(twin, store)
        ratio, theirs, ours = in_turn(
            lambda twin=twin: seconds(lambda: _by_sql(twin.sql, store)),  # type: ignore[misc]
            lambda twin=twin: seconds(lambda: twin.ours(da.read_parquet(store))),  # type: ignore[misc]
            sizes.repeats,
        )
        detail: dict[str, Any] = {"ours": spread(ours), "sql": spread(theirs), "columns_that_differ": unlike, "sql_lacks": twin.lacks}
        remarks = [f"differs in {', '.join(unlike)}"] if unlike else []
        remarks += [f"SQL lacks {twin.lacks}"] if twin.lacks else []
        name = twin.name + (f" ({'; '.join(remarks)})" if remarks else "")
        yield Row(f"{name} of {n_sub_tasks:,} sub-tasks", "times as long as SQL by DuckDB", 2.0, False, ratio, detail)
    shutil.rmtree(store)


def _by_sql(sql: str, store: Path) -> pd.DataFrame:
    session = duckdb.connect()
    session.execute("SET threads=2")
    session.execute("SET TimeZone='UTC'")
    for table in ("dags", "nodes", "sub_tasks", "attempts", "timeline"):
        session.execute(f"CREATE VIEW {table} AS SELECT * FROM read_parquet('{store}/{table}/*.parquet')")
    return session.execute(sql).df()


def differing(twin: Twin, store: Path) -> list[str]:
    """Name the columns whose sums are not the same on both sides: there the two do not do the same work."""
    ours, theirs = twin.ours(da.read_parquet(store)), _by_sql(twin.sql, store)
    sums = [(column, *(float(frame[column].astype("float64").sum()) for frame in (ours, theirs))) for column in twin.checked]
    return [column for column, one, other in sums if not math.isclose(one, other, rel_tol=1e-6, abs_tol=1e-6)]
