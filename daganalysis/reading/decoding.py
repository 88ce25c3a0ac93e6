"""Texts of one object to the engine's objects: strictly where they are as documented, field by field where they are not."""

from __future__ import annotations

from itertools import chain
from operator import attrgetter
from typing import TYPE_CHECKING, Annotated, TypeVar

import msgspec

from daganalysis.engine.placeholders import ZERO_YEARS
from daganalysis.engine.records import Dag, Decoded, LogRecord, Node, Problem, SubTask
from daganalysis.engine.states import Operator, State  # noqa: TC001 - msgspec reads the annotations
from daganalysis.reading.duplicate_keys import count_keys, has_each_once, keys_twice
from daganalysis.reading.instants import InstantError, offset_at_end, parse_instants
from daganalysis.reading.json_repair import NOT_JSON
from daganalysis.reading.lenient_fields import LAST_PORT, MOST_HAND_OUTS, Id, Integer, LenientFields, elements_of, lenient_task, text_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from daganalysis.reading.regular_answers import UntroubledNode, UntroubledTask

T = TypeVar("T")
NULL = msgspec.Raw(b"null")
_QUOTATION_MARK = ord('"')
_UNKNOWN_OFFSET = "-00:00"
"""The offset of an instant in UTC that does not tell the local time where it was written (RFC 3339 §4.3)."""
_HandOuts = Annotated[int, msgspec.Meta(ge=0, le=MOST_HAND_OUTS)]
_Port = Annotated[int, msgspec.Meta(ge=0, le=LAST_PORT)]

# The objects as they are documented. Each key is in every one, so that to count them tells whether one is there twice.
# Fields stand in the order of the server, in which msgspec finds them soonest, so what nodes and sub-tasks have in common is there twice.


class Agent(msgspec.Struct, frozen=True, gc=False):
    """The agent of a sub-task."""

    ip: str
    port: _Port


class _Task(msgspec.Struct, gc=False):
    id: Id
    task_id: Integer
    name: str
    state: State
    operator: Operator
    start_time: str | None
    end_time: str | None
    additional_data: msgspec.Raw
    execute_times: _HandOuts
    execute_agent: Agent
    task_logs: list[str] | None


class _Node(msgspec.Struct, gc=False):
    id: Id
    node_id: Integer
    name: str
    state: State
    operator: Operator
    start_time: str | None
    end_time: str | None
    additional_data: msgspec.Raw
    sub_tasks: list[_Task] | None


_NODE_KEYS = len(_Node.__struct_fields__)
_TASK_KEYS = len(_Task.__struct_fields__) + len(Agent.__struct_fields__)
_NODE_TEXTS, _TASK_TEXTS = 6, 7
"""Fields that are texts: ids, names, states, operators, instants, and the address of an agent."""


class _Dag(msgspec.Struct, gc=False):
    id: str
    dag_id: Integer | None = None
    name: str | None = None
    stage: Integer | None = None
    max_stage: Integer | None = None
    maintenance_type: Integer | None = None
    maintenance_key: str | None = None
    state: str | None = None
    operator: str | None = None
    start_time: str | None = None
    end_time: str | None = None
    additional_data: msgspec.Raw = NULL


_dag_decoder = msgspec.json.Decoder(_Dag)
_node_decoder = msgspec.json.Decoder(_Node)
_times_of = attrgetter("start_time", "end_time")


def decode_dags(bodies: Sequence[bytes]) -> list[Decoded[Dag]]:
    """Decode DAGs' own fields; a field that cannot be used is None and gives a problem. Many at a time cost less each."""
    wires = [_documented(_dag_decoder, body) for body in bodies]
    try:
        instants = iter(parse_instants(list(chain.from_iterable(_times_of(wire) for wire in wires if wire is not None))))
    except InstantError:
        return _one_by_one(decode_dags, bodies, _lenient_dag)
    return [
        _lenient_dag(body) if wire is None else Decoded(_dag(wire, next(instants), next(instants)))
        for body, wire in zip(bodies, wires, strict=True)
    ]


