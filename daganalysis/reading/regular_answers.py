"""Answers about DAGs that succeeded with each sub-task handed out once, decoded as they stand, without the engine's records.

The decoder refuses any other state, operator and count of hand-outs. Most answers of an archive are such.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import msgspec

from daganalysis.reading.decoding import NULL, Agent, has_documented_keys_once
from daganalysis.reading.json_repair import NOT_JSON
from daganalysis.reading.lenient_fields import Id, Integer  # noqa: TC001 - msgspec reads the annotations

if TYPE_CHECKING:
    from daganalysis.reading.answers import Answer

STATE: Literal["SUCCEED"] = "SUCCEED"
OPERATOR: Literal["RUN"] = "RUN"


class RegularTask(msgspec.Struct, gc=False):
    """A sub-task that succeeded at its first hand-out; the instants are texts."""

    id: Id
    task_id: Integer
    name: str
    state: Literal["SUCCEED"]
    operator: Literal["RUN"]
    start_time: str
    end_time: str
    additional_data: msgspec.Raw
    execute_times: Literal[1]
    execute_agent: Agent
    task_logs: list[str] | None


class RegularNode(msgspec.Struct, gc=False):
    """A node that succeeded, with its sub-tasks."""

    id: Id
    node_id: Integer
    name: str
    state: Literal["SUCCEED"]
    operator: Literal["RUN"]
    start_time: str
    end_time: str
    additional_data: msgspec.Raw
    sub_tasks: Annotated[list[RegularTask], msgspec.Meta(min_length=1)]


class RegularDag(msgspec.Struct, gc=False):
    """The own fields of a DAG that succeeded."""

    id: str
    stage: Integer
    max_stage: Integer
    state: Literal["SUCCEED"]
    operator: Literal["RUN"]
    start_time: str
    end_time: str
    dag_id: Integer | None = None
    name: str | None = None
    maintenance_type: Integer | None = None
    maintenance_key: str | None = None
    additional_data: msgspec.Raw = NULL


_dag_decoder = msgspec.json.Decoder(RegularDag)
_node_decoder = msgspec.json.Decoder(RegularNode)


def decode_regular(answer: Answer) -> tuple[RegularDag, list[RegularNode]] | None:
    """Return a DAG that succeeded with each sub-task handed out once, and its nodes; None for any other, and for one with a fault."""
    try:
        dag = _dag_decoder.decode(answer.body)
        nodes = list(map(_node_decoder.decode, answer.nodes or ()))
    except NOT_JSON:
        return None
    return (dag, nodes) if all(map(has_documented_keys_once, answer.nodes or (), nodes)) else None
