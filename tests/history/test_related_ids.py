"""Which other DAGs a text names: found without decoding it, and never too few."""

from __future__ import annotations

import json

import pytest

from daganalysis.history.related_ids import ids_in_body, ids_in_logs

MAIN = "22130706433028869"
CHILD = "221307064330288657"


@pytest.mark.parametrize("spelt", [MAIN, int(MAIN)])
def test_the_main_dag_is_found_whether_its_id_is_a_text_or_a_number(spelt):
    body = json.dumps({"id": "11", "additional_data": {"main_dag_id": spelt}}).encode()
    assert ids_in_body(body) == {MAIN}


@pytest.mark.parametrize("agent", ["192.0.2.1:2886", "[2001:db8::1]:2886"])
def test_every_sub_dag_is_found_by_its_agent(agent):
    body = json.dumps({"additional_data": {"sub_dags": {agent: CHILD, "192.0.2.9:2886": "99"}}}).encode()
    assert ids_in_body(body) == {CHILD, "99"}


def test_a_dag_without_additional_data_names_no_other():
    assert ids_in_body(json.dumps({"id": "11", "additional_data": {}, "name": "22130706433028869"}).encode()) == frozenset()


@pytest.mark.parametrize(
    "line",
    [
        f"create local scale out dag success, genericID:{CHILD}",
        f"create task {CHILD} successfully",
        f"remote task {CHILD} Start observer running [1/1]",
        f"Remote task {CHILD} failed",
        f"POST http://192.0.2.1:2886/api/v1/task/dag/{CHILD} RETRY",
    ],
)
def test_a_log_line_names_the_dag_that_it_speaks_of(line):
    assert ids_in_logs(json.dumps({"task_logs": ["start", line]}).encode()) == {CHILD}


def test_lines_of_ordinary_work_name_no_dag():
    assert ids_in_logs(json.dumps({"task_logs": ["copied 22130706433028869 bytes", "task 7 done"]}).encode()) == frozenset()
