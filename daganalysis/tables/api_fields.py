"""Where every field of a saved answer goes: its columns, or the reason why it has none (engine-semantics §6)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ApiField:
    """One field of one object of the API: its columns (``table.column``), and the reason if it is not, or not only, kept unchanged."""

    of: str
    name: str
    lands_in: tuple[str, ...] = ()
    why: str = ""


def _fields(of: str, *fields: tuple[str, str, str]) -> tuple[ApiField, ...]:
    return tuple(ApiField(of, name, tuple(lands_in.split()), why) for name, lands_in, why in fields)


_TRUE_ONLY = "as served, and as what it truly means"

API_FIELDS = (
    *_fields(
        "envelope",
        ("successful", "", "`status` and `error` say the same; an answer without success becomes an issue"),
        ("timestamp", "snapshots.observed_at dags.utc_offset_s", ""),
        ("duration", "snapshots.request_ms", ""),
        ("status", "snapshots.http_status", ""),
        ("traceId", "snapshots.trace_id", ""),
        ("data", "", "the objects below"),
        ("error", "issues.message", "an error answer is an issue: it describes no run"),
    ),
    *_fields(
        "DAG",
        ("id", "dags.dag_gid dags.run_id dags.scope dags.owner_agent", ""),
        ("dag_id", "dags.dag_id", ""),
        ("name", "dags.name dags.workflow", ""),
        ("stage", "dags.stage snapshots.stage", ""),
        ("max_stage", "dags.max_stage", ""),
        ("maintenance_type", "dags.maintenance_type", ""),
        ("maintenance_key", "dags.maintenance_key", ""),
        ("state", "dags.state snapshots.state dags.outcome", ""),
        ("operator", "dags.operator snapshots.operator dags.outcome", ""),
        ("start_time", "dags.start_time dags.started_at", _TRUE_ONLY),
        ("end_time", "dags.end_time dags.ended_at", _TRUE_ONLY),
        ("additional_data", "dags.additional_data links.child_gid", ""),
        ("nodes", "nodes.stage snapshots.n_nodes", "its place in the list is the stage"),
    ),
    *_fields(
        "node",
        ("id", "nodes.node_gid", ""),
        ("node_id", "nodes.node_id", ""),
        ("name", "nodes.name", ""),
        ("state", "nodes.state nodes.outcome", ""),
        ("operator", "nodes.operator nodes.outcome", ""),
        ("start_time", "nodes.start_time nodes.started_at", _TRUE_ONLY),
        ("end_time", "nodes.end_time nodes.ended_at", _TRUE_ONLY),
        ("additional_data", "nodes.additional_data", ""),
        ("sub_tasks", "nodes.n_sub_tasks", "the objects below"),
    ),
    *_fields(
        "sub-task",
        ("id", "sub_tasks.task_gid", ""),
        ("task_id", "sub_tasks.task_id", ""),
        ("name", "sub_tasks.name", ""),
        ("state", "sub_tasks.state sub_tasks.outcome", ""),
        ("operator", "sub_tasks.operator sub_tasks.outcome attempts.kind", ""),
        ("start_time", "sub_tasks.start_time sub_tasks.started_at attempts.started_at", _TRUE_ONLY),
        ("end_time", "sub_tasks.end_time sub_tasks.ended_at attempts.ended_at", _TRUE_ONLY),
        ("additional_data", "sub_tasks.additional_data", ""),
        ("execute_times", "sub_tasks.execute_times attempts.attempt", ""),
        ("execute_agent.ip", "sub_tasks.agent_ip sub_tasks.agent attempts.agent", ""),
        ("execute_agent.port", "sub_tasks.agent_port sub_tasks.agent attempts.agent", ""),
        ("task_logs", "sub_tasks.task_logs links.child_gid", ""),
    ),
    *_fields(
        "log line",
        ("id", "", "the answer has the lines in this order already"),
        ("sub_task_id", "", "finds the sub-task, whose row it names"),
        ("execute_times", "attempts.outcome", "says which attempt wrote the line"),
        ("log_content", "sub_tasks.task_logs", ""),
        ("is_sync", "", "the agent's own bookkeeping of what it copied to the cluster"),
        ("create_time", "", "in whole seconds, and of the insert rather than the event: too coarse to time an attempt"),
        ("update_time", "", "the same instant again"),
    ),
)
"""Every documented field, in the order in which the server writes them."""
