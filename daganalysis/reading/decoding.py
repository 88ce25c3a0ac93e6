"""Texts of one object to the engine's objects: strictly where they are as documented, field by field where they are not."""

from __future__ import annotations

from itertools import chain
from operator import attrgetter
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import msgspec

from daganalysis.engine.outcomes import Operator, State  # noqa: TC001 - msgspec reads the annotations
from daganalysis.engine.placeholders import ZERO_YEARS
from daganalysis.engine.records import Dag, Decoded, LogRecord, Node, Problem, SubTask
from daganalysis.reading.duplicate_keys import count_keys, count_own_keys, has_each_once, keys_twice
from daganalysis.reading.instants import InstantError, offset_at_end, parse_instant, parse_instants
from daganalysis.reading.json_repair import NOT_JSON
from daganalysis.reading.limits import DEFAULT_LIMITS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

T = TypeVar("T")
_NULL = msgspec.Raw(b"null")
_UNKNOWN_OFFSET = "-00:00"
"""The offset of an instant in UTC that does not tell the local time where it was written (RFC 3339 §4.3)."""
_MOST_HAND_OUTS = 100_000
"""A hand-out takes a pass of the scheduler, so this many take a day without a pause; each becomes a row."""
_Integer = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
_HandOuts = Annotated[int, msgspec.Meta(ge=0, le=_MOST_HAND_OUTS)]
_LAST_PORT = 65535
_Port = Annotated[int, msgspec.Meta(ge=0, le=_LAST_PORT)]
_LONGEST_ID = DEFAULT_LIMITS.id_length
_Id = Annotated[str, msgspec.Meta(min_length=1, max_length=_LONGEST_ID)]

# The objects as they are documented. Each key is in every one, so that to count them tells whether one is there twice.
# Fields stand in the order of the server, in which msgspec finds them soonest, so what nodes and sub-tasks have in common is there twice.


class _Agent(msgspec.Struct, gc=False):
    ip: str
    port: _Port


class _AnyAgent(msgspec.Struct):
    ip: str | None = None
    port: _Integer | None = None


class _Task(msgspec.Struct, gc=False):
    id: _Id
    task_id: _Integer
    name: str
    state: State
    operator: Operator
    start_time: str | None
    end_time: str | None
    additional_data: msgspec.Raw
    execute_times: _HandOuts
    execute_agent: _Agent
    task_logs: list[str] | None


class _Node(msgspec.Struct, gc=False):
    id: _Id
    node_id: _Integer
    name: str
    state: State
    operator: Operator
    start_time: str | None
    end_time: str | None
    additional_data: msgspec.Raw
    sub_tasks: list[_Task] | None


_NODE_KEYS = len(_Node.__struct_fields__)
_TASK_KEYS = len(_Task.__struct_fields__) + len(_Agent.__struct_fields__)


class _Dag(msgspec.Struct, gc=False):
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
    try:
        instants = iter(parse_instants(list(chain.from_iterable(map(_times_of, shown)))))
    except InstantError:
        return _one_by_one(decode_nodes, texts, _lenient_node)
    return [
        _lenient_node(text) if wire is None else _node(text, n_keys, wire, instants)
        for text, n_keys, wire in zip(texts, count_keys(texts), wires, strict=True)
    ]


def decode_sub_task(raw: bytes) -> Decoded[SubTask]:
    """Decode a sub-task; a field that cannot be used is None and gives a problem."""
    problems = _twice(raw)
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
        records.append(LogRecord(fields.integer("sub_task_id"), fields.integer("execute_times"), line, fields.instant("create_time")))
    return Decoded(records, problems)


def _documented(decoder: msgspec.json.Decoder[T], raw: bytes) -> T | None:
    """Return an object that is in every way as documented, but for the texts of its instants."""
    try:
        return decoder.decode(raw)
    except NOT_JSON:
        return None


def _one_by_one(decode: Callable[[Sequence[bytes]], list[T]], texts: Sequence[bytes], lenient: Callable[[bytes], T]) -> list[T]:
    """Decode texts of which one has what is no instant: whose it is shows where there is one alone."""
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
        _data(wire.additional_data),
        None if zoned is None or zoned.endswith(_UNKNOWN_OFFSET) else offset_at_end(zoned),
        just_created=start is None and (wire.start_time or "").startswith(ZERO_YEARS),
    )


