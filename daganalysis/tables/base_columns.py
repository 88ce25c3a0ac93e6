"""Columns that several base tables have."""

from __future__ import annotations

from daganalysis.tables.declaration import Column, Type

RUN_ID = Column("run_id", Type.STRING, "the run: `<cluster>/<generic id>`, or `<generic id>` where no cluster label is given")
STAGE = Column(
    "stage",
    Type.INTEGER,
    "the node's place in the DAG, from 1",
    "the DAG is not in the archive, or not all of its nodes are, and the place is unknown",
)
STATE = Column("state", Type.STRING, "state in the newest answer, as the API spells it", "the field was missing or unusable")
OPERATOR = Column("operator", Type.STRING, "operator in the newest answer, as the API spells it", "the field was missing or unusable")
OUTCOME = Column(
    "outcome",
    Type.STRING,
    "how the DAG, node, sub-task or attempt ended, judged from its state, operator, counters, log lines and related rows",
)
START_TIME = Column(
    "start_time", Type.INSTANT, "start_time as the server returned it", "the epoch or year-1 placeholder, or no usable instant"
)
END_TIME = Column("end_time", Type.INSTANT, "end_time as the server returned it", "the epoch or year-1 placeholder, or no usable instant")
STARTED_AT = Column("started_at", Type.INSTANT, "actual start", "not started, or start_time is not the actual start (engine rule)")
ENDED_AT = Column("ended_at", Type.INSTANT, "actual end", "not ended, or end_time is not the actual end (engine rule)")
DURATION = Column("duration_s", Type.REAL, "ended_at minus started_at, seconds", "either end is unknown, or the two contradict each other")
NODE_GID = Column("node_gid", Type.STRING, "generic id of the node", "the answer that holds the row names no node")
TASK_GID = Column("task_gid", Type.STRING, "generic id of the sub-task")
ADDITIONAL_DATA = Column(
    "additional_data", Type.STRING, "additional_data of the API: the JSON text, unaltered", "null or absent in every answer"
)
