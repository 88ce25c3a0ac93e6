"""The runs as they were, from which ``what_if`` works out how long they would have been."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from daganalysis.tables.column_arrays import encoded, integers, is_equal, one_array

if TYPE_CHECKING:
    from collections.abc import Mapping

    from daganalysis.analysis.run_shares import Share
    from daganalysis.chains.run_arrays import Attempts, Stretches
    from daganalysis.chains.segments import Pairs, Work
    from daganalysis.tables.column_arrays import Bools, Ints


@dataclass(frozen=True)
class ActualRuns:
    """The stretches, the work and the attempts of some runs.

    ``length`` and ``category`` are those of each stretch, the latter as a place in ``categories``. ``stage_of_name`` marks the stretches of
    the stages that scenarios name.
    """

    stretches: Stretches
    work: Work
    attempts: Attempts
    length: Ints
    category: Ints
    categories: tuple[str, ...]
    stage_of_name: Mapping[str, Bools]

    @classmethod
    def of(cls, share: Share, named: Mapping[str, Bools]) -> ActualRuns:
        """Return the runs of a share; ``named`` marks, for all runs, the stretches of the stages that scenarios name."""
        stretches = share.stretches
        category, categories = encoded(stretches.rows.column("category"))
        own = slice(share.first_stretch, share.first_stretch + len(stretches.run))
        return cls(
            stretches,
            share.work,
            share.attempts,
            stretches.end - stretches.start,
            category,
            tuple(categories.to_pylist()),
            {name: is_of_stage[own] for name, is_of_stage in named.items()},
        )

    def of_category(self, *names: str, among: Ints | None = None) -> Bools:
        """Return which stretches, or which of some of them, are of some categories."""
        is_one = np.array([*(name in names for name in self.categories), False])  # the last place is that of null
        return is_one[self.category if among is None else self.category[among]]

    @cached_property
    def leg(self) -> Ints:
        """The leg of each stretch."""
        return integers(self.stretches.rows.column("leg"))

    @cached_property
    def is_backward(self) -> Bools:
        """Whether the run was rolled back during each stretch."""
        return is_equal(self.stretches.rows.column("direction"), "rollback")

    @cached_property
    def is_rollback(self) -> Bools:
        """Whether each attempt was to undo its stage."""
        return is_equal(self.attempts.rows.column("kind"), "rollback")

    @cached_property
    def pairs_of_rollbacks(self) -> Pairs:
        """The stretches of work of stages that have runs of rollback, with the attempts that ran in them."""
        has_rollback = np.zeros(len(self.attempts.keys) + 1, bool)  # the last place is that of no stage
        has_rollback[self.attempts.stages_of(np.flatnonzero(self.is_rollback))] = True
        return self.work.pairs(self.attempts, np.flatnonzero(has_rollback[self.work.stage]))

    def tasks(self, attempt: Ints) -> Ints:
        """Return numbers for the sub-tasks of some attempts."""
        if self._first_of_task is not None:
            return np.searchsorted(self._first_of_task, attempt, side="right")
        return encoded(one_array(self.attempts.rows.column("task_gid")).take(attempt))[0]

    @cached_property
    def _first_of_task(self) -> Ints | None:
        """The first attempt of each sub-task, if the numbers of the attempts were read instead of the ids of the sub-tasks."""
        rows = self.attempts.rows
        return np.flatnonzero(integers(rows.column("attempt")) == 1) if "attempt" in rows.column_names else None
