"""Columns that several result tables have."""

from __future__ import annotations

from daganalysis.tables.declaration import Column, Type

WORKFLOW = Column("workflow", Type.STRING, "the DAG's name without its parameters", "no answer names the DAG")
STAGE = Column("stage", Type.INTEGER, "the node's place in the DAG, from 1")
STAGE_NAME = Column("name", Type.STRING, "the node's name", "no answer names it")
OUTCOME = Column("outcome", Type.STRING, "how the run, stage, sub-task or attempt ended")
CLUSTER = Column("cluster", Type.STRING, "the cluster label", "none was given")
STAGE_OR_TOTAL = Column(
    "name",
    Type.STRING,
    "the stage's name, with a number appended to a later stage of the same name; null: the whole run",
    "the row is about the whole run",
    null_word="whole run",
)
N_EFFECTIVE = Column(
    "n_effective",
    Type.REAL,
    "number of independent executions (or runs) that carry as much information as n, where slow spells make neighbours alike",
    "the agent is slowest no more often than chance allows, so spells were not examined",
)
TROUBLED = Column(
    "troubled",
    Type.BOOLEAN,
    "whether the run had trouble: it failed; a person retried, rolled back, passed or cancelled it; its outcome is unknown; or a child "
    "DAG did not do its work",
)
