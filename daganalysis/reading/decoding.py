"""Texts of one object to the engine's objects: strictly where they are as documented, field by field where they are not."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from daganalysis.engine.records import Dag, Decoded, LogRecord, Node, Problem, SubTask
from daganalysis.reading.duplicate_keys import keys_twice
from daganalysis.reading.instants import InstantError, parse_instant
from daganalysis.reading.limits import DEFAULT_LIMITS
from daganalysis.reading.mending import NOT_JSON

_NULL = msgspec.Raw(b"null")
_MOST_HAND_OUTS = 100_000
"""A hand-out takes a pass of the scheduler, so this many take a day without a pause; each becomes a row."""


_NODE_KEYS, _TASK_KEYS = 9, 13
"""Keys of a documented node without its sub-tasks, and of a documented sub-task with its agent's."""
_Integer = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
_LONGEST_ID = DEFAULT_LIMITS.id_length
_Id = Annotated[str, msgspec.Meta(min_length=1, max_length=_LONGEST_ID)]


class _Agent(msgspec.Struct):
    ip: str | None = None
    port: _Integer | None = None


class _Task(msgspec.Struct):
    id: _Id
    task_id: _Integer | None = None
    name: str | None = None
    state: str | None = None
    operator: str | None = None
    start_time: str | None = None
    end_time: str | None = None
    additional_data: msgspec.Raw = _NULL
    execute_times: _Integer | None = None
    execute_agent: _Agent | None = None
    task_logs: list[str] | None = None


class _Node(msgspec.Struct):
    id: _Id
    node_id: _Integer | None = None
    name: str | None = None
    state: str | None = None
    operator: str | None = None
    start_time: str | None = None
    end_time: str | None = None
    additional_data: msgspec.Raw = _NULL
    sub_tasks: list[_Task] | None = None


class _Dag(msgspec.Struct):
    id: str
    dag_id: _Integer | None = None
    name: str | None = None
    stage: _Integer | None = None
    max_stage: _Integer | None = None
    maintenance_type: _Integer | None = None
    maintenance_key: str | None = None
    state: str | None = None
    operator: str | None = None
    start_time: str | None = None
    end_time: str | None = None
    additional_data: msgspec.Raw = _NULL


_dag_decoder = msgspec.json.Decoder(_Dag)
_node_decoder = msgspec.json.Decoder(_Node)
_task_decoder = msgspec.json.Decoder(_Task)


def decode_dag(body: bytes) -> Decoded[Dag]:
    """Decode the DAG's own fields; a field that cannot be used is None and gives a problem."""
    problems: list[Problem] = []
    try:
        wire = _dag_decoder.decode(body)
    except NOT_JSON:
        fields = _Fields(body, problems)
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
    start, offset = _instant(wire.start_time, "/start_time", problems)
    end, other_offset = _instant(wire.end_time, "/end_time", problems)
    value = Dag(
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
        _data(wire.additional_data),
        offset if offset is not None else other_offset,
    )
    return Decoded(value, problems)


def decode_node(raw: bytes) -> Decoded[Node]:
    """Decode a node with its sub-tasks; a field that cannot be used is None and gives a problem."""
    problems: list[Problem] = []
    try:
        wire = _node_decoder.decode(raw)
        tasks = None if wire.sub_tasks is None else [_task(t, f"/sub_tasks/{i}", problems) for i, t in enumerate(wire.sub_tasks)]
    except NOT_JSON:
        fields = _Fields(raw, problems)
        wire = _Node(
            fields.gid("a node"),
            fields.integer("node_id"),
            fields.text("name"),
            fields.text("state"),
            fields.text("operator"),
            fields.text("start_time"),
            fields.text("end_time"),
            fields.raw("additional_data"),
        )
        tasks = fields.tasks()
    _look_for_keys_twice(raw, _NODE_KEYS + _TASK_KEYS * len(tasks or ()), problems)
    start, _ = _instant(wire.start_time, "/start_time", problems)
    end, _ = _instant(wire.end_time, "/end_time", problems)
    value = Node(wire.id, wire.node_id, wire.name, wire.state, wire.operator, start, end, _data(wire.additional_data), tasks)
    return Decoded(value, problems)


