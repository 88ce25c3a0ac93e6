"""Documents to answers: what an envelope holds, and what is set aside."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from daganalysis.engine.facts import encode_facts
from daganalysis.reading.agent_answers import agents_in
from daganalysis.reading.answers import Answer, Kind
from daganalysis.reading.checked_fields import NULL, CheckedFields, Fields, error_message, integer_decoder, shown, text_decoder
from daganalysis.reading.document_search import find_documents, peeled_documents
from daganalysis.reading.documents import Document, outermost
from daganalysis.reading.duplicate_keys import own_keys_twice
from daganalysis.reading.fast_path import fast_answer, placed
from daganalysis.reading.headings import Heading, pointer_part
from daganalysis.reading.instants import InstantError, parse_instant
from daganalysis.reading.issue_codes import error_answer
from daganalysis.reading.joined_records import JoinedRecords, text_of_parts
from daganalysis.reading.json_repair import NOT_JSON, is_nearly_json, is_utf8, repair_json, too_deep
from daganalysis.reading.recognition import (
    ENVELOPE_KEYS,
    PAYLOAD_KEYS,
    is_database_row,
    is_envelope,
    is_log_record,
    is_table_row,
    kind_of_object,
    looks_like_answer,
    may_hold_answers,
)
from daganalysis.reading.sdk import from_sdk
from daganalysis.reading.typed_values import without_types
from daganalysis.reading.web_pages import only_entities, without_markup_entities
from daganalysis.reading.wrapper_time import fault_of, wrapper_time

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator

    from daganalysis.reading.answers import Issue
    from daganalysis.reading.documents import Outermost
    from daganalysis.reading.limits import Limits

_fields_decoder = msgspec.json.Decoder(Fields)
_encoder = msgspec.json.Encoder()
_TRUTHS = frozenset({b"true", b"false", b"null"})
_OPENING = (b"{", b"[")
_HOLDING = (b"{", b"[", b'"')
"""How the text of a value begins that may hold others."""
_TABLE_KEY = b'"run_id"'


class Reader:
    """Turns the documents of one source into answers."""

    def __init__(self, cluster: str | None, limits: Limits, issues: list[Issue]) -> None:
        self._cluster = cluster
        self._limits = limits
        self._issues = issues
        self._name = ""
        self._fields = CheckedFields("", limits, issues)
        self._noted_times: set[str] = set()
        self._n_unread = self._n_given = 0
        self._records = JoinedRecords()
        self._set_aside: list[Issue] = []
        """Issues of documents that may turn out to be parts of one cut into several."""

    def read(self, document: Document, name: str) -> Iterator[Answer]:
        """Yield the answers of one document, at any depth."""
        if name != self._name:
            self._name, self._fields = name, CheckedFields(name, self._limits, self._issues)
        if isinstance(document.value, Answer):
            yield placed(document.value, self._cluster, name, f"{document.position} /data")
            return
        yield from self._document(document, Heading(document.position), "", 0)

    def close(self) -> Iterator[Answer]:
        """Yield the answers that were cut into several documents of the file, or note what the documents were instead."""
        set_aside, self._set_aside = self._set_aside, []
        heading = Heading("line 1")
        recognised = False
        for name, text in self._records.joined():
            if looks_like_answer(text):
                documents = find_documents(None, self._name, self._limits, [], text)
                recognised |= yield from self._texts(documents, heading, f"{name} of its records", 1)
        if not recognised:
            self._issues.extend(set_aside)

    def _note(self, code: str, heading: Heading, pointer: str, message: str) -> None:
        self._fields.note(code, heading, pointer, message)

    # -- documents --------------------------------------------------------------------------------------------------------------------

    def _document(self, document: Document, heading: Heading, pointer: str, depth: int) -> Generator[Answer, None, bool]:
        """Read one document, of a file or of a text within another; return whether anything in it was of the task API."""
        text, value = document.text, document.value
        if isinstance(value, Answer):
            self._n_given += 1
            yield placed(value, self._cluster, self._name, f"{heading.position} {pointer}/data")
            return True
        if value is None:
            value = outermost(text)
        if value is None or not is_utf8(text):
            faults: list[Issue] = []
            repaired = repair_json(text, self._name, document.position, self._limits, faults)
            if repaired is None:
                if (yield from self._texts(peeled_documents(text, self._limits), heading, pointer, depth)):
                    if depth == 0 and is_nearly_json(text):
                        self._note("nearly-json", heading, pointer, faults[0].message)
                    return True
                self._issues.extend(faults if depth == 0 else ())
                return False
            self._issues.extend(faults)
            text, value = repaired, outermost(repaired)
        if value is None:
            return False
        untyped = without_types(text)
        if untyped is not None:
            text, value = untyped, outermost(untyped) or value
        if document.before:
            heading = heading.within(document.before)
        if depth == 0:
            return (yield from self._outermost(text, value, heading, pointer))
        return (yield from self._value(text, value, heading, pointer, depth))

    def _outermost(self, text: bytes, value: Outermost, heading: Heading, pointer: str) -> Generator[Answer, None, bool]:
        """Read a document of a file; one in which nothing can be used may be a part of an answer that was cut."""
        n_before, n_unread = len(self._issues), self._n_unread
        recognised = yield from self._value(text, value, heading, pointer, 0)
        if not recognised:
            self._note_foreign(text, value, heading, pointer)
        if (not recognised or self._n_unread > n_unread) and len(self._set_aside) < self._limits.issues:
            self._records.add(value)
            self._set_aside += self._issues[n_before:]
            del self._issues[n_before:]
        return recognised

    def _note_foreign(self, text: bytes, value: Outermost, heading: Heading, pointer: str) -> None:
        """Say that a document, or a payload, is nothing of the task API, or what of it cannot be used."""
        if looks_like_answer(text):
            self._note("unread-answer", heading, pointer, f"it has fields of a task answer: {shown(text)}")
        elif isinstance(value, dict) and b'"entries"' in text and b"/api/v1/task/" in text:
            message = "a HAR file without the bodies of the responses; save it again with content"
            self._note("unusable-form", heading, pointer, message)
        elif isinstance(value, dict):
            self._note("not-a-task", heading, pointer, f"an object with {', '.join(sorted(value)[:6])[:200] or 'no fields'}")
        elif value:
            self._note("not-a-task", heading, pointer, f"a list of {len(value):,}")
        else:
            self._note("empty-list", heading, pointer, "an empty list")

    def _texts(self, documents: Iterable[Document], heading: Heading, pointer: str, depth: int) -> Generator[Answer, None, bool]:
        """Read documents that were found in a text within a document."""
        recognised = False
        for document in documents:
            offset = document.position.removeprefix("byte ").removeprefix("line ")
            place = pointer if offset in {"0", "1"} else f"{pointer}@{offset}"
            recognised |= yield from self._document(document, heading, place, depth + 1)
        return recognised

    # -- objects ----------------------------------------------------------------------------------------------------------------------

    def _value(self, text: bytes, value: Outermost, heading: Heading, pointer: str, depth: int) -> Generator[Answer, None, bool]:
        """Read an object or a list by its own keys. If it is not an answer, read its contents. Return whether anything was recognised."""
        if isinstance(value, list):
            if value and is_log_record(bytes(value[0])):
                yield self._answer(Kind.LOGS, "", text, None, heading, pointer)
                return True
            first = outermost(bytes(value[0])) if value and _TABLE_KEY in bytes(value[0]) else None
            if isinstance(first, dict) and is_table_row(first):
                self._note("table-row", heading, pointer, f"{len(value):,} rows with {', '.join(sorted(first)[:6])[:200]}")
                return True
        elif is_database_row(value):
            self._note("database-row", heading, pointer, f"a row with {', '.join(sorted(value)[:6])[:200]}")
            return True
        elif is_envelope(value):
            yield from self._envelope(text, value, heading, pointer, depth)
            return True
        elif "contents" in value and bytes(value["contents"]) in {b"null", b"[]"}:
            self._note("empty-list", heading, pointer + "/contents", f"contents is {bytes(value['contents']).decode()}")
            return True
        elif "generic_id" in value or kind_of_object(value) is not None:
            return (yield from self._payload(text, value, heading, pointer, depth))
        elif agents := agents_in(value, heading.observed_at):
            yield self._answer(Kind.AGENT_FACTS, "", encode_facts(agents), None, heading, pointer)
            return True
        return (yield from self._inside(value, heading.within(value), pointer, depth))

    def _inside(self, value: Outermost, heading: Heading, pointer: str, depth: int) -> Generator[Answer, None, bool]:
        """Look for answers in each of the values of an object or a list that is no answer itself."""
        if depth >= self._limits.wrapping:
            return False
        recognised = False
        n_issues, n_given = len(self._issues), self._n_given
        others: list[tuple[str, bytes]] = []
        for name, raw in value.items() if isinstance(value, dict) else enumerate(value):
            text = bytes(raw)
            place = f"{pointer}/{pointer_part(name) if isinstance(name, str) else name}"
            if (yield from self._child(text, heading, place, depth + 1)):
                recognised = True
            elif isinstance(value, list) and (depth == 0 or text[:1] in _OPENING):
                others.append((place, text))
        if n_given == self._n_given and isinstance(value, list) and len(value) > 1:
            content = text_of_parts(value)
            if content and (yield from self._texts(find_documents(None, self._name, self._limits, [], content), heading, pointer, depth)):
                del self._issues[n_issues:]
                return True
        if n_given == self._n_given and isinstance(value, list) and (yield from self._joined(value, heading, pointer, depth)):
            del self._issues[n_issues:]
            return True
        for place, text in others if recognised else ():
            if looks_like_answer(text):
                self._note("unread-answer", heading, place, f"it has fields of a task answer: {shown(text)}")
            elif depth == 0:
                self._note("not-a-task", heading, place, f"an element that is {shown(text)}")
        return recognised

    def _joined(self, value: list[msgspec.Raw], heading: Heading, pointer: str, depth: int) -> Generator[Answer, None, bool]:
        """Look for answers that are spread over several records of a list, one line in each."""
        records = JoinedRecords()
        for raw in value:
            record = outermost(bytes(raw))
            if record is not None:
                records.add(record)
        recognised = False
        for name, text in records.joined():
            if not recognised and looks_like_answer(text):
                documents = find_documents(None, self._name, self._limits, [], text)
                recognised = yield from self._texts(documents, heading, f"{pointer}{name}", depth + 1)
        return recognised

    def _child(self, text: bytes, heading: Heading, pointer: str, depth: int) -> Generator[Answer, None, bool]:
        if text[:1] not in _HOLDING or not may_hold_answers(text):
            return False
        if text[:1] == b'"':
            return (yield from self._string(text, heading, pointer, depth))
        answer = fast_answer(text, self._limits)
        if answer is not None:
            self._n_given += 1
            yield placed(answer, self._cluster, self._name, f"{heading.position} {pointer}/data")
            return True
        value = outermost(text)
        return False if value is None else (yield from self._value(text, value, heading, pointer, depth))

    def _string(self, raw: bytes, heading: Heading, pointer: str, depth: int) -> Generator[Answer, None, bool]:
        """Look for answers in a text: one that is JSON, or that holds some among other words."""
        content = text_decoder.decode(raw).encode("utf-8", "replace")
        if only_entities(content) and looks_like_answer(content):
            content = without_markup_entities(content)
            self._note("decoded-entities", heading, pointer, "&amp;, &lt; and &gt;")
        faults: list[Issue] = []
        documents = find_documents(None, self._name, self._limits, faults, content) if depth < self._limits.wrapping else ()
        if (yield from self._texts(documents, heading, pointer, depth)):
            return True
        if looks_like_answer(content):
            reason = faults[0].message if faults else shown(content)
            self._n_unread += 1
            self._note("unread-answer", heading, pointer, f"a text with fields of a task answer: {reason}")
            return True
        return False

    def _envelope(self, text: bytes, fields: Fields, heading: Heading, pointer: str, depth: int) -> Iterator[Answer]:
        outer = heading
        heading = Heading(outer.position, outer.wrappers)
        heading.trace_id = self._fields.take(fields, "traceId", text_decoder, heading, pointer)
        heading.http_status = self._fields.take(fields, "status", integer_decoder, heading, pointer)
        heading.request_ms = self._fields.take(fields, "duration", integer_decoder, heading, pointer)
        timestamp = self._fields.take(fields, "timestamp", text_decoder, heading, pointer)
        if timestamp is not None:
            try:
                heading.observed_at, heading.utc_offset_s = parse_instant(timestamp) or (None, None)
            except InstantError as error:
                self._note("wrong-time", heading, pointer + "/timestamp", f"{timestamp[:60]!r} is not an instant: {error}")
        successful = bytes(fields.get("successful", NULL))
        if successful not in _TRUTHS:
            self._note("wrong-type", heading, pointer + "/successful", f"expected true or false, found {shown(successful)}")
        data = bytes(fields.get("data", NULL))
        self._look_for_keys_twice(text, fields, "data", data, heading, pointer)
        others = {name: raw for name, raw in fields.items() if name not in ENVELOPE_KEYS}
        found_beside = (yield from self._inside(others, outer.within(others), pointer, depth)) if others else False
        failure = bytes(fields.get("error", NULL))
        if failure != b"null":
            self._note_failure(failure, heading, pointer)
        elif data == b"null" and successful == b"false":
            self._note("error-answer", heading, pointer, "not successful, without an error")
        elif data == b"null" and not found_beside:
            self._note("no-payload", heading, pointer, "a success without data" if "data" not in fields else "data is null")
        if data == b"null":
            return
        if data == b"[]":
            self._note("empty-list", heading, pointer + "/data", "data is []")
            return
        if not (yield from self._payload_of(data, heading, pointer + "/data", depth)):
            value = outermost(data)
            if value is None:
                self._note("not-a-task", heading, pointer + "/data", f"the payload is {shown(data)}")
            else:
                self._note_foreign(data, value, heading, pointer + "/data")

    def _payload_of(self, data: bytes, heading: Heading, pointer: str, depth: int) -> Generator[Answer, None, bool]:
        """The content of an envelope: one object, several in a list, or a wrapper of these."""
        if data[:1] == b'"':
            return (yield from self._string(data, heading, pointer, depth + 1)) if may_hold_answers(data) else False
        value = outermost(data)
        if isinstance(value, list) and not is_log_record(bytes(value[0])):
            recognised = False
            for index, item in enumerate(value):
                element = outermost(bytes(item))
                if element is not None and (yield from self._value(bytes(item), element, heading, f"{pointer}/{index}", depth + 1)):
                    recognised = True
                else:
                    self._note("not-a-task", heading, f"{pointer}/{index}", f"an element that is {shown(bytes(item))}")
                    recognised = True
            return recognised
        return False if value is None else (yield from self._value(data, value, heading, pointer, depth + 1))

    def _note_failure(self, failure: bytes, heading: Heading, pointer: str) -> None:
        self._issues.append(error_answer(self._name, f"{heading.position} {pointer}/error", heading.http_status, error_message(failure)))

    def _look_for_keys_twice(
        self, text: bytes, fields: Fields, large: str, large_text: bytes, heading: Heading, pointer: str, others: bytes | None = None
    ) -> None:
        if others is None:
            others = _encoder.encode({name: value for name, value in fields.items() if name != large})
        twice = own_keys_twice(text, fields, large, large_text, others)
        if twice:
            self._note("duplicate-key", heading, pointer, f"{', '.join(twice[:5])} twice in one object; the last value counts")

    def _payload(self, text: bytes, fields: Fields, heading: Heading, pointer: str, depth: int) -> Generator[Answer, None, bool]:
        """One DAG, node or sub-task."""
        if "generic_id" in fields and "id" not in fields:
            try:
                text = from_sdk(text)
            except NOT_JSON as error:
                self._note("invalid-json", heading, pointer, str(error))
                return True
            fields = _fields_decoder.decode(text)
        kind = kind_of_object(fields)
        if kind is None:
            return False
        others = {name: raw for name, raw in fields.items() if name not in PAYLOAD_KEYS}
        found_inside = (yield from self._inside(others, heading.within(fields), pointer, depth)) if others else False
        if found_inside and bytes(fields.get("id", NULL)) in {b"null", b'""'}:
            return True  # a wrapper that repeats some fields of what it holds
        if "additional_data" in fields and too_deep(bytes(fields["additional_data"]), self._limits):
            self._note("nested-too-deep", heading, pointer + "/additional_data", f"brackets nested deeper than {self._limits.nesting}")
            return True
        gid = self._fields.gid(fields, heading, pointer)
        if gid is None:
            return True
        if kind is not Kind.DAG:
            yield self._answer(kind, gid, _encoder.encode(fields), None, heading, pointer)
            return True
        shown = bytes(fields.get("nodes", NULL))
        nodes = self._fields.nodes(shown, heading, pointer + "/nodes")
        body = _encoder.encode({name: value for name, value in fields.items() if name != "nodes"})
        self._look_for_keys_twice(text, fields, "nodes", shown, heading, pointer, body)
        yield self._answer(kind, gid, body, nodes, heading, pointer)
        return True

    def _answer(self, kind: Kind, gid: str, body: bytes, nodes: list[bytes] | None, heading: Heading, pointer: str) -> Answer:
        self._n_given += 1
        observed_at = heading.observed_at
        if observed_at is None and heading.wrappers:
            observed_at = self._time_around(heading, pointer, (body, *(nodes or ())))
        return Answer(
            kind,
            gid,
            body,
            nodes,
            self._cluster,
            self._name,
            f"{heading.position} {pointer}".rstrip(),
            observed_at,
            heading.utc_offset_s,
            heading.trace_id,
            heading.http_status,
            heading.request_ms,
        )

    def _time_around(self, heading: Heading, pointer: str, texts: Iterable[bytes]) -> int | None:
        """Return the time of an answer's wrapper, if the answer has no envelope and can have been saved then; note it once a file."""
        found = wrapper_time(heading.wrappers)
        if found is None:
            return None
        fault = fault_of(found, texts)
        code = "unused-wrapper-time" if fault else "wrapper-time"
        if code not in self._noted_times:
            self._noted_times.add(code)
            said = fault or f"ordered by the time of the record around it ({found.name})"
            self._note(code, heading, pointer, f"{said}; this holds for similar answers of the file, too")
        return None if fault else found.at
