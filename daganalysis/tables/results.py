"""The result tables: what each analysis returns."""

from __future__ import annotations

from types import MappingProxyType

from daganalysis.engine.vocabulary import RUN_OUTCOMES
from daganalysis.tables.base_columns import RUN_ID
from daganalysis.tables.change_results import CHECK, COMPARE, CONTRIBUTIONS, TREND
from daganalysis.tables.declaration import Column, Table, Type
from daganalysis.tables.explanations import CRITICAL_PATH, EVENTS, LOCKS, RUNS, WHAT_IF
from daganalysis.tables.failure_results import (
    FAILURES,
    FAILURES_BY_ATTEMPT,
    RETRIES,
    RETRY_PATTERNS,
    RETRY_PATTERNS_BY_NUMBER,
    TROUBLE,
    TROUBLE_BY_RUN,
)
from daganalysis.tables.result_columns import CLUSTER, OUTCOME, WORKFLOW
from daganalysis.tables.stage_results import (
    GANTT_BARS,
    STAGE_GAPS,
    STAGE_LATENCY,
    STAGE_LATENCY_BY_AGENT,
    STAGE_LATENCY_BY_WORKFLOW,
    STRAGGLERS,
    STRAGGLERS_BY_AGENT,
    STRAGGLERS_BY_RUN,
    STRAGGLERS_BY_ZONE,
    TIME_BUDGET,
)

__all__ = [
    "CHECK",
    "CLOCK_SKEW",
    "COMPARE",
    "CONTRIBUTIONS",
    "CRITICAL_PATH",
    "EVENTS",
    "FAILURES",
    "FAILURES_BY_ATTEMPT",
    "GANTT_BARS",
    "LOCKS",
    "OUTCOME_RULES",
    "RESULT_TABLES",
    "RETRIES",
    "RETRY_PATTERNS",
    "RETRY_PATTERNS_BY_NUMBER",
    "RUNS",
    "STAGE_GAPS",
    "STAGE_LATENCY",
    "STAGE_LATENCY_BY_AGENT",
    "STAGE_LATENCY_BY_WORKFLOW",
    "STRAGGLERS",
    "STRAGGLERS_BY_AGENT",
    "STRAGGLERS_BY_RUN",
    "STRAGGLERS_BY_ZONE",
    "SUMMARY",
    "TIME_BUDGET",
    "TREND",
    "TROUBLE",
    "TROUBLE_BY_RUN",
    "WHAT_IF",
]

SUMMARY = Table(
    "summary",
    "one workflow",
    (
        WORKFLOW,
        Column("n_runs", Type.INTEGER, "runs of the workflow"),
        *(Column(outcome, Type.INTEGER, f"runs with the outcome `{outcome}`") for outcome in RUN_OUTCOMES),
        Column("n_agents_max", Type.INTEGER, "largest number of agents in one run"),
        Column("elapsed_p50_s", Type.REAL, "median of elapsed_s over the runs where it is known, seconds", "elapsed_s of no run is known"),
        Column(
            "elapsed_p95_s",
            Type.REAL,
            "95th percentile of elapsed_s over the runs where it is known, seconds",
            "elapsed_s of no run is known",
        ),
        Column(
            "engine_share",
            Type.REAL,
            "share of the elapsed time of all runs that the engine spent dispatching, noticing ends and handing over",
            "elapsed_s of no run is known",
        ),
        Column("retry_share", Type.REAL, "share of runs that a person retried at least once"),
        Column("slowest_stage", Type.STRING, "name of the stage with the largest total latency", "no stage has ended"),
        Column("last_run_id", Type.STRING, "the run that was observed last"),
    ),
    ("workflow",),
)

CLOCK_SKEW = Table(
    "clock_skew",
    "one agent of a cluster, in one period that a single clock offset fits",
    (
        CLUSTER,
        Column("agent", Type.STRING, "`ip:port` of the agent"),
        Column("since", Type.INSTANT, "start of the first stage in which the agent's clock was measured"),
        Column("until", Type.INSTANT, "start of the last stage in which the agent's clock was measured"),
        Column("n", Type.INTEGER, "sub-tasks of cluster DAGs used to measure the agent's clock"),
        Column(
            "ahead_min_s", Type.REAL, "lower bound on how far the agent's clock is ahead, seconds; negative: behind", "nothing bounds it"
        ),
        Column(
            "ahead_max_s", Type.REAL, "upper bound on how far the agent's clock is ahead, seconds; negative: behind", "nothing bounds it"
        ),
        Column(
            "shown",
            Type.STRING,
            "`ahead` or `behind`: the bounds show it; `none`: the clocks may agree; `varies`: no single offset fits",
        ),
        Column(
            "against",
            Type.STRING,
            "`scheduler`: the clock of the DAGs' own rows; `others`: the clocks of the other agents, which "
            "agree while the scheduler's is off",
        ),
    ),
    ("cluster", "agent", "since"),
)

OUTCOME_RULES = Table(
    "outcome_rules",
    "one run, stage, sub-task or attempt",
    (
        Column("run_id", Type.STRING, RUN_ID.meaning, "the DAG is not in the archive"),
        Column("stage", Type.INTEGER, "the node's place in the DAG, from 1", "level `run`, or the DAG is not in the archive"),
        Column("task_gid", Type.STRING, "the sub-task's generic id", "levels `run` and `stage`"),
        Column("attempt", Type.INTEGER, "number of the attempt", "every level but `attempt`"),
        OUTCOME,
        Column("rule", Type.STRING, "name of the rule that gave the outcome"),
        Column("why", Type.STRING, "what the rule says"),
        Column("source", Type.STRING, "section of docs/engine-semantics.md that states the rule"),
        Column("state", Type.STRING, "state in the newest answer", "level `attempt`, or no answer holds it"),
        Column("operator", Type.STRING, "operator in the newest answer", "level `attempt`, or no answer holds it"),
        Column("kind", Type.STRING, "`run`, `rollback` or `unknown`", "every level but `attempt`"),
        Column("evidence", Type.STRING, "`observed`, `inferred` or `lost`", "every level but `attempt`"),
    ),
    ("run_id", "stage", "task_gid", "attempt"),
)

RESULT_TABLES: MappingProxyType[str, Table] = MappingProxyType(
    {
        table.name: table
        for table in (
            SUMMARY,
            STAGE_LATENCY,
            STAGE_GAPS,
            TIME_BUDGET,
            RETRIES,
            RETRY_PATTERNS,
            STRAGGLERS,
            FAILURES,
            COMPARE,
            CHECK,
            TREND,
            CLOCK_SKEW,
            OUTCOME_RULES,
            RUNS,
            CRITICAL_PATH,
            WHAT_IF,
            TROUBLE,
            LOCKS,
            EVENTS,
        )
    }
)
"""Every result table by the name of its analysis (of those with levels, the finest)."""
