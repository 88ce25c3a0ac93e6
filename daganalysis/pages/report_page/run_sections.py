"""The section of one run: how it ended, where its time went, which stages it had, what had trouble, and its child DAGs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from daganalysis.analysis.run_facts import attempts_by_task, child_order, troubled_groups
from daganalysis.engine.log_lines import newest_failure_line
from daganalysis.engine.vocabulary import UNDONE
from daganalysis.pages.shown_tables import plain_row
from daganalysis.text.headline import headline
from daganalysis.text.requesters import people_sentence, requester

if TYPE_CHECKING:
    from daganalysis.analysis.culprits import Culprit
    from daganalysis.analysis.run_facts import RunFacts
    from daganalysis.tables.plain_rows import Row

MOST_TROUBLES = 8
MOST_CHILDREN = 24
MOST_REQUESTS = 40
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


def run_section(facts: RunFacts, culprit: Culprit | None) -> Row:
    """Collect the section of one run as plain data; instants as RFC 3339, unknown values as None."""
    troubles = _troubles(facts)
    asked = [row for row in facts.operations if row["at"] is not None]
    children = [_child(child) for child in child_order(facts.children)]
    return {
        **plain_row({name: facts.run[name] for name in _FACTS}),
        "headline": headline(facts.run),
        "culprit": culprit.plain() if culprit else None,
        "budget": {name: value for name, value in facts.budget.items() if name != "run_id"},
        "stages": [{name: stage[name] for name in _STAGE_FACTS} for stage in facts.stages],
        "n_never_run": sum(1 for node in facts.nodes if node["outcome"] == "never_run"),
        "troubles": troubles[:MOST_TROUBLES],
        "n_troubles": len(troubles),
        "children": children[:MOST_CHILDREN],
        "n_children": len(children),
        "acted": people_sentence(facts.operations),
        "requests": [_request(row, of_child=facts.run["parent_run_id"] is not None) for row in asked[:MOST_REQUESTS]],
        "n_requests": len(asked),
        "issues": [
            {name: issue[name] for name in ("severity", "code", "message")} for issue in facts.issues if issue["severity"] != "info"
        ][:MOST_TROUBLES],
    }


def _troubles(facts: RunFacts) -> list[Row]:
    """List what failed, was retried, passed or cancelled. Similar sub-tasks on several agents are one entry."""
    attempts = attempts_by_task(facts.attempts)
    return [_trouble(tasks, attempts) for tasks in troubled_groups(facts)]


def _trouble(tasks: list[Row], attempts: dict[str, list[Row]]) -> Row:
    own = attempts.get(tasks[0]["task_gid"], [])
    return {
        **{name: tasks[0][name] for name in ("stage", "name", "outcome")},
        "line": newest_failure_line(tasks[0]["task_logs"]) or None,
        "agents": [task["agent"] for task in tasks if task["agent"] is not None],
        "n_failed": sum(attempt["outcome"] in UNDONE for task in tasks for attempt in attempts.get(task["task_gid"], [])),
        "attempts": [{name: attempt[name] for name in ("attempt", "kind", "outcome", "duration_s", "evidence")} for attempt in own[-6:]],
        "n_attempts": len(own),
    }


def _request(row: Row, *, of_child: bool) -> Row:
    shown = plain_row({name: row[name] for name in ("at", "operation", "stage", "actor", "client", "agent", "result", "error_code")})
    return {**shown, "who": requester(row, of_child=of_child)}


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
