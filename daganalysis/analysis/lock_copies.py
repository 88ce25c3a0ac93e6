"""What copies of databases show of maintenance locks, held against the holdings that follow from the runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from daganalysis.analysis.holdings import SLACK_NS, Holding
from daganalysis.engine.lock_rules import Lock

if TYPE_CHECKING:
    from daganalysis.tables.plain_rows import Row


def hold_against_copies(holdings: list[Holding], copies: list[Row], *, only_runs: bool) -> list[Holding]:
    """Bound holdings by copies of databases, and return the holdings that only copies show, unless ``only_runs``.

    A copy shows whether a lock was held at one moment; that of a tenant also which DAG took it last and when. A lock that a copy shows free
    was freed by then, even if its DAG stands FAILED (usually by hand). A lock that it shows held was held at least until then.
    """
    of_lock: dict[tuple[str | None, str, str | None], list[Holding]] = {}
    for one in holdings:
        of_lock.setdefault((one.cluster, one.lock.kind, one.lock.key), []).append(one)
    more: dict[tuple[object, ...], Holding] = {}
    for copy in sorted(copies, key=lambda row: (row["observed_at"] is None, row["observed_at"] or row["locked_at"] or 0)):
        own = of_lock.get((copy["cluster"], copy["lock"], copy["key"] or None), [])
        if not copy["held"]:
            _freed_by(own, copy["observed_at"])
        elif not _was_held(own, copy) and not only_runs:
            found = _of_copy(copy)
            known = more.setdefault((found.cluster, found.lock, found.run_id, found.taken_at), found)
            known.until = max((moment for moment in (known.until, found.until) if moment is not None), default=None)
    return list(more.values())


def _freed_by(own: list[Holding], moment: int | None) -> None:
    """Let no holding whose end is not known last beyond a moment at which the lock was free."""
    if moment is None:
        return
    for one in own:
        if one.taken_at is None or one.end is None or not one.taken_at < moment < one.end - SLACK_NS:
            continue
        # The copy may have been made later than its time says, so a lock that was freed after that time is no contradiction.
        if one.released_at is None:
            one.until, one.evidence = moment, "inferred"


def _was_held(own: list[Holding], copy: Row) -> bool:
    """Return whether a holding is the one that a copy shows, and let it last until then."""
    moment = copy["observed_at"] or copy["locked_at"]
    for one in own:
        if one.taken_at is None or moment is None or one.taken_at > moment + SLACK_NS or not _is_of(one, copy):
            continue
        if one.released_at is None:
            one.until = moment if one.until is None else max(one.until, moment)
            return True
        if one.released_at + SLACK_NS >= moment:
            return True
    return False


def _is_of(one: Holding, copy: Row) -> bool:
    return copy["dag_gid"] is None or _run_id(copy) == one.run_id


def _of_copy(copy: Row) -> Holding:
    """Make the holding that a copy alone shows."""
    lock = Lock(copy["lock"], copy["key"] or None, is_told=True)
    until = copy["observed_at"] or copy["locked_at"]
    return Holding(copy["cluster"], lock, _run_id(copy), copy["locked_at"], until=until, evidence="database")


def _run_id(copy: Row) -> str | None:
    """Return the run of the DAG that took a lock last, by its generic id."""
    gid = copy["dag_gid"]
    return gid if gid is None or copy["cluster"] is None else f"{copy['cluster']}/{gid}"
