"""The waits of runs, each with the request that ended it, by what the run did next and by what answers prove of requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from daganalysis.engine.times import SECOND_NS
from daganalysis.tables.column_arrays import NONE
from daganalysis.tables.plain_rows import columns_of, rows_at

if TYPE_CHECKING:
    from daganalysis.analysis.idle_stretches import Timelines
    from daganalysis.archive import Archive
    from daganalysis.tables.plain_rows import Columns, Row

_SLACK_NS = 2 * SECOND_NS
"""A wait ends a tick or so before the leg whose start bounds its request."""
_BY_DIRECTION = {"rollback": "rollback", "forward": "retry"}
_MAY_BE = {"rollback": ("rollback",), "retry": ("retry", "pass_node"), "pass_node": ("pass_node", "retry")}
"""The requests that answers may prove where what the run did next suggests one. A rollback may overwrite the mark of a passed node."""


def ended_waits(archive: Archive, dags: Columns, timelines: Timelines) -> list[Row]:
    """Return the waits of all runs, each with the ``request`` that began what follows and the latest time at which it may have come.

    A wait that a pass of the DAG ended has none, and neither has one if the states of the run prove no request that may have ended it.
    Hidden work may lie in the lost time after a wait, so only the bounds of the proven request tell when it came.
    """
    is_wait = timelines.idle.is_wait
    waits, asked = timelines.idle.taken(is_wait), timelines.idle.asked_at()[is_wait]
    if not len(waits):
        return []
    run_ids = dags["run_id"]
    own = archive.lazily(sorted({run_ids[run] for run in waits.run.tolist()}))
    nodes = columns_of(own.coded("nodes", ["run_id", "stage", "outcome"], ("outcome", ["passed"])))
    passed = set(zip(nodes["run_id"], nodes["stage"], strict=True))
    proven = _proven_requests(own)
    told = []
    columns = [getattr(waits, name).tolist() for name in ("run", "start", "end", "from_stage", "to_stage", "is_neglect")]
    for run, start, end, stage, to_stage, by_person, follows_at, direction in zip(
        *columns, asked.tolist(), timelines.next_directions(waits), strict=True
    ):
        request = _BY_DIRECTION.get(direction or "")
        from_stage = None if stage == NONE else stage
        # A pass of the DAG passes the stage that it stands at and all after it (engine-semantics §2.6).
        with_dag = dags["outcome"][run] == "passed" and dags["stage"][run] is not None and stage >= dags["stage"][run]
        if request == "retry" and to_stage != stage and not with_dag and (run_ids[run], from_stage) in passed:
            request = "pass_node"
        asked_at = follows_at
        if request is not None and run_ids[run] in proven:
            request, asked_at = _as_proven(proven[run_ids[run]], request, end, follows_at)
        row = {"run_id": run_ids[run], "started_at": start, "ended_at": end, "asked_at": asked_at, "from_stage": from_stage}
        told.append(row | {"by_person": by_person, "request": request})
    return told


def _proven_requests(own: Archive) -> dict[str, list[Row]]:
    """Return the requests that the states of some runs prove, by run, those first that must have come first."""
    import pyarrow.compute as pc

    known = (pc.field("evidence") == "answers") & pc.field("at_max").is_valid()
    table = own.arrow("operations", ["run_id", "operation", "at_min", "at_max"], known)
    found: dict[str, list[Row]] = {}
    for row in sorted(rows_at(columns_of(table), range(table.num_rows)), key=lambda row: (row["at_max"], -(row["at_min"] or 0))):
        found.setdefault(row["run_id"], []).append(row)
    return found


def _as_proven(requests: list[Row], request: str, end: int, follows_at: int) -> tuple[str | None, int]:
    """Return which of the proven requests ended a wait, and when it came at the latest; it ends no other wait."""
    fitting = [
        one for one in requests if one["at_max"] >= end - _SLACK_NS and (one["at_min"] is None or one["at_min"] <= follows_at + _SLACK_NS)
    ]
    own = next((one for name in _MAY_BE[request] for one in fitting if one["operation"] == name), None)
    if own is None:
        return None, follows_at
    requests.remove(own)
    return own["operation"], own["at_max"] if own["at_max"] > end + _SLACK_NS else follows_at