def _lenient_dag(body: bytes) -> Decoded[Dag]:
    problems: list[Problem] = []
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
    return Decoded(_dag(wire, fields.instant_of(wire.start_time, "start_time"), fields.instant_of(wire.end_time, "end_time")), problems)


def _node(text: bytes, n_keys: int, wire: _Node, instants: Iterator[int | None]) -> Decoded[Node]:
    """Make a documented node, whose instants and those of its sub-tasks come next."""
    start, end = next(instants), next(instants)
    tasks = None
    if wire.sub_tasks is not None:
        tasks = [_sub_task(task, begun, ended) for task, begun, ended in zip(wire.sub_tasks, instants, instants, strict=False)]
    node = Node(wire.id, wire.node_id, wire.name, wire.state, wire.operator, start, end, _data(wire.additional_data), tasks)
    free = [item.additional_data for item in (node, *(tasks or ())) if item.additional_data is not None]
    own_keys = _NODE_KEYS + _TASK_KEYS * len(tasks or ())
    once = n_keys == own_keys + sum(map(count_own_keys, free)) and all(has_each_once(data.encode()) for data in free)
    return Decoded(node, [] if once else _twice(text))


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
        _data(wire.additional_data),
        wire.execute_times,
        agent.ip,
        agent.port,
        wire.task_logs,
    )


def _twice(raw: bytes) -> list[Problem]:
    names = keys_twice(raw)
    return [Problem("", "duplicate-key", f"{', '.join(names[:5])} twice in one object; the last one counts")] if names else []


def _lenient_node(raw: bytes) -> Decoded[Node]:
    problems = _twice(raw)
    fields = _Fields(raw, problems)
    node = Node(
        fields.gid("a node"),
        fields.integer("node_id"),
        fields.text("name"),
        fields.text("state"),
        fields.text("operator"),
        fields.instant("start_time"),
        fields.instant("end_time"),
        _data(fields.raw("additional_data")),
        fields.tasks(),
    )
    return Decoded(node, problems)


def _lenient_task(raw: bytes, pointer: str, problems: list[Problem]) -> SubTask:
    fields = _Fields(raw, problems, pointer)
    ip, port = fields.agent()
    return SubTask(
        fields.gid("a sub-task"),
        fields.integer("task_id"),
        fields.text("name"),
        fields.text("state"),
        fields.text("operator"),
        fields.instant("start_time"),
        fields.instant("end_time"),
        _data(fields.raw("additional_data")),
        fields.within(fields.integer("execute_times"), _MOST_HAND_OUTS, "execute_times", "count of hand-outs"),
        ip,
        fields.within(port, _LAST_PORT, "execute_agent/port", "port"),
        fields.lines(),
    )


def _data(raw: msgspec.Raw) -> str | None:
    text = str(raw, "utf-8")
    return None if text == "null" else text


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

    def within(self, value: int | None, most: int, name: str, noun: str) -> int | None:
        """A number if it lies between 0 and the largest there can be, or None."""
        if value is None or 0 <= value <= most:
            return value
        self._problems.append(Problem(f"{self._pointer}/{name}", "wrong-value", f"{value} is no {noun}"))
        return None

    def instant(self, name: str) -> int | None:
        """An instant, or None."""
        return self.instant_of(self.text(name), name)

    def instant_of(self, text: str | None, name: str) -> int | None:
        """The instant that a field's text is, or None."""
        try:
            found = None if text is None else parse_instant(text)
        except InstantError as error:
            self._problems.append(Problem(f"{self._pointer}/{name}", "wrong-time", f"{str(text)[:60]!r} is no instant: {error}"))
            return None
        return None if found is None else found[0]

    def raw(self, name: str) -> msgspec.Raw:
        """The text of a free-form field."""
        return self._fields.get(name) or _NULL

    def agent(self) -> tuple[str | None, int | None]:
        """The executing agent's ip and port, from an object or from `ip:port` in one text (as the SDK writes it)."""
        raw = self._fields.get("execute_agent")
        if raw is not None and bytes(raw)[:1] == b'"':
            text = str(self._take("execute_agent", str, "an agent"))
            ip, _, port = text.rpartition(":")
            if not (ip and port.isdecimal() and port.isascii() and len(port) < 7):
                self._note("execute_agent", f"ip:port is wanted, this is {text[:40]}")
                return None, None
            return ip.strip("[]"), int(port)
        value: _AnyAgent | None = self._take("execute_agent", _AnyAgent | None, "an agent with ip and port")
        return (None, None) if value is None else (value.ip, value.port)

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
