"""Which maintenance lock a DAG takes, and which failures free it (engine-semantics §2.8).

A DAG under maintenance takes its lock in the transaction that creates it and frees it when it succeeds, is rolled back or is passed. A
failure keeps the lock, except that of the nodes named here. A retry, a rollback or a pass of such a node takes the lock again.
"""

from __future__ import annotations

from typing import NamedTuple

from daganalysis.engine.catalogue import workflow_of

_NONE, _GLOBAL, _TENANT, _OBPROXY = 1, 2, 3, 4
"""The values of ``maintenance_type``."""

_FREED_BY_ANY_FAILURE = frozenset(
    {
        *("Create tenant", "Drop tenant", "Wait tenant purge finished", "Restore backup", "Modify tenant primary zone"),
        *("Scale out tenant replicas", "Scale in tenant replicas", "Modify tenant replicas"),
        *("Kill observer", "Start observer for scale in rollback", "Take over agent update agent version"),
    }
)
"""Workflows every node of which frees the lock as it fails."""
_FREED_BY_FAILURE_OF = frozenset(
    {
        ("Cluster scale in", "Delete observer"),
        *((f"{word} obproxy", "Check obproxy status") for word in ("Add", "Start", "Stop", "Delete", "Upgrade")),
    }
)
"""Nodes of other workflows that do."""
_FREED_BY_SOME_FAILURES = frozenset(workflow for workflow, _ in _FREED_BY_FAILURE_OF)
_TENANT_WORKFLOWS = _FREED_BY_ANY_FAILURE - {
    "Kill observer",
    "Start observer for scale in rollback",
    "Take over agent update agent version",
}
_WITHOUT_LOCK = frozenset(
    {
        *("Start OB", "Stop OB", "Start local observer", "Stop local observer", "Start obproxy", "Cluster inspection"),
        *("Upgrade check obshell", "Upgrade check OB", "Obcluster start full backup", "Obcluster start increment backup"),
    }
)


class Lock(NamedTuple):
    """A maintenance lock: its kind, its tenant or agent (None for the cluster's lock), and whether an answer names it."""

    kind: str
    key: str | None
    is_told: bool


def lock_of(
    maintenance_type: int | None, maintenance_key: str | None, *, scope: str | None, owner: str | None, name: str | None
) -> Lock | None:
    """Return the lock that a DAG holds. Answers before obshell 4.3.1 name no lock, so the DAG's name decides.

    >>> lock_of(3, "t1", scope="cluster", owner=None, name="Create tenant t1")
    Lock(kind='tenant', key='t1', is_told=True)
    >>> lock_of(None, None, scope="local", owner="192.0.2.1:2886", name="Start observer")
    Lock(kind='agent', key='192.0.2.1:2886', is_told=False)
    >>> lock_of(1, "", scope="local", owner="192.0.2.1:2886", name="Start OB") is None
    True
    """
    is_told = maintenance_type is not None
    if maintenance_type is None:
        maintenance_type, maintenance_key = _by_name(name, scope)
    if maintenance_type == _GLOBAL:
        return Lock("global", None, is_told) if scope == "cluster" else Lock("agent", owner, is_told)
    if maintenance_type == _TENANT:
        return Lock("tenant", maintenance_key or None, is_told)
    return Lock("obproxy", owner, is_told) if maintenance_type == _OBPROXY else None


def _by_name(name: str | None, scope: str | None) -> tuple[int, str | None]:
    workflow = workflow_of(name)
    if name is None or workflow is None or workflow in _WITHOUT_LOCK:
        return _NONE, None
    if scope == "obproxy":
        return _OBPROXY, None
    if workflow in _TENANT_WORKFLOWS or workflow == "Cancel restore":
        return _TENANT, name.removeprefix(workflow).strip(" _") or None
    if workflow == "Set obcluster backup config":
        tenant = name.removeprefix("Set obcluster backup config for ")
        return (_NONE, None) if tenant == name else (_TENANT, tenant)
    return _GLOBAL, None


def frees_lock(workflow: str | None, stage_name: str | None) -> bool:
    """Return whether the failure of a stage frees the lock of its DAG.

    >>> frees_lock("Create tenant", "Import script for tenant"), frees_lock("Cluster scale in", "Delete agent")
    (True, False)
    """
    return workflow in _FREED_BY_ANY_FAILURE or (workflow or "", stage_name or "") in _FREED_BY_FAILURE_OF


def names_which_stage(workflow: str | None) -> bool:
    """Return whether it depends on the stage if a failure of a workflow frees the lock.

    >>> names_which_stage("Cluster scale in"), names_which_stage("Create tenant")
    (True, False)
    """
    return workflow in _FREED_BY_SOME_FAILURES


REFUSED_BY = {
    "OB.Cluster.UnderMaintenance": ("global", "tenant"),
    "OB.Cluster.UnderMaintenanceWithDag": ("global", "tenant"),
    "OB.Tenant.UnderMaintenance": ("tenant",),
    "Agent.UnderMaintenance": ("agent", "obproxy"),
    "Agent.Current.UnderMaintenance": ("agent", "obproxy"),
    "Agent.UnderMaintenanceDag": ("agent", "obproxy"),
}
"""The codes of refusals, and the kinds of lock that cause each: a tenant's lock refuses what wants the whole cluster."""
