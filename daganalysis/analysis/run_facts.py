"""What a post-mortem is written from: the rows of one run, gathered once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from daganalysis.engine.verdicts import FAILED
from daganalysis.tables.plain_rows import rows_of

if TYPE_CHECKING:
    from daganalysis.archive import Archive
    from daganalysis.tables.plain_rows import Row

GOOD_TASK_OUTCOMES = frozenset({"succeeded", "never_run", "ready", "running", "waiting", "rolled_back"})
"""Outcomes of a sub-task that are no trouble by themselves."""
FAILED_ATTEMPTS = frozenset({*FAILED, "cancelled", "cancelled_before_start"})
"""Outcomes of an attempt that did not do its work (`waiting` is deliberate: engine-semantics §7)."""


@dataclass(frozen=True, slots=True)
class RunFacts:
    """The rows of one run, of its child runs, and what the analyses make of them.

    ``children`` are rows of ``links`` with the child's own row of ``dags`` added where it is in the archive. ``n_peers`` counts the other
    runs of the same workflow.
    """

    run: Row
    nodes: list[Row]
    sub_tasks: list[Row]
    attempts: list[Row]
    issues: list[Row]
    timeline: list[Row]
    stages: list[Row]
    budget: Row
    retries: list[Row]
    children: list[Row]
    n_peers: int


def gather_facts(archive: Archive, run_id: str) -> RunFacts:
    """Gather everything about one run, reading no more of a store than that."""
    from daganalysis.analysis import retries, stage_latency, time_budget

    one = archive.run(run_id)
    run = rows_of(one.dags)[0]
    workflows = archive.table("dags", ["workflow"])["workflow"]
    budgets = rows_of(time_budget(one))
    return RunFacts(
        run=run,
        nodes=rows_of(one.nodes),
        sub_tasks=rows_of(one.sub_tasks),
        attempts=rows_of(one.attempts),
        issues=rows_of(one.issues),
        timeline=rows_of(one.timeline),
        stages=rows_of(stage_latency(one, level="stage")),
        budget=budgets[0] if budgets else {},
        retries=rows_of(retries(one)),
        children=_children(archive, rows_of(one.links)),
        n_peers=int((workflows == run["workflow"]).sum()) - 1,
    )


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
