"""Outages: periods in which everything of a cluster failed, so that a failure in them tells nothing of what failed."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np

from daganalysis.engine.vocabulary import UNFINISHED
from daganalysis.statistics.multiple_testing import LEVEL
from daganalysis.tables.column_arrays import NONE, encoded, integers, is_equal, ranked

if TYPE_CHECKING:
    from collections.abc import Iterator

    from daganalysis.archive import Archive
    from daganalysis.tables.column_arrays import Bools, Ints

_FEWEST_RUNS = 4
_FEWEST_WORKFLOWS = 2
_NOT_ENDED = UNFINISHED | {"unknown"}


def runs_in_outages(archive: Archive) -> set[str]:
    """Return the runs of the archive that began in an outage of their cluster, with their child runs.

    An outage is a stretch of at least four main runs of a cluster, in order of their start, of at least two workflows, none of which
    succeeded by itself. There are at least as many other runs, and so many in a row are improbable (below 5 % over all places where a
    stretch might begin) given how often those needed help.

    Example:
        >>> import daganalysis as da
        >>> runs_in_outages(da.load("sample_data/fleet", cluster_by="dir"))
        set()
    """
    import pyarrow.compute as pc

    dags = archive.arrow("dags", ["run_id", "cluster", "workflow", "outcome", "started_at", "parent_run_id"])
    start, workflow = integers(dags.column("started_at")), encoded(dags.column("workflow"))[0]
    cluster, run = ranked(pc.fill_null(dags.column("cluster"), ""))[0], ranked(dags.column("run_id"))[0]
    is_main = np.asarray(dags.column("parent_run_id").is_null()) & (start != NONE) & ~is_equal(dags.column("outcome"), *_NOT_ENDED)
    mains = np.flatnonzero(is_main)
    mains = mains[np.lexsort((run[mains], start[mains], cluster[mains]))]
    has_failed = ~is_equal(dags.column("outcome"), "succeeded")
    by_cluster = np.split(mains, np.flatnonzero(np.diff(cluster[mains])) + 1)
    rows = [row for of_cluster in by_cluster for row in _outages(of_cluster, has_failed, workflow)]
    if not rows:
        return set()
    found = set(dags.column("run_id").take(rows).to_pylist())
    is_child = is_equal(dags.column("parent_run_id"), *found)
    return found | set(dags.column("run_id").filter(is_child).to_pylist())


def _outages(mains: Ints, has_failed: Bools, workflow: Ints) -> Iterator[int]:
    """Yield the runs in outages among the main runs of a cluster, which are in order of their start."""
    n, n_failed = len(mains), int(has_failed[mains].sum())
    place = 0
    for is_failed, group in itertools.groupby(has_failed[mains].tolist()):
        length = len(list(group))
        begin, place = place, place + length
        if not is_failed or length < _FEWEST_RUNS:
            continue
        stretch = mains[begin:place]
        rest = n - length
        usual = (n_failed - length + 1) / (rest + 2)
        of_several = len(set(workflow[stretch].tolist())) >= _FEWEST_WORKFLOWS
        if of_several and rest >= length and n * usual**length <= LEVEL:
            yield from stretch.tolist()
