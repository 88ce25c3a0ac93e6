"""Which runs went worst.

Runs that had trouble come first, the longest first: time is what the people behind a run lost, so an upgrade of 84 minutes that succeeded
after a retry went worse than a start that failed after 73 seconds. A child DAG counts with its main DAG: trouble in a child is trouble of
the main DAG.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from daganalysis.analysis.membership import among
from daganalysis.engine.vocabulary import RUN_OUTCOMES, WORST_FIRST

if TYPE_CHECKING:
    import pandas as pd

    from daganalysis.archive import Archive

_FINE = len(WORST_FIRST) - 1
_TROUBLE = max(rank for rank, outcome in enumerate(WORST_FIRST) if RUN_OUTCOMES[outcome].is_trouble)
"""The last rank that is trouble: every outcome that is trouble ranks before all others."""

RANKED_BY = (
    *("run_id", "cluster", "name", "workflow", "outcome", "work_ok", "started_at", "elapsed_s", "n_agents", "retries_min", "retries_max"),
    *("parent_run_id", "rollbacks_min", "rollbacks_max", "last_observed_at", "elapsed_min_s"),
)
"""The columns of ``dags`` that decide the order, and those shown with it."""


def rank_runs(archive: Archive, dags: pd.DataFrame | None = None) -> pd.DataFrame:
    """Order the runs from worst to best: one row a run, with ``rank``, ``trouble`` and ``is_child`` added to its facts.

    ``dags`` are these facts, where they have been read already.
    ``rank`` says how badly the run ended, from 0. Main runs come before child DAGs, trouble before the rest, then the longest first; of a
    run of unknown length counts what it took at least.
    """
    runs = archive.table("dags", list(RANKED_BY)) if dags is None else dags[list(RANKED_BY)]
    order = {outcome: rank for rank, outcome in enumerate(WORST_FIRST)}
    own = runs["outcome"].map(order).fillna(order["unknown"]).astype("int64")
    own = own.mask(runs["work_ok"].fillna(value=False).astype(bool) & runs["outcome"].isin(["passed", "waiting"]), _FINE)
    own = own.mask(runs["work_ok"].eq(other=False).fillna(value=False).astype(bool), order["failed"])
    is_child = among(runs["parent_run_id"], runs["run_id"])
    # Only a child whose work was not done makes its main DAG worse: what the main DAG made good by a retry shows in its own outcome.
    failed = own[is_child & (own <= order["cancelled"])].groupby(runs["parent_run_id"]).min()
    below = runs["run_id"].map(failed).astype("float64").fillna(_FINE).astype("int64")
    runs = runs.assign(rank=own.where(own <= below, below), is_child=is_child)
    runs["trouble"] = runs["rank"] <= _TROUBLE
    length = runs["elapsed_s"].fillna(runs["elapsed_min_s"]).fillna(-1.0)
    order_by = runs.assign(calm=~runs["trouble"], length=-length)
    order_by = order_by.sort_values(["is_child", "calm", "length", "rank", "run_id"], ignore_index=True)
    return order_by.drop(columns=["calm", "length", "elapsed_min_s"])