def decode_nodes(texts: Sequence[bytes]) -> list[Decoded[Node]]:
    """Decode nodes with their sub-tasks; a field that cannot be used is None and gives a problem. Many at a time cost less each."""
    wires = [_documented(_node_decoder, text) for text in texts]
    shown: list[_Node | _Task] = []
    for wire in wires:
        if wire is not None:
            shown.append(wire)
            shown += wire.sub_tasks or ()
    times = list(chain.from_iterable(map(_times_of, shown)))
    try:
        instants = iter(parse_instants(times))
    except InstantError:
        return _one_by_one(decode_nodes, texts, _lenient_node)
    documented = [text for text, wire in zip(texts, wires, strict=True) if wire is not None]
    tasks = [task for wire in wires if wire is not None for task in wire.sub_tasks or ()]
    have_keys_once = _are_quoted_as_documented(documented, tasks, times.count(None))
    return [
        _lenient_node(text)
        if wire is None
        else Decoded(_node(wire, instants), [] if have_keys_once or has_documented_keys_once(text, wire) else _twice(text))
        for text, wire in zip(texts, wires, strict=True)
    ]


def decode_sub_task(raw: bytes) -> Decoded[SubTask]:
    """Decode a sub-task; a field that cannot be used is None and gives a problem."""
    problems = _twice(raw)
    return Decoded(lenient_task(raw, "", problems), problems)


def decode_logs(raw: bytes) -> Decoded[list[LogRecord]]:
    """Decode the records of the log endpoint; one without a line is left out and gives a problem."""
    problems: list[Problem] = []
    records = []
    for index, item in enumerate(elements_of(raw)):
        fields = LenientFields(item, problems, f"/{index}")
        line = fields.text("log_content")
        if line is None:
            problems.append(Problem(f"/{index}", "wrong-type", "a log record without a line", "error"))
            continue
        records.append(LogRecord(fields.integer("sub_task_id"), fields.integer("execute_times"), line, fields.instant("create_time")))
    return Decoded(records, problems)


def _documented(decoder: msgspec.json.Decoder[T], raw: bytes) -> T | None:
    """Return an object that is in every way as documented, but for the texts of its instants."""
    try:
        return decoder.decode(raw)
    except NOT_JSON:
        return None


def _one_by_one(decode: Callable[[Sequence[bytes]], list[T]], texts: Sequence[bytes], lenient: Callable[[bytes], T]) -> list[T]:
    """Decode texts one by one, because one of them has a value that is not an instant. One by one, the error shows which."""
    return [decoded for text in texts for decoded in decode([text])] if len(texts) > 1 else [lenient(texts[0])]


def _dag(wire: _Dag, start: int | None, end: int | None) -> Dag:
    zoned = wire.start_time if start is not None else wire.end_time if end is not None else None
    return Dag(
        wire.id,
        wire.dag_id,
        wire.name,
        wire.stage,
        wire.max_stage,
        wire.state,
        wire.operator,
        start,
        end,
        wire.maintenance_type,
        wire.maintenance_key,
        text_of(wire.additional_data),
        None if zoned is None else served_offset(zoned),
        just_created=start is None and (wire.start_time or "").startswith(ZERO_YEARS),
    )


def served_offset(instant: str) -> int | None:
    """Return the offset from UTC, in seconds, with which an instant was served; None if it does not tell the local time."""
    return None if instant.endswith(_UNKNOWN_OFFSET) else offset_at_end(instant)


def _lenient_dag(body: bytes) -> Decoded[Dag]:
    problems: list[Problem] = []
    fields = LenientFields(body, problems)
    wire = _Dag(
        fields.gid("a DAG"),
        fields.integer("dag_id"),
        fields.text("name"),
        fields.integer("stage"),
        fields.integer("max_stage"),
        fields.integer("maintenance_type"),
        fields.text("maintenance_key"),
        fields.text("state"),
        fields.text("operator"),
        fields.text("start_time"),
        fields.text("end_time"),
        fields.raw("additional_data"),
    )
    return Decoded(_dag(wire, fields.instant_of(wire.start_time, "start_time"), fields.instant_of(wire.end_time, "end_time")), problems)


