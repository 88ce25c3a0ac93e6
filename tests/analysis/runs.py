"""Archives of runs given by their stages' durations: what the analyses of several runs look at, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from daganalysis.engine.catalogue import workflow_of
from tests.rows import archive_of, at

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from daganalysis.archive import Archive

_TICK_S = 1.02
_DAY_S = 86_400.0


def run_rows(
    run_id: str,
    stages: Mapping[str, float] | Sequence[tuple[str, float]],
    *,
    started: float = 0.0,
    workflow: str | None = "Work",
    outcome: str = "succeeded",
    n_agents: int = 1,
    known: bool = True,
    cluster: str | None = None,
) -> dict[str, list[dict[str, Any]]]:
    """Give the rows of one run whose stages follow each other with a tick in between; ``known`` says whether its elapsed time is."""
    named = list(stages.items()) if hasattr(stages, "items") else list(stages)
    nodes, line, clock = [], [], started
    for stage, (name, seconds) in enumerate(named, start=1):
        begin, end = at(clock), at(clock + seconds)
        nodes.append({"run_id": run_id, "stage": stage, "node_gid": f"{run_id}-{stage}", "name": name, "outcome": "succeeded"})
        nodes[-1] |= {"started_at": begin, "ended_at": end, "duration_s": (end - begin) / 1e9}
        stretch = {"run_id": run_id, "category": "execute", "started_at": begin, "ended_at": end, "from_stage": stage, "to_stage": stage}
        line.append(stretch | {"seq": 2 * stage, "duration_s": (end - begin) / 1e9})
        clock += seconds
        if stage < len(named):
            handoff = {"category": "handoff", "started_at": at(clock), "ended_at": at(clock + _TICK_S), "to_stage": stage + 1}
            line.append(stretch | handoff | {"seq": 2 * stage + 1, "duration_s": _TICK_S})
            clock += _TICK_S
    dag: dict[str, Any] = {"run_id": run_id, "workflow": workflow, "outcome": outcome, "n_agents": n_agents, "cluster": cluster}
    dag |= {"started_at": at(started), "elapsed_s": (at(clock) - at(started)) / 1e9 if known else None}
    return {"dags": [dag], "nodes": nodes, "timeline": line}


def parallel_rows(
    run_id: str,
    stages: Mapping[str, Mapping[str, tuple[float, float]]],
    *,
    started: float = 0.0,
    workflow: str = "Work",
    cluster: str | None = None,
) -> dict[str, list[dict[str, Any]]]:
    """Give the rows of one run whose stages have a sub-task per agent: {stage name: {agent: (seconds until it begins, its work)}}."""
    nodes, tasks, clock = [], [], started
    for stage, (name, works) in enumerate(stages.items(), start=1):
        end = max(begin + work for begin, work in works.values())
        nodes.append({"run_id": run_id, "stage": stage, "node_gid": f"{run_id}-{stage}", "name": name, "outcome": "succeeded"})
        nodes[-1] |= {"started_at": at(clock), "ended_at": at(clock + end), "duration_s": end}
        for number, (agent, (begin, work)) in enumerate(works.items()):
            task = {
                "run_id": run_id,
                "stage": stage,
                "node_gid": f"{run_id}-{stage}",
                "task_gid": f"{run_id}-{stage}-{number}",
                "agent": agent,
            }
            task |= {"started_at": at(clock + begin), "ended_at": at(clock + begin + work), "duration_s": work, "outcome": "succeeded"}
            tasks.append(task | {"agent_ip": agent.rpartition(":")[0] or agent})
        clock += end + _TICK_S
    dag = {"run_id": run_id, "workflow": workflow, "cluster": cluster, "outcome": "succeeded", "started_at": at(started)}
    return {"dags": [dag], "nodes": nodes, "sub_tasks": tasks}


def told_rows(
    run_id: str,
    tasks: Mapping[str, tuple[Sequence[str], Sequence[str] | None]],
    *,
    name: str = "Create tenant t1",
    stage: str = "Work",
    outcome: str = "succeeded",
    started: float = 0.0,
) -> dict[str, list[dict[str, Any]]]:
    """Give the rows of a run of one stage by the stories of its sub-tasks: {agent: ("kind outcome" of each attempt, log lines)}."""
    workflow = workflow_of(name)
    dag = {"run_id": run_id, "name": name, "workflow": workflow, "outcome": "succeeded", "started_at": at(started)}
    node = {"run_id": run_id, "stage": 1, "node_gid": f"{run_id}-1", "name": stage, "outcome": outcome, "started_at": at(started + 50)}
    sub_tasks, attempts = [], []
    for number, (agent, (story, logs)) in enumerate(tasks.items()):
        own = {"run_id": run_id, "stage": 1, "task_gid": f"{run_id}-1-{number}", "agent": agent}
        sub_tasks.append(own | {"execute_times": len(story), "task_logs": logs, "outcome": story[-1].split()[1]})
        for attempt, told in enumerate(story, start=1):
            kind, came_to = told.split()
            known = at(started + 10 * attempt) if came_to != "unknown" else None
            attempts.append(own | {"attempt": attempt, "kind": kind, "outcome": came_to, "started_at": known})
    return {"dags": [dag], "nodes": [node], "sub_tasks": sub_tasks, "attempts": attempts}


def archive_of_runs(*runs: dict[str, list[dict[str, Any]]]) -> Archive:
    """Make an archive of the rows of several runs."""
    tables: dict[str, list[dict[str, Any]]] = {}
    for run in runs:
        for name, rows in run.items():
            tables.setdefault(name, []).extend(rows)
    return archive_of(**tables)


def series(durations: Mapping[str, Sequence[float]], *, prefix: str = "r", **facts: Any) -> Archive:
    """Make an archive of as many runs as there are durations of each stage, a day apart; ``facts`` are those of every run."""
    n = len(next(iter(durations.values())))
    stages = [{name: values[i] for name, values in durations.items()} for i in range(n)]
    return archive_of_runs(*(run_rows(f"{prefix}{i:03d}", stages[i], started=i * _DAY_S, **facts) for i in range(n)))