def decode_sub_task(raw: bytes) -> Decoded[SubTask]:
    """Decode a sub-task; a field that cannot be used is None and gives a problem."""
    problems: list[Problem] = []
    _look_for_keys_twice(raw, _TASK_KEYS, problems)
    return Decoded(_lenient_task(raw, "", problems), problems)


def decode_logs(raw: bytes) -> Decoded[list[LogRecord]]:
    """Decode the records of the log endpoint; one without a line is left out and gives a problem."""
    problems: list[Problem] = []
    records = []
    for index, item in enumerate(_list(raw)):
        fields = _Fields(item, problems, f"/{index}")
        line = fields.text("log_content")
        if line is None:
            problems.append(Problem(f"/{index}", "wrong-type", "a log record without a line", "error"))
            continue
        records.append(LogRecord(fields.integer("sub_task_id"), fields.integer("execute_times"), line))
    return Decoded(records, problems)


def _look_for_keys_twice(raw: bytes, documented: int, problems: list[Problem]) -> None:
    """Report keys that an object has twice; one with as many keys as are documented need not be looked into."""
    n_keys = raw.count(b'":')
    if n_keys != documented and n_keys - raw.count(b'\\":') != documented and (twice := keys_twice(raw)):
        problems.append(Problem("", "duplicate-key", f"{', '.join(twice[:5])} twice in one object; the last one counts"))


def _task(wire: _Task, pointer: str, problems: list[Problem]) -> SubTask:
    start, _ = _instant(wire.start_time, pointer + "/start_time", problems)
    end, _ = _instant(wire.end_time, pointer + "/end_time", problems)
    agent = wire.execute_agent
    ip, port = (None, None) if agent is None else (agent.ip, agent.port)
    if port is not None and not 0 <= port <= 65535:
        problems.append(Problem(pointer + "/execute_agent/port", "wrong-value", f"{port} is no port"))
        port = None
    times = wire.execute_times
    if times is not None and not 0 <= times <= _MOST_HAND_OUTS:
        problems.append(Problem(pointer + "/execute_times", "wrong-value", f"{times} is no count of hand-outs"))
        times = None
    return SubTask(
        wire.id,
        wire.task_id,
        wire.name,
        wire.state,
        wire.operator,
        start,
        end,
        _data(wire.additional_data),
        times,
        ip,
        port,
        wire.task_logs,
    )


def _lenient_task(raw: bytes, pointer: str, problems: list[Problem]) -> SubTask:
    try:
        wire = _task_decoder.decode(raw)
    except NOT_JSON:
        fields = _Fields(raw, problems, pointer)
        wire = _Task(
            fields.gid("a sub-task"),
            fields.integer("task_id"),
            fields.text("name"),
            fields.text("state"),
            fields.text("operator"),
            fields.text("start_time"),
            fields.text("end_time"),
            fields.raw("additional_data"),
            fields.integer("execute_times"),
            fields.agent(),
            fields.lines(),
        )
    return _task(wire, pointer, problems)


def _instant(text: str | None, pointer: str, problems: list[Problem]) -> tuple[int | None, int | None]:
    if text is None:
        return None, None
    try:
        found = parse_instant(text)
    except InstantError as error:
        problems.append(Problem(pointer, "wrong-time", f"{text[:60]!r} is no instant: {error}"))
        return None, None
    return (None, None) if found is None else found


def _data(raw: msgspec.Raw) -> str | None:
    text = bytes(raw)
    return None if text == b"null" else text.decode()


def _list(raw: bytes) -> list[bytes]:
    try:
        return [bytes(item) for item in msgspec.json.decode(raw, type=list[msgspec.Raw])]
    except NOT_JSON:
        return []


