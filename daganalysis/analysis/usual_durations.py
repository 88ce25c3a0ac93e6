"""How long runs of a workflow usually take, and which stage made one of them slow."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from daganalysis.analysis.conclusions import WORTH_SAYING, UsualDuration, is_slow
from daganalysis.engine.times import SECOND_NS
from daganalysis.tables.column_arrays import NONE, encoded, find, integers, is_equal, numbered, reals

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

    from daganalysis.analysis.node_rows import NodeRows
    from daganalysis.tables.column_arrays import Bools, Floats, Ints

FEWEST = 4
"""With fewer other runs, there is no usual length."""


@dataclass(frozen=True, slots=True)
class UsualDurations:
    """What some runs of known length are compared with: one value for each row of ``dags``.

    ``median_s`` is the median of ``n_runs`` other similar runs, not-a-number if there are fewer than four or the run is not compared.
    ``is_slow`` are the runs that took much longer. ``is_unmatched`` are runs that simply succeeded and have no median. ``like`` is the
    number of the group of similar runs, and ``is_usual`` marks the runs that others are compared with.
    """

    elapsed_s: Floats
    median_s: Floats
    n_runs: Ints
    is_slow: Bools
    is_unmatched: Bools
    like: Ints
    is_usual: Bools

    def is_looked_into(self) -> Bools:
        """Return the runs whose stages are looked at: they tell why a run was slow, or what took it longest."""
        return self.is_slow | self.is_unmatched | self.is_like_slow()

    def is_like_slow(self) -> Bools:
        """Return the runs that a slow run is measured by."""
        has_slow = np.zeros(int(self.like.max(initial=NONE)) + 1, bool)
        has_slow[self.like[self.is_slow]] = True
        return self.is_usual & has_slow[self.like]

    def of(self, row: int) -> UsualDuration | None:
        """Return what one run is measured by."""
        median = float(self.median_s[row])
        return None if np.isnan(median) else UsualDuration(median, int(self.n_runs[row]))

    def of_all(self, rows: Sequence[int]) -> list[UsualDuration | None]:
        """Return what each of some runs is measured by."""
        make = functools.cache(UsualDuration)  # many runs are measured by the same
        at = np.asarray(rows, np.int64)
        return [
            None if math.isnan(median) else make(median, n)
            for median, n in zip(self.median_s[at].tolist(), self.n_runs[at].tolist(), strict=True)
        ]

    def explained(self, nodes: NodeRows) -> dict[int, UsualDuration]:
        """Return, for the rows of slow runs, the stage that explains most of the difference, if any explains much of it."""
        found = {}
        for row, place, excess in _worst_stages(self, nodes):
            median = float(self.median_s[row])
            share = min(1.0, excess / (float(self.elapsed_s[row]) - median))
            if share >= WORTH_SAYING:
                name = nodes.names[nodes.name[place]]
                found[row] = UsualDuration(median, int(self.n_runs[row]), int(nodes.stage[place]), name, share)
        return found


def find_usual_durations(dags: pa.Table, own: Bools) -> UsualDurations:
    """Return what some runs are measured by: those of the rows ``own`` of the table ``dags`` of all runs.

    Runs of the same workflow with the same number of agents are alike. The median is taken over the other runs of known length that
    simply succeeded; at least four are needed.
    """
    elapsed, workflow = reals(dags.column("elapsed_s")), encoded(dags.column("workflow"))[0]
    has_succeeded, is_known = is_equal(dags.column("outcome"), "succeeded"), ~np.isnan(elapsed)
    like, _ = numbered(workflow, integers(dags.column("n_agents")))
    is_usual = has_succeeded & is_known & (workflow != NONE)
    median, n_others = _medians_of_others(elapsed, like, is_usual)
    own = own & is_known
    has_median = own & (n_others >= FEWEST)
    median = np.where(has_median, median, np.nan)
    return UsualDurations(
        elapsed, median, n_others, is_slow(elapsed, median) & has_median, own & has_succeeded & ~has_median, like, is_usual
    )


def _medians_of_others(lengths: Floats, group: Ints, counts: Bools) -> tuple[Floats, Ints]:
    """Return, for each value, the median of the other values of its group that count, and their number.

    >>> median, n = _medians_of_others(np.array([1.0, 2.0, 3.0, 9.0, 5.0]), np.zeros(5, int), np.array([1, 1, 1, 1, 0], bool))
    >>> median.tolist(), n.tolist()
    ([3.0, 3.0, 2.0, 2.0, 2.5], [3, 3, 3, 3, 4])
    """
    rows = np.flatnonzero(counts)
    rows = rows[np.lexsort((lengths[rows], group[rows]))]
    sizes = np.bincount(group[rows], minlength=int(group.max(initial=NONE)) + 1)
    first = np.cumsum(sizes) - sizes
    left_out = sizes[group]  # the place in the group of the value that is left out; after the last one if the group lacks it
    left_out[rows] = np.arange(len(rows)) - first[group[rows]]
    n = sizes[group] - counts
    low, high = (n - 1) // 2, n // 2
    ordered = np.append(lengths[rows], np.nan)
    last = len(ordered) - 1
    low, high = (np.where(n > 0, first[group] + place + (place >= left_out), last) for place in (low, high))
    return (ordered[low] + ordered[high]) / 2, n


def _worst_stages(found: UsualDurations, nodes: NodeRows) -> list[tuple[int, int, float]]:
    """Return the stage of each slow run that took the most longer than its median: the run, its row in ``nodes``, and by how much."""
    is_known = ~np.isnan(nodes.duration_s) & (nodes.run != NONE)
    is_usual, is_slow_one = (is_known & chosen[nodes.run] for chosen in (found.is_like_slow(), found.is_slow))
    plain, ours = np.flatnonzero(is_usual), np.flatnonzero(is_slow_one)
    if not len(plain) or not len(ours):
        return []
    stages_and_names = (nodes.stage + 1) * (len(nodes.names) + 1) + nodes.name
    key = found.like[nodes.run] * (stages_and_names.max() + 1) + stages_and_names
    keys, usual = _medians(key[plain], nodes.duration_s[plain])
    at = find(keys, key[ours])
    ours, at = ours[at != NONE], at[at != NONE]
    run, excess = nodes.run[ours], nodes.duration_s[ours] - usual[at]
    most = np.full(len(found.like), -np.inf)
    np.maximum.at(most, run, excess)
    largest = np.flatnonzero(excess == most[run])
    order = largest[np.argsort(-nodes.stage[ours[largest]], kind="stable")]  # of equals, the first stage counts
    last = dict(zip(run[order].tolist(), order.tolist(), strict=True))
    return [(row, int(ours[place]), float(excess[place])) for row, place in last.items()]


def _medians(keys: Ints, values: Floats) -> tuple[Ints, Floats]:
    """Return the different keys, in order, and the median of the values of each.

    >>> keys, medians = _medians(np.array([7, 5, 7]), np.array([1.0, 3.0, 2.0]))
    >>> keys.tolist(), medians.tolist()
    ([5, 7], [3.0, 1.5])
    """
    number, first = numbered(keys)
    values = _sorted_within(number, values, len(first))
    sizes = np.bincount(number, minlength=len(first))
    begins = np.cumsum(sizes) - sizes
    return keys[first], (values[begins + (sizes - 1) // 2] + values[begins + sizes // 2]) / 2


def _sorted_within(number: Ints, values: Floats, n_numbers: int) -> Floats:
    """Return values in order of their numbers, those of one number in order.

    >>> _sorted_within(np.array([1, 0, 1]), np.array([2.0, 3.0, 1.0]), 2).tolist()
    [3.0, 1.0, 2.0]
    """
    ns = np.rint(values * SECOND_NS)
    bits = int(ns.max(initial=0)).bit_length()
    if n_numbers.bit_length() + bits < 63 and (ns >= 0).all() and (ns / SECOND_NS == values).all():
        ordered = (number << bits) | ns.astype(np.int64)  # one sort of whole numbers costs a tenth of one by two columns
        ordered.sort()
        return (ordered & ((1 << bits) - 1)) / SECOND_NS
    order = np.argsort(values)
    return values[order[np.argsort(number[order], kind="stable")]]
