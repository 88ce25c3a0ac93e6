"""``stragglers``: whether a slow agent is ranked first, and how often one of equals is flagged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

import daganalysis as da
from benchmarks.studies.archives import NAMES, SECOND, share_row, tables

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks.goals import Row
    from daganalysis import Archive

_AGENTS, _RUNS = 12, 20
_STAGES = ((NAMES[1], 30.0), (NAMES[2], 12.0), (NAMES[3], 5.0))
_BEGIN = 1_767_225_600 * SECOND


def stragglers(trials: int) -> Iterator[Row]:
    """An agent half as slow again among twelve, twenty runs, noise of 10 %; and all equal."""
    found = {level: [_trial(level, 64_000 + trial) for trial in range(trials)] for level in ("stage", "agent")}
    for level, results in found.items():
        what = f"one of 12 agents 1.5 times as slow, by {level}"
        yield share_row(what, "share ranked first", 0.95, [result.first for result in results], at_least=True)
        yield share_row(what, "share flagged, and nobody else", 0.95, [result.flagged for result in results], at_least=True)
        yield share_row(f"12 equal agents, by {level}", "share with somebody flagged", 0.05, [result.false for result in results])


class _Result(NamedTuple):
    """Whether the planted agent came first, whether it alone was flagged, and whether somebody was where all are equal."""

    first: bool
    flagged: bool
    false: bool


def _trial(level: str, seed: int) -> _Result:
    rng = np.random.default_rng(seed)
    planted = int(rng.integers(_AGENTS))
    slow = da.stragglers(_archive(rng, planted), level=level)
    equal = da.stragglers(_archive(rng, None), level=level)
    flagged = set(slow.loc[slow["flagged"], "agent"])
    return _Result(slow["agent"].iloc[0] == _address(planted), flagged == {_address(planted)}, bool(equal["flagged"].any()))


def _address(number: int) -> str:
    return f"192.0.2.{10 + number}:2886"


def _archive(rng: np.random.Generator, planted: int | None) -> Archive:
    slowness = np.where(np.arange(_AGENTS) == planted, 1.5, 1.0)
    noise = np.exp(rng.normal(0, 0.1, (_RUNS, len(_STAGES), _AGENTS)))
    return agents_archive(rng, slowness * noise, _STAGES)


def agents_archive(rng: np.random.Generator, slowness: np.ndarray, stages: Sequence[tuple[str, float]]) -> Archive:
    """Make an archive of runs of some stages, of (name, seconds), on several agents, given how slow each agent is.

    The slowness is given by run, by stage if it differs, and by agent.
    """
    n_runs, n_agents = slowness.shape[0], slowness.shape[-1]
    dags: list[tuple[Any, ...]] = []
    nodes: list[tuple[Any, ...]] = []
    tasks: list[tuple[Any, ...]] = []
    for number in range(n_runs):
        run_id, clock = f"r{number:03d}", _BEGIN + number * 86_400 * SECOND
        dags.append((run_id, "Upgrade", "succeeded"))
        for stage, (name, seconds) in enumerate(stages, start=1):
            # Sub-tasks are handed out one after the other, milliseconds apart.
            begin = clock + (np.cumsum(rng.uniform(0.001, 0.003, n_agents)) * SECOND).astype(int)
            end = begin + (seconds * (slowness[number, stage - 1] if slowness.ndim > 2 else slowness[number]) * SECOND).astype(int)
            nodes.append((run_id, stage, f"{run_id}-{stage}", name, clock, int(end.max())))
            for agent in range(n_agents):
                own = (run_id, stage, f"{run_id}-{stage}-{agent}", _address(agent), f"192.0.2.{10 + agent}")
                tasks.append((*own, int(begin[agent]), int(end[agent]), float(end[agent] - begin[agent]) / SECOND))
            clock = int(end.max()) + SECOND
    return tables(
        dags=(("run_id", "workflow", "outcome"), dags),
        nodes=(("run_id", "stage", "node_gid", "name", "started_at", "ended_at"), nodes),
        sub_tasks=(("run_id", "stage", "task_gid", "agent", "agent_ip", "started_at", "ended_at", "duration_s"), tasks),
    )
