"""Which columns of a table to show where there is no room for all of them: the most important first."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from daganalysis.engine.vocabulary import RUN_OUTCOMES

if TYPE_CHECKING:
    from daganalysis.tables import Table

BY_IMPORTANCE: MappingProxyType[str, tuple[str, ...]] = MappingProxyType(
    {
        "snapshots": ("run_id", "observed_at", "state", "operator", "stage", "source"),
        "dags": ("run_id", "name", "outcome", "elapsed_s", "started_at", "retries_max", "history"),
        "nodes": ("run_id", "stage", "name", "outcome", "duration_s", "started_at", "n_sub_tasks", "operator"),
        "sub_tasks": ("run_id", "stage", "name", "outcome", "agent", "duration_s", "execute_times", "started_at"),
        "attempts": ("run_id", "stage", "attempt", "kind", "outcome", "duration_s", "evidence", "agent", "task_gid", "started_at"),
        "failed_attempts": ("run_id", "stage", "attempt", "outcome", "error_code", "agent", "started_at"),
        "operations": ("run_id", "at", "operation", "actor", "result", "stage", "client", "agent", "error_code", "evidence"),
        "agents": ("agent", "zone", "obshell_version", "observed_at", "cluster", "identity", "ob_version", "source"),
        "links": ("parent_run_id", "child_run_id", "kind", "agent", "evidence"),
        "issues": ("severity", "code", "source", "position", "run_id"),
        "timeline": ("run_id", "seq", "category", "duration_s", "from_stage", "to_stage", "direction", "evidence", "leg", "started_at"),
        "summary": (
            *("workflow", "n_runs", "succeeded", "failed", "elapsed_p50_s", "rolled_back", "succeeded_after_retry", "elapsed_p95_s"),
            *(
                "cancelled",
                "rollback_failed",
                "passed",
                "running",
                "waiting",
                "engine_share",
                "retry_share",
                "slowest_stage",
                "last_run_id",
            ),
        ),
        "stage_latency": (
            *("run_id", "stage", "name", "outcome", "latency_s", "work_s", "elapsed_share", "detect_s", "dispatch_s", "slowest_agent"),
            *("n", "p50_s", "p95_s", "max_s", "max_run_id", "n_censored", "min_s", "p99_s"),
        ),
        "stage_gaps": ("run_id", "from_stage", "to_stage", "category", "gap_s", "polls", "direction", "evidence"),
        "time_budget": (
            *("run_id", "elapsed_s", "execute_s", "wait_operator_s", "lost_s", "engine_share", "wait_protocol_s", "handoff_s", "detect_s"),
            *("unattributed_s", "dispatch_s"),
        ),
        "retries": ("run_id", "stage", "name", "execute_times", "outcome", "protocol", "agent", "error_code", "rollbacks"),
        "retry_patterns": (
            *("workflow", "name", "error_code", "nth", "n_runs", "n_retried", "succeeded_after_share", "cost_s", "example_run_id"),
        ),
        "stragglers": (
            *("agent", "name", "n", "n_slowest", "flagged", "barrier_wait_s", "skew_p50", "slowest_agent", "worst_stage", "workflow"),
            *("late_p50_s", "skew", "n_sub_tasks"),
        ),
        "failures": (
            "run_id",
            "workflow",
            "name",
            "error_code",
            "n",
            "attempt",
            "is_new",
            "agent",
            "last_seen",
            "started_at",
            "example_run_id",
        ),
        "runs": ("run_id", "name", "started_at", "elapsed_s", "outcome", "stage", "agent", "cause", "cluster", "workflow"),
        "critical_path": (
            *("run_id", "seq", "category", "duration_s", "stage", "name", "agent", "evidence", "attempt", "workflow", "path_s"),
            *("path_share", "drag_s", "n_runs"),
        ),
        "what_if": ("run_id", "scenario", "elapsed_s", "predicted_min_s", "predicted_max_s", "saved_min_s", "saved_share"),
        "locks": ("lock", "key", "run_id", "held_s", "neglected_s", "taken_at", "working_s", "n_refused", "evidence", "released_at"),
        "events": ("at", "event", "run_id", "detail", "stage", "actor", "agent", "client", "evidence", "cluster"),
        "clock_skew": ("agent", "ahead_min_s", "ahead_max_s", "shown", "n", "since", "until", "cluster"),
        "outcome_rules": ("run_id", "stage", "task_gid", "attempt", "kind", "outcome", "rule", "state", "operator", "evidence", "source"),
        "check": ("condition", "decision", "value", "low", "high", "n"),
        "compare": (
            *("workflow", "n_agents", "name", "category", "verdict", "ratio", "ci_low", "ci_high", "n_base", "n_candidate", "base_s"),
            *("candidate_s", "diff_s", "n_needed", "p_value"),
        ),
        "trouble": (
            *("run_id", "stage", "name", "outcome", "agent", "n_failed", "error_code", "grounds", "elapsed_s", "troubled", "started_at"),
        ),
        "trend": ("workflow", "name", "at", "ratio", "before_s", "after_s", "at_run_id", "confidence"),
    }
)
"""By table; a column that is not named is shown where there is room left."""

PROSE = frozenset({"conclusion", "why", "message", "reason", "hint", "first_error", "signature", "example_line", "line"})
"""Columns of sentences, which stand below their row rather than in it."""

SAID_BY: MappingProxyType[str, tuple[str, ...]] = MappingProxyType({"signature": ("example_line", "line")})
"""Sentences that another one of the row says too, and more: not shown beside it."""


SUMMED: MappingProxyType[str, tuple[str, ...]] = MappingProxyType({"summary": tuple(RUN_OUTCOMES)})
"""By table, counts of which each row's sum means something: those without room are added up in a column of their own."""


def columns_by_importance(table: Table) -> tuple[str, ...]:
    """Return the columns of a table, the most important first. At a coarser level of an analysis, its key comes first.

    >>> from daganalysis.tables import LINKS
    >>> columns_by_importance(LINKS)[0]
    'parent_run_id'
    """
    listed = BY_IMPORTANCE.get(table.name, tuple(table.names))
    return listed if listed[0] in table.names else tuple(dict.fromkeys((*table.sort, *listed)))
