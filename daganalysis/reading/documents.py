"""Plain bytes to JSON documents: one, several, one a line, or among other text."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

import msgspec

from daganalysis.reading.issue_codes import issue

if TYPE_CHECKING:
    from collections.abc import Iterator

    from daganalysis.reading.answers import Issue
    from daganalysis.reading.limits import Limits

_BLOCK = 1 << 22
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[{}\[\]]|"', re.DOTALL)
_OPENING = re.compile(rb"[{\[]")
_TRAILING_COMMA = re.compile(rb",\s*[}\]]")
_HTML = re.compile(rb"<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE)
_LONE_SURROGATE = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F][0-9a-fA-F]{2})|(?<!\\u[dD][89abAB]..)\\u[dD][c-fC-F][0-9a-fA-F]{2}"
)
_MOST_NESTED = 512
"""Brackets in brackets: the engine's answers have some ten, additional data a few more."""
_MOST_TRIES = 200
"""Opening brackets tried in a text that is no JSON, before it is given up."""


@dataclass(slots=True)
class Document:
    """One JSON document: its text and where it lies (`line N`, or `byte N` from the start of the file)."""

    text: bytes
    position: str


def find_documents(stream: IO[bytes], name: str, limits: Limits, issues: list[Issue]) -> Iterator[Document]:
    """Yield the JSON documents of one plain file, in order; a file of one document a line is read piece by piece."""
    head = stream.read(_BLOCK)
    if head[:3] == b"\xef\xbb\xbf":
        head = head[3:]
    elif head[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        text = (head + stream.read(limits.document_bytes)).decode("utf-16", errors="replace")
        yield from _whole(text.encode(errors="replace"), name, issues)
        return
    if not head.strip():
        if not head and not stream.read(1):
            issues.append(issue("empty-file", name, None, "0 bytes"))
            return
        if not stream.read(1):
            issues.append(issue("empty-file", name, None, f"{len(head)} bytes of white space"))
            return
    first, newline, _ = head.lstrip().partition(b"\n")
    if newline and _is_document(first.rstrip(b"\r\n ,")):
        yield from _lines(head, stream, name, limits, issues)
        return
    parts = [head]
    size = len(head)
    while block := stream.read(_BLOCK):
        parts.append(block)
        size += len(block)
        if size > limits.document_bytes:
            code = "html-page" if _HTML.search(head[:4096]) else "document-too-large"
            issues.append(issue(code, name, "byte 0", f"more than {limits.document_bytes:,} bytes"))
            return
    yield from _whole(b"".join(parts), name, issues)


def _is_document(text: bytes) -> bool:
    if text[:1] not in {b"{", b"["}:
        return False
    try:
        msgspec.json.decode(text, type=msgspec.Raw)
    except (msgspec.MsgspecError, RecursionError):
        return False
    return _closed(text)


def _closed(text: bytes) -> bool:
    return text[-1:] in {b"}", b"]"}


def _lines(head: bytes, stream: IO[bytes], name: str, limits: Limits, issues: list[Issue]) -> Iterator[Document]:
    number, rest, skipping = 0, head, False
    at_end = False
    while not at_end:
        lines = rest.split(b"\n")
        rest = lines.pop()
        for line in lines:
            number += 1
            if skipping:
                skipping = False
            elif (text := line.strip()) not in {b"", b",", b"[", b"]"}:
                yield Document(text[:-1].rstrip() if text[-1:] == b"," else text, f"line {number}")
        block = stream.read(_BLOCK)
        at_end = not block
        if len(rest) > limits.document_bytes and not skipping:
            issues.append(issue("document-too-large", name, f"line {number + 1}", f"more than {limits.document_bytes:,} bytes"))
            skipping, rest = True, b""
        rest = block if skipping and b"\n" not in rest else rest + block
    if rest.strip() and not skipping:
        yield Document(rest.strip(), f"line {number + 1}")


def _whole(content: bytes, name: str, issues: list[Issue]) -> Iterator[Document]:
    """Yield what a whole text holds: as one document if it is one, else every document in it."""
    text = content.strip()
    if text[:1] in {b"{", b"["} and _closed(text) and (_is_document(text) or _balanced(text, 0) == len(text)):
        yield Document(text, "byte 0")
        return
    found = list(_scan(content))
    yield from found
    if not found or _left_over(content, found):
        where = "byte 0" if not found else f"byte {_end_of(found[-1])}"
        code, message = diagnose(content if not found else content[_end_of(found[-1]) :])
        issues.append(issue(code, name, where, message))


def _end_of(document: Document) -> int:
    return int(document.position.removeprefix("byte ")) + len(document.text)


def _left_over(content: bytes, found: list[Document]) -> bool:
    """After the last document another one begins and does not end."""
    rest = content[_end_of(found[-1]) :]
    return re.search(rb'^\s*[{\[]\s*["{]', rest, re.MULTILINE) is not None


def _scan(content: bytes) -> Iterator[Document]:
    """Find the documents among other text: balanced brackets that decode as an object, or as a list of objects."""
    position = tries = 0
    while tries < _MOST_TRIES:
        match = _OPENING.search(content, position)
        if match is None:
            return
        start = match.start()
        end = _balanced(content, start)
        text = content[start:end] if end is not None else b""
        if end is not None and _holds_objects(text):
            yield Document(text, f"byte {start}")
            position = end
        else:
            tries += 1
            # What does not end on this line is tried again behind it, not at each bracket in it.
            newline = content.find(b"\n", start) if end is None else -1
            position = start + 1 if newline < 0 and end is not None else (newline + 1 if newline >= 0 else len(content))


def _holds_objects(text: bytes) -> bool:
    if text[:1] == b"[" and text[1:].lstrip()[:1] != b"{":
        return False
    return re.match(rb'[{\[]\s*(?:["}]|\{)', text) is not None and b":" in text


def _balanced(content: bytes, start: int) -> int | None:
    """Return where the bracket at ``start`` closes; None if it does not."""
    depth = 0
    for match in _TOKEN.finditer(content, start):
        token = match[0]
        if token in {b"{", b"["}:
            depth += 1
        elif token in {b"}", b"]"}:
            depth -= 1
            if depth == 0:
                return match.end()
        elif token == b'"':
            return None
    return None


def diagnose(content: bytes) -> tuple[str, str]:
    """Say which issue a text that is no JSON document is, and in words."""
    text = content.strip()
    if _HTML.search(text[:4096]):
        return "html-page", "a web page"
    opening = _OPENING.search(text)
    if opening is None:
        return "no-json", f"it begins {text[:40].decode(errors='replace')!r}"
    document = text[opening.start() :]
    if _too_deep(document):
        return "nested-too-deep", f"brackets nested deeper than {_MOST_NESTED}"
    if _balanced(document, 0) is None:
        return "truncated-json", f"the document that begins at byte {opening.start()} does not end"
    try:
        msgspec.json.decode(document)
    except RecursionError:
        return "nested-too-deep", "brackets nested too deep"
    except msgspec.MsgspecError as error:
        stripped = _TOKEN.sub(lambda m: b'""' if m[0][:1] == b'"' else m[0], document)
        return ("trailing-comma" if _TRAILING_COMMA.search(stripped) else "invalid-json"), str(error)
    return "invalid-json", "text around the document"


def _too_deep(text: bytes) -> bool:
    depth = 0
    for match in _TOKEN.finditer(text):
        token = match[0]
        if token in {b"{", b"["}:
            depth += 1
            if depth > _MOST_NESTED:
                return True
        elif token in {b"}", b"]"}:
            depth -= 1
    return False


def mend(text: bytes, name: str, position: str, issues: list[Issue]) -> bytes | None:
    """Make a document of one that is nearly JSON, with a warning for each kind of mending; None, with an error, where that cannot be."""
    notes: dict[str, str] = {}
    if _too_deep(text):
        issues.append(issue("nested-too-deep", name, position, f"brackets nested deeper than {_MOST_NESTED}"))
        return None
    try:
        text.decode()
    except UnicodeDecodeError as error:
        notes["invalid-utf8"] = f"byte {error.start} of the document is no UTF-8"
        text = text.decode(errors="replace").encode()
    if _LONE_SURROGATE.search(text):
        notes["lone-surrogate"] = "half a surrogate pair"
        text = _LONE_SURROGATE.sub(rb"\\ufffd", text)
    if b"\x00" in text:
        notes["control-character"] = "NUL bytes"

    def constant(word: str) -> None:
        notes["not-a-number"] = word

    def integer(digits: str) -> object:
        if len(digits) > 19:
            notes["huge-number"] = f"a number of {len(digits):,} digits"
            return digits
        return int(digits)

    try:
        try:
            msgspec.json.decode(text)
        except (msgspec.MsgspecError, RecursionError):
            value = json.JSONDecoder(strict=False, parse_constant=constant, parse_int=integer).decode(text.decode())
            if not notes:
                notes["control-character"] = "unescaped control characters"
            text = msgspec.json.encode(value)
    except (ValueError, RecursionError, msgspec.MsgspecError):
        code, message = diagnose(text)
        issues.append(issue(code, name, position, message))
        return None
    issues.extend(issue(code, name, position, message) for code, message in notes.items())
    return text
