"""A key that an object has twice is found wherever it is, and none is found where there is none."""

from __future__ import annotations

import json

import pytest

from daganalysis.reading.decoding import decode_nodes

_LINES = ["plain", 'said {"a": 1, "a": 2}', ":begins with a colon", "with : blanks", "a < b && c > d", "ends with \\", "größer"]
_TASK = {
    "id": "2",
    "task_id": 2,
    "name": "a task",
    "state": "SUCCEED",
    "operator": "RUN",
    "start_time": "2024-01-09T20:40:01.706073+08:00",
    "end_time": "2024-01-09T20:40:02+08:00",
    "additional_data": {"one": {"two": '":'}},
    "execute_times": 1,
    "execute_agent": {"ip": "10.0.0.1", "port": 2886},
    "task_logs": _LINES,
}
_NODE = {
    "id": "1",
    "node_id": 1,
    "name": "a node",
    "state": "SUCCEED",
    "operator": "RUN",
    "start_time": None,
    "end_time": None,
    "additional_data": None,
    "sub_tasks": [_TASK, _TASK | {"id": "3", "additional_data": None}],
}
_SPELLINGS = {
    "compact": json.dumps(_NODE, ensure_ascii=False, separators=(",", ":")),
    "with blanks": json.dumps(_NODE),
    "indented": json.dumps(_NODE, ensure_ascii=False, indent=2),
    "with blanks before colons": json.dumps(_NODE, separators=(", ", " : ")),
    "escaped": json.dumps(_NODE, separators=(",", ":")).replace("<", "\\u003c").replace("&", "\\u0026"),
    "with a field of a later version": json.dumps(_NODE | {"later": [1]}),
    "with a field of a wrong type": json.dumps(_NODE | {"node_id": "1"}),
}


def _twice(text: str) -> list[str]:
    (decoded,) = decode_nodes([text.encode()])
    return [problem.message for problem in decoded.problems if problem.code == "duplicate-key"]


@pytest.mark.parametrize("text", _SPELLINGS.values(), ids=_SPELLINGS)
def test_a_node_with_each_key_once_has_none_twice(text: str) -> None:
    assert _twice(text) == []


@pytest.mark.parametrize("key", ["node_id", "sub_tasks", "execute_times", "execute_agent", "port", "task_logs", "two"])
@pytest.mark.parametrize("text", _SPELLINGS.values(), ids=_SPELLINGS)
def test_a_key_twice_is_found_at_every_depth(text: str, key: str) -> None:
    assert _twice(text.replace(f'"{key}"', f'"{key}": null, "{key}"', 1)) == [f"{key} twice in one object; the last value counts"]


@pytest.mark.parametrize("missing", ['"name": "a node", ', '"ip": "10.0.0.1", ', '"one": '])
def test_a_key_twice_is_found_where_another_is_missing(missing: str) -> None:
    text = _SPELLINGS["with blanks"].replace(missing, "").replace('"port"', '"port": null, "port"', 1)
    if missing == '"one": ':
        text = text.replace('{{"two": "\\":"}}', '{"two": "\\":"}')
    assert _twice(text) == ["port twice in one object; the last value counts"]


@pytest.mark.parametrize("blank", [" ", "  ", "\t", "\n    "])
def test_a_key_twice_is_found_behind_any_blank(blank: str) -> None:
    text = _SPELLINGS["compact"].replace('"port":', f'"port"{blank}:null,"port":', 1)
    assert _twice(text) == ["port twice in one object; the last value counts"]


@pytest.mark.parametrize("key", ["node_id", "sub_tasks", "execute_times", "port"])
def test_a_key_twice_is_found_beside_a_time_that_is_null(key: str) -> None:
    plain = json.dumps(
        _NODE | {"end_time": "2024-01-09T20:40:02Z", "sub_tasks": [_TASK | {"additional_data": None, "task_logs": ["plain"]}]}
    )
    assert _twice(plain) == []
    assert _twice(plain.replace(f'"{key}"', f'"{key}": null, "{key}"', 1)) == [f"{key} twice in one object; the last value counts"]
