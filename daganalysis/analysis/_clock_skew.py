"""How far the clocks of agents are apart, as far as cause and effect show it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from daganalysis.engine.times import SCHEDULER_STAMPED
from daganalysis.history.clocks import in_common
from daganalysis.tables.results import CLOCK_SKEW

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

    from daganalysis.archive import Archive

_MOST_STRETCHES = 8
"""A clock that was set more often than this drifts; one row describes it."""
_SOME = 2
"""So many clocks that agree with each other outweigh one."""


class _Stretch(NamedTuple):
    """Executions in a row that one offset of an agent's clock fits, nanoseconds."""

    since: pd.Timestamp
    until: pd.Timestamp
    n: int
    low: int | None
    high: int | None


def clock_skew(archive: Archive) -> pd.DataFrame:
    """Bound how far each agent's clock is off from the clock of the DAGs' own rows.

    A node starts before its sub-tasks and ends after them. In a cluster DAG, the times of a node are the maintainer's, and those of its
    sub-tasks are the executing agents' (engine-semantics §5, §12). An agent is therefore ahead by at most the smallest
    ``sub-task start - node start`` and by at least the largest ``sub-task end - node end``. Local DAGs have one clock and do not count.

    If a clock was set, or another agent became the maintainer, these bounds contradict each other. An agent then has one row for each
    period that one offset fits, or a single row ``varies`` if there are more than eight periods. If all agents but one differ from the
    scheduler by the same amount, the scheduler's clock is off. Then ``against`` is ``others``, and the one agent that agrees with the
    scheduler is ahead or behind of the others.

    Args:
        archive: The runs.

    Returns:
        One row per cluster, agent and period, sorted by these. Bounds in seconds, positive if the agent is ahead; the minimum never exceeds
        the maximum.

    Example:
        >>> import daganalysis as da
        >>> da.clock_skew(da.load("sample_data/documented/scale-out.json"))["shown"].tolist()
        ['none']
    """
    import pandas as pd

    rows = _bounding(archive)
    keys = rows.groupby(["cluster", "agent"], sort=True)
    found: dict[str, dict[str, list[_Stretch]]] = {}
    whole = keys.agg(since=("at", "min"), until=("at", "max"), n=("at", "size"), low=("low", "max"), high=("high", "min"))
    for (cluster, agent), (since, until, n, low, high) in zip(whole.index, whole.to_numpy(object).tolist(), strict=True):
        single = _Stretch(since, until, n, _whole(low), _whole(high))
        own = [single] if _can_be(single.low, single.high) else _stretches(keys.get_group((cluster, agent)))
        found.setdefault(cluster, {})[agent] = own
    found_rows = [row for cluster, agents in found.items() for row in _rows_of(cluster, agents)]
    return CLOCK_SKEW.conform(pd.DataFrame(found_rows, columns=CLOCK_SKEW.names))


def _bounding(archive: Archive) -> pd.DataFrame:
    """One row per sub-task that bounds the clock of its agent: cluster, agent, at, low and high (nanoseconds), in order of time."""
    dags = archive.table("dags", ["run_id", "cluster", "scope"])
    nodes = archive.table("nodes", ["run_id", "stage", "operator", "started_at", "ended_at"])
    # A cancel stamps the node anew while its sub-tasks are running (engine-semantics §2.5).
    nodes = nodes[nodes["operator"].isin(["RUN", "RETRY", "ROLLBACK"])]
    tasks = archive.table("sub_tasks", ["run_id", "stage", "agent", "outcome", "execute_times", "started_at", "ended_at"])
    tasks = tasks[tasks["agent"].notna() & tasks["started_at"].notna()]
    both = tasks.merge(nodes, on=["run_id", "stage"], suffixes=("", "_node")).merge(dags[dags["scope"] == "cluster"], on="run_id")
    # A sub-task that an earlier execution of its node finished is before the node's own times on any clock (engine-semantics §2.3).
    is_first = both["operator"].eq("RUN") & both["execute_times"].eq(1).fillna(value=False)
    both = both[is_first | (both["ended_at"] > both["started_at_node"])].sort_values(["started_at_node", "run_id", "stage"], kind="stable")
    ends = (both["ended_at"] - both["ended_at_node"]).where(~both["outcome"].isin(SCHEDULER_STAMPED))
    return both[["agent"]].assign(
        cluster=both["cluster"].fillna(""),
        at=both["started_at_node"],
        high=_nanoseconds(both["started_at"] - both["started_at_node"]),
        low=_nanoseconds(ends.where(both["outcome"].ne("cancelled"), both["started_at"] - both["ended_at"])),
    )


