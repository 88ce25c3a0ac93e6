"""How long runs of a workflow usually take, and which stage made one of them slow."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from daganalysis.analysis.conclusions import WORTH_SAYING, UsualDuration, is_slow
from daganalysis.tables.column_arrays import NONE, find

if TYPE_CHECKING:
    from collections.abc import Iterable

    from daganalysis.analysis.node_rows import NodeRows
    from daganalysis.tables.column_arrays import Floats, Ints
    from daganalysis.tables.plain_rows import Columns

FEWEST = 4
"""With fewer other runs, there is no usual length."""
_Like: TypeAlias = tuple[str, int | None]
"""What runs have in common that are alike: the workflow, and the number of agents."""


@dataclass(frozen=True, slots=True)
class UsualDurations:
    """What some runs of known length are measured by.

    ``slow`` are those of them that took much longer, each with its length. ``unmatched`` are runs that simply succeeded of which fewer than
    four others are known. ``alike`` are the runs that each group of alike runs of a slow one is measured by.
    """

    usual: dict[str, UsualDuration]
    slow: dict[str, float]
    unmatched: list[str]
    alike: dict[_Like, list[str]]
    group: dict[str, _Like]

    def run_ids(self) -> set[str]:
        """Return the runs whose stages are looked at: they tell why a run was slow, or what took it longest."""
        return {*self.slow, *self.unmatched, *(run_id for group in self.alike.values() for run_id in group)}

    def explained(self, nodes: NodeRows) -> dict[str, UsualDuration]:
        """Return what each run is measured by, with the stage that explains most of the difference of a slow one."""
        found = dict(self.usual)
        for run_id, place, excess in _worst_stages(self, nodes):
            share = min(1.0, excess / (self.slow[run_id] - found[run_id].median_s))
            if share >= WORTH_SAYING:
                name = nodes.names[nodes.name[place]]
                found[run_id] = found[run_id]._replace(stage=int(nodes.stage[place]), name=name, share=share)
        return found


def find_usual_durations(dags: Columns, own: Iterable[int]) -> UsualDurations:
    """Return what some runs are measured by: those at the places ``own`` in the columns ``dags`` of all runs.

    Runs of the same workflow with the same number of agents are alike. The median is taken over the other runs of known length that
    simply succeeded; at least four are needed.
    """
    likes: list[_Like] = list(zip(dags["workflow"], dags["n_agents"], strict=True))
    plain: dict[_Like, list[int]] = {}
    elapsed, outcomes, run_ids = dags["elapsed_s"], dags["outcome"], dags["run_id"]
    for place, (like, length, outcome) in enumerate(zip(likes, elapsed, outcomes, strict=True)):
        if outcome == "succeeded" and length is not None and like[0] is not None:
            plain.setdefault(like, []).append(place)
    lengths = {like: sorted(elapsed[place] for place in places) for like, places in plain.items()}
    found = UsualDurations({}, {}, [], {}, {})
    for place in own:
        length, like, run_id = elapsed[place], likes[place], run_ids[place]
        if length is None:
            continue
        others = lengths.get(like, [])
        is_plain = outcomes[place] == "succeeded" and like[0] is not None
        n_others = len(others) - is_plain
        if n_others >= FEWEST:
            usual = _median(others, without=length if is_plain else None)
            found.usual[run_id] = UsualDuration(usual, n_others)
            if is_slow(length, usual):
                found.slow[run_id], found.group[run_id] = length, like
        elif outcomes[place] == "succeeded":
            found.unmatched.append(run_id)
    found.alike.update({like: [run_ids[place] for place in plain[like]] for like in set(found.group.values())})
    return found


def _median(lengths: list[float], *, without: float | None = None) -> float:
    """Return the median of lengths that are in order, one of them left out or none.

    >>> _median([1.0, 2.0, 3.0, 9.0]), _median([1.0, 2.0, 3.0, 9.0], without=2.0)
    (2.5, 3.0)
    """
    n = len(lengths) - (without is not None)
    left_out = len(lengths) if without is None else bisect_left(lengths, without)
    low, high = (n - 1) // 2, n // 2
    return (lengths[low + (low >= left_out)] + lengths[high + (high >= left_out)]) / 2


def _worst_stages(found: UsualDurations, nodes: NodeRows) -> list[tuple[str, int, float]]:
    """Return the stage of each slow run that took the most longer than its median: its row in ``nodes``, and by how much."""
    slow: dict[_Like, list[str]] = {like: [] for like in found.alike}
    for run_id, like in found.group.items():
        slow[like].append(run_id)
    group_of_plain, group_of_slow = nodes.numbered(found.alike.values()), nodes.numbered(slow.values())
    is_known = ~np.isnan(nodes.duration_s)
    plain, ours = np.flatnonzero((group_of_plain != NONE) & is_known), np.flatnonzero((group_of_slow != NONE) & is_known)
    if not len(plain):
        return []
    stages_and_names = (nodes.stage + 1) * (len(nodes.names) + 1) + nodes.name
    span = stages_and_names.max() + 1
    keys, usual = _medians((group_of_plain * span + stages_and_names)[plain], nodes.duration_s[plain])
    at = find(keys, (group_of_slow * span + stages_and_names)[ours])
    ours, at = ours[at != NONE], at[at != NONE]
    excess = nodes.duration_s[ours] - usual[at]
    order = np.lexsort((-nodes.stage[ours], excess))
    last = dict(zip(nodes.run_ids_at(ours[order]), order.tolist(), strict=True))
    return [(run_id, int(ours[place]), float(excess[place])) for run_id, place in last.items()]


def _medians(keys: Ints, values: Floats) -> tuple[Ints, Floats]:
    """Return the different keys, in order, and the median of the values of each."""
    order = np.lexsort((values, keys))
    keys, values = keys[order], values[order]
    begins = np.flatnonzero(np.append(True, keys[1:] != keys[:-1])) if len(keys) else np.zeros(0, np.int64)
    sizes = np.diff(np.append(begins, len(keys)))
    return keys[begins], (values[begins + (sizes - 1) // 2] + values[begins + sizes // 2]) / 2
