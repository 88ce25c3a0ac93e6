"""Which runs went worst.

Runs that had trouble come first, the longest first, because people lost that time. So an upgrade of 84 minutes that succeeded after a retry
went worse than a start that failed after 73 seconds. A child DAG counts with its main DAG: trouble in a child is trouble of the main DAG.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from daganalysis.engine.vocabulary import WORST_FIRST
from daganalysis.tables import DAGS
from daganalysis.tables.plain_rows import columns_of

if TYPE_CHECKING:
    import pandas as pd

    from daganalysis.archive import Archive
    from daganalysis.tables.plain_rows import Columns

_PLACES = {outcome: place for place, outcome in enumerate(WORST_FIRST)}
_FINE = len(WORST_FIRST) - 1

RANKED_BY = ("run_id", "parent_run_id", "outcome", "work_ok", "elapsed_s", "elapsed_min_s")
"""The columns of ``dags`` that decide the order."""
_SHOWN = (
    *("run_id", "cluster", "name", "workflow", "outcome", "work_ok", "started_at", "elapsed_s", "n_agents", "retries_min", "retries_max"),
    *("parent_run_id", "rollbacks_min", "rollbacks_max", "last_observed_at", "elapsed_min_s"),
)


@dataclass(frozen=True, slots=True)
class Ranks:
    """How badly each run ended (``rank``, from 0), whether that is trouble, and whether it is a child of another run of the archive."""

    rank: list[int]
    trouble: list[bool]
    is_child: list[bool]


def rank_runs(archive: Archive) -> pd.DataFrame:
    """Order the runs from worst to best: one row a run, with ``rank``, ``trouble`` and ``is_child`` added to its facts.

    ``rank`` says how badly the run ended, from 0. Main runs come before child DAGs, trouble before the rest, then the longest first. A run
    of unknown length counts with its lower bound.
    """
    table = archive.arrow("dags", _SHOWN)
    dags = columns_of(table.select(RANKED_BY))
    ranks = ranks_of(dags)
    runs = DAGS.frame(table).assign(rank=ranks.rank, is_child=ranks.is_child, trouble=ranks.trouble)
    runs = runs.astype({"rank": "int64", "is_child": bool, "trouble": bool})
    return runs.iloc[worst_first(dags, ranks)].reset_index(drop=True).drop(columns="elapsed_min_s")


def ranks_of(dags: Columns) -> Ranks:
    """Return how badly each run ended; ``dags`` are the columns :data:`RANKED_BY` of all runs."""
    known = set(dags["run_id"])
    is_child = [parent in known for parent in dags["parent_run_id"]]
    rank_of = functools.cache(_rank)
    own = [rank_of(outcome, work_ok) for outcome, work_ok in zip(dags["outcome"], dags["work_ok"], strict=True)]
    # Only a child that did not do its work makes its main DAG worse. A failure that the main DAG retried successfully shows in its own
    # outcome.
    below: dict[str, int] = {}
    for parent, child, rank in zip(dags["parent_run_id"], is_child, own, strict=True):
        if child and rank <= _PLACES["cancelled"]:
            below[parent] = min(rank, below.get(parent, _FINE))
    ranks = [min(rank, below.get(run_id, _FINE)) for run_id, rank in zip(dags["run_id"], own, strict=True)] if below else own
    return Ranks(ranks, [rank <= _PLACES["unknown"] for rank in ranks], is_child)


def _rank(outcome: str | None, work_ok: bool | None) -> int:
    if work_ok is False:
        return _PLACES["failed"]
    if work_ok and outcome in {"passed", "waiting"}:
        return _FINE
    return _PLACES.get(outcome or "unknown", _PLACES["unknown"])


def worst_first(dags: Columns, ranks: Ranks) -> list[int]:
    """Return the places of the runs from worst to best; ``dags`` are the columns :data:`RANKED_BY` of all runs."""
    lengths = [
        -1.0 if known is None and least is None else least if known is None else known
        for known, least in zip(dags["elapsed_s"], dags["elapsed_min_s"], strict=True)
    ]

    def order(place: int) -> tuple[bool, bool, float, int, str]:
        return ranks.is_child[place], not ranks.trouble[place], -lengths[place], ranks.rank[place], dags["run_id"][place]

    return sorted(range(len(lengths)), key=order)
