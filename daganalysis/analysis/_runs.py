"""The list of runs to choose from, each with its conclusion."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

from daganalysis.analysis.conclusions import ConclusionFacts, FailurePlace, conclusion
from daganalysis.analysis.culprits import find_trouble, find_undone, passed_stages, stages_rolled_back_from
from daganalysis.analysis.membership import among
from daganalysis.analysis.ranking import RANKED_BY, rank_runs
from daganalysis.analysis.usual_durations import find_usual_durations
from daganalysis.engine.vocabulary import SUCCEEDED
from daganalysis.errors import UsageError
from daganalysis.tables.explanations import RUN_ORDERS, RUNS
from daganalysis.tables.plain_rows import rows_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

    from daganalysis.archive import Archive

_DAGS = [
    *("run_id", "cluster", "workflow", "name", "started_at", "ended_at", "elapsed_s", "outcome", "state", "operator", "work_ok", "stage"),
    *("max_stage", "n_agents", "elapsed_min_s", "elapsed_max_s", "retries_min", "retries_max", "parent_run_id", "last_observed_at"),
]
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
        One row per run. Child runs are listed too, each by its own story.

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
    dags = archive.table("dags", list(dict.fromkeys([*_DAGS, *RANKED_BY])))
    chosen = _in_order(archive, dags, by, last, run_ids)
    told = conclusion_facts(archive, chosen["run_id"].tolist(), dags)
    columns: dict[str, list[Any]] = {
        "conclusion": [conclusion(run) for run in told],
        "stage": [_stage(run) for run in told],
        "agent": [place.agent if (place := _place(run)) is not None else None for run in told],
        "cause": [place.cause if (place := _place(run)) is not None else None for run in told],
        "wait_operator_share": [run.wait_operator_share for run in told],
        "lost_share": [run.lost_share for run in told],
    }
    return RUNS.conform(chosen.assign(**columns)[RUNS.names])


def conclusion_facts(archive: Archive, run_ids: list[str], dags: pd.DataFrame | None = None) -> list[ConclusionFacts]:
    """Gather what a sentence about each of some runs needs, in their order; the other runs of the archive are what they are measured by.

    ``dags`` are the rows of all runs, where they have been read already.
    """
    dags = archive.table("dags", _DAGS) if dags is None else dags
    own = dags.set_index("run_id", drop=False).loc[run_ids].reset_index(drop=True)
    spent = _spent(archive, run_ids, len(dags))
    elapsed = own["elapsed_s"].where(own["elapsed_s"] > 0)
    own = own.assign(
        is_child=among(own["parent_run_id"], dags["run_id"]),
        standing_s=(own["last_observed_at"] - own["ended_at"]).dt.total_seconds(),
        **{f"{part}_share": own["run_id"].map(spent[part]).astype("float64").fillna(0) / elapsed for part in ("wait_operator", "lost")},
    )
    places = {run_id: culprit.place(run_id) for run_id, culprit in find_trouble(archive, dags, run_ids).items()}
    told_at = own["run_id"].map(passed_stages(archive, own) | stages_rolled_back_from(archive, own)).astype("Int64")
    own["stage"] = told_at.fillna(own["stage"].mask(own["outcome"].eq("rolled_back")))  # a rollback ends at the first stage
    undone = find_undone(archive, run_ids)
    usual, longest = find_usual_durations(archive, dags, own)
    names = _stage_names(archive, own.loc[own["outcome"].isin(_NAMED), ["run_id", "stage"]].dropna())
    redone = _redone(dags, own)
    known = [field.name for field in fields(ConclusionFacts) if field.name in own.columns]
    result = []
    for run_id, row in zip(run_ids, rows_of(own[known]), strict=True):
        run = ConclusionFacts(**row)
        run.retries_min = run.retries_min or 0
        run.stage_name, run.place, run.undone = names.get(run_id), places.get(run_id), undone.get(run_id)
        run.usual, run.longest, run.redone_by = usual.get(run_id), longest.get(run_id), redone.get(run_id)
        result.append(run)
    return result


def _in_order(archive: Archive, dags: pd.DataFrame, by: str, last: int | None, run_ids: Iterable[str] | None) -> pd.DataFrame:
    ranked = rank_runs(archive, dags)[["run_id", "trouble"]].rename(columns={"trouble": "troubled"})
    if run_ids is not None:
        ranked = ranked[among(ranked["run_id"], run_ids)]
    columns = [name for name in RUNS.names if name in _DAGS and name != "stage"]
    dags = ranked.merge(dags[columns], on="run_id", how="left")
    if by == "start":
        dags = dags.sort_values(["started_at", "run_id"], na_position="last", ignore_index=True)
        return dags if last is None else dags.tail(last).reset_index(drop=True)
    if by == "length":
        dags = dags.sort_values(["elapsed_s", "run_id"], ascending=[False, True], na_position="last", ignore_index=True)
    return dags if last is None else dags.head(last)


def _spent(archive: Archive, run_ids: list[str], n_runs: int) -> dict[str, pd.Series[Any]]:
    """Return the seconds of each run that it waited for a person, and that are lost."""
    import pyarrow.compute as pc

    source = archive if len(run_ids) == n_runs else archive.lazily(run_ids)
    line = source.table("timeline", ["run_id", "category", "duration_s"], pc.field("category").isin(["wait_operator", "lost"]))
    return {part: line[line["category"].eq(part)].groupby("run_id")["duration_s"].sum() for part in ("wait_operator", "lost")}


def _stage_names(archive: Archive, wanted: pd.DataFrame) -> dict[str, str]:
    """Return the name of one stage of each run."""
    if wanted.empty:
        return {}
    nodes = archive.lazily(wanted["run_id"]).table("nodes", ["run_id", "stage", "name"])
    found = wanted.merge(nodes, on=["run_id", "stage"]).dropna().drop_duplicates("run_id")
    return dict(zip(found["run_id"].tolist(), found["name"].tolist(), strict=True))


def _redone(dags: pd.DataFrame, own: pd.DataFrame) -> dict[str, str]:
    """Name the first run of the same DAG name and cluster that succeeded after a run was rolled back."""
    undone = own.loc[own["outcome"].eq("rolled_back") & own["name"].notna(), ["run_id", "cluster", "name", "started_at"]]
    good = dags[dags["outcome"].str.startswith("succeeded").fillna(value=False) & dags["started_at"].notna()]
    if undone.empty or good.empty:
        return {}
    key = ["cluster", "name"]
    pairs = undone.assign(cluster=undone["cluster"].fillna("")).merge(
        good.assign(cluster=good["cluster"].fillna(""))[["run_id", *key, "started_at"]], on=key, suffixes=("", "_after")
    )
    later = pairs[pairs["started_at_after"] > pairs["started_at"]].sort_values(["started_at_after", "run_id_after"])
    first = later.drop_duplicates("run_id")
    return dict(zip(first["run_id"].tolist(), first["run_id_after"].tolist(), strict=True))


def _place(run: ConclusionFacts) -> FailurePlace | None:
    """Return the place that the conclusion of a run names, if it names one."""
    if run.undone is not None and run.outcome in SUCCEEDED:
        return run.undone
    return run.place


def _stage(run: ConclusionFacts) -> int | None:
    """Return the stage that the conclusion of a run names."""
    place = _place(run)
    if place is not None and run.outcome != "succeeded_with_node_pass":
        return place.stage
    if run.outcome in _NAMED and not (run.outcome == "passed" and run.work_ok):
        return run.stage
    return run.usual.stage if run.usual is not None else None