class _Fields:
    """The fields of one object whose text is not as documented, each taken if it can be used."""

    def __init__(self, raw: bytes, problems: list[Problem], pointer: str = "") -> None:
        self._problems = problems
        self._pointer = pointer
        try:
            self._fields = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
        except NOT_JSON:
            self._fields = {}
            self._note("", "an object is wanted")

    def _note(self, name: str, message: str, severity: str = "warning") -> None:
        self._problems.append(Problem(self._pointer + (f"/{name}" if name else ""), "wrong-type", message, severity))

    def _take(self, name: str, kind: Any, wanted: str) -> Any:
        raw = self._fields.get(name)
        if raw is None:
            return None
        try:
            return msgspec.json.decode(raw, type=kind)
        except NOT_JSON:
            self._note(name, f"{wanted} is wanted, this is {bytes(raw)[:40].decode(errors='replace')}")
            return None

    def gid(self, noun: str) -> str:
        """The generic id, for which a number may stand; empty, with an error, where there is none that can be used."""
        raw = bytes(self._fields.get("id") or _NULL)
        if raw in {b"null", b'""'}:
            self._problems.append(Problem(self._pointer, "no-id", f"{noun} without an id was left out", "error"))
            return ""
        if raw.isdigit() and len(raw) <= _LONGEST_ID:
            self._note("id", "the id is a number, not a text; its digits were taken")
            return raw.decode()
        try:
            return str(msgspec.json.decode(raw, type=_Id))
        except NOT_JSON:
            shown = f"{raw[:40].decode(errors='replace')}{' and so on' if len(raw) > 40 else ''}"
            self._problems.append(Problem(self._pointer + "/id", "wrong-id", f"{noun} was left out, for its id is {shown}", "error"))
            return ""

    def text(self, name: str) -> str | None:
        """A text, or None."""
        value: str | None = self._take(name, str | None, "a text")
        return value

    def integer(self, name: str) -> int | None:
        """A whole number of 64 bits, or None."""
        value: int | None = self._take(name, _Integer | None, "a whole number of 64 bits")
        return value

    def raw(self, name: str) -> msgspec.Raw:
        """The text of a free-form field."""
        return self._fields.get(name) or _NULL

    def agent(self) -> _Agent | None:
        """The executing agent, from an object or from `ip:port` in one text (as the SDK writes it)."""
        raw = self._fields.get("execute_agent")
        if raw is not None and bytes(raw)[:1] == b'"':
            text = str(self._take("execute_agent", str, "an agent"))
            ip, _, port = text.rpartition(":")
            if not (ip and port.isdecimal() and port.isascii() and len(port) < 7):
                self._note("execute_agent", f"ip:port is wanted, this is {text[:40]}")
                return None
            return _Agent(ip.strip("[]"), int(port))
        value: _Agent | None = self._take("execute_agent", _Agent | None, "an agent with ip and port")
        return value

    def lines(self) -> list[str] | None:
        """The log lines; those that are no text are left out."""
        raw = self._fields.get("task_logs")
        if raw is None or bytes(raw) == b"null":
            return None
        try:
            return list(msgspec.json.decode(raw, type=list[str]))
        except NOT_JSON:
            items = [_text(item) for item in _list(bytes(raw))]
            self._note("task_logs", "a list of texts is wanted; what is no text was left out")
            return [item for item in items if item is not None]

    def tasks(self) -> list[SubTask] | None:
        """The sub-tasks, each as far as it can be used."""
        raw = self._fields.get("sub_tasks")
        if raw is None or bytes(raw) == b"null":
            return None
        if bytes(raw)[:1] != b"[":
            self._note("sub_tasks", "a list is wanted", "error")
            return None
        found = []
        for index, item in enumerate(_list(bytes(raw))):
            task = _lenient_task(item, f"{self._pointer}/sub_tasks/{index}", self._problems)
            if task.gid:
                found.append(task)
        return found


def _text(raw: bytes) -> str | None:
    try:
        return msgspec.json.decode(raw, type=str)
    except NOT_JSON:
        return None
