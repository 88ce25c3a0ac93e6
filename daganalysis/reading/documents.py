"""One JSON document: its text, its place, and what was decoded while it was found."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from daganalysis.reading.fast_path import fast_answer
from daganalysis.reading.json_repair import NOT_JSON, balanced
from daganalysis.reading.packed_text import unpacked

if TYPE_CHECKING:
    from daganalysis.reading.answers import Answer
    from daganalysis.reading.limits import Limits

BLANK = b" \t\r\n\x1e"
_HEADERS = re.compile(rb"HTTP/[^\n]{0,200}\n(?:[^\n\r]{1,8192}\r?\n){1,200}?\r?\n")
_CHUNKED = re.compile(rb"^transfer-encoding:[ \t]*chunked[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)
_CHUNK = re.compile(rb"([0-9a-fA-F]{1,8})(?:;[^\n]{0,200})?\r?\n")
_PACKED_BODY = re.compile(rb"(?<=\n)(?:\x1f\x8b\x08|\x78[\x01\x5e\x9c\xda]|\x28\xb5\x2f\xfd)")
_LONGEST_HEADERS = 1 << 20
_CHUNKS_ALONE = re.compile(rb"[0-9a-fA-F]{1,8}\r\n[{\[]")

_object_decoder = msgspec.json.Decoder(dict[str, msgspec.Raw])
_list_decoder = msgspec.json.Decoder(list[msgspec.Raw])
Outermost = dict[str, msgspec.Raw] | list[msgspec.Raw]


@dataclass(slots=True)
class Document:
    """One JSON document: its text and its place (``line N``, or ``byte N`` from the start of the file).

    ``value`` is what was decoded while the document was found: an answer, if the document is one as documented, otherwise its outermost
    object or list. Without a value, the text need not be JSON. ``before`` is the text before it on its line.
    """

    text: bytes
    position: str
    value: Answer | Outermost | None = None
    before: bytes = b""


def outermost(text: bytes) -> Outermost | None:
    """Decode an object or a list, and leave its contents raw; None if the text is neither.

    >>> list(outermost(b'{"a": [1, 2]}'))
    ['a']
    """
    try:
        if text[:1] == b"{":
            return _object_decoder.decode(text)
        if text[:1] == b"[":
            return _list_decoder.decode(text)
    except NOT_JSON:
        return None
    return None


def alone(content: bytes, offset: int = 0) -> tuple[bytes, str]:
    """Return a text without the white space around it, and its place."""
    text = content.strip(BLANK)
    return text, f"byte {offset + content.find(text[:1])}"


def one_document(content: bytes, offset: int, limits: Limits) -> Document | None:
    """Return a text as one document, if it is one or can be repaired."""
    text, position = alone(content, offset)
    value = fast_answer(text, limits) or outermost(text)
    if value is None and not (text[:1] in {b"{", b"["} and text[-1:] in {b"}", b"]"} and balanced(text, 0) == len(text)):
        return None
    return Document(text, position, value)


def with_plain_bodies(content: bytes) -> bytes:
    """Join the chunks of each response that was saved with its transfer encoding, and unpack the last if it is compressed."""
    joined = _without_chunks(content)
    headers = [found.end() for found in _HEADERS.finditer(joined[:_LONGEST_HEADERS])] if _PACKED_BODY.search(joined) else []
    if not headers or _PACKED_BODY.match(joined, headers[-1]) is None:
        return joined
    return joined[: headers[-1]] + unpacked(joined[headers[-1] :])


def _without_chunks(content: bytes) -> bytes:
    if _CHUNKS_ALONE.match(content):
        joined, at = _joined_chunks(content, 0)
        return joined + content[at:]
    parts, at = [], 0
    while (headers := _HEADERS.search(content, at)) is not None:
        parts.append(content[at : headers.end()])
        at = headers.end()
        if _CHUNKED.search(headers[0]):
            joined, at = _joined_chunks(content, at)
            parts.append(joined)
    return b"".join(parts) + content[at:] if parts else content


def _joined_chunks(content: bytes, at: int) -> tuple[bytes, int]:
    """Return the chunks that begin at a place as one, and where they end."""
    parts = []
    while (size := _CHUNK.match(content, at)) is not None:
        n_bytes = int(size[1], 16)
        end = size.end() + n_bytes
        parts.append(content[size.end() : end])
        at = end + 2 if content[end : end + 2] == b"\r\n" else end + 1
        if not n_bytes:
            break
    return b"".join(parts), at
