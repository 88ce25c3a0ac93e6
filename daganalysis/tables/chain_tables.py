"""The chains of work in a part of a store: a load finds them from the timeline and the attempts, so that no analysis has to."""

from __future__ import annotations

from daganalysis.tables.declaration import Column, Table, Type

CHAIN_FOLDER = "_chains"
"""The folder of a store with the chains of each part: in one file, both tables."""

ON_PATH = Table(
    "on_path",
    "one attempt that a stretch of work waited for",
    (
        Column("stretch", Type.INTEGER, "place of the stretch of work among the rows of the part's timeline, from 0"),
        Column("started_at", Type.INSTANT, "start of the attempt's time on the path, by the clock of the run's own rows"),
        Column("task_gid", Type.STRING, "generic id of the sub-task"),
        Column("attempt", Type.INTEGER, "number of the attempt", "no answer shows execute_times"),
        Column("agent", Type.STRING, "`ip:port` of the agent that executed it", "the agent is unknown"),
    ),
    ("stretch", "started_at"),
)

DOUBTS = Table(
    "doubts",
    "one agent with an attempt that may have ended after the one on the path; then one agent of a cluster, with the bounds of its clock",
    (
        Column("agent", Type.STRING, "`ip:port` of the agent", "the agent is unknown"),
        Column("cluster", Type.STRING, "the cluster label", "none was given"),
        Column("of_row", Type.INTEGER, "place of the attempt on the path, from 0", "the row has bounds"),
        Column("earlier_ns", Type.INTEGER, "how much earlier the other one ended, by recorded times, nanoseconds", "the row has bounds"),
        Column("ahead_min_ns", Type.INTEGER, "lower bound of how far the clock is ahead, nanoseconds", "the row has no bounds"),
        Column("ahead_max_ns", Type.INTEGER, "upper bound of the same, nanoseconds", "the row has no bounds"),
    ),
    (),
)
