"""Rows of the sub-tasks of retried nodes of regular runs: their attempts and failures, which the rules find in each sub-task."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from daganalysis.engine.records import SubTask
from daganalysis.history.evidence import TaskSnapshot
from daganalysis.history.object_outcomes import judge_task
from daganalysis.history.row_columns import SubTaskRows
from daganalysis.history.rows import table_in_order, table_of_rows
from daganalysis.tables import BASE_TABLES
from daganalysis.tables.arrays import array_of

if TYPE_CHECKING:
    import pyarrow as pa

    from daganalysis.history.regular_runs import RegularRuns
    from daganalysis.history.retried_runs import RetriedNodes
    from daganalysis.history.views import TaskView


def attempts_and_failures(runs: RegularRuns, retried: RetriedNodes, one_each: pa.Table) -> tuple[pa.Table, pa.Table]:
    """Return the rows of ``attempts`` and ``failed_attempts``; ``one_each`` has a row for the only attempt of each sub-task.

    The rows of the sub-tasks of retried nodes there are replaced by those that the rules find.
    """
    import pyarrow as pa

    rows = SubTaskRows()
    counts: list[int] = []
    for run, node in zip(retried.run.tolist(), retried.node.tolist(), strict=True):
        own = runs.runs[run]
        first = int(runs.first_task[node])
        views = [_judged(runs, place, runs.nodes[node].id) for place in range(first, first + int(runs.n_tasks[node]))]
        rows.add(own.run_id, views, {runs.nodes[node].id: own.retried + 1})
        counts += [len(view.attempts) for view in views]
    found = table_in_order(BASE_TABLES["attempts"], rows.attempt_columns())
    others = np.delete(np.arange(len(runs.tasks)), retried.tasks)
    places = np.concatenate((others, len(one_each) + np.arange(len(found))))
    order = np.argsort(np.concatenate((others, np.repeat(retried.tasks, counts))), kind="stable")
    every = pa.concat_tables([one_each, found]).combine_chunks().take(array_of(places[order], pa.int64()))
    return every, table_of_rows("failed_attempts", rows.failed)


def _judged(runs: RegularRuns, place: int, node_gid: str) -> TaskView:
    """Judge the sub-task at a place among all."""
    task, agent = runs.tasks[place], runs.tasks[place].execute_agent
    row = SubTask(
        gid=task.id,
        state=task.state,
        operator=task.operator,
        start=int(runs.task_start[place]),
        end=int(runs.task_end[place]),
        execute_times=task.execute_times,
        agent_ip=agent.ip,
        agent_port=agent.port,
        logs=task.task_logs,
    )
    return judge_task(task.id, node_gid, [TaskSnapshot(0, 0, row)])
