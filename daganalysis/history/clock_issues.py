"""Issues about the clocks and time zones behind the times of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from daganalysis.engine.times import QUARTER_HOUR_NS, TRUE, dag_times
from daganalysis.history.clocks import Offset, in_common
from daganalysis.reading.issue_codes import issue

if TYPE_CHECKING:
    from daganalysis.history.views import RunView
    from daganalysis.reading.answers import Issue

_MOST_TOLD = 5
_HOUR_NS = 4 * QUARTER_HOUR_NS
_VERBS = {"differs": "differ", "shows": "show", "is": "are"}
_SOME = 2
"""So many clocks that agree with each other outweigh one."""
_NOTABLE_SKEW_NS = 100_000_000
"""Clocks that differ by less disturb nothing; from a hand-off's latency on (engine-semantics §2.3) the engine may repeat a rollback run."""


def clock_issues(view: RunView) -> list[Issue]:
    """Return the issues about the clocks of a run, at most one of each kind."""
    return [*_wrong_zone(view), *_wrong_clocks(view), *_ended_before_start(view)]


def _wrong_zone(view: RunView) -> list[Issue]:
    """Return an issue if the zone of the database differs from the zone of the agents."""
    run = view.evidence
    if run.zone is None:
        return []
    if run.zone.offset is not None:
        by = sorted({snapshot.dag.moved for snapshot in run.snapshots} - {0})
        moved = " and ".join(f"{ns / _HOUR_NS:+g} h" for ns in by)
        what = f"the database's time zone, {_zone(run.zone.offset)}, differs from the agents': the DAG's times were corrected by {moved}"
    else:
        low, high = run.zone.low, run.zone.high
        bounds = [f"{word} {_zone(bound)}" for word, bound in (("at least", low), ("at most", high)) if bound is not None]
        what = (
            f"the database's time zone differs from the agents' and is not known ({', '.join(bounds)}): start and end of the run are null"
        )
    return [issue("zones-differ", None, None, what, run_id=run.run_id)]


def _zone(offset: int) -> str:
    """Write an offset from UTC, nanoseconds, as in an instant.

    >>> _zone(-12_600 * 1_000_000_000)
    '-03:30'
    """
    minutes = round(abs(offset) / 60e9)
    return f"{'-' if offset < 0 else '+'}{minutes // 60:02d}:{minutes % 60:02d}"


def _wrong_clocks(view: RunView) -> list[Issue]:
    """Return one issue about all agents of a run whose clocks are notably off."""
    if not view.offsets:
        return []
    off = {agent: offsets for agent, offsets in view.offsets.of_agents().items() if any(map(_is_notable, offsets))}
    if not off:
        return []
    odd = _odd_one(view, off)
    agreeing = _agreeing_elsewhere(view)
    far = {agent: _how_far(offsets, "the scheduler", fixed=agent not in agreeing) for agent, offsets in off.items()}
    named = odd if odd is not None else ", ".join(_each(far))
    what = f"{named}; timeline, charts and analyses correct for this, the base tables keep the times as served"
    return [issue("clocks-differ", None, None, what, run_id=view.evidence.run_id)]


def _each(far: dict[str, str]) -> list[str]:
    """Return a clause about each agent. Agents without a known offset share one.

    >>> _each({"a:1": "differs from b by no fixed offset", "c:1": "differs from b by no fixed offset", "d:1": "is behind b by 2.000 s"})
    ['the clocks of a:1, c:1 differ from b by no fixed offset', 'the clock of d:1 is behind b by 2.000 s']
    """
    alike: dict[str, list[str]] = {}
    for agent, how in far.items():
        alike.setdefault(how, []).append(agent)
    return [
        f"the clock of {agents[0]} {how}" if len(agents) == 1 else f"the clocks of {', '.join(agents)} {_of_several(how)}"
        for how, agents in alike.items()
    ]


def _of_several(how: str) -> str:
    verb, _, rest = how.partition(" ")
    return " ".join((_VERBS[verb], rest))


def _agreeing_elsewhere(view: RunView) -> set[str | None]:
    """Return the agents whose clocks may agree with the scheduler's in some stages only: a clock was set, or an agent replaced."""
    return {
        attempt.agent
        for task in view.tasks
        for attempt in task.attempts
        if attempt.start is not None and (task.node_gid, attempt.agent) not in view.offsets
    }


def _is_notable(offset: Offset) -> bool:
    return offset.used is None or abs(offset.used) >= _NOTABLE_SKEW_NS


def _odd_one(view: RunView, off: dict[str, list[Offset]]) -> str | None:
    """Return a text about the one agent that is ahead or behind, if all others differ from the scheduler by the same amount."""
    agents = {attempt.agent for task in view.tasks for attempt in task.attempts if attempt.agent is not None}
    others = agents - off.keys()
    single = [offsets[0] for offsets in off.values() if len(offsets) == 1 and offsets[0].used is not None]
    if len(others) != 1 or len(off) < _SOME or len(single) < len(off):
        return None
    low, high = in_common((offset.low, offset.high) for offset in single)
    if low is not None and high is not None and low > high:
        return None
    turned = Offset(None if high is None else -high, None if low is None else -low, None if single[0].used is None else -single[0].used)
    return f"the clock of {others.pop()}, which the scheduler uses, {_how_far([turned], f'those of all {len(off)} other agents')}"


def _how_far(offsets: list[Offset], other: str, *, fixed: bool = True) -> str:
    """Return how far a clock is off, as the end of a sentence about an agent."""
    low, high, used = offsets[0]
    if len(offsets) > 1 or used is None or not fixed:
        return f"differs from {other} by no fixed offset"
    if used % QUARTER_HOUR_NS == 0:
        return f"shows another time zone: {used / _HOUR_NS:+g} h from that of {other}"
    ends = sorted(abs(bound) for bound in (low, high) if bound is not None)
    amount = f"{_seconds(ends[0])} or more" if len(ends) == 1 else f"{ends[0] / 1e9:.3f} to {_seconds(ends[1])}"
    return f"is {'ahead of' if used > 0 else 'behind'} {other} by {amount}"


def _ended_before_start(view: RunView) -> list[Issue]:
    """Return one issue about all objects of a run whose end lies before their start."""
    run = view.evidence
    dag = run.newest
    times = dag_times(dag.state, dag.operator)
    named = []
    if times.start is TRUE and times.end is TRUE and dag.start is not None and dag.end is not None and dag.end < dag.start:
        named.append(f"the DAG by {_seconds(dag.start - dag.end)}")
    named += [
        f"stage {node.stage} by {_seconds(node.start - node.end)}"
        for node in view.nodes
        if node.start is not None and node.end is not None and node.end < node.start
    ]
    named += [
        f"attempt {attempt.number} of sub-task {task.gid} by {_seconds(attempt.start - attempt.end)}"
        for task in view.tasks
        for attempt in task.attempts
        if attempt.start is not None and attempt.end is not None and attempt.end < attempt.start
    ]
    if not named:
        return []
    rest = f" and {len(named) - _MOST_TOLD} more" if len(named) > _MOST_TOLD else ""
    what = f"the end lies before the start: {', '.join(named[:_MOST_TOLD])}{rest}; the time between them is unattributed"
    return [issue("ended-before-start", None, None, what, run_id=run.run_id)]


def _seconds(nanoseconds: int) -> str:
    return f"{nanoseconds / 1e9:.3f} s"
