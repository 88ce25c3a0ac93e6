"""Every documented field of an answer lands in the columns that are declared for it, or is left out with a reason."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import daganalysis as da
from daganalysis.reading.decoding import Agent, _Dag, _Node, _Task
from daganalysis.tables import BASE_TABLES
from daganalysis.tables.api_fields import API_FIELDS

ROOT = Path(__file__).parent.parent.parent
DOCUMENTED = json.loads((ROOT / "sample_data/documented/scale-out.json").read_text(encoding="utf-8"))
NOT_KEPT_BY_NAME = {"DAG.nodes", "node.sub_tasks", "envelope.error"}
"""Fields that hold objects; what is in them is tested field by field."""


def fields_of(level: str) -> set[str]:
    return {field.name for field in API_FIELDS if field.of == level}


def test_what_the_documented_sample_has_is_declared():
    dag = DOCUMENTED["data"]
    node = dag["nodes"][0]
    task = node["sub_tasks"][0]
    assert set(DOCUMENTED) <= fields_of("envelope")
    assert set(dag) <= fields_of("DAG")
    assert set(node) <= fields_of("node")
    assert {re.sub("^execute_agent$", "execute_agent.ip", name) for name in task} <= fields_of("sub-task")


@pytest.mark.parametrize(("level", "wire"), [("DAG", _Dag), ("node", _Node), ("sub-task", _Task)])
def test_what_is_decoded_is_declared_and_nothing_else(level, wire):
    decoded = set(wire.__struct_fields__)
    if "execute_agent" in decoded:
        decoded = decoded - {"execute_agent"} | {f"execute_agent.{name}" for name in Agent.__struct_fields__}
    assert fields_of(level) - {"nodes"} == decoded


def test_a_field_lands_somewhere_or_has_its_reason():
    assert [field for field in API_FIELDS if not (field.lands_in or field.why)] == []


def test_every_column_that_is_named_is_declared():
    named = {column for field in API_FIELDS for column in field.lands_in}
    assert named - {f"{table.name}.{column}" for table in BASE_TABLES.values() for column in table.names} == set()


LOADED = da.load(
    {
        "successful": True,
        "timestamp": "2025-03-01T12:00:09.123456789+05:30",
        "duration": 71,
        "status": 299,
        "traceId": "a1",
        "data": {
            "id": "17",
            "dag_id": 1001,
            "name": "Create tenant t9",
            "stage": 1,
            "max_stage": 1,
            "maintenance_type": 3,
            "maintenance_key": "t9",
            "state": "SUCCEED",
            "operator": "RUN",
            "start_time": "2025-03-01T12:00:01.000001+05:30",
            "end_time": "2025-03-01T12:00:08.000008+05:30",
            "additional_data": {"a": 1},
            "nodes": [
                {
                    "id": "18",
                    "node_id": 1002,
                    "name": "Create tenant",
                    "state": "SUCCEED",
                    "operator": "RETRY",
                    "start_time": "2025-03-01T12:00:02.000002+05:30",
                    "end_time": "2025-03-01T12:00:07.000007+05:30",
                    "additional_data": {"b": 2},
                    "sub_tasks": [
                        {
                            "id": "19",
                            "task_id": 1003,
                            "name": "Create it",
                            "state": "SUCCEED",
                            "operator": "RUN",
                            "start_time": "2025-03-01T12:00:03.000003+05:30",
                            "end_time": "2025-03-01T12:00:06.000006+05:30",
                            "additional_data": {"c": 3},
                            "execute_times": 3,
                            "execute_agent": {"ip": "192.0.2.9", "port": 2999},
                            "task_logs": ["one line"],
                        }
                    ],
                }
            ],
        },
    }
)
LANDED = {
    "snapshots.observed_at": "2025-03-01 06:30:09.123456789+00:00",
    "snapshots.request_ms": "71",
    "snapshots.http_status": "299",
    "snapshots.trace_id": "a1",
    "snapshots.n_nodes": "1",
    "dags.utc_offset_s": "19800",
    "dags.dag_gid": "17",
    "dags.dag_id": "1001",
    "dags.name": "Create tenant t9",
    "dags.workflow": "Create tenant",
    "dags.stage": "1",
    "dags.max_stage": "1",
    "dags.maintenance_type": "3",
    "dags.maintenance_key": "t9",
    "dags.state": "SUCCEED",
    "dags.operator": "RUN",
    "dags.start_time": "2025-03-01 06:30:01.000001+00:00",
    "dags.end_time": "2025-03-01 06:30:08.000008+00:00",
    "dags.additional_data": {"a": 1},
    "nodes.node_gid": "18",
    "nodes.node_id": "1002",
    "nodes.stage": "1",
    "nodes.name": "Create tenant",
    "nodes.state": "SUCCEED",
    "nodes.operator": "RETRY",
    "nodes.start_time": "2025-03-01 06:30:02.000002+00:00",
    "nodes.end_time": "2025-03-01 06:30:07.000007+00:00",
    "nodes.additional_data": {"b": 2},
    "sub_tasks.task_gid": "19",
    "sub_tasks.task_id": "1003",
    "sub_tasks.name": "Create it",
    "sub_tasks.state": "SUCCEED",
    "sub_tasks.operator": "RUN",
    "sub_tasks.start_time": "2025-03-01 06:30:03.000003+00:00",
    "sub_tasks.end_time": "2025-03-01 06:30:06.000006+00:00",
    "sub_tasks.additional_data": {"c": 3},
    "sub_tasks.execute_times": "3",
    "sub_tasks.agent_ip": "192.0.2.9",
    "sub_tasks.agent_port": "2999",
    "sub_tasks.agent": "192.0.2.9:2999",
    "sub_tasks.task_logs": "['one line']",
}


@pytest.mark.parametrize("column", LANDED)
def test_a_value_of_its_own_is_found_in_its_column(column):
    table, _, name = column.partition(".")
    value = getattr(LOADED, table)[name].item()
    assert (json.loads(value) if name == "additional_data" else str(list(value) if name == "task_logs" else value)) == LANDED[column]


def test_every_field_that_lands_somewhere_is_looked_for():
    landing = {f"{field.of}.{field.name}" for field in API_FIELDS if field.lands_in and field.of != "log line"}
    looked_for = {f"{field.of}.{field.name}" for field in API_FIELDS if set(field.lands_in) & set(LANDED)}
    assert landing - looked_for - NOT_KEPT_BY_NAME == set()
