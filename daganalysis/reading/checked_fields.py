"""The fields of an object of the task API, each checked when it is read. A wrong field becomes an issue."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from daganalysis.reading.fast_path import ID
from daganalysis.reading.issue_codes import issue
from daganalysis.reading.json_repair import NOT_JSON

if TYPE_CHECKING:
    from daganalysis.reading.answers import Issue
    from daganalysis.reading.headings import Heading
    from daganalysis.reading.limits import Limits

T = TypeVar("T")
Fields = dict[str, msgspec.Raw]
NULL = msgspec.Raw(b"null")
_list_decoder = msgspec.json.Decoder(list[msgspec.Raw])
text_decoder = msgspec.json.Decoder(str)
integer_decoder = msgspec.json.Decoder(int)


class CheckedFields:
    """Takes fields of the objects of one source and notes those of a wrong type or value."""

    def __init__(self, name: str, limits: Limits, issues: list[Issue]) -> None:
        self._name = name
        self._limits = limits
        self._issues = issues

    def note(self, code: str, heading: Heading, pointer: str, message: str) -> None:
        """Add an issue at a place of the source."""
        self._issues.append(issue(code, self._name, f"{heading.position} {pointer}".rstrip() or None, message))

    def take(self, fields: Fields, name: str, decoder: msgspec.json.Decoder[T], heading: Heading, pointer: str) -> T | None:
        """Return the value of a field, or None where it is absent, null or of another type."""
        raw = fields.get(name)
        if raw is None or bytes(raw) == b"null":
            return None
        try:
            value: Any = decoder.decode(raw)
        except NOT_JSON:
            wanted = "a text" if decoder.type is str else "a whole number"
            self.note("wrong-type", heading, f"{pointer}/{name}", f"expected {wanted}, found {shown(bytes(raw))}")
            return None
        if isinstance(value, int) and not -(2**63) <= value < 2**63:
            self.note("wrong-value", heading, f"{pointer}/{name}", "the number needs more than 64 bits")
            return None
        return value  # type: ignore[no-any-return] # of the decoder's type

    def gid(self, fields: Fields, heading: Heading, pointer: str) -> str | None:
        """Return the id of a DAG, a node or a sub-task, or None where nothing can be used as one."""
        raw = bytes(fields.get("id", NULL))
        if raw in {b"null", b'""'}:
            self.note("no-id", heading, pointer, "no id")
            return None
        if len(raw) > self._limits.id_length:
            self.note("wrong-id", heading, pointer + "/id", f"an id of {len(raw):,} characters")
            return None
        if raw.isdigit():
            # A number is rounded by many a program on its way; its digits are all there is.
            self.note("wrong-type", heading, pointer + "/id", "the id is a number, not a text; its digits were used")
            fields["id"] = msgspec.Raw(b'"' + raw + b'"')
            return raw.decode()
        try:
            gid = text_decoder.decode(raw)
        except NOT_JSON:
            gid = ""
        if ID.fullmatch(gid):
            return gid
        # An id with a / or a # in it could pass for a run of another cluster.
        self.note("wrong-id", heading, pointer + "/id", f"the id is {shown(raw)}")
        return None

    def nodes(self, text: bytes, heading: Heading, pointer: str) -> list[bytes] | None:
        """Return the text of each node of a DAG, or None where the answer does not show nodes."""
        if text in {b"null", b"[]"}:
            # `show_details=false` gives null; the SDK makes an empty list of it.
            return None
        if text[:1] != b"[":
            self.note("wrong-type", heading, pointer, "expected a list of nodes")
            return None
        nodes = []
        for index, item in enumerate(self._list(text, heading, pointer)):
            if item[:1] != b"{":
                self.note("no-id", heading, f"{pointer}/{index}", f"expected a node, found {shown(item)}")
                continue
            nodes.append(item)
        return nodes

    def _list(self, text: bytes, heading: Heading, pointer: str) -> list[bytes]:
        try:
            return [bytes(item) for item in _list_decoder.decode(text)]
        except NOT_JSON as error:
            self.note("wrong-type", heading, pointer, f"expected a list: {error}")
            return []


def shown(text: bytes) -> str:
    """Return the beginning of a text, for a message."""
    return text[:40].decode(errors="replace")


def error_message(raw: bytes) -> str:
    """Return the code and the message of the error of an envelope."""
    try:
        fields = msgspec.json.decode(raw)
    except NOT_JSON:
        return "the error is not an object"
    if not isinstance(fields, dict):
        return f"error: {str(fields)[:200]}"
    code = fields.get("errCode") or fields.get("code")
    message = str(fields.get("message"))[:300]
    return f"{str(code)[:100]}: {message}" if code else message
