"""Documents to answers: what an envelope holds, and what is set aside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from daganalysis.reading.answers import Answer, Kind
from daganalysis.reading.documents import Document, mend
from daganalysis.reading.instants import InstantError, parse_instant
from daganalysis.reading.issue_codes import issue
from daganalysis.reading.sdk import from_sdk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from daganalysis.reading.answers import Issue
    from daganalysis.reading.limits import Limits

_Fields = dict[str, msgspec.Raw]
_fields_decoder = msgspec.json.Decoder(_Fields)
_list_decoder = msgspec.json.Decoder(list[msgspec.Raw])
_ENVELOPE = frozenset({"successful", "timestamp", "duration", "status", "traceId", "data", "error"})
_BAD = (msgspec.MsgspecError, RecursionError)


class Reader:
    """Turns the documents of one source into answers; equal node texts become one object."""

    def __init__(self, cluster: str | None, limits: Limits, issues: list[Issue], texts: dict[bytes, bytes]) -> None:
        self._cluster = cluster
        self._limits = limits
        self._issues = issues
        self._texts = texts
        self._name = ""

    def read(self, document: Document, name: str) -> Iterator[Answer]:
        """Yield the answers of one document."""
        self._name = name
        text: bytes | None = document.text
        if self._is_suspect(document.text):
            text = mend(document.text, name, document.position, self._issues)
        if text is not None:
            yield from self._value(text, document.position, "")

    def _is_suspect(self, text: bytes) -> bool:
        """Tell whether a text is not quite JSON, or says something twice: each object of the engine has each of these keys once."""
        if not text.isascii():
            try:
                text.decode()
            except UnicodeDecodeError:
                return True
        try:
            msgspec.json.decode(text, type=msgspec.Raw)
        except _BAD:
            return True
        n = text.count(b'"operator":')
        if text.count(b'"state":') != n or text.count(b'"start_time":') != n or text.count(b'"end_time":') != n:
            self._look_for_duplicate_keys(text)
        return False

    def _look_for_duplicate_keys(self, text: bytes) -> None:
        import json

        twice: list[str] = []

        def pairs(items: list[tuple[str, object]]) -> None:
            names = [name for name, _ in items]
            twice.extend(sorted({name for name in names if names.count(name) > 1}))

        try:
            json.loads(text, object_pairs_hook=pairs)
        except (ValueError, RecursionError):
            return
        if twice:
            self._note("duplicate-key", "", "", f"{', '.join(sorted(set(twice))[:5])} twice in one object; the last one counts")

    def _note(self, code: str, position: str, pointer: str, message: str) -> None:
        self._issues.append(issue(code, self._name, f"{position} {pointer}".strip() or None, message))

    # -- documents --------------------------------------------------------------------------------------------------------------------

    def _value(self, text: bytes, position: str, pointer: str) -> Iterator[Answer]:
        """An envelope, a bare payload, or a list of either."""
        if text[:1] == b"[":
            for index, item in enumerate(self._list(text, position, pointer)):
                yield from self._value(item, position, f"{pointer}/{index}")
            return
        try:
            fields = _fields_decoder.decode(text)
        except _BAD as error:
            self._note("invalid-json", position, pointer, str(error))
            return
        if "data" in fields or "successful" in fields or "traceId" in fields or ("error" in fields and "id" not in fields):
            yield from self._envelope(fields, position, pointer)
        else:
            yield from self._payload(text, fields, _Heading(position), pointer)

    def _envelope(self, fields: _Fields, position: str, pointer: str) -> Iterator[Answer]:
        heading = _Heading(position)
        heading.trace_id = self._take(fields, "traceId", str, position, pointer)
        heading.http_status = self._take(fields, "status", int, position, pointer)
        heading.request_ms = self._take(fields, "duration", int, position, pointer)
        timestamp = self._take(fields, "timestamp", str, position, pointer)
        if timestamp is not None:
            try:
                instant = parse_instant(timestamp)
                if instant is not None:
                    heading.observed_at, heading.utc_offset_s = instant
            except InstantError as error:
                self._note("wrong-time", position, pointer + "/timestamp", f"{timestamp[:60]!r} is no instant: {error}")
        failure = bytes(fields.get("error") or b"null")
        data = bytes(fields.get("data") or b"null")
        if failure != b"null":
            self._note("error-answer", position, pointer + "/error", _error_message(failure))
        if data == b"null":
            if failure == b"null":
                self._note("no-payload", position, pointer, "a success without data" if "data" not in fields else "data is null")
            return
        if data[:1] == b"[":
            for index, item in enumerate(self._list(data, position, pointer + "/data")):
                yield from self._object(item, heading, f"{pointer}/data/{index}")
            return
        yield from self._object(data, heading, pointer + "/data")

    def _object(self, text: bytes, heading: _Heading, pointer: str) -> Iterator[Answer]:
        if text[:1] != b"{":
            self._note("not-a-task", heading.position, pointer, f"the payload is {text[:40].decode(errors='replace')}")
            return
        try:
            fields = _fields_decoder.decode(text)
        except _BAD as error:
            self._note("invalid-json", heading.position, pointer, str(error))
            return
        yield from self._payload(text, fields, heading, pointer)

    def _payload(self, text: bytes, fields: _Fields, heading: _Heading, pointer: str) -> Iterator[Answer]:
        """One DAG, node or sub-task, or `contents`."""
        if "contents" in fields and len(fields) == 1:
            yield from self._contents(bytes(fields["contents"]), heading, pointer + "/contents")
            return
        if "generic_id" in fields and "id" not in fields:
            text = from_sdk(text)
            fields = _fields_decoder.decode(text)
        kind = _kind_of(fields)
        if kind is None:
            self._note("not-a-task", heading.position, pointer, f"an object with {', '.join(sorted(fields)[:6]) or 'no fields'}")
            return
        gid = self._gid(fields, heading.position, pointer)
        if gid is None:
            return
        nodes = None
        if kind is Kind.DAG:
            nodes = self._nodes(fields, heading.position, pointer)
            fields.pop("nodes", None)
            text = msgspec.json.encode(fields)
        yield self._answer(kind, gid, text, nodes, heading, pointer)

    def _contents(self, text: bytes, heading: _Heading, pointer: str) -> Iterator[Answer]:
        if text in {b"null", b"[]"}:
            self._note("empty-list", heading.position, pointer, f"contents is {text.decode()}")
            return
        items = self._list(text, heading.position, pointer)
        if items and b'"log_content"' in items[0]:
            yield self._answer(Kind.LOGS, "", text, None, heading, pointer)
            return
        for index, item in enumerate(items):
            yield from self._object(item, heading, f"{pointer}/{index}")

    def _answer(self, kind: Kind, gid: str, body: bytes, nodes: list[bytes] | None, heading: _Heading, pointer: str) -> Answer:
        return Answer(
            kind,
            gid,
            body,
            nodes,
            self._cluster,
            self._name,
            f"{heading.position} {pointer}".strip(),
            heading.observed_at,
            heading.utc_offset_s,
            heading.trace_id,
            heading.http_status,
            heading.request_ms,
        )

    # -- fields -----------------------------------------------------------------------------------------------------------------------

    def _list(self, text: bytes, position: str, pointer: str) -> list[bytes]:
        try:
            return [bytes(item) for item in _list_decoder.decode(text)]
        except _BAD as error:
            self._note("wrong-type", position, pointer, f"a list is wanted: {error}")
            return []

    def _take(self, fields: _Fields, name: str, kind: type, position: str, pointer: str) -> Any:
        raw = fields.get(name)
        if raw is None or bytes(raw) == b"null":
            return None
        try:
            value: Any = msgspec.json.decode(raw, type=kind)
        except _BAD:
            self._note(
                "wrong-type", position, f"{pointer}/{name}", f"{bytes(raw)[:40].decode(errors='replace')} is not of type {kind.__name__}"
            )
            return None
        if isinstance(value, int) and not -(2**63) <= value < 2**63:
            self._note("wrong-value", position, f"{pointer}/{name}", "the number needs more than 64 bits")
            return None
        return value

    def _gid(self, fields: _Fields, position: str, pointer: str) -> str | None:
        raw = bytes(fields.get("id") or b"null")
        if raw in {b"null", b'""'}:
            self._note("no-id", position, pointer, "no id")
            return None
        if len(raw) > self._limits.id_length:
            self._note("wrong-id", position, pointer + "/id", f"an id of {len(raw):,} characters")
            return None
        if raw.isdigit():
            # A number is rounded by many a program on its way; its digits are all there is.
            self._note("wrong-type", position, pointer + "/id", "the id is a number, not a text; its digits were taken")
            fields["id"] = msgspec.Raw(b'"' + raw + b'"')
            return raw.decode()
        try:
            return msgspec.json.decode(raw, type=str)
        except _BAD:
            self._note("wrong-id", position, pointer + "/id", f"the id is {raw[:40].decode(errors='replace')}")
            return None

    def _nodes(self, fields: _Fields, position: str, pointer: str) -> list[bytes] | None:
        raw = fields.get("nodes")
        if raw is None:
            return None
        text = bytes(raw)
        if text in {b"null", b"[]"}:
            # `show_details=false` gives null; the SDK makes an empty list of it.
            return None
        if text[:1] != b"[":
            self._note("wrong-type", position, pointer + "/nodes", "a list of nodes is wanted")
            return None
        nodes = []
        for index, item in enumerate(self._list(text, position, pointer + "/nodes")):
            if item[:1] != b"{":
                self._note("no-id", position, f"{pointer}/nodes/{index}", f"a node is wanted, this is {item[:40].decode(errors='replace')}")
                continue
            nodes.append(self._texts.setdefault(item, item))
        return nodes


class _Heading:
    """What an envelope says of all it holds."""

    __slots__ = ("http_status", "observed_at", "position", "request_ms", "trace_id", "utc_offset_s")

    def __init__(self, position: str) -> None:
        self.position = position
        self.observed_at: int | None = None
        self.utc_offset_s: int | None = None
        self.trace_id: str | None = None
        self.http_status: int | None = None
        self.request_ms: int | None = None


def _kind_of(fields: _Fields) -> Kind | None:
    """Tell what an object is by the keys that no other endpoint's objects have together (engine-semantics §6)."""
    names = fields.keys()
    if "max_stage" in names or ("nodes" in names and "stage" in names) or ("dag_id" in names and "state" in names and "operator" in names):
        return Kind.DAG
    if "state" not in names and "operator" not in names:
        return None
    if "node_id" in names or "sub_tasks" in names:
        return Kind.NODE
    if "execute_times" in names or ("task_id" in names and "operator" in names):
        return Kind.SUB_TASK
    return None


def _error_message(raw: bytes) -> str:
    try:
        fields = msgspec.json.decode(raw)
    except _BAD:
        return "an error that is no object"
    if not isinstance(fields, dict):
        return f"error: {str(fields)[:200]}"
    code = fields.get("errCode") or fields.get("code")
    return f"{code}: {str(fields.get('message'))[:300]}" if code else str(fields.get("message"))[:300]
