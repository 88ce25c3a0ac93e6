"""The DAGs obshell builds: how their names carry parameters, and which of them wait for another DAG (engine-semantics §7, §10)."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_PARAMETRISED: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.DOTALL), workflow)
    for pattern, workflow in (
        (r"Create tenant .+", "Create tenant"),
        (r"Drop tenant .+", "Drop tenant"),
        (r"Upgrade obshell \S+", "Upgrade obshell"),
        (r"Upgrade check obshell \S+", "Upgrade check obshell"),
        (r"Upgrade check OB \S+", "Upgrade check OB"),
        (r"OB rolling upgrade \S+", "OB rolling upgrade"),
        (r"OB stop service upgrade \S+", "OB stop service upgrade"),
        (r"Restore backup_.+", "Restore backup"),
        (r"Cancel restore .+", "Cancel restore"),
        (r"Set obcluster backup config for .+", "Set obcluster backup config"),
        (r"Obcluster start (full|increment) backup for .+", r"Obcluster start \1 backup"),
        (r"Wait tenant purge finished .+", "Wait tenant purge finished"),
        (r"(Scale out|Scale in|Modify) tenant replicas .+", r"\1 tenant replicas"),
        (r"Modify tenant primary zone .+", "Modify tenant primary zone"),
        (r"Delete zone .+", "Delete zone"),
        (r"Remove follower agent .+", "Remove follower agent"),
        (r"Rebuild .+", "Rebuild"),
    )
)
"""Names with parameters, and the workflow each is a run of."""

_NAMES_WITHOUT_PARAMETERS = frozenset(
    {
        *("Initialize cluster", "Start OB", "Stop OB", "Start observer", "Stop observer", "Start local observer", "Stop local observer"),
        *("Cluster scale out", "Local scale out", "Cluster scale in", "Kill observer", "Start observer for scale in rollback"),
        *("Join to master", "Join self", "Remove all agents", "Follower remove self", "Agent to single"),
        *("Take over", "Take over agent update agent version", "Set obcluster backup config"),
        *("Obcluster start full backup", "Obcluster start increment backup", "Drop tenant", "Wait tenant purge finished"),
        *("Add obproxy", "Start obproxy", "Stop obproxy", "Delete obproxy", "Upgrade obproxy", "Cluster inspection"),
        *("Create observer workdir", "Destroy observer workdir", "Update cluster config", "Update observer config"),
        *("Synchronize agent from cluster", "Restart seekdb", "Switchover", "Activate"),
    }
)
"""The engine's DAG names that carry no parameter (engine-semantics §10, §12)."""

CHILD_WORKFLOWS = frozenset({"Start observer", "Stop observer", "Local scale out"})
"""DAGs that stand FAILED on purpose, waiting for their main DAG to advance them (engine-semantics §7 A, B)."""

NAMES_BY_ROUTE = {
    "/rpc/v1/ob/start": "Start observer",
    "/rpc/v1/ob/stop": "Stop observer",
    "/rpc/v1/ob/scale_out": "Local scale out",
    "/api/v1/ob/start": "Start OB",
    "/api/v1/ob/stop": "Stop OB",
    "/api/v1/ob/scale_out": "Cluster scale out",
}
"""Paths of POST requests that create DAGs of one name alone (ob/agent/api/ob, ob/agent/rpc/ob)."""

LAST_WAIT = "Wait for task to end"
"""The last node of a Start or Stop observer sub-DAG: it always fails on purpose, at once (engine-semantics §7 A 5)."""


_FIRST_WAIT = "Start preparations"
"""The first node of a Start or Stop observer sub-DAG."""


@lru_cache(maxsize=4096)
def workflow_of(name: str | None) -> str | None:
    """Return a DAG's name with its parameters removed.

    >>> workflow_of("Create tenant t1"), workflow_of("Upgrade obshell 4.3.1.0-1"), workflow_of("Start OB")
    ('Create tenant', 'Upgrade obshell', 'Start OB')
    """
    if name is None:
        return None
    for pattern, workflow in _PARAMETRISED:
        match = pattern.fullmatch(name)
        if match:
            return match.expand(workflow) if "\\" in workflow else workflow
    return name


def is_engine_name(name: str) -> bool:
    """Return whether the engine itself gives DAGs this name.

    >>> is_engine_name("Start OB"), is_engine_name("Create tenant t1"), is_engine_name("Nightly check")
    (True, True, False)
    """
    return name in _NAMES_WITHOUT_PARAMETERS or any(pattern.fullmatch(name) for pattern, _ in _PARAMETRISED)


def engine_names() -> Iterator[str]:
    """Yield the names that the engine gives DAGs, without their parameters."""
    yield from _NAMES_WITHOUT_PARAMETERS
    yield from (workflow for _, workflow in _PARAMETRISED if "\\" not in workflow)


def creates_itself(name: str) -> bool:
    """Return whether an agent creates such a DAG by itself when it starts, so that nobody asked for it (cmd/server/takeover.go).

    >>> creates_itself("Rebuild CLUSTER AGENT"), creates_itself("Create tenant t1")
    (True, False)
    """
    return workflow_of(name) in {"Rebuild", "Take over"}


def begins_as_sub_dag(name: str | None, node_names: Sequence[str | None]) -> bool:
    """Return whether only another DAG creates such a DAG, by its name or its first node.

    >>> begins_as_sub_dag(None, ["Start preparations"]), begins_as_sub_dag("Start OB", ["Inform all agents to start observer"])
    (True, False)
    """
    return name in CHILD_WORKFLOWS or (bool(node_names) and node_names[0] == _FIRST_WAIT)


def sub_dag_name(node_names: Sequence[str | None]) -> str | None:
    """Return the name of a per-agent sub-DAG by its nodes; None if they do not tell.

    >>> sub_dag_name(["Start preparations", "Stop observer"]), sub_dag_name(["Create tenant"])
    ('Stop observer', None)
    """
    if not node_names or node_names[0] != _FIRST_WAIT:
        return None
    return next((name for name in node_names[1:] if name in {"Start observer", "Stop observer"}), None)


def is_sub_dag(name: str | None, node_names: Sequence[str | None]) -> bool:
    """Return whether a DAG is a per-agent sub-DAG of Start or Stop OB, by its name and its last node (engine-semantics §7 A).

    A remote one-node DAG has the same name but no such last node.
    """
    return name in {"Start observer", "Stop observer"} and len(node_names) > 1 and node_names[-1] == LAST_WAIT
