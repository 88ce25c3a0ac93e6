"""Answers that are in every way as documented, as nearly all are: found by two marks, each piece decoded once."""

from __future__ import annotations

import re
from functools import lru_cache
from operator import itemgetter
from typing import TYPE_CHECKING, Annotated

import msgspec

from daganalysis.reading.answers import Answer, Kind
from daganalysis.reading.instants import InstantError, parse_instant
from daganalysis.reading.json_repair import NOT_JSON, is_utf8, too_deep

if TYPE_CHECKING:
    from daganalysis.reading.limits import Limits

_Integer = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]


class _Envelope(msgspec.Struct, forbid_unknown_fields=True):
    """The envelope of a success, its payload taken out."""

    successful: bool
    timestamp: str
    duration: _Integer
    status: _Integer
    traceId: str  # noqa: N815 - the API's own spelling
    data: None


_envelope_decoder = msgspec.json.Decoder(_Envelope)
_fields_decoder = msgspec.json.Decoder(dict[str, msgspec.Raw])
_list_decoder = msgspec.json.Decoder(list[msgspec.Raw])
_text_decoder = msgspec.json.Decoder(str)
_encoder = msgspec.json.Encoder()
_DATA, _NODES = b'"data":', b'"nodes":'
_WORD, _NUMBER = rb'"[^"\\\x00-\x1f]*"', rb"-?(?:0|[1-9]\d*)"
_USUAL_FIELDS = re.compile(
    rb'(\{"id":"([\w.:-]+)","dag_id":N,"name":W,"stage":N,"max_stage":N,(?:"maintenance_type":N,"maintenance_key":W,)?"state":W,'
    rb'"operator":W,"start_time":W,"end_time":W,"additional_data":(?:null|\{\})),"nodes":null\}'.replace(b"W", _WORD).replace(b"N", _NUMBER)
)
"""The own fields of a DAG as the server writes them, one after the other without white space."""
_N_ENVELOPE_QUOTES = 16
"""Quotation marks around six keys and two texts."""
_TAIL_BYTES = 64
"""An indented document ends in some twelve."""
_DAG_KEYS = frozenset(
    ("id", "dag_id", "name", "stage", "max_stage", "maintenance_type", "maintenance_key", "state", "operator", "start_time", "end_time")
    + ("additional_data", "nodes")
)
_REMEMBERED_BYTES = 1 << 12
"""Texts of so many bytes are remembered, for most polls of a DAG repeat what it says of itself; longer ones would take much memory."""
_first_byte = itemgetter(0)
_OBJECTS = {ord("{")}
ID = re.compile(r"[\w.:-]+", re.ASCII)


def fast_answer(text: bytes, limits: Limits) -> Answer | None:
    """Return the answer of a text that is one DAG with its nodes, in its envelope; its source, position and cluster are left open.

    None for any other text, and for one of which only a closer look tells what it is (:class:`daganalysis.reading.responses.Reader`).
    The envelope ends in its data and those in the nodes, so the text is cut before each, and what is cut off stands as null in the piece
    before: the pieces are whole JSON where the text is. Quotation marks are counted to see that no key is there twice.
    """
    data = text.find(_DATA)
    nodes = text.find(_NODES, data)
    tail = text[-_TAIL_BYTES:]
    closing = tail[len(tail.rstrip(b" \t\r\n}")) :]
    if data < 0 or nodes < 0 or closing.count(b"}") != 2:
        return None
    heading = text[:data] + b'"data":null}'
    try:
        envelope = _envelope_decoder.decode(heading)
        at, offset = parse_instant(envelope.timestamp) or (None, None)
        own = text[data + len(_DATA) : nodes] + b'"nodes":null}'
        gid, body = _remembered_fields(own) if len(own) <= _REMEMBERED_BYTES else _own_fields(own)
        shown = _list_decoder.decode(memoryview(text)[nodes + len(_NODES) : len(text) - len(closing)])
    except (*NOT_JSON, InstantError):
        return None
    items = list(map(bytes, shown))
    if (
        heading.count(b'"') != _N_ENVELOPE_QUOTES
        or not gid
        or len(gid) > limits.id_length - 2
        or too_deep(body, limits)
        or set(map(_first_byte, items)) != _OBJECTS
        or not is_utf8(text)
    ):
        return None
    return Answer(Kind.DAG, gid, body, items, None, "", "", at, offset, envelope.traceId, envelope.status, envelope.duration)


def placed(answer: Answer, cluster: str | None, source: str, position: str) -> Answer:
    """Complete an answer that was read as documented."""
    answer.cluster, answer.source, answer.position = cluster, source, position
    return answer


def _own_fields(text: bytes) -> tuple[str, bytes]:
    """Return the id of a DAG, and its text without the nodes; the id is empty where there is none, or a field is not as documented."""
    usual = _USUAL_FIELDS.fullmatch(text)
    if usual is not None:
        return usual[2].decode(), usual[1] + b"}"
    fields = _fields_decoder.decode(text)
    gid = _text_decoder.decode(fields.get("id", b'""'))
    if not ("max_stage" in fields and fields.keys() <= _DAG_KEYS and ID.fullmatch(gid)):
        return "", b""
    del fields["nodes"]
    body = _encoder.encode(fields)
    return (gid, body) if text.count(b'"') == body.count(b'"') + 2 else ("", b"")


_remembered_fields = lru_cache(maxsize=256)(_own_fields)
