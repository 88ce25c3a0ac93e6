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
