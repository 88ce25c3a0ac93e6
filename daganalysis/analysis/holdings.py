"""Holdings of maintenance locks while they are worked out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from daganalysis.chains.run_arrays import rows_within
from daganalysis.engine.times import SECOND_NS
from daganalysis.tables.column_arrays import NONE, numbered, ranked
from daganalysis.tables.explanations import LOCKS

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from daganalysis.analysis.idle_stretches import IdleStretches
    from daganalysis.tables.column_arrays import Bools, Ints

    Texts = np.ndarray[Any, np.dtype[np.object_]]

SLACK_NS = 3 * SECOND_NS // 2
"""Two holdings that overlap by no more than this may follow each other: clocks of agents, and one pass of the scheduler."""
OF_CLUSTER = ("global", "tenant")
"""The kinds of locks that belong to a cluster: the lock of the cluster excludes those of its tenants."""


@dataclass(slots=True)
class Holdings:
    """Holdings of locks, one value of each array a holding; instants are nanoseconds since 1970, negative where there is none.

    ``run`` is the row of ``dags``, negative for a holding that a copy of a database alone shows. If ``is_taken_known`` is false, ``taken``
    is only the first moment at which the lock is known to have been held. ``until`` is the last such moment, and ``failed`` the one from
    which its DAG stood FAILED. ``n_refused`` is negative where no log tells. ``against`` are pairs of holdings that overlap, though the two
    exclude each other.
    """

    run: Ints
    cluster: Texts
    kind: Texts
    key: Texts
    run_id: Texts
    taken: Ints
    is_taken_known: Bools
    until: Ints
    released: Ints
    failed: Ints
    evidence: Texts
    n_refused: Ints
    idle: IdleStretches
    against: list[tuple[int, int]] = field(default_factory=list)

    def __len__(self) -> int:
        """Return the number of holdings."""
        return len(self.run)

    @property
    def end(self) -> Ints:
        """When each was freed, or until when it is known to have been held."""
        return np.where(self.released == NONE, self.until, self.released)

    @property
    def taken_at(self) -> Ints:
        """When each was taken, negative where that is not known."""
        return np.where(self.is_taken_known, self.taken, NONE)

    def is_of_cluster(self) -> Bools:
        """Return which holdings are of a lock that belongs to a cluster."""
        return np.isin(self.kind.astype(str), OF_CLUSTER)

    def columns(self) -> dict[str, Any]:
        """Return the columns of the result, with the holdings in its order."""
        order = self._order()
        begin, end = self.taken[order], self.end[order]
        is_known = (begin != NONE) & (end != NONE)
        neglected, idle = (spent[order] for spent in self._spent())
        held = np.maximum(end - begin, 0)
        seconds = (held, np.maximum(held - idle, 0), neglected)
        held_s, working_s, neglected_s = (np.where(is_known, spent / SECOND_NS, np.nan) for spent in seconds)
        texts = {"cluster": self.cluster, "lock": self.kind, "key": self.key, "run_id": self.run_id, "evidence": self.evidence}
        return {
            **{name: as_texts(values[order]) for name, values in texts.items()},
            "taken_at": as_numbers(self.taken_at[order]),
            "released_at": as_numbers(self.released[order]),
            "held_s": held_s,
            "working_s": working_s,
            "neglected_s": neglected_s,
            "n_refused": as_numbers(self.n_refused[order]),
        }

    def frame(self) -> pd.DataFrame:
        """Return the result."""
        return LOCKS.of_arrays(self.columns())

    def _order(self) -> Ints:
        """Return the order of the result: by cluster, lock, key, time and run, nulls last."""
        codes = [ranked(as_texts(texts))[0] for texts in (self.cluster, self.kind, self.key, self.run_id)]
        cluster, kind, key, run = (np.where(code == NONE, len(self), code) for code in codes)
        taken = np.where(self.taken_at == NONE, np.iinfo(np.int64).max, self.taken_at)
        order: Ints = np.lexsort((run, taken, key, kind, cluster))
        return order

    def _spent(self) -> tuple[Ints, Ints]:
        """Return how much of each holding its DAG stood FAILED with nobody acting, and how much of it the DAG did no work."""
        begin, end = self.taken, self.end
        standing = np.where(self.failed == NONE, 0, _overlap(self.failed, end, begin, end))
        neglected, idle = standing.copy(), standing
        first, after = (np.searchsorted(self.idle.run, self.run, side=side) for side in ("left", "right"))
        holding, stretch = rows_within(first, np.where(self.run == NONE, 0, after - first))
        spent = _overlap(self.idle.start[stretch], self.idle.end[stretch], begin[holding], end[holding])
        np.add.at(idle, holding, spent)
        np.add.at(neglected, holding, np.where(self.idle.is_neglect[stretch], spent, 0))
        return neglected, idle


def _overlap(start: Ints, end: Ints, low: Ints, high: Ints) -> Ints:
    length: Ints = np.maximum(0, np.minimum(end, high) - np.maximum(start, low))
    return length


def as_texts(values: Texts) -> pa.Array:
    """Return texts, None for null, as Arrow has them."""
    import pyarrow as pa

    return pa.array(values, pa.string(), from_pandas=False)


def as_numbers(values: Ints) -> pa.Array:
    """Return whole numbers or instants, negative for null, as Arrow has them."""
    import pyarrow as pa

    return pa.array(values, pa.int64(), mask=values == NONE)


def mark_overlaps(holdings: Holdings) -> None:
    """Record with every holding the next holding that excludes it and begins before it ends.

    A lock that was still held when last seen, and that another run took later, was freed in between, perhaps by hand. The lock of the
    cluster excludes those of its tenants.
    """
    rows = np.flatnonzero(holdings.taken != NONE)
    of_cluster = holdings.is_of_cluster()[rows]
    kind, key = holdings.kind[rows], holdings.key[rows]
    kind[of_cluster], key[of_cluster] = "cluster", None
    group, _ = numbered(*(ranked(as_texts(texts))[0] for texts in (holdings.cluster[rows], kind, key)))
    order = np.lexsort((ranked(as_texts(holdings.run_id[rows]))[0], holdings.taken[rows], group))
    rows, group = rows[order], group[order]
    taken, end = holdings.taken[rows], holdings.end[rows]
    last_of_group = np.searchsorted(group, group, side="right")
    overlaps = np.append(
        (group[1:] == group[:-1]) & (end[:-1] != NONE) & (end[:-1] - taken[1:] > SLACK_NS), np.zeros(min(1, len(rows)), bool)
    )
    for number in np.flatnonzero(overlaps).tolist():
        one = int(rows[number])
        after = rows[number + 1 : last_of_group[number]].tolist()
        other = next((other for other in after if _exclude(holdings, one, other)), None)
        if other is not None and end[number] - holdings.taken[other] > SLACK_NS:
            _meet(holdings, one, other)


def _exclude(holdings: Holdings, one: int, other: int) -> bool:
    if holdings.run_id[one] is not None and holdings.run_id[one] == holdings.run_id[other]:
        return False
    if holdings.kind[one] == holdings.kind[other] == "tenant":
        return holdings.key[one] is not None and bool(holdings.key[one] == holdings.key[other])
    return True


def _meet(holdings: Holdings, one: int, other: int) -> None:
    if holdings.released[one] == NONE:
        holdings.until[one], holdings.evidence[one] = holdings.taken[other], "inferred"
    else:
        holdings.evidence[one] = holdings.evidence[other] = "contradicted"
        holdings.against.append((one, other))
