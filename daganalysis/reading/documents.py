"""Plain bytes to JSON documents: one, several, one a line, or among other text."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import IO, TYPE_CHECKING

import msgspec

from daganalysis.reading.embedded_json import EmbeddedJson, Finding
from daganalysis.reading.fast_path import fast_answer
from daganalysis.reading.issue_codes import issue
from daganalysis.reading.json_repair import NOT_JSON, balanced, diagnose, is_html
from daganalysis.reading.peel import LAYERS
from daganalysis.reading.recognition import may_hold_answers
from daganalysis.reading.streams import was_cut

if TYPE_CHECKING:
    from collections.abc import Iterator

    from daganalysis.reading.answers import Answer, Issue
    from daganalysis.reading.limits import Limits

BLOCK_BYTES = 1 << 22
_WHOLE_BYTES = 1 << 26
"""A file of up to this many bytes is tried as one document before it is taken line by line."""
_SAMPLE_BYTES = 1 << 16
"""As much of a file's beginning as is looked at to say what it is, if it is no document."""
_BLANK = b" \t\r\n\x1e"
_GAP_BYTES = 1 << 24
"""Bytes of text between documents that are held, to look in them for answers under layers of other notations."""
_PEELINGS = 24
"""How often as many bytes as a text has may be looked through to take layers off it."""
_MOST_LAYERS = 8
_WIDE_SHARE = 0.6
"""Of the characters of a text in UTF-16, the share whose high byte is zero: keys and times are ASCII whatever the names are."""
_UTF8_MARK = b"\xef\xbb\xbf"
_HEADERS = re.compile(rb"HTTP/[^\n]{0,200}\n(?:[^\n\r]{1,8192}\r?\n){1,200}?\r?\n")
_CHUNKED = re.compile(rb"^transfer-encoding:[ \t]*chunked[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)
_CHUNK = re.compile(rb"([0-9a-fA-F]{1,8})[^\n]*\n")

_object_decoder = msgspec.json.Decoder(dict[str, msgspec.Raw])
_list_decoder = msgspec.json.Decoder(list[msgspec.Raw])
Outermost = dict[str, msgspec.Raw] | list[msgspec.Raw]


@dataclass(slots=True)
class Document:
    """One JSON document: its text and where it lies (``line N``, or ``byte N`` from the start of the file).

    ``value`` is what was decoded while the document was found: the answer that it is, if it is one as documented, or its outermost object
    or list; where there is none, the text need not be JSON. ``before`` is what stands before it on its line.
    """

    text: bytes
    position: str
    value: Answer | Outermost | None = None
    before: bytes = b""


def outermost(text: bytes) -> Outermost | None:
    """Decode an object or a list with everything in it left raw; None if the text is no such document.

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


def find_documents(stream: IO[bytes] | None, name: str, limits: Limits, issues: list[Issue], head: bytes = b"") -> Iterator[Document]:
    """Yield the JSON documents of one plain file, in order: those of ``head``, which was read already, and of the rest of the stream.

    A file of one document a line, and one of several documents, is read piece by piece. What is no document gives an issue where the
    file holds nothing else, or holds one document a line; text around documents does not.
    """
    reading = _Plain(stream, head)
    if reading.mark() and not reading.recode(limits.document_bytes):
        issues.append(issue("document-too-large", name, "byte 0", f"more than {limits.document_bytes:,} bytes that are no UTF-8"))
        return
    if not reading.has_text():
        if not was_cut(issues, name):
            issues.append(issue("empty-file", name, None, f"{reading.offset} bytes of white space" if reading.offset else "0 bytes"))
        return
    whole = reading.whole()
    if whole is not None:
        document = _one(whole, reading.offset, limits)
        if document is not None:
            yield document
            return
        reading.head = _without_chunks(whole)
    yield from _Lines(name, limits, issues).find(reading)


def peeled_documents(text: bytes, limits: Limits) -> list[Document]:
    """Return the documents that lie in a text under layers of other notations (:mod:`daganalysis.reading.peel`), as far as it has any.

    Time and memory are in proportion to the text, however it is layered.
    """
    return _peeled(text, limits, _MOST_LAYERS, [_PEELINGS * len(text) + BLOCK_BYTES])


def _peeled(text: bytes, limits: Limits, n_left: int, budget: list[int]) -> list[Document]:
    if n_left == 0 or not may_hold_answers(text):
        return []
    for layer in LAYERS:
        if not layer.is_there(text):
            continue
        found: list[Document] = []
        for under in layer.under(text):
            budget[0] -= len(under)
            if budget[0] < 0:
                return found
            if under != text and may_hold_answers(under):
                found += _plain_or_peeled(under, limits, n_left - 1, budget)
        if found:
            return found
    return []


def _plain_or_peeled(text: bytes, limits: Limits, n_left: int, budget: list[int]) -> list[Document]:
    """Return the documents of a text from which a layer was taken, if any is JSON that may hold answers."""
    whole = _one(text, 0, limits)
    documents = [whole] if whole is not None else list(_Lines("", limits, [], peels=False).find(_Plain(None, text)))
    usable = [document for document in documents if document.value is not None or outermost(document.text) is not None]
    if any(may_hold_answers(document.text) for document in usable):
        return documents
    return _peeled(text, limits, n_left, budget)


def find_lines(stream: IO[bytes], size: int, name: str, limits: Limits, issues: list[Issue], first_line: int) -> Iterator[Document]:
    """Yield the documents of so many bytes of a file of one document a line, of which the first has a number."""
    yield from _Lines(name, limits, issues, one_a_line=True).find(_Plain(stream, b"", size, first_line))


def alone(content: bytes, offset: int = 0) -> tuple[bytes, str]:
    """Return a text without the white space around it, and where it lies."""
    text = content.strip(_BLANK)
    return text, f"byte {offset + content.find(text[:1])}"


def _one(content: bytes, offset: int, limits: Limits) -> Document | None:
    """Take a text as one document if it is one, perhaps one to be repaired."""
    text, position = alone(content, offset)
    value = fast_answer(text, limits) or outermost(text)
    if value is None and not (text[:1] in {b"{", b"["} and text[-1:] in {b"}", b"]"} and balanced(text, 0) == len(text)):
        return None
    return Document(text, position, value)


def _without_chunks(content: bytes) -> bytes:
    """Join the chunks of a response saved with its transfer encoding; anything else as it is."""
    headers = _HEADERS.match(content)
    if headers is None or not _CHUNKED.search(headers[0]):
        return content
    parts, at = [headers[0]], headers.end()
    while size := _CHUNK.match(content, at):
        end = size.end() + int(size[1], 16)
        parts.append(content[size.end() : end])
        at = end + 2 if content[end : end + 2] == b"\r\n" else end + 1
    return b"".join(parts) + content[at:] if len(parts) > 1 else content


def _wide_codec(head: bytes) -> str:
    """Return the encoding of a text of two or four bytes a character, with a byte order mark or without; empty for any other."""
    if head[:4] in {b"\xff\xfe\0\0", b"\0\0\xfe\xff"}:
        return "utf-32"
    if head[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        return "utf-16"
    if b"\0" not in head[:4]:
        return ""
    n_pairs = len(head) // 2
    for codec, high in (("utf-32-le", head[3::4] + head[2::4]), ("utf-32-be", head[::4] + head[1::4])):
        if high and high.count(0) == len(high):
            return codec
    for codec, high, low in (("utf-16-le", head[1::2], head[::2]), ("utf-16-be", head[::2], head[1::2])):
        if high.count(0) > n_pairs * _WIDE_SHARE > low.count(0):
            return codec
    return ""


class _Plain:
    """A stream with what was read of it so far; ``offset`` is where ``head`` begins in the file."""

    def __init__(self, stream: IO[bytes] | None, head: bytes, size: int | None = None, first_line: int = 1) -> None:
        self._stream = stream
        self._left = size
        self._first_line = first_line
        self._codec = ""
        self.offset = 0
        self.head = head or self.more()

    def more(self) -> bytes:
        """Return the next block; nothing at the end."""
        if self._stream is None:
            return b""
        if self._left is None:
            return self._stream.read(BLOCK_BYTES)
        block = self._stream.read(min(BLOCK_BYTES, self._left))
        self._left -= len(block)
        return block

    def mark(self) -> bool:
        """Pass over a byte order mark of UTF-8; tell whether there is another, so that the text has to be recoded."""
        if self.head.startswith(_UTF8_MARK):
            self.head, self.offset = self.head[3:], 3
        self._codec = _wide_codec(self.head[:_SAMPLE_BYTES])
        return bool(self._codec)

    def recode(self, most: int) -> bool:
        """Turn UTF-16 or UTF-32 to UTF-8; False where that is too much."""
        parts, size = [self.head], len(self.head)
        while block := self.more():
            parts.append(block)
            size += len(block)
            if size > most:
                return False
        text = b"".join(parts).decode(self._codec, errors="replace")
        self.head, self._stream = text.encode(errors="replace"), None
        return True

    def has_text(self) -> bool:
        """Pass over blocks of nothing but white space."""
        while not self.head.strip(_BLANK):
            self.offset += len(self.head)
            self.head = self.more()
            if not self.head:
                return False
        return True

    def whole(self) -> bytes | None:
        """Return the whole text, if it is no larger than what is tried at once, and its first line is not a document already."""
        first = self.head.lstrip(_BLANK)
        end = first.find(b"\n")
        if end >= 0 and first[end:].strip(_BLANK) and outermost(first[:end].rstrip(b"\r ,")) is not None:
            return None
        parts, size = [self.head], len(self.head)
        while block := self.more():
            parts.append(block)
            size += len(block)
            if size > _WHOLE_BYTES:
                self.head = b"".join(parts)
                return None
        self.head, self._stream = b"".join(parts), None
        return self.head

    def lines(self, limits: Limits, issues: list[Issue], name: str) -> Iterator[tuple[int, int, bytes]]:
        """Yield (number, offset, line without its break); one that is larger than a document may be is left out."""
        number, offset = self._first_line, self.offset
        parts: list[bytes] = []
        size = 0
        block = self.head
        self.head = b""
        while block:
            pieces = block.split(b"\n")
            for piece in pieces[:-1]:
                if size <= limits.document_bytes:
                    yield number, offset, b"".join((*parts, piece)) if parts else piece
                offset += size + len(piece) + 1
                number += 1
                parts.clear()
                size = 0
            if pieces[-1]:
                was_within = size <= limits.document_bytes
                size += len(pieces[-1])
                parts.append(pieces[-1])
                if size > limits.document_bytes:
                    parts.clear()
                    if was_within:
                        issues.append(issue("document-too-large", name, f"line {number}", f"more than {limits.document_bytes:,} bytes"))
            block = self.more()
        if parts:
            yield number, offset, b"".join(parts)


class _Lines:
    """Finds documents line by line: lines that are documents, documents in the text between them, and those under layers of notation."""

    def __init__(self, name: str, limits: Limits, issues: list[Issue], *, one_a_line: bool = False, peels: bool = True) -> None:
        self._name = name
        self._limits = limits
        self._issues = issues
        self._n_issues = len(issues)
        self._n_lines = self._n_found = 0
        self._one_a_line = one_a_line
        """Whether the file holds one document a line: positions are lines then, and a line that is none is a fault."""
        self._peels = peels
        self._gap = _Gap()

    def find(self, reading: _Plain) -> Iterator[Document]:
        """Yield the documents in order."""
        sample = reading.head[:_SAMPLE_BYTES]
        embedded = EmbeddedJson(self._limits, only_certain=is_html(sample))
        first: tuple[Document, int] | None = None
        for number, offset, line in reading.lines(self._limits, self._issues, self._name):
            text = line.strip(_BLANK)
            if not (text or embedded.is_open):
                continue
            self._n_lines += 1
            if first is not None:
                self._one_a_line = True
                yield replace(first[0], position=f"line {first[1]}")
                first = None
            text = text.removeprefix(_UTF8_MARK).rstrip(b" ,")
            value = None if embedded.is_open else fast_answer(text, self._limits) or outermost(text)
            if value is None:
                yield from self._other_line(embedded, line + b"\n", offset, number)
                continue
            yield from self._settled(embedded)
            document = Document(text, self._position(offset, number), value)
            self._n_found += 1
            if self._n_lines == 1:
                # Whether it is one document of several, one a line, the next line tells.
                first = document, number
            else:
                yield document
        if first is not None:
            yield first[0]
        yield from self._settled(embedded)
        if not self._n_found and len(self._issues) == self._n_issues:
            code, message = diagnose(sample, self._limits)
            self._issues.append(issue(code, self._name, "byte 0", message))

    def _other_line(self, embedded: EmbeddedJson, line: bytes, offset: int, number: int) -> Iterator[Document]:
        """Take a line that is no document; yield what it ends."""
        if self._gap.size + len(line) > _GAP_BYTES:
            yield from self._gap_documents()
        self._gap.add(line, offset, number)
        embedded.feed(line, offset, number)
        yield from self._told(embedded.take())

    def _settled(self, embedded: EmbeddedJson) -> Iterator[Document]:
        """Yield what the text up to here still holds; in a file of one document a line it is a fault that it is none."""
        if not self._gap.size:
            return
        noise, line = embedded.noise, embedded.noise_line
        yield from self._told(embedded.end())
        n_found = self._n_found
        yield from self._gap_documents()
        if self._one_a_line and noise and self._n_found == n_found:
            code, message = diagnose(noise, self._limits)
            self._issues.append(issue(code, self._name, f"line {line}", message))

    def _told(self, findings: list[Finding]) -> Iterator[Document]:
        for finding in findings:
            if finding.code:
                self._gap.faults.append(finding)
            elif self._peels and outermost(finding.text) is None:
                self._gap.doubtful.append(finding)
            else:
                self._gap.taken.append((finding.offset, finding.offset + len(finding.text)))
                self._n_found += 1
                yield Document(finding.text, self._position(finding.offset, finding.line), before=finding.before)

    def _gap_documents(self) -> Iterator[Document]:
        """Yield what lies under layers of notation in the text since the last document, or note what was wrong with it."""
        gap, self._gap = self._gap, _Gap()
        found = False
        for offset, line, text in gap.left() if self._peels else ():
            for document in peeled_documents(text, self._limits):
                found = True
                self._n_found += 1
                yield replace(document, position=self._position(offset, line) + _within(document.position))
        for finding in () if found else gap.doubtful:
            self._n_found += 1
            yield Document(finding.text, self._position(finding.offset, finding.line), before=finding.before)
        for fault in () if found else gap.faults:
            self._issues.append(issue(fault.code, self._name, self._position(fault.offset, fault.line), fault.message))

    def _position(self, offset: int, number: int) -> str:
        return f"line {number}" if self._one_a_line else f"byte {offset}"


def _within(position: str) -> str:
    """Where a document lies in the text from which layers were taken, as an addition to where that text lies."""
    return "" if position == "byte 0" else f" ({position} of what it says)"


class _Gap:
    """The lines since the last document that are none, with what was found in them; memory is bounded by who adds to it."""

    def __init__(self) -> None:
        self._text = bytearray()
        self._offset = self._line = 0
        self.faults: list[Finding] = []
        self.doubtful: list[Finding] = []
        """What begins and ends as a document and is no JSON as it stands."""
        self.taken: list[tuple[int, int]] = []

    @property
    def size(self) -> int:
        return len(self._text)

    def add(self, line: bytes, offset: int, number: int) -> None:
        if not self._text:
            self._offset, self._line = offset, number
        self._text += line

    def left(self) -> Iterator[tuple[int, int, bytes]]:
        """Yield (offset, line, text) of what is left beside the documents that were found, as far as answers may lie in it."""
        if not may_hold_answers(self._text):
            return
        at = 0
        for begin, end in [*sorted(self.taken), (self._offset + self.size,) * 2]:
            text = bytes(self._text[at : max(at, begin - self._offset)])
            if may_hold_answers(text):
                yield self._offset + at, self._line + self._text.count(b"\n", 0, at), text
            at = max(at, end - self._offset)