def _node(wire: _Node, instants: Iterator[int | None]) -> Node:
    """Make a documented node, whose instants and those of its sub-tasks come next."""
    start, end = next(instants), next(instants)
    tasks = None
    if wire.sub_tasks is not None:
        tasks = [_sub_task(task, begun, ended) for task, begun, ended in zip(wire.sub_tasks, instants, instants, strict=False)]
    return Node(wire.id, wire.node_id, wire.name, wire.state, wire.operator, start, end, text_of(wire.additional_data), tasks)


def have_documented_keys_once(texts: Sequence[bytes], nodes: Sequence[UntroubledNode]) -> bool:
    """Return whether no object in the texts of documented nodes has a key twice; see :func:`has_documented_keys_once`."""
    tasks = list(chain.from_iterable([node.sub_tasks for node in nodes]))
    return _are_quoted_as_documented(texts, tasks, 0) or all(map(has_documented_keys_once, texts, nodes))


def _are_quoted_as_documented(texts: Sequence[bytes], tasks: Sequence[_Task | UntroubledTask], n_nulls: int) -> bool:
    """Return whether the texts of documented nodes with these sub-tasks, and some times that are null, have as few quotation marks.

    No text has fewer than its own keys and texts need, so the number in all texts together tells that nothing was added to any.
    """
    import numpy as np

    n_lines = sum([len(task.task_logs) for task in tasks if task.task_logs])
    n_quoted = (_NODE_KEYS + _NODE_TEXTS) * len(texts) + (_TASK_KEYS + _TASK_TEXTS) * len(tasks) + n_lines - n_nulls
    n_marks = np.count_nonzero(np.frombuffer(b"".join(texts), np.uint8) == _QUOTATION_MARK)
    return int(n_marks) == 2 * n_quoted


def has_documented_keys_once(text: bytes, node: _Node | UntroubledNode) -> bool:
    """Return True only if no object in the text of a documented node has a key twice. False leaves it open.

    Each key and each text has two quotation marks; further ones show that something was added.
    """
    tasks = node.sub_tasks or ()
    n_quoted = _NODE_KEYS + _NODE_TEXTS - (node.start_time, node.end_time).count(None) + (_TASK_KEYS + _TASK_TEXTS) * len(tasks)
    for task in tasks:
        n_quoted += len(task.task_logs or ()) - (task.start_time is None) - (task.end_time is None)
    if text.count(b'"') == 2 * n_quoted:
        return True
    free = [bytes(item.additional_data) for item in (node, *tasks) if item.additional_data is not None and item.additional_data != NULL]
    own_keys = _NODE_KEYS + _TASK_KEYS * len(tasks)
    return count_keys(text) == own_keys + sum(map(count_keys, free)) and all(map(has_each_once, free))


def _sub_task(wire: _Task, start: int | None, end: int | None) -> SubTask:
    agent = wire.execute_agent
    return SubTask(
        wire.id,
        wire.task_id,
        wire.name,
        wire.state,
        wire.operator,
        start,
        end,
        text_of(wire.additional_data),
        wire.execute_times,
        agent.ip,
        agent.port,
        wire.task_logs,
    )


def _twice(raw: bytes) -> list[Problem]:
    names = [] if has_each_once(raw) else keys_twice(raw)
    return [Problem("", "duplicate-key", f"{', '.join(names[:5])} twice in one object; the last value counts")] if names else []


def _lenient_node(raw: bytes) -> Decoded[Node]:
    problems = _twice(raw)
    fields = LenientFields(raw, problems)
    node = Node(
        fields.gid("a node"),
        fields.integer("node_id"),
        fields.text("name"),
        fields.text("state"),
        fields.text("operator"),
        fields.instant("start_time"),
        fields.instant("end_time"),
        text_of(fields.raw("additional_data")),
        fields.tasks(),
    )
    return Decoded(node, problems)
