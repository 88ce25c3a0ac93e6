"""The list of runs to choose from, each with its conclusion."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

from daganalysis.analysis.conclusions import ConclusionFacts, FailurePlace, conclusion
from daganalysis.analysis.culprits import find_eventful, find_places, find_undone, read_waits, told_stages
from daganalysis.analysis.node_rows import archive_of, read_nodes
from daganalysis.analysis.ranking import ranks_of, worst_first
from daganalysis.analysis.usual_durations import find_usual_durations
from daganalysis.engine.times import SECOND_NS
from daganalysis.engine.vocabulary import SUCCEEDED, UNFINISHED
from daganalysis.errors import UsageError
from daganalysis.tables.explanations import RUN_ORDERS, RUNS
from daganalysis.tables.plain_rows import columns_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

    from daganalysis.analysis.ranking import Ranks
    from daganalysis.archive import Archive
    from daganalysis.tables.plain_rows import Columns, Row

_DAGS = [
    *("run_id", "cluster", "workflow", "name", "started_at", "ended_at", "elapsed_s", "outcome", "state", "operator", "work_ok", "stage"),
    *("max_stage", "n_agents", "elapsed_min_s", "elapsed_max_s", "retries_min", "retries_max", "parent_run_id", "last_observed_at"),
]
_TOLD = tuple(field.name for field in fields(ConclusionFacts) if field.name in _DAGS)
"""The facts that are columns of ``dags``."""
_NAMED = {"failed", "rolled_back", "cancelled", "passed", "succeeded_with_node_pass", "running", "waiting", "rollback_failed"}
"""Outcomes whose sentence names the stage where the run stands."""


def runs(archive: Archive, *, by: str = "start", last: int | None = None, run_ids: Iterable[str] | None = None) -> pd.DataFrame:
    """List the runs, each with its conclusion, one sentence about what happened.

    The first rule that applies decides the sentence: work was rolled back and not redone; the run failed, was cancelled or was passed; it
    waited for a person; much of it was overwritten; it was slower than other runs of its workflow with as many agents; all went well. Every
    number in the sentence is in a table.

    Args:
        archive: The runs to list.
        by: ``"start"``, in order of time, runs that never started last; ``"trouble"``, those that went worst first; ``"length"``, the
            longest first, those of unknown length last.
        last: The largest number of runs to list: the last ones by start, or the first ones by trouble or length.
        run_ids: List these runs only. The others are still what they are measured by.

    Returns:
        One row per run. Child runs are listed too, each with its own conclusion.

    Raises:
        UsageError: ``by`` is no such order, or ``last`` is negative.

    Example:
        >>> import daganalysis as da
        >>> da.runs(da.load("sample_data/documented/scale-out.json"))["conclusion"].tolist()
        ['Succeeded in 28.6 s; its longest stage, Wait remote start finish, took 6.10 s.']
    """
    if by not in RUN_ORDERS:
        raise UsageError("no such order of runs", where=by, hint="one of " + ", ".join(RUN_ORDERS))
    if last is not None and last < 0:
        raise UsageError("a negative number of runs", where=str(last), hint="0 or more")
    dags = columns_of(archive.coded("dags", _DAGS))
    ranks = ranks_of(dags)
    places = _in_order(dags, ranks, by, last, run_ids)
    told = _facts(archive, dags, places)
    named = [_place(run) for run in told]
    columns: dict[str, list[Any]] = {name: [dags[name][place] for place in places] for name in RUNS.names if name in dags}
    columns |= {
        "troubled": [ranks.trouble[place] for place in places],
        "conclusion": [conclusion(run) for run in told],
        "stage": [_stage(run) for run in told],
        "agent": [place.agent if place is not None else None for place in named],
        "cause": [place.cause if place is not None else None for place in named],
        "wait_operator_share": [run.wait_operator_share for run in told],
        "lost_share": [run.lost_share for run in told],
    }
    return RUNS.frame(RUNS.arrow(columns))


def conclusion_facts(archive: Archive, run_ids: Iterable[str]) -> list[ConclusionFacts]:
    """Gather what a sentence about each of some runs needs, in their order; the other runs of the archive are what they are measured by."""
    dags = columns_of(archive.coded("dags", _DAGS))
    place_of = {run_id: place for place, run_id in enumerate(dags["run_id"])}
    return _facts(archive, dags, [place_of[run_id] for run_id in run_ids])


def _facts(archive: Archive, dags: Columns, places: list[int]) -> list[ConclusionFacts]:
    """Gather the facts of the runs at some places in the columns of all runs. Each base table is read once."""
    run_ids, n_runs = [dags["run_id"][place] for place in places], len(dags["run_id"])
    eventful, measured = find_eventful(dags, run_ids), find_usual_durations(dags, places)
    waits = read_waits(archive_of(archive, {*run_ids, *eventful.own}, n_runs), lost=True)
    nodes = read_nodes(archive_of(archive, {*eventful.own, *measured.run_ids()}, n_runs))
    failures = archive_of(archive, eventful.own, n_runs)
    places_of = find_places(failures, eventful, run_ids, nodes, waits)
    told_at, names = told_stages(eventful.own, nodes), nodes.stage_names(eventful.own)
    usual, longest = measured.explained(nodes), nodes.longest(measured.unmatched)
    undone, redone = find_undone(archive, run_ids), _redone(dags, places)
    waited, lost = (_spent(waits, category) for category in ("wait_operator", "lost"))
    known = set(dags["run_id"])
    result = []
    for run_id, place, *values in zip(run_ids, places, *([dags[name][place] for place in places] for name in _TOLD), strict=True):
        run = ConclusionFacts(**dict(zip(_TOLD, values, strict=True)))
        run.retries_min = run.retries_min or 0
        if run.elapsed_s is not None and run.elapsed_s > 0:
            run.wait_operator_share = waited.get(run_id, 0.0) / run.elapsed_s
            run.lost_share = lost.get(run_id, 0.0) / run.elapsed_s
        if run_id in eventful.own:
            run.is_child = dags["parent_run_id"][place] in known
            run.standing_s = _standing(dags["ended_at"][place], dags["last_observed_at"][place])
            run.stage = told_at.get(run_id, None if run.outcome == "rolled_back" else run.stage)  # a rollback ends at the first stage
            run.stage_name = names.get((run_id, run.stage)) if run.stage is not None and run.outcome in _NAMED else None
            run.place, run.redone_by = places_of.get(run_id), redone.get(run_id)
        run.undone, run.usual, run.longest = undone.get(run_id), usual.get(run_id), longest.get(run_id)
        result.append(run)
    return result


def _in_order(dags: Columns, ranks: Ranks, by: str, last: int | None, run_ids: Iterable[str] | None) -> list[int]:
    """Return the places of the chosen runs, in order."""
    if by == "trouble":
        places = worst_first(dags, ranks)
    else:
        values, sign = (dags["started_at"], 1) if by == "start" else (dags["elapsed_s"], -1)
        keys = [(value is None, 0 if value is None else sign * value, run_id) for value, run_id in zip(values, dags["run_id"], strict=True)]
        places = sorted(range(len(keys)), key=keys.__getitem__)
    if run_ids is not None:
        chosen = set(run_ids)
        places = [place for place in places if dags["run_id"][place] in chosen]
    if last is None:
        return places
    return places[max(0, len(places) - last) :] if by == "start" else places[:last]


def _standing(ended_at: int | None, last_observed_at: int | None) -> float | None:
    """Return for how many seconds a run had stood as it ended when it was last seen."""
    return None if ended_at is None or last_observed_at is None else (last_observed_at - ended_at) / SECOND_NS


def _spent(waits: list[Row], category: str) -> dict[str, float]:
    """Return the seconds of each run that are of a category."""
    import pandas as pd

    own = [row for row in waits if row["category"] == category]
    seconds = pd.Series([row["duration_s"] for row in own], dtype="float64")
    return {str(run_id): float(s) for run_id, s in seconds.groupby([row["run_id"] for row in own]).sum().items()}


def _redone(dags: Columns, places: list[int]) -> dict[str, str]:
    """Name the first run of the same DAG name and cluster that succeeded after a run was rolled back."""
    undone = [place for place in places if dags["outcome"][place] == "rolled_back" and dags["name"][place] is not None]
    wanted = {(dags["cluster"][place], dags["name"][place]) for place in undone}
    if not wanted:
        return {}
    good: dict[tuple[str | None, str], list[tuple[int, str]]] = {}
    told = zip(dags["cluster"], dags["name"], dags["started_at"], dags["run_id"], dags["outcome"], strict=True)
    for cluster, name, started_at, run_id, outcome in told:
        if (cluster, name) in wanted and started_at is not None and (outcome or "").startswith("succeeded"):
            good.setdefault((cluster, name), []).append((started_at, run_id))
    found = {}
    for place in undone:
        began = dags["started_at"][place]
        later = [one for one in good.get((dags["cluster"][place], dags["name"][place]), []) if began is not None and one[0] > began]
        if later:
            found[dags["run_id"][place]] = min(later)[1]
    return found


def _place(run: ConclusionFacts) -> FailurePlace | None:
    """Return the place that the conclusion of a run names, if it names one."""
    if run.undone is not None and run.outcome in SUCCEEDED:
        return run.undone
    is_elsewhere = run.outcome == "succeeded_with_node_pass" and run.place is not None and run.place.stage != run.stage
    return None if is_elsewhere or run.outcome in UNFINISHED else run.place


def _stage(run: ConclusionFacts) -> int | None:
    """Return the stage that the conclusion of a run names."""
    place = _place(run)
    if place is not None and run.outcome != "succeeded_with_node_pass":
        return place.stage
    if run.outcome in _NAMED and not (run.outcome == "passed" and run.work_ok):
        return run.stage
    return run.usual.stage if run.usual is not None else None
