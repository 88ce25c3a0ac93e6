"""Objects of the obshell SDK load as the answers they were made from."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import daganalysis as da
from daganalysis.errors import InputError

SAMPLES = Path(__file__).parent.parent.parent / "sample_data"
FILES = ["documented/scale-out.json", "tenant/rolled-back.json", "tenant/running.json", "tenant/retried-one-answer.json"]
NOT_IN_THE_SDK = ["maintenance_type", "maintenance_key", "first_observed_at", "last_observed_at"]
"""The SDK ignores the lock of a DAG and does not keep the envelope."""


def payload(file):
    return json.loads((SAMPLES / file).read_text(encoding="utf-8"))["data"]


def dag(file):
    from obshell.model.task import DagDetailDTO

    return DagDetailDTO.from_dict(payload(file))


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("table", ["dags", "nodes", "sub_tasks", "attempts", "timeline"])
def test_an_sdk_object_gives_the_rows_of_the_bare_payload(file, table):
    from_object = getattr(da.load(dag(file)), table)
    from_payload = getattr(da.load(payload(file)), table)
    left_out = [name for name in NOT_IN_THE_SDK if name in from_payload]
    assert len(from_payload) > 0
    assert from_object.drop(columns=left_out).equals(from_payload.drop(columns=left_out))


def test_a_list_of_sdk_objects_is_a_list_of_runs():
    assert len(da.load([dag(file) for file in FILES])) == len({payload(file)["id"] for file in FILES})


def test_additional_data_of_a_node_comes_out_of_the_tuple_that_the_sdk_wraps_it_in():
    from obshell.model.task import NodeDetailDTO

    node = payload(FILES[0])["nodes"][0] | {"additional_data": {"a": 1}}
    archive = da.load([dag(FILES[0]), NodeDetailDTO.from_dict(node)])
    assert json.loads(archive.nodes["additional_data"].dropna().item()) == {"a": 1}


def test_what_is_no_response_is_refused_with_its_type():
    with pytest.raises(InputError, match="set"):
        da.load({1, 2})
