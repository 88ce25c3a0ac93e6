"""What copies of databases show of maintenance locks, held against the holdings that follow from the runs."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from daganalysis.analysis.holdings import SLACK_NS, Holdings
from daganalysis.tables.column_arrays import NONE

if TYPE_CHECKING:
    from collections.abc import Collection

    from daganalysis.tables.plain_rows import Row


def held_against_copies(holdings: Holdings, copies: list[Row], *, known: Collection[str], only_runs: bool) -> Holdings:
    """Bound holdings by copies of databases, and add the holdings that only copies show, unless ``only_runs``.

    A copy shows whether a lock was held at one moment; that of a tenant also which DAG took it last and when. A lock that a copy shows free
    was freed by then, even if its DAG stands FAILED (usually by hand). A lock that it shows held was held at least until then. A holding
    names its run only if that is one of the ``known`` runs.
    """
    of_lock: dict[tuple[str | None, str, str | None], list[int]] = {}
    for place, lock in enumerate(zip(holdings.cluster.tolist(), holdings.kind.tolist(), holdings.key.tolist(), strict=True)):
        of_lock.setdefault(lock, []).append(place)
    more: dict[tuple[object, ...], int | None] = {}
    for copy in sorted(copies, key=lambda row: (row["observed_at"] is None, row["observed_at"] or row["locked_at"] or 0)):
        lock = copy["cluster"], copy["lock"], copy["key"] or None
        own = of_lock.get(lock, [])
        if not copy["held"]:
            _freed_by(holdings, own, copy["observed_at"])
        elif not _was_held(holdings, own, copy) and not only_runs:
            found, until = (*lock, _run_id(copy), copy["locked_at"]), copy["observed_at"] or copy["locked_at"]
            more[found] = max((moment for moment in (more.get(found), until) if moment is not None), default=None)
    return _with_more(holdings, more, known) if more else holdings


def _freed_by(holdings: Holdings, own: list[int], moment: int | None) -> None:
    """Let no holding whose end is not known last beyond a moment at which the lock was free."""
    if moment is None:
        return
    for one in own:
        # The copy may have been made later than its time says, so a lock that was freed after that time is no contradiction.
        is_open = holdings.released[one] == NONE and holdings.taken[one] != NONE and holdings.until[one] != NONE
        if is_open and holdings.taken[one] < moment < holdings.until[one] - SLACK_NS:
            holdings.until[one], holdings.evidence[one] = moment, "inferred"


def _was_held(holdings: Holdings, own: list[int], copy: Row) -> bool:
    """Return whether a holding is the one that a copy shows, and let it last until then."""
    moment = copy["observed_at"] or copy["locked_at"]
    for one in own:
        taken, released = holdings.taken[one], holdings.released[one]
        if taken == NONE or moment is None or taken > moment + SLACK_NS or not _is_of(holdings.run_id[one], copy):
            continue
        if released == NONE:
            holdings.until[one] = max(holdings.until[one], moment)
            return True
        if released + SLACK_NS >= moment:
            return True
    return False


def _is_of(run_id: str | None, copy: Row) -> bool:
    return copy["dag_gid"] is None or _run_id(copy) == run_id


def _run_id(copy: Row) -> str | None:
    """Return the run of the DAG that took a lock last, by its generic id."""
    gid = copy["dag_gid"]
    return gid if gid is None or copy["cluster"] is None else f"{copy['cluster']}/{gid}"


def _with_more(holdings: Holdings, more: dict[tuple[object, ...], int | None], known: Collection[str]) -> Holdings:
    """Add the holdings that copies alone show: cluster, kind, key, run and time of taking, each with the moment until which it lasted."""
    cluster, kind, key, run_id, taken = (np.array([*values, None], object)[:-1] for values in zip(*more, strict=True))
    nothing = np.full(len(more), NONE)
    added: dict[str, Any] = {
        "run": nothing,
        "cluster": cluster,
        "kind": kind,
        "key": key,
        "run_id": np.array([one if one in known else None for one in run_id] + [None], object)[:-1],
        "taken": np.array([NONE if moment is None else moment for moment in taken], np.int64),
        "is_taken_known": np.ones(len(more), bool),
        "until": np.array([NONE if moment is None else moment for moment in more.values()], np.int64),
        "released": nothing,
        "failed": nothing,
        "evidence": np.full(len(more), "database", object),
        "n_refused": nothing,
    }
    names = (one.name for one in fields(holdings) if one.name in added)
    both: dict[str, Any] = {name: np.append(getattr(holdings, name), added[name]) for name in names}
    return replace(holdings, **both)
