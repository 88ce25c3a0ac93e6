"""The facts of a post-mortem: the rows of one run, gathered once."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from daganalysis.analysis.agent_groups import values_of_agents
from daganalysis.engine.vocabulary import CHILD_FAILED
from daganalysis.tables.plain_rows import rows_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from daganalysis.archive import Archive
    from daganalysis.tables.plain_rows import Row


@dataclass(frozen=True, slots=True)
class RunFacts:
    """The rows of one run and of its child runs, and results of analyses about them.

    ``children`` are rows of ``links``, each with the child's own row of ``dags`` if it is in the archive. ``n_peers`` counts the other runs
    of the same workflow. ``trouble`` are the rows of the analysis of that name, the most serious first. ``versions`` are those of obshell
    and of OceanBase (columns of ``agents``), each with the number of the run's agents that had it.
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
    versions: dict[str, dict[str, int]]


def gather_facts(archive: Archive, run_id: str) -> RunFacts:
    """Gather everything about one run, without reading more of a store than needed.

    Raises :class:`RunNotFoundError` for a run that the archive does not hold.
    """
    return gather_all_facts(archive, [archive.run(run_id).table("dags", ["run_id"])["run_id"].iloc[0]])[run_id]


def gather_all_facts(archive: Archive, run_ids: Sequence[str]) -> dict[str, RunFacts]:
    """Gather everything about some runs of an archive. Each analysis is done once for all of them."""
    from daganalysis.analysis import retries, stage_latency, time_budget, trouble

    some = archive.only(run_ids)
    rows = {name: _by_run(some.table(name)) for name in ("nodes", "sub_tasks", "attempts", "issues", "timeline", "operations")}
    rows["links"] = _by_run(some.links, "parent_run_id")
    rows |= {"stages": _by_run(stage_latency(some, level="stage")), "budgets": _by_run(time_budget(some))}
    rows |= {"retries": _by_run(retries(some)), "trouble": _by_run(trouble(some))}
    children = _children(archive, some)
    workflows = archive.table("dags", ["workflow"])["workflow"]
    versions = {column: values_of_agents(archive, column, some) for column in ("obshell_version", "ob_version")}
    return {
        run["run_id"]: RunFacts(
            run=run,
            **{name: rows[name].get(run["run_id"], []) for name in ("nodes", "sub_tasks", "attempts", "issues", "timeline")},
            operations=sorted(rows["operations"].get(run["run_id"], []), key=lambda row: (row["at"] is None, row["at"] or 0)),
            **{name: rows[name].get(run["run_id"], []) for name in ("stages", "retries", "trouble")},
            budget=next(iter(rows["budgets"].get(run["run_id"], [])), {}),
            children=[{**link, "dag": children.get(link["child_run_id"])} for link in rows["links"].get(run["run_id"], [])],
            n_peers=max(0, int((workflows == run["workflow"]).sum()) - 1),
            versions={column: _counted(by_agent.get(run["run_id"], {})) for column, by_agent in versions.items()},
        )
        for run in rows_of(some.dags)
    }


def _counted(by_agent: dict[str, str | None]) -> dict[str, int]:
    """Return how many agents had each value, in order of the values."""
    return dict(sorted(Counter(value for value in by_agent.values() if value is not None).items()))


def _by_run(frame: pd.DataFrame, key: str = "run_id") -> dict[str, list[Row]]:
    """Put the rows of each run together, in the order they have."""
    grouped: dict[str, list[Row]] = {}
    for row in rows_of(frame):
        grouped.setdefault(row[key], []).append(row)
    return grouped


def _children(archive: Archive, some: Archive) -> dict[str | None, Row]:
    """Return the rows of the child runs that the archive holds."""
    known = some.links["child_run_id"].dropna().unique().tolist()
    return {row["run_id"]: row for row in rows_of(archive.only(known).dags)} if known else {}


def troubled_groups(facts: RunFacts) -> list[list[Row]]:
    """Return the sub-tasks that had trouble, in groups of similar ones, the most serious first."""
    tasks = {task["task_gid"]: task for task in facts.sub_tasks}
    return [[tasks[row["task_gid"]] for row in rows] for _, rows in itertools.groupby(facts.trouble, key=lambda row: row["place"])]


def attempts_by_task(attempts: list[Row]) -> dict[str, list[Row]]:
    """Put the attempts of each sub-task together, in the order they have."""
    grouped: dict[str, list[Row]] = {}
    for attempt in attempts:
        grouped.setdefault(attempt["task_gid"], []).append(attempt)
    return grouped


def work_failed(dag: Row) -> bool:
    """Return whether a child DAG did not do its work, even if its main DAG passed it."""
    return dag["work_ok"] is False or dag["outcome"] in CHILD_FAILED


def child_order(children: list[Row]) -> list[Row]:
    """Put the child DAGs of a run in order: those whose work was not done, the others, those that are not in the archive; each by id."""
    return sorted(children, key=lambda child: (child["dag"] is None, not (child["dag"] and work_failed(child["dag"])), child["child_gid"]))
