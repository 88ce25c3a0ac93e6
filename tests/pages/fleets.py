"""Small fleets of runs: archives made of base tables, each run told in a line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.rows import archive_of, at

if TYPE_CHECKING:
    from daganalysis.archive import Archive

Rows = dict[str, list[dict[str, Any]]]
TABLES = ("dags", "nodes", "sub_tasks", "attempts", "timeline", "snapshots", "issues", "links", "operations")


def run(number: int, *, outcome: str = "succeeded", seconds: float = 10, error: str | None = None, **given: Any) -> Rows:
    """Make a run of two stages, ``Prepare`` and ``Copy files``, of which the second takes half its time, and fails if the run did."""
    run_id = given.pop("run_id", f"c1/1{number}")
    agent = given.pop("agent", "10.0.0.1:2886")
    name = given.pop("name", f"Create tenant t{number}")
    start, half = 1000.0 * number, seconds / 2
    ended = {"started_at": at(start), "ended_at": at(start + seconds), "elapsed_s": float(seconds)}
    dag = {"run_id": run_id, "cluster": "c1", "dag_gid": f"1{number}", "name": name, "workflow": "Create tenant", "outcome": outcome}
    dag |= {
        "scope": "cluster",
        "stage": 2,
        "max_stage": 2,
        "n_nodes": 2,
        "n_sub_tasks": 2,
        "n_agents": 1,
        "n_snapshots": 1,
        "history": "complete",
    }
    dag |= {
        "retries_min": 0,
        "retries_max": 0,
        "rollbacks_min": 0,
        "rollbacks_max": 0,
        "last_observed_at": at(start + seconds),
        **ended,
        **given,
    }
    rows: Rows = {name: [] for name in TABLES} | {"dags": [dag], "snapshots": [{"run_id": run_id, "source": "a.json", "position": "0"}]}
    for stage, stage_name in ((1, "Prepare"), (2, "Copy files")):
        came_to = "failed" if error and stage == 2 else "succeeded"
        key = {"run_id": run_id, "stage": stage}
        times = {"started_at": at(start + half * (stage - 1)), "ended_at": at(start + half * stage), "duration_s": half, "outcome": came_to}
        node = {"node_gid": f"1{number}{stage}", "name": stage_name, "n_sub_tasks": 1, "state": "SUCCEED", "operator": "RUN"}
        task = {"node_gid": f"1{number}{stage}", "task_gid": f"1{number}{stage}0", "name": stage_name, "execute_times": 1, "agent": agent}
        rows["nodes"].append(key | node | times)
        rows["sub_tasks"].append(key | task | times | {"task_logs": [error] if error and stage == 2 else [], "operator": "RUN"})
        rows["attempts"].append(
            key | times | {"task_gid": task["task_gid"], "attempt": 1, "kind": "run", "agent": agent, "evidence": "observed"}
        )
        span = {
            "run_id": run_id,
            "seq": stage,
            "category": "execute",
            "leg": 1,
            "from_stage": stage,
            "to_stage": stage,
            "direction": "forward",
        }
        rows["timeline"].append(span | {name: times[name] for name in ("started_at", "ended_at", "duration_s")} | {"evidence": "observed"})
    return rows


def fleet(*runs: Rows, **tables: list[dict[str, Any]]) -> Archive:
    """Make an archive of runs, and of rows of other tables."""
    return archive_of(**{name: [row for rows in runs for row in rows[name]] + tables.get(name, []) for name in TABLES})


def week() -> Archive:
    """A fleet of ten runs, of which the third failed on agent 10.0.0.3 for want of space, and the fourth was cancelled."""
    good = [run(number, seconds=10 + number) for number in range(3, 11)]
    bad = run(1, outcome="failed", error="ERROR: [Disk.Full]: no space left", agent="10.0.0.3:2886", seconds=100)
    stopped = run(2, outcome="cancelled", seconds=99)
    issue = {
        "severity": "warning",
        "code": "no-times",
        "source": "a.json",
        "position": "/data",
        "message": "no usable time",
        "hint": "none",
    }
    return fleet(bad, stopped, *good, issues=[issue])
