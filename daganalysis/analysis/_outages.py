"""Outages: periods in which everything of a cluster failed, so that a failure in them tells nothing of what failed."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from daganalysis.engine.vocabulary import UNFINISHED
from daganalysis.statistics.multiple_testing import LEVEL

if TYPE_CHECKING:
    from daganalysis.archive import Archive

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
    dags = archive.table("dags", ["run_id", "cluster", "workflow", "outcome", "started_at", "parent_run_id"])
    mains = dags[dags["parent_run_id"].isna() & dags["started_at"].notna() & ~dags["outcome"].isin(_NOT_ENDED)]
    mains = mains.sort_values(["started_at", "run_id"])
    found: set[str] = set()
    for _, of_cluster in mains.groupby(mains["cluster"].fillna("")):
        failed = of_cluster["outcome"].ne("succeeded").tolist()
        n, n_failed = len(failed), sum(failed)
        place = 0
        for has_failed, group in itertools.groupby(failed):
            length = len(list(group))
            begin, place = place, place + length
            if not has_failed or length < _FEWEST_RUNS:
                continue
            stretch = of_cluster.iloc[begin:place]
            rest = n - length
            usual = (n_failed - length + 1) / (rest + 2)
            of_several = stretch["workflow"].nunique(dropna=False) >= _FEWEST_WORKFLOWS
            if of_several and rest >= length and n * usual**length <= LEVEL:
                found.update(stretch["run_id"])
    children = dags[dags["parent_run_id"].isin(found)]
    return found | set(children["run_id"])
