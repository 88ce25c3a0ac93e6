"""What a post-mortem is written from: the rows of one run, gathered once."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from daganalysis.engine.vocabulary import CHILD_FAILED
from daganalysis.tables.plain_rows import rows_of

if TYPE_CHECKING:
    from daganalysis.archive import Archive
    from daganalysis.tables.plain_rows import Row


@dataclass(frozen=True, slots=True)
class RunFacts:
    """The rows of one run, of its child runs, and what the analyses make of them.

    ``children`` are rows of ``links`` with the child's own row of ``dags`` added where it is in the archive. ``n_peers`` counts the other
    runs of the same workflow. ``trouble`` are the rows of the analysis of that name, the most serious first.
    """

    run: Row
    nodes: list[Row]
    sub_tasks: list[Row]
    attempts: list[Row]
    issues: list[Row]
    timeline: list[Row]
    operations: list[Row]
    stages: list[Row]
    budget: Row
    retries: list[Row]
    trouble: list[Row]
    children: list[Row]
    n_peers: int


def gather_facts(archive: Archive, run_id: str) -> RunFacts:
    """Gather everything about one run, reading no more of a store than that."""
    from daganalysis.analysis import lock_conflicts, retries, stage_latency, time_budget, trouble

    one = archive.run(run_id)
    run = rows_of(one.dags)[0]
    workflows = archive.table("dags", ["workflow"])["workflow"]
    budgets = rows_of(time_budget(one))
    return RunFacts(
        run=run,
        nodes=rows_of(one.nodes),
        sub_tasks=rows_of(one.sub_tasks),
        attempts=rows_of(one.attempts),
        issues=[*rows_of(one.issues), *rows_of(lock_conflicts(archive, run_ids=_neighbours(archive, run)).query("run_id == @run_id"))],
        timeline=rows_of(one.timeline),
        operations=sorted(rows_of(one.operations), key=lambda row: (row["at"] is None, row["at"] or 0)),
        stages=rows_of(stage_latency(one, level="stage")),
        budget=budgets[0] if budgets else {},
        retries=rows_of(retries(one)),
        trouble=rows_of(trouble(one)),
        children=_children(archive, rows_of(one.links)),
        n_peers=int((workflows == run["workflow"]).sum()) - 1,
    )


def _neighbours(archive: Archive, run: Row) -> list[str]:
    """Return the runs of the same cluster that were there while a run was."""
    dags = archive.table("dags", ["run_id", "cluster", "created_at", "started_at", "ended_at", "last_observed_at"])
    begin = dags["created_at"].fillna(dags["started_at"])
    end = dags[["ended_at", "last_observed_at"]].max(axis=1)
    same = dags["cluster"].eq(run["cluster"]) if run["cluster"] is not None else dags["cluster"].isna()
    own_begin, own_end = run["created_at"] or run["started_at"], run["last_observed_at"] or run["ended_at"]
    if own_begin is None or own_end is None:
        return [run["run_id"]]
    beside = dags["run_id"].eq(run["run_id"]) | (same & (begin <= own_end) & (end >= own_begin))
    return [str(run_id) for run_id in dags.loc[beside, "run_id"]]


def troubled_groups(facts: RunFacts) -> list[list[Row]]:
    """Return the sub-tasks that met trouble, those alike together, the most serious first."""
    tasks = {task["task_gid"]: task for task in facts.sub_tasks}
    return [[tasks[row["task_gid"]] for row in rows] for _, rows in itertools.groupby(facts.trouble, key=lambda row: row["place"])]


def attempts_by_task(attempts: list[Row]) -> dict[str, list[Row]]:
    """Put the attempts of each sub-task together, in the order they have."""
    grouped: dict[str, list[Row]] = {}
    for attempt in attempts:
        grouped.setdefault(attempt["task_gid"], []).append(attempt)
    return grouped


def _children(archive: Archive, links: list[Row]) -> list[Row]:
    known = [link["child_run_id"] for link in links if link["child_run_id"] is not None]
    dags = {row["run_id"]: row for row in rows_of(archive.only(known).dags)} if known else {}
    return [{**link, "dag": dags.get(link["child_run_id"])} for link in links]


def work_failed(dag: Row) -> bool:
    """Tell whether a child DAG did not do its work, whatever its main DAG made of it."""
    return dag["work_ok"] is False or dag["outcome"] in CHILD_FAILED


def child_order(children: list[Row]) -> list[Row]:
    """Put the child DAGs of a run in order: those whose work was not done, the others, those that are not in the archive; each by id."""
    return sorted(children, key=lambda child: (child["dag"] is None, not (child["dag"] and work_failed(child["dag"])), child["child_gid"]))