def _nanoseconds(span: pd.Series[pd.Timedelta]) -> pd.Series[int]:
    return span.astype("int64").astype("Int64").where(span.notna())


def _whole(value: Any) -> int | None:
    import pandas as pd

    return None if pd.isna(value) else int(value)


def _stretches(rows: pd.DataFrame) -> list[_Stretch]:
    """Cut the executions of one agent into as few stretches of time as offsets fit."""
    found: list[_Stretch] = []
    for at, low, high in zip(rows["at"], rows["low"], rows["high"], strict=True):
        own = (_whole(low), _whole(high))
        # A node whose two stamps come from two clocks belongs to two periods. Its start bounds the offset of the earlier one.
        for bounds in [own] if _can_be(*own) else [(None, own[1]), (own[0], None)]:
            last = found[-1] if found else _Stretch(at, at, 0, None, None)
            low_of_both, high_of_both = in_common([(last.low, last.high), bounds])
            if _can_be(low_of_both, high_of_both):
                found[-1:] = [_Stretch(last.since, at, last.n + 1, low_of_both, high_of_both)]
            else:
                found.append(_Stretch(at, at, 1, *bounds))
    return found


def _can_be(low: int | None, high: int | None) -> bool:
    return low is None or high is None or low <= high


def _rows_of(cluster: str, agents: dict[str, list[_Stretch]]) -> Iterable[tuple[object, ...]]:
    """The rows of one cluster."""
    odd = _odd_one(agents)
    for agent, stretches in agents.items():
        if len(stretches) > _MOST_STRETCHES:
            lows, highs = [s.low for s in stretches], [s.high for s in stretches]
            low = None if None in lows else min(low for low in lows if low is not None)
            high = None if None in highs else max(high for high in highs if high is not None)
            every = _Stretch(stretches[0].since, stretches[-1].until, sum(s.n for s in stretches), low, high)
            yield _row(cluster, agent, every, "varies", "scheduler")
            continue
        for stretch in stretches:
            one = stretch
            if odd is not None and agent == odd.agent:
                one = stretch._replace(low=_minus(0, odd.high), high=_minus(0, odd.low))
            elif odd is not None:
                one = stretch._replace(low=_minus(stretch.low, odd.high), high=_minus(stretch.high, odd.low))
            side = "ahead" if one.low is not None and one.low > 0 else "behind" if one.high is not None and one.high < 0 else "none"
            yield _row(cluster, agent, one, side, "scheduler" if odd is None else "others")


class _Odd(NamedTuple):
    """The one agent whose clock is the scheduler's, and by how much the others are ahead of it."""

    agent: str
    low: int | None
    high: int | None


def _odd_one(agents: dict[str, list[_Stretch]]) -> _Odd | None:
    """Find the only agent that agrees with the scheduler, while all others are off by the same amount."""
    off = {agent: own for agent, own in agents.items() if any(_is_off(stretch) for stretch in own)}
    rest = agents.keys() - off.keys()
    if len(rest) != 1 or len(off) < _SOME or any(len(own) > 1 for own in off.values()):
        return None
    low, high = in_common((own[0].low, own[0].high) for own in off.values())
    fits = _can_be(low, high) and ((low is not None and low > 0) or (high is not None and high < 0))
    return _Odd(rest.pop(), low, high) if fits else None


def _is_off(stretch: _Stretch) -> bool:
    return (stretch.low is not None and stretch.low > 0) or (stretch.high is not None and stretch.high < 0)


def _minus(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else one - other


def _row(cluster: str, agent: str, stretch: _Stretch, shown: str, against: str) -> tuple[object, ...]:
    low, high = (None if bound is None else bound / 1e9 for bound in (stretch.low, stretch.high))
    return cluster or None, agent, stretch.since, stretch.until, stretch.n, low, high, shown, against
