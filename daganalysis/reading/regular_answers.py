"""Answers about DAGs that succeeded with each sub-task handed out once, decoded as they stand, without the engine's records.

The decoder refuses any other state, operator and count of hand-outs. Most answers of an archive are regular. Another decoder
also takes nodes that were retried, and sub-tasks that were handed out three times.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Generic, Literal, TypeAlias, TypeVar, cast

import msgspec

from daganalysis.reading.decoding import NULL, Agent, has_documented_keys_once
from daganalysis.reading.json_repair import NOT_JSON
from daganalysis.reading.lenient_fields import Id, Integer  # noqa: TC001 - msgspec reads the annotations

if TYPE_CHECKING:
    from daganalysis.reading.answers import Answer

STATE: Literal["SUCCEED"] = "SUCCEED"
OPERATOR: Literal["RUN"] = "RUN"
Data = TypeVar("Data")
"""The type of additional data: None if those of a node and its sub-tasks are null, which takes a fourth less time to decode."""


class _UntroubledTask(msgspec.Struct, Generic[Data], gc=False):
    """A sub-task that has not failed: it waits for its first hand-out, or was handed out once. The instants are texts."""

    id: Id
    task_id: Integer
    name: str
    state: Literal["PENDING", "READY", "RUNNING", "SUCCEED"]
    operator: Literal["RUN"]
    start_time: str
    end_time: str
    additional_data: Data
    execute_times: Literal[0, 1]
    execute_agent: Agent
    task_logs: list[str] | None


class _RegularTask(_UntroubledTask[Data], Generic[Data], gc=False):
    """A sub-task that succeeded at its first hand-out."""

    state: Literal["SUCCEED"]
    execute_times: Literal[1]


class _UntroubledNode(msgspec.Struct, Generic[Data], gc=False):
    """A node in its first execution, before it, or after it went well, with its sub-tasks."""

    id: Id
    node_id: Integer
    name: str
    state: Literal["PENDING", "RUNNING", "SUCCEED"]
    operator: Literal["RUN"]
    start_time: str
    end_time: str
    additional_data: Data
    sub_tasks: Annotated[list[_UntroubledTask[Data]], msgspec.Meta(min_length=1)]


class _RegularNode(_UntroubledNode[Data], Generic[Data], gc=False):
    """A node that succeeded."""

    state: Literal["SUCCEED"]
    sub_tasks: Annotated[list[_RegularTask[Data]], msgspec.Meta(min_length=1)]  # type: ignore[assignment]


class _RedoneTask(_UntroubledTask[Data], Generic[Data], gc=False):
    """A sub-task that succeeded at its first hand-out, or after it was rolled back once."""

    state: Literal["SUCCEED"]
    execute_times: Literal[1, 3]  # type: ignore[assignment]


class _RetriedNode(_UntroubledNode[Data], Generic[Data], gc=False):
    """A node that succeeded, at once or when it was retried."""

    state: Literal["SUCCEED"]
    operator: Literal["RUN", "RETRY"]  # type: ignore[assignment]
    sub_tasks: Annotated[list[_RedoneTask[Data]], msgspec.Meta(min_length=1)]  # type: ignore[assignment]


class UntroubledDag(msgspec.Struct, gc=False):
    """The own fields of a DAG in its first execution, before it, or after it went well."""

    id: str
    stage: Integer
    max_stage: Integer
    state: Literal["READY", "RUNNING", "SUCCEED"]
    operator: Literal["RUN"]
    start_time: str
    end_time: str
    dag_id: Integer | None = None
    name: str | None = None
    maintenance_type: Integer | None = None
    maintenance_key: str | None = None
    additional_data: msgspec.Raw = NULL


class RegularDag(UntroubledDag, gc=False):
    """The own fields of a DAG that succeeded."""

    state: Literal["SUCCEED"]


UntroubledTask: TypeAlias = _UntroubledTask[msgspec.Raw | None]
RegularTask: TypeAlias = _RegularTask[msgspec.Raw | None]
UntroubledNode: TypeAlias = _UntroubledNode[msgspec.Raw | None]
RegularNode: TypeAlias = _RegularNode[msgspec.Raw | None]

_dag_decoder = msgspec.json.Decoder(RegularDag)
_bare_node_decoder = msgspec.json.Decoder(cast("type[RegularNode]", _RegularNode[None]))
_node_decoder = msgspec.json.Decoder(cast("type[RegularNode]", _RegularNode[msgspec.Raw]))
_bare_retried_decoder = msgspec.json.Decoder(cast("type[RegularNode]", _RetriedNode[None]))
_retried_decoder = msgspec.json.Decoder(cast("type[RegularNode]", _RetriedNode[msgspec.Raw]))
_untroubled_dag_decoder = msgspec.json.Decoder(UntroubledDag)
_bare_untroubled_node_decoder = msgspec.json.Decoder(cast("type[UntroubledNode]", _UntroubledNode[None]))
_untroubled_node_decoder = msgspec.json.Decoder(cast("type[UntroubledNode]", _UntroubledNode[msgspec.Raw]))


def decode_regular(answer: Answer) -> tuple[RegularDag, list[RegularNode]] | None:
    """Return a DAG that succeeded with each sub-task handed out once, and its nodes; None for any other.

    An object may have a key twice (:func:`daganalysis.reading.decoding.have_documented_keys_once`).
    """
    try:
        dag = _dag_decoder.decode(answer.body)
        try:
            return dag, list(map(_bare_node_decoder.decode, answer.nodes or ()))
        except NOT_JSON:
            return dag, list(map(_node_decoder.decode, answer.nodes or ()))
    except NOT_JSON:
        return None


def decode_retried(answer: Answer) -> tuple[RegularDag, list[RegularNode]] | None:
    """Return a DAG that succeeded with each sub-task handed out once, or three times for a retry, and its nodes; None for any other."""
    try:
        dag = _dag_decoder.decode(answer.body)
        try:
            return dag, list(map(_bare_retried_decoder.decode, answer.nodes or ()))
        except NOT_JSON:
            return dag, list(map(_retried_decoder.decode, answer.nodes or ()))
    except NOT_JSON:
        return None


def decode_untroubled_dag(body: bytes) -> UntroubledDag | None:
    """Return the own fields of a DAG that has not failed; None for any other."""
    try:
        return _untroubled_dag_decoder.decode(body)
    except NOT_JSON:
        return None


def decode_untroubled_node(text: bytes) -> UntroubledNode | None:
    """Return a node that has not failed; None for any other, and for one with a fault."""
    try:
        node = _bare_untroubled_node_decoder.decode(text)
    except NOT_JSON:
        try:
            node = _untroubled_node_decoder.decode(text)
        except NOT_JSON:
            return None
    return node if has_documented_keys_once(text, node) else None
