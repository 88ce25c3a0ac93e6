"""Archives of one run, told by base tables, for the exporters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.rows import archive_of, at

if TYPE_CHECKING:
    from daganalysis.archive import Archive


def many_attempts(count: int, *, name: str = "Copy files", **last: Any) -> Archive:
    """Make a run of one stage with attempts of 2 s, each begun 0.5 s after the one before; ``last`` changes the last one."""
    end = at(0.5 * count + 2)
    dag = {"run_id": "11", "name": "Work", "workflow": "Work", "outcome": "succeeded", "history": "complete", "started_at": at(0)}
    node = {"run_id": "11", "stage": 1, "node_gid": "1", "name": name, "outcome": "succeeded", "started_at": at(0), "ended_at": end}
    tasks = [{"run_id": "11", "stage": 1, "node_gid": "1", "task_gid": str(number), "name": name} for number in range(count)]
    attempts: list[dict[str, Any]] = [
        {"run_id": "11", "stage": 1, "task_gid": str(number), "attempt": 1, "kind": "run", "outcome": "succeeded", "agent": "10.0.0.1:2886"}
        | {"started_at": at(0.5 * number), "ended_at": at(0.5 * number + 2), "duration_s": 2.0, "evidence": "observed"}
        for number in range(count)
    ]
    attempts[-1] |= last
    stretch = {"run_id": "11", "seq": 1, "category": "execute", "started_at": at(0), "ended_at": end, "duration_s": (end - at(0)) / 1e9}
    return archive_of(
        dags=[dag | {"ended_at": end, "last_observed_at": end}], nodes=[node], sub_tasks=tasks, attempts=attempts, timeline=[stretch]
    )
