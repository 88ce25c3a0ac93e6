"""Answers that are in every way as documented, as nearly all are: found by two marks, each piece decoded once."""

from __future__ import annotations

import re
from operator import methodcaller
from typing import TYPE_CHECKING, Annotated

import msgspec

from daganalysis.reading.answers import Answer, Kind
from daganalysis.reading.instants import InstantError, parse_instant
from daganalysis.reading.mending import NOT_JSON, is_utf8, too_deep

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
_N_ENVELOPE_QUOTES = 16
"""Quotation marks around six keys and two texts."""
_TAIL_BYTES = 64
"""An indented document ends in some twelve."""
_DAG_KEYS = frozenset(
    ("id", "dag_id", "name", "stage", "max_stage", "maintenance_type", "maintenance_key", "state", "operator", "start_time", "end_time")
    + ("additional_data", "nodes")
)
_is_object = methodcaller("startswith", b"{")
ID = re.compile(r"[\w.:-]+", re.ASCII)


def documented(text: bytes, limits: Limits) -> Answer | None:
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
    own = text[data + len(_DATA) : nodes] + b'"nodes":null}'
    shown = memoryview(text)[nodes + len(_NODES) : len(text) - len(closing)]
    try:
        envelope = _envelope_decoder.decode(heading)
        at, offset = parse_instant(envelope.timestamp) or (None, None)
        fields = _fields_decoder.decode(own)
        gid = _text_decoder.decode(fields.get("id", b'""'))
        items = list(map(bytes, _list_decoder.decode(shown)))
    except (*NOT_JSON, InstantError):
        return None
    as_documented = (
        items
        and all(map(_is_object, items))
        and "max_stage" in fields
        and fields.keys() <= _DAG_KEYS
        and len(gid) <= limits.id_length - 2
        and ID.fullmatch(gid)
        and is_utf8(text)
    )
    if not as_documented:
        return None
    del fields["nodes"]
    body = _encoder.encode(fields)
    each_once = heading.count(b'"') == _N_ENVELOPE_QUOTES and own.count(b'"') == body.count(b'"') + 2
    if not each_once or too_deep(body, limits):
        return None
    return Answer(Kind.DAG, gid, body, items, None, "", "", at, offset, envelope.traceId, envelope.status, envelope.duration)
