"""The fields of one object that is not quite as documented, each taken where it can be used, with a problem where it cannot."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from daganalysis.engine.records import Problem, SubTask
from daganalysis.reading.instants import InstantError, parse_instant
from daganalysis.reading.json_repair import NOT_JSON
from daganalysis.reading.limits import DEFAULT_LIMITS

_NULL = msgspec.Raw(b"null")
MOST_HAND_OUTS = 100_000
"""A hand-out takes a pass of the scheduler, so this many take a day without a pause; each becomes a row."""
LAST_PORT = 65535
_LONGEST_ID = DEFAULT_LIMITS.id_length
Integer = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
Id = Annotated[str, msgspec.Meta(min_length=1, max_length=_LONGEST_ID)]


class _AnyAgent(msgspec.Struct):
    ip: str | None = None
    port: Integer | None = None


def lenient_task(raw: bytes, pointer: str, problems: list[Problem]) -> SubTask:
    """Return a sub-task as far as its fields can be used."""
    fields = LenientFields(raw, problems, pointer)
    ip, port = fields.agent()
    return SubTask(
        fields.gid("a sub-task"),
        fields.integer("task_id"),
        fields.text("name"),
        fields.text("state"),
        fields.text("operator"),
        fields.instant("start_time"),
        fields.instant("end_time"),
        text_of(fields.raw("additional_data")),
        fields.within(fields.integer("execute_times"), MOST_HAND_OUTS, "execute_times", "count of hand-outs"),
        ip,
        fields.within(port, LAST_PORT, "execute_agent/port", "port"),
        fields.lines(),
    )


def text_of(raw: msgspec.Raw | None) -> str | None:
    """Return the text of a free-form value; None for null."""
    return None if raw is None or raw == _NULL else str(raw, "utf-8")


def elements_of(raw: bytes) -> list[bytes]:
    """Return the texts of a list's elements; none of what is no list."""
    try:
        return [bytes(item) for item in msgspec.json.decode(raw, type=list[msgspec.Raw])]
    except NOT_JSON:
        return []


class LenientFields:
    """The fields of one object whose text is not as documented, each taken if it can be used."""

    def __init__(self, raw: bytes, problems: list[Problem], pointer: str = "") -> None:
        self._problems = problems
        self._pointer = pointer
        try:
            self._fields = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
        except NOT_JSON:
            self._fields = {}
            self._note("", "an object is expected")

    def _note(self, name: str, message: str, severity: str = "warning") -> None:
        self._problems.append(Problem(self._pointer + (f"/{name}" if name else ""), "wrong-type", message, severity))

    def _take(self, name: str, kind: Any, wanted: str) -> Any:
        raw = self._fields.get(name)
        if raw is None:
            return None
        try:
            return msgspec.json.decode(raw, type=kind)
        except NOT_JSON:
            self._note(name, f"expected {wanted}, found {bytes(raw)[:40].decode(errors='replace')}")
            return None

    def gid(self, noun: str) -> str:
        """Return the generic id, given as a text or a number. Without a usable one, note an error and return an empty text."""
        raw = bytes(self._fields.get("id") or _NULL)
        if raw in {b"null", b'""'}:
            self._problems.append(Problem(self._pointer, "no-id", f"{noun} without an id was rejected", "error"))
            return ""
        if raw.isdigit() and len(raw) <= _LONGEST_ID:
            self._note("id", "the id is a number, not a text; its digits were used")
            return raw.decode()
        try:
            return str(msgspec.json.decode(raw, type=Id))
        except NOT_JSON:
            shown = f"{raw[:40].decode(errors='replace')}{' and so on' if len(raw) > 40 else ''}"
            self._problems.append(Problem(self._pointer + "/id", "wrong-id", f"{noun} was rejected: its id is {shown}", "error"))
            return ""

    def text(self, name: str) -> str | None:
        """A text, or None."""
        value: str | None = self._take(name, str | None, "a text")
        return value

    def integer(self, name: str) -> int | None:
        """A whole number of 64 bits, or None."""
        value: int | None = self._take(name, Integer | None, "a whole number of 64 bits")
        return value

    def within(self, value: int | None, most: int, name: str, noun: str) -> int | None:
        """A number from 0 to the largest possible one, otherwise None."""
        if value is None or 0 <= value <= most:
            return value
        self._problems.append(Problem(f"{self._pointer}/{name}", "wrong-value", f"{value} is not a valid {noun}"))
        return None

    def instant(self, name: str) -> int | None:
        """An instant, or None."""
        return self.instant_of(self.text(name), name)

    def instant_of(self, text: str | None, name: str) -> int | None:
        """The instant that a field's text is, or None."""
        try:
            found = None if text is None else parse_instant(text)
        except InstantError as error:
            self._problems.append(Problem(f"{self._pointer}/{name}", "wrong-time", f"{str(text)[:60]!r} is not an instant: {error}"))
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
                self._note("execute_agent", f"expected ip:port, found {text[:40]}")
                return None, None
            return ip.strip("[]"), int(port)
        value: _AnyAgent | None = self._take("execute_agent", _AnyAgent | None, "an agent with ip and port")
        return (None, None) if value is None else (value.ip, value.port)

    def lines(self) -> list[str] | None:
        """The log lines. Items that are not text are left out."""
        raw = self._fields.get("task_logs")
        if raw is None or bytes(raw) == b"null":
            return None
        try:
            return list(msgspec.json.decode(raw, type=list[str]))
        except NOT_JSON:
            items = [_text(item) for item in elements_of(bytes(raw))]
            self._note("task_logs", "expected a list of texts; other items were dropped")
            return [item for item in items if item is not None]

    def tasks(self) -> list[SubTask] | None:
        """The sub-tasks, each as far as it can be used."""
        raw = self._fields.get("sub_tasks")
        if raw is None or bytes(raw) == b"null":
            return None
        if bytes(raw)[:1] != b"[":
            self._note("sub_tasks", "expected a list", "error")
            return None
        found = []
        for index, item in enumerate(elements_of(bytes(raw))):
            task = lenient_task(item, f"{self._pointer}/sub_tasks/{index}", self._problems)
            if task.gid:
                found.append(task)
        return found


def _text(raw: bytes) -> str | None:
    try:
        return msgspec.json.decode(raw, type=str)
    except NOT_JSON:
        return None
