"""Web pages and other texts with tags: what they show, with entities decoded, and what their scripts and raw sections hold."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING

from daganalysis.reading.json_repair import is_html

if TYPE_CHECKING:
    from collections.abc import Iterator

_TAG = re.compile(rb"<[!?/a-zA-Z][^<>]{0,2000}>")
_RAW_BEGINS = re.compile(rb"<!\[CDATA\[|<(script|style)\b[^<>]{0,500}>", re.IGNORECASE)
_ENTITY_IN_JSON = re.compile(rb"[{\[](?:\s|\\[nrt])*\\*&(?:quot|#0*34|#x0*22);", re.IGNORECASE)
_TAG_IN_JSON = re.compile(
    rb"<[!/a-zA-Z][^<>]{0,2000}>\s*[{\[]\s*(?:[\"&<]|$)|[{,]\s*<[a-zA-Z][^<>]{0,200}>\s*(?:\"|&quot;)", re.IGNORECASE | re.MULTILINE
)
_MARKUP_ENTITY = re.compile(rb"&(?:amp|lt|gt);")
_QUOTE_BEFORE = re.compile(rb'"((?:\s{0,64}[{\[]){1,16})(?=\s{0,64}&)')


def is_markup(text: bytes) -> bool:
    """Return whether a text is a web page, or XML, by its beginning: in both, entities replace characters."""
    return is_html(text) or text[:64].lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<?xml")


def has_entities(text: bytes) -> bool:
    """Return whether quotes of JSON are written as entities."""
    return _ENTITY_IN_JSON.search(text) is not None


def has_tags(text: bytes) -> bool:
    """Return whether there are tags where JSON begins, or between its parts."""
    return _TAG_IN_JSON.search(text) is not None


def only_entities(text: bytes) -> bool:
    """Return whether a text has entities such as ``&lt;`` and none of the characters they replace, as texts in chats and XML do."""
    return b"&" in text and b"<" not in text and b">" not in text and len(_MARKUP_ENTITY.findall(text)) == text.count(b"&")


def without_markup_entities(text: bytes) -> bytes:
    """Return a text with the three entities for the characters of tags decoded."""
    return text.replace(b"&lt;", b"<").replace(b"&gt;", b">").replace(b"&amp;", b"&")


def without_entities(text: bytes) -> Iterator[bytes]:
    """Yield a text with its entities decoded."""
    bare = _QUOTE_BEFORE.sub(rb" \1", text)  # of an attribute, which would begin a string otherwise
    yield _unescaped(bare)


def without_tags(text: bytes) -> Iterator[bytes]:
    """Yield a text without its tags, and with its entities decoded."""
    yield _unescaped(_TAG.sub(b"", text))


def page_texts(text: bytes) -> Iterator[bytes]:
    """Yield what a page shows, as one text, and each of its scripts and raw sections as it is."""
    shown, at = bytearray(), 0
    raw: list[bytes] = []
    while (begin := _RAW_BEGINS.search(text, at)) is not None:
        ending = b"]]>" if begin[1] is None else b"</" + begin[1]
        end = text.find(ending, begin.end())
        if end < 0:
            break
        shown += text[at : begin.start()]
        raw.append(text[begin.end() : end])
        at = end + (len(ending) if begin[1] is None else 0)
    shown += text[at:]
    yield _unescaped(_TAG.sub(b"", bytes(shown)))
    yield from raw


def _unescaped(text: bytes) -> bytes:
    return html.unescape(text.decode(errors="replace")).encode("utf-8", "replace")
