"""The stretches of all timelines in which nothing worked or nothing is known, as arrays, and the legs that the runs had."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

import numpy as np

from daganalysis.engine.vocabulary import WAITS
from daganalysis.tables.column_arrays import NONE, codes_of, integers, is_equal
from daganalysis.tables.plain_rows import columns_of

if TYPE_CHECKING:
    import pyarrow as pa

    from daganalysis.archive import Archive
    from daganalysis.tables.column_arrays import Bools, Ints

ENDED_BY_REQUEST = ("wait_operator", "wait_protocol")
"""Waits that only a request ends."""
_COLUMNS = ("run_id", "seq", "started_at", "ended_at", "category", "from_stage", "to_stage", "leg", "direction")
_LEGS = 1 << 32


@dataclass(frozen=True, slots=True)
class IdleStretches:
    """Idle stretches in order of run and time; ``run`` is the row of ``dags``, ``stage`` the stage before or else the one after.

    ``hides_failure`` are those in which a run failed and was started again unseen.
    """

    run: Ints
    start: Ints
    end: Ints
    from_stage: Ints
    stage: Ints
    leg: Ints
    is_wait: Bools
    is_neglect: Bools
    is_lost: Bools
    hides_failure: Bools

    def __len__(self) -> int:
        """Return the number of stretches."""
        return len(self.run)

    def taken(self, places: Ints | Bools) -> IdleStretches:
        """Return some of the stretches."""
        return IdleStretches(*(getattr(self, field.name)[places] for field in fields(self)))

    def with_hidden_failures(self, redone: Bools, last_leg: Ints) -> IdleStretches:
        """Mark the last stretch lost of each leg that is not the last, unless a wait in that leg shows the failure, in runs ``redone``."""
        key = self.run * _LEGS + self.leg
        lost = np.flatnonzero(self.is_lost & redone[self.run])
        lost = lost[np.append(key[lost][1:] != key[lost][:-1], np.ones(min(1, len(lost)), bool))]
        hides = self.hides_failure.copy()
        hides[lost] = (self.leg[lost] < last_leg[self.run[lost]]) & ~np.isin(key[lost], key[self.is_wait])
        return replace(self, hides_failure=hides)

    def with_beginnings(self, run: Ints, start: Ints, end: Ints, hides_failure: Bools) -> IdleStretches:
        """Add a lost stretch before those of some runs."""
        n, nothing = len(run), np.zeros(len(run), bool)
        unknown = np.full(n, NONE)
        first = IdleStretches(run, start, end, unknown, unknown, unknown, nothing, nothing, ~nothing, hides_failure)
        both = IdleStretches(*(np.append(getattr(first, field.name), getattr(self, field.name)) for field in fields(self)))
        return both.taken(np.argsort(both.run, kind="stable"))


@dataclass(frozen=True, slots=True)
class Timelines:
    """The timelines of the runs of ``dags``, read once: all their ``rows``, with the ``run`` of each, and the idle stretches of them."""

    rows: pa.Table
    run: Ints
    n_runs: int
    idle: IdleStretches

    def last_leg(self) -> Ints:
        """Return the number of the last leg of each run."""
        return self._over_rows(np.maximum, "leg", NONE)

    def known_from(self) -> Ints:
        """Return when the first stretch of each run begins."""
        latest = np.iinfo(np.int64).max
        first = self._over_rows(np.minimum, "started_at", latest)
        return np.where(first == latest, NONE, first)

    def _over_rows(self, merge: np.ufunc, column: str, start: int) -> Ints:
        found = np.full(self.n_runs + 1, start)  # the last place is that of rows without a run
        merge.at(found, self.run, integers(self.rows.column(column)))
        return found[:-1]

    def directions(self, run: Ints) -> dict[tuple[int, int], str]:
        """Return the direction in which each leg of some runs executed the stages, by the row of the run and the number of the leg."""
        import pyarrow as pa

        wanted = np.zeros(self.n_runs + 1, bool)
        wanted[run] = True
        places = np.flatnonzero(wanted[self.run])
        told = columns_of(self.rows.select(["leg", "direction"]).take(pa.array(places)))
        return dict(zip(zip(self.run[places].tolist(), told["leg"], strict=True), told["direction"], strict=True))


def read_timelines(archive: Archive, run_ids: pa.Array) -> Timelines:
    """Read the timelines of an archive's runs, which are numbered by their places in ``run_ids``."""
    import pyarrow as pa

    rows = archive.coded("timeline", _COLUMNS)
    run = codes_of(rows.column("run_id"), run_ids)
    chosen = np.flatnonzero(is_equal(rows.column("category"), *WAITS) & (run != NONE))
    idle, run_of_idle = rows.take(pa.array(chosen)), run[chosen]
    order = np.lexsort((integers(idle.column("seq")), run_of_idle))
    category, before = idle.column("category"), integers(idle.column("from_stage"))
    stretches = IdleStretches(
        run_of_idle,
        integers(idle.column("started_at")),
        integers(idle.column("ended_at")),
        before,
        np.where(before == NONE, integers(idle.column("to_stage")), before),
        integers(idle.column("leg")),
        is_equal(category, *ENDED_BY_REQUEST),
        is_equal(category, "wait_operator"),
        is_equal(category, "lost"),
        np.zeros(len(chosen), bool),
    )
    return Timelines(rows, run, len(run_ids), stretches.taken(order))
