"""Documents to answers: what an envelope holds, and what is set aside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from daganalysis.reading.answers import Answer, Kind
from daganalysis.reading.documents import Document, outermost
from daganalysis.reading.duplicate_keys import own_keys_twice
from daganalysis.reading.fast_path import ID, fast_answer, placed
from daganalysis.reading.instants import InstantError, parse_instant
from daganalysis.reading.issue_codes import issue
from daganalysis.reading.json_repair import NOT_JSON, is_utf8, repair_json, too_deep
from daganalysis.reading.sdk import from_sdk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from daganalysis.reading.answers import Issue
    from daganalysis.reading.limits import Limits

T = TypeVar("T")
_Fields = dict[str, msgspec.Raw]
_fields_decoder = msgspec.json.Decoder(_Fields)
_list_decoder = msgspec.json.Decoder(list[msgspec.Raw])
_text_decoder = msgspec.json.Decoder(str)
_integer_decoder = msgspec.json.Decoder(int)
_encoder = msgspec.json.Encoder()
_NULL = msgspec.Raw(b"null")
_TRUTHS = frozenset({b"true", b"false", b"null"})
_TASK_KEYS = frozenset({"task_id", "execute_times", "execute_agent", "task_logs"})


class Reader:
    """Turns the documents of one source into answers."""

    def __init__(self, cluster: str | None, limits: Limits, issues: list[Issue]) -> None:
        self._cluster = cluster
        self._limits = limits
        self._issues = issues
        self._name = ""

    def read(self, document: Document, name: str) -> Iterator[Answer]:
        """Yield the answers of one document."""
        self._name = name
        text, value = document.text, document.value
        if isinstance(value, Answer):
            yield placed(value, self._cluster, name, f"{document.position} /data")
            return
        if value is None:
            value = outermost(text)
        if value is None or not is_utf8(text):
            mended = repair_json(text, name, document.position, self._limits, self._issues)
            if mended is None:
                return
            text, value = mended, outermost(mended)
        heading = _Heading(document.position)
        if isinstance(value, list):
            if not any(item_text[:1] == b"{" for item_text in (bytes(item) for item in value)):
                self._note("not-a-task" if value else "empty-list", heading, "", "a list without objects" if value else "an empty list")
                return
            for index, item in enumerate(value):
                yield from self._element(bytes(item), heading, f"/{index}")
        elif value is not None:
            yield from self._value(text, value, heading, "")

    def _note(self, code: str, heading: _Heading, pointer: str, message: str) -> None:
        self._issues.append(issue(code, self._name, f"{heading.position} {pointer}".rstrip() or None, message))

    # -- documents --------------------------------------------------------------------------------------------------------------------

    def _element(self, text: bytes, heading: _Heading, pointer: str) -> Iterator[Answer]:
        """One of a list of envelopes or of bare payloads."""
        answer = fast_answer(text, self._limits)
        if answer is not None:
            yield placed(answer, self._cluster, self._name, f"{heading.position} {pointer}/data")
            return
        fields = outermost(text)
        if isinstance(fields, dict):
            yield from self._value(text, fields, _Heading(heading.position), pointer)
        else:
            self._note("not-a-task", heading, pointer, f"an element that is {_shown(text)}")

    def _value(self, text: bytes, fields: _Fields, heading: _Heading, pointer: str) -> Iterator[Answer]:
        """An envelope, or a bare payload."""
        if "data" in fields or "successful" in fields or "traceId" in fields or ("error" in fields and "id" not in fields):
            yield from self._envelope(text, fields, heading, pointer)
        else:
            yield from self._payload(text, fields, heading, pointer)

    def _envelope(self, text: bytes, fields: _Fields, heading: _Heading, pointer: str) -> Iterator[Answer]:
        heading.trace_id = self._take(fields, "traceId", _text_decoder, heading, pointer)
        heading.http_status = self._take(fields, "status", _integer_decoder, heading, pointer)
        heading.request_ms = self._take(fields, "duration", _integer_decoder, heading, pointer)
        timestamp = self._take(fields, "timestamp", _text_decoder, heading, pointer)
        if timestamp is not None:
            try:
                heading.observed_at, heading.utc_offset_s = parse_instant(timestamp) or (None, None)
            except InstantError as error:
                self._note("wrong-time", heading, pointer + "/timestamp", f"{timestamp[:60]!r} is no instant: {error}")
        successful = bytes(fields.get("successful", _NULL))
        if successful not in _TRUTHS:
            self._note("wrong-type", heading, pointer + "/successful", f"true or false is wanted, this is {_shown(successful)}")
        data = bytes(fields.get("data", _NULL))
        self._look_for_keys_twice(text, fields, "data", data, heading, pointer)
        failure = bytes(fields.get("error", _NULL))
        if failure != b"null":
            self._note("error-answer", heading, pointer + "/error", _error_message(failure))
        elif data == b"null" and successful == b"false":
            self._note("error-answer", heading, pointer, "not successful, without an error")
        elif data == b"null":
            self._note("no-payload", heading, pointer, "a success without data" if "data" not in fields else "data is null")
        if data == b"null":
            return
        if data[:1] == b"[":
            items = self._list(data, heading, pointer + "/data")
            if not items:
                self._note("empty-list", heading, pointer + "/data", "data is []")
            for index, item in enumerate(items):
                yield from self._object(item, heading, f"{pointer}/data/{index}")
            return
        yield from self._object(data, heading, pointer + "/data")

    def _look_for_keys_twice(
        self, text: bytes, fields: _Fields, large: str, large_text: bytes, heading: _Heading, pointer: str, others: bytes | None = None
    ) -> None:
        if others is None:
            others = _encoder.encode({name: value for name, value in fields.items() if name != large})
        twice = own_keys_twice(text, fields, large, large_text, others)
        if twice:
            self._note("duplicate-key", heading, pointer, f"{', '.join(twice[:5])} twice in one object; the last one counts")

    def _object(self, text: bytes, heading: _Heading, pointer: str) -> Iterator[Answer]:
        fields = outermost(text)
        if isinstance(fields, dict):
            yield from self._payload(text, fields, heading, pointer)
        else:
            self._note("not-a-task", heading, pointer, f"the payload is {_shown(text)}")

    def _payload(self, text: bytes, fields: _Fields, heading: _Heading, pointer: str) -> Iterator[Answer]:
        """One DAG, node or sub-task, or `contents`."""
        if "contents" in fields and len(fields) == 1:
            yield from self._contents(bytes(fields["contents"]), heading, pointer + "/contents")
            return
        if "generic_id" in fields and "id" not in fields:
            try:
                text = from_sdk(text)
            except NOT_JSON as error:
                self._note("invalid-json", heading, pointer, str(error))
                return
            fields = _fields_decoder.decode(text)
        kind = _kind_of(fields)
        if kind is None:
            self._note("not-a-task", heading, pointer, f"an object with {', '.join(sorted(fields)[:6])[:200] or 'no fields'}")
            return
        if "additional_data" in fields and too_deep(bytes(fields["additional_data"]), self._limits):
            self._note("nested-too-deep", heading, pointer + "/additional_data", f"brackets nested deeper than {self._limits.nesting}")
            return
        gid = self._gid(fields, heading, pointer)
        if gid is None:
            return
        if kind is not Kind.DAG:
            yield self._answer(kind, gid, _encoder.encode(fields), None, heading, pointer)
            return
        shown = bytes(fields.get("nodes", _NULL))
        nodes = self._nodes(shown, heading, pointer + "/nodes")
        body = _encoder.encode({name: value for name, value in fields.items() if name != "nodes"})
        self._look_for_keys_twice(text, fields, "nodes", shown, heading, pointer, body)
        yield self._answer(kind, gid, body, nodes, heading, pointer)

    def _contents(self, text: bytes, heading: _Heading, pointer: str) -> Iterator[Answer]:
        if text in {b"null", b"[]"}:
            self._note("empty-list", heading, pointer, f"contents is {text.decode()}")
            return
        items = self._list(text, heading, pointer)
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
            f"{heading.position} {pointer}".rstrip(),
            heading.observed_at,
            heading.utc_offset_s,
            heading.trace_id,
            heading.http_status,
            heading.request_ms,
        )

    # -- fields -----------------------------------------------------------------------------------------------------------------------

    def _list(self, text: bytes, heading: _Heading, pointer: str) -> list[bytes]:
        try:
            return [bytes(item) for item in _list_decoder.decode(text)]
        except NOT_JSON as error:
            self._note("wrong-type", heading, pointer, f"a list is wanted: {error}")
            return []

    def _take(self, fields: _Fields, name: str, decoder: msgspec.json.Decoder[T], heading: _Heading, pointer: str) -> T | None:
        raw = fields.get(name)
        if raw is None or bytes(raw) == b"null":
            return None
        try:
            value: Any = decoder.decode(raw)
        except NOT_JSON:
            wanted = "a text" if decoder.type is str else "a whole number"
            self._note("wrong-type", heading, f"{pointer}/{name}", f"{wanted} is wanted, this is {_shown(bytes(raw))}")
            return None
        if isinstance(value, int) and not -(2**63) <= value < 2**63:
            self._note("wrong-value", heading, f"{pointer}/{name}", "the number needs more than 64 bits")
            return None
        return value  # type: ignore[no-any-return] # of the decoder's type

    def _gid(self, fields: _Fields, heading: _Heading, pointer: str) -> str | None:
        raw = bytes(fields.get("id", _NULL))
        if raw in {b"null", b'""'}:
            self._note("no-id", heading, pointer, "no id")
            return None
        if len(raw) > self._limits.id_length:
            self._note("wrong-id", heading, pointer + "/id", f"an id of {len(raw):,} characters")
            return None
        if raw.isdigit():
            # A number is rounded by many a program on its way; its digits are all there is.
            self._note("wrong-type", heading, pointer + "/id", "the id is a number, not a text; its digits were taken")
            fields["id"] = msgspec.Raw(b'"' + raw + b'"')
            return raw.decode()
        try:
            gid = _text_decoder.decode(raw)
        except NOT_JSON:
            gid = ""
        if ID.fullmatch(gid):
            return gid
        # An id with a / or a # in it could pass for a run of another cluster.
        self._note("wrong-id", heading, pointer + "/id", f"the id is {_shown(raw)}")
        return None

    def _nodes(self, text: bytes, heading: _Heading, pointer: str) -> list[bytes] | None:
        if text in {b"null", b"[]"}:
            # `show_details=false` gives null; the SDK makes an empty list of it.
            return None
        if text[:1] != b"[":
            self._note("wrong-type", heading, pointer, "a list of nodes is wanted")
            return None
        nodes = []
        for index, item in enumerate(self._list(text, heading, pointer)):
            if item[:1] != b"{":
                self._note("no-id", heading, f"{pointer}/{index}", f"a node is wanted, this is {_shown(item)}")
                continue
            nodes.append(item)
        return nodes


@dataclass(slots=True)
class _Heading:
    """What an envelope says of all it holds."""

    position: str
    observed_at: int | None = None
    utc_offset_s: int | None = None
    trace_id: str | None = None
    http_status: int | None = None
    request_ms: int | None = None


def _kind_of(fields: _Fields) -> Kind | None:
    """Tell what an object is by the keys that no other endpoint's objects have together (engine-semantics §6)."""
    names = fields.keys()
    if "max_stage" in names or ("nodes" in names and "stage" in names) or names >= {"dag_id", "state", "operator"}:
        return Kind.DAG
    if "state" not in names and "operator" not in names:
        return None
    if "node_id" in names or "sub_tasks" in names:
        return Kind.NODE
    # Jobs of other endpoints have a `task_id` too; of a sub-task more than that is there, whatever is missing.
    return Kind.SUB_TASK if len(names & _TASK_KEYS) > 1 or names >= {"task_id", "state", "operator", "start_time"} else None


def _shown(text: bytes) -> str:
    return text[:40].decode(errors="replace")


def _error_message(raw: bytes) -> str:
    try:
        fields = msgspec.json.decode(raw)
    except NOT_JSON:
        return "an error that is no object"
    if not isinstance(fields, dict):
        return f"error: {str(fields)[:200]}"
    code = fields.get("errCode") or fields.get("code")
    message = str(fields.get("message"))[:300]
    return f"{str(code)[:100]}: {message}" if code else message
