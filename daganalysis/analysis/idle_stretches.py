"""The stretches of all timelines in which nothing worked or nothing is known, as arrays, and the legs that the runs had."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

import numpy as np

from daganalysis.engine.vocabulary import IN_STAGE, WAITS
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
    to_stage: Ints
    stage: Ints
    leg: Ints
    is_wait: Bools
    is_neglect: Bools
    is_lost: Bools
    hides_failure: Bools

    def __len__(self) -> int:
        """Return the number of stretches."""
        return len(self.run)

    def asked_at(self) -> Ints:
        """Return when the request that began what follows each stretch took place: at its end, or at the end of lost time after it."""
        asked = self.end.copy()
        goes_on = (self.run[1:] == self.run[:-1]) & (self.start[1:] == self.end[:-1]) & self.is_lost[1:]
        asked[:-1][goes_on] = self.end[1:][goes_on]
        return asked

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
        first = IdleStretches(run, start, end, unknown, unknown, unknown, unknown, nothing, nothing, ~nothing, hides_failure)
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

    def next_directions(self, waits: IdleStretches) -> list[str | None]:
        """Return in which direction each run went on after some of its waits; None where it did not go on."""
        import pyarrow as pa

        wanted = np.zeros(self.n_runs + 1, bool)
        wanted[waits.run] = True
        places = np.flatnonzero(wanted[self.run])
        places = places[np.lexsort((integers(self.rows.column("started_at"))[places], self.run[places]))]
        told, run = self.rows.take(pa.array(places)), self.run[places]
        leg = integers(told.column("leg"))
        # A run goes on with the first work after a wait, or with a leg in which nothing worked, such as that of a pass.
        goes_on = is_equal(told.column("category"), *IN_STAGE) | np.append(True, (run[1:] != run[:-1]) | (leg[1:] != leg[:-1]))[: len(run)]
        told, run = told.filter(pa.array(goes_on)), run[goes_on]
        directions = columns_of(told.select(["direction"]))["direction"]
        order = np.lexsort(
            (
                np.append(np.ones(len(run), bool), np.zeros(len(waits), bool)),
                np.append(integers(told.column("started_at")), waits.end),
                np.append(run, waits.run),
            )
        )
        place = np.empty(len(order), np.int64)
        place[order] = np.arange(len(order))
        n_before = np.cumsum(order < len(run))
        following = n_before[place[len(run) :]]
        return [
            directions[after] if after < len(run) and run[after] == of_wait else None
            for after, of_wait in zip(following.tolist(), waits.run.tolist(), strict=True)
        ]


def read_timelines(archive: Archive, run_ids: pa.Array) -> Timelines:
    """Read the timelines of an archive's runs, which are numbered by their places in ``run_ids``."""
    import pyarrow as pa

    rows = archive.coded("timeline", _COLUMNS)
    run = codes_of(rows.column("run_id"), run_ids)
    chosen = np.flatnonzero(is_equal(rows.column("category"), *WAITS) & (run != NONE))
    idle, run_of_idle = rows.take(pa.array(chosen)), run[chosen]
    order = np.lexsort((integers(idle.column("seq")), run_of_idle))
    category, before, after = idle.column("category"), integers(idle.column("from_stage")), integers(idle.column("to_stage"))
    stretches = IdleStretches(
        run_of_idle,
        integers(idle.column("started_at")),
        integers(idle.column("ended_at")),
        before,
        after,
        np.where(before == NONE, after, before),
        integers(idle.column("leg")),
        is_equal(category, *ENDED_BY_REQUEST),
        is_equal(category, "wait_operator"),
        is_equal(category, "lost"),
        np.zeros(len(chosen), bool),
    )
    return Timelines(rows, run, len(run_ids), stretches.taken(order))
