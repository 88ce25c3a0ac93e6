"""The section of one run: how it ended, where its time went, which stages it had, what met trouble, and its child DAGs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from daganalysis.analysis.run_facts import FAILED_ATTEMPTS, GOOD_TASK_OUTCOMES, attempts_by_task, gather_facts
from daganalysis.engine.log_lines import telling_line
from daganalysis.pages.shown_tables import plain_row
from daganalysis.text.headline import headline

if TYPE_CHECKING:
    from daganalysis.analysis.run_facts import RunFacts
    from daganalysis.archive import Archive
    from daganalysis.pages.report_page.worst_runs import Culprit
    from daganalysis.tables.plain_rows import Row

MOST_TROUBLES = 8
MOST_CHILDREN = 24
_FACTS = (
    *(
        "run_id",
        "cluster",
        "name",
        "workflow",
        "outcome",
        "work_ok",
        "scope",
        "owner_agent",
        "stage",
        "max_stage",
        "started_at",
        "ended_at",
    ),
    *(
        "elapsed_s",
        "active_s",
        "last_leg_s",
        "n_nodes",
        "n_sub_tasks",
        "n_agents",
        "n_snapshots",
        "retries_min",
        "retries_max",
        "rollbacks_min",
        "rollbacks_max",
    ),
    *("parent_run_id", "history"),
)
_STAGE_FACTS = ("stage", "name", "outcome", "latency_s", "work_s", "elapsed_share", "n_sub_tasks", "slowest_agent", "censored")


def run_section(archive: Archive, run_id: str, culprit: Culprit | None) -> Row:
    """Collect the section of one run as plain data; instants as RFC 3339, unknown values as None."""
    facts = gather_facts(archive, run_id)
    troubles = _troubles(facts)
    children = [_child(child) for child in facts.children]
    return {
        **plain_row({name: facts.run[name] for name in _FACTS}),
        "headline": headline(facts.run, facts.nodes),
        "culprit": culprit.plain() if culprit else None,
        "budget": {name: value for name, value in facts.budget.items() if name != "run_id"},
        "stages": [{name: stage[name] for name in _STAGE_FACTS} for stage in facts.stages],
        "n_never_run": sum(1 for node in facts.nodes if node["outcome"] == "never_run"),
        "troubles": troubles[:MOST_TROUBLES],
        "n_troubles": len(troubles),
        "children": sorted(children, key=_child_order)[:MOST_CHILDREN],
        "n_children": len(children),
        "issues": [
            {name: issue[name] for name in ("severity", "code", "message")} for issue in facts.issues if issue["severity"] != "info"
        ][:MOST_TROUBLES],
    }


def _troubles(facts: RunFacts) -> list[Row]:
    """List what failed, was retried, passed or cancelled; sub-tasks alike on several agents stand together."""
    protocol = {row["task_gid"] for row in facts.retries if row["protocol"]}
    attempts = attempts_by_task(facts.attempts)
    alike: dict[tuple[Any, ...], list[Row]] = {}
    for task in facts.sub_tasks:
        failed = task["task_gid"] not in protocol and any(
            attempt["outcome"] in FAILED_ATTEMPTS for attempt in attempts.get(task["task_gid"], [])
        )
        if failed or task["outcome"] not in GOOD_TASK_OUTCOMES:
            alike.setdefault((task["stage"], task["name"], task["outcome"], telling_line(task["task_logs"])), []).append(task)
    return [_trouble(key, tasks, attempts) for key, tasks in alike.items()]


def _trouble(key: tuple[Any, ...], tasks: list[Row], attempts: dict[str, list[Row]]) -> Row:
    stage, name, outcome, line = key
    own = attempts.get(tasks[0]["task_gid"], [])
    return {
        "stage": stage,
        "name": name,
        "outcome": outcome,
        "line": line or None,
        "agents": [task["agent"] for task in tasks if task["agent"] is not None],
        "n_failed": sum(1 for task in tasks for attempt in attempts.get(task["task_gid"], []) if attempt["outcome"] in FAILED_ATTEMPTS),
        "attempts": [{name: attempt[name] for name in ("attempt", "kind", "outcome", "duration_s", "evidence")} for attempt in own[-6:]],
        "n_attempts": len(own),
    }


def _child(child: Row) -> Row:
    dag = child["dag"] or {}
    return {
        "run_id": child["child_run_id"],
        "child_gid": child["child_gid"],
        "agent": child["agent"],
        "kind": child["kind"],
        "outcome": dag.get("outcome"),
        "work_ok": dag.get("work_ok"),
        "elapsed_s": dag.get("elapsed_s"),
    }


def _child_order(child: Row) -> tuple[bool, bool, str]:
    return (child["work_ok"] is not False, child["outcome"] not in {"failed", "rollback_failed", "cancelled"}, child["child_gid"])
