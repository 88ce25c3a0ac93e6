"""The names of DAGs."""

from __future__ import annotations

import pytest

from daganalysis.engine.catalogue import is_sub_dag, workflow_of


@pytest.mark.parametrize(
    ("name", "workflow"),
    [
        ("Create tenant 报表", "Create tenant"),
        ("Upgrade check OB 4.2.5.0-100", "Upgrade check OB"),
        ("Obcluster start full backup for t1", "Obcluster start full backup"),
        ("Remove follower agent 192.0.2.1:2886", "Remove follower agent"),
        ("Start observer", "Start observer"),
        ("Something of tomorrow 7", "Something of tomorrow 7"),
        (None, None),
    ],
)
def test_a_workflow_is_a_name_without_its_parameters(name: str | None, workflow: str | None) -> None:
    assert workflow_of(name) == workflow


def test_a_remote_one_node_dag_is_no_sub_dag_though_it_bears_the_name() -> None:
    assert is_sub_dag("Start observer", ["Start preparations", "Wait for task to end"])
    assert not is_sub_dag("Start observer", ["Start observer"])


NAMES = {
    "Create tenant t1": "Create tenant",
    "Restore backup_t1": "Restore backup",
    "Cancel restore t1": "Cancel restore",
    "Obcluster start full backup for t1": "Obcluster start full backup",
    "Obcluster start increment backup for t1": "Obcluster start increment backup",
    "Set obcluster backup config for t1": "Set obcluster backup config",
    "Upgrade obshell 4.5.0.0-1": "Upgrade obshell",
    "Upgrade check obshell 4.5.0.0-1": "Upgrade check obshell",
    "Upgrade check OB 4.3.5.1-1": "Upgrade check OB",
    "OB rolling upgrade 4.3.5.1-1": "OB rolling upgrade",
    "OB stop service upgrade 4.3.5.1-1": "OB stop service upgrade",
    "Rebuild CLUSTER AGENT": "Rebuild",
    "Remove follower agent 10.0.0.7:2886": "Remove follower agent",
}
"""DAG names that carry parameters, as obshell 4.5.0.0 builds them."""
PLAIN = (
    "Initialize cluster", "Cluster scale out", "Local scale out", "Cluster scale in", "Delete zone", "Start OB", "Stop OB",
    "Start observer",
    "Stop observer", "Start local observer", "Stop local observer", "Kill observer", "Start observer for scale in rollback", "Take over",
    "Take over agent update agent version", "Check and upgrade obshell", "Drop tenant", "Wait tenant purge finished", "Set root password",
    "Scale out tenant replicas", "Scale in tenant replicas", "Modify tenant replicas", "Modify tenant primary zone", "Restore backup",
    "Cancel restore", "Set obcluster backup config", "Obcluster start full backup", "Obcluster start increment backup",
    "Cluster inspection",
    "Add obproxy", "Start obproxy", "Stop obproxy", "Delete obproxy", "Upgrade obproxy", "Join to master", "Join self", "Remove all agents",
    "Follower remove self", "Agent to single", "Start seekdb", "Stop seekdb", "Restart seekdb", "Start local seekdb", "Stop local seekdb",
    "Switchover", "Activate",
)  # fmt: skip
"""DAG names without parameters, of obshell for clusters and for seekdb."""


@pytest.mark.parametrize(("name", "workflow"), NAMES.items())
def test_every_name_that_the_engine_builds_has_its_workflow(name: str, workflow: str) -> None:
    assert workflow_of(name) == workflow


@pytest.mark.parametrize("name", PLAIN)
def test_a_name_without_parameters_is_its_own_workflow(name: str) -> None:
    assert workflow_of(name) == name
