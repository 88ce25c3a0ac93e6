"""How far the clocks of agents are apart, where cause and effect allow to tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from daganalysis.tables.results import CLOCK_SKEW

if TYPE_CHECKING:
    import pandas as pd

    from daganalysis.archive import Archive


def clock_skew(archive: Archive) -> pd.DataFrame:
    """Bound each agent's clock against that of the DAG's own rows: one row per cluster and agent.

    A node starts before its sub-tasks do and ends after them, yet in a cluster DAG its times are the maintainer's and theirs those of the
    executing agents (engine-semantics §5). So an agent is ahead by at most the smallest ``sub-task start - node start`` and by at least the
    largest ``sub-task end - node end``. Both are seconds, positive where the agent is ahead; ``shown`` says which side of zero is certain:
    ``ahead``, ``behind`` or ``none``. Local DAGs have one clock and do not count. Sorted by cluster and agent.

    >>> import daganalysis as da
    >>> da.clock_skew(da.load("sample_data/documented/scale-out.json"))["shown"].tolist()
    ['none']
    """
    import pandas as pd

    dags = archive.table("dags", ["run_id", "cluster", "scope"])
    cluster_dags = dags[dags["scope"] == "cluster"]
    nodes = archive.table("nodes", ["run_id", "stage", "operator", "started_at", "ended_at"])
    # A cancel stamps the node anew while its sub-tasks are running (engine-semantics §2.5).
    nodes = nodes[nodes["operator"].isin(["RUN", "RETRY", "ROLLBACK"])]
    tasks = archive.table("sub_tasks", ["run_id", "stage", "agent", "started_at", "ended_at"])
    both = tasks.merge(nodes, on=["run_id", "stage"], suffixes=("", "_node")).merge(cluster_dags[["run_id", "cluster"]], on="run_id")
    # A sub-task that an earlier execution of its node had finished lies before the node's own times, whatever the clocks say
    # (engine-semantics §2.3); the engine then saw it as old by its start.
    both = both[both["agent"].notna() & (both["ended_at"] > both["started_at_node"])]
    pairs = pd.DataFrame(
        {
            "cluster": both["cluster"].fillna(""),
            "agent": both["agent"],
            "at_most": (both["started_at"] - both["started_at_node"]).dt.total_seconds(),
            "at_least": (both["ended_at"] - both["ended_at_node"]).dt.total_seconds(),
        }
    )
    grouped = pairs.groupby(["cluster", "agent"], as_index=False).agg(
        n=("at_most", "size"), ahead_min_s=("at_least", "max"), ahead_max_s=("at_most", "min")
    )
    grouped["cluster"] = grouped["cluster"].where(grouped["cluster"] != "")
    grouped["shown"] = "none"
    grouped.loc[grouped["ahead_min_s"] > 0, "shown"] = "ahead"
    grouped.loc[grouped["ahead_max_s"] < 0, "shown"] = "behind"
    return CLOCK_SKEW.conform(grouped)
