"""Which stages of a main DAG wait for its child DAGs (engine-semantics §7)."""

from __future__ import annotations

_WAITS = {
    "sub_dag": ("Make sure all agents are ready", "Wait for all agents to execute tasks successfully"),
    "scale_out": ("Wait scale out ready", "Wait remote deploy finish", "Wait remote start finish"),
}
"""By the kind of the link to the child DAG, the names of the stages that do nothing but wait for it."""


def waits_for_child(kind: str, stage_name: str | None, child_name: str | None) -> bool:
    """Return whether a stage waits for a child DAG. A DAG of one node on another agent has the name of the stage that asked for it.

    >>> waits_for_child("scale_out", "Wait remote deploy finish", "Local scale out")
    True
    >>> waits_for_child("remote", "Start observer", "Start observer"), waits_for_child("sub_dag", "Start Zone", "Start observer")
    (True, False)
    """
    if kind == "remote":
        return stage_name is not None and stage_name == child_name
    return stage_name in _WAITS.get(kind, ())
