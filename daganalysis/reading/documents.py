"""Plain bytes to JSON documents: one, several, one a line, or among other text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

import msgspec

from daganalysis.reading.embedded_json import EmbeddedJson, Finding
from daganalysis.reading.fast_path import fast_answer
from daganalysis.reading.issue_codes import issue
from daganalysis.reading.json_repair import NOT_JSON, balanced, diagnose, is_html
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
    or list; where there is none, the text need not be JSON.
    """

    text: bytes
    position: str
    value: Answer | Outermost | None = None


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


def find_lines(stream: IO[bytes], size: int, name: str, limits: Limits, issues: list[Issue], first_line: int) -> Iterator[Document]:
    """Yield the documents of so many bytes of a file of one document a line, of which the first has a number."""
    yield from _Lines(name, limits, issues, one_a_line=True).find(_Plain(stream, b"", size, first_line))


def alone(content: bytes, offset: int = 0) -> tuple[bytes, str]:
    """Return a text without the white space around it, and where it lies."""
    text = content.strip(_BLANK)
    return text, f"byte {offset + content.find(text[:1])}"


def _one(content: bytes, offset: int, limits: Limits) -> Document | None:
    """Take a text as one document if it is one, perhaps one to be mended."""
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


class _Plain:
    """A stream with what was read of it so far; ``offset`` is where ``head`` begins in the file."""

    def __init__(self, stream: IO[bytes] | None, head: bytes, size: int | None = None, first_line: int = 1) -> None:
        self._stream = stream
        self._left = size
        self._first_line = first_line
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
        return self.head[:2] in {b"\xff\xfe", b"\xfe\xff"}

    def recode(self, most: int) -> bool:
        """Turn UTF-16 or UTF-32 to UTF-8; False where that is too much."""
        parts, size = [self.head], len(self.head)
        while block := self.more():
            parts.append(block)
            size += len(block)
            if size > most:
                return False
        wide = self.head[:4] == b"\xff\xfe\x00\x00"
        text = b"".join(parts).decode("utf-32" if wide else "utf-16", errors="replace")
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
    """Finds documents line by line: lines that are documents, and documents in the text between them."""

    def __init__(self, name: str, limits: Limits, issues: list[Issue], *, one_a_line: bool = False) -> None:
        self._name = name
        self._limits = limits
        self._issues = issues
        self._n_issues = len(issues)
        self._n_lines = self._n_found = 0
        self._one_a_line = one_a_line
        """Whether the file holds one document a line: positions are lines then, and a line that is none is a fault."""

    def find(self, reading: _Plain) -> Iterator[Document]:
        """Yield the documents in order."""
        sample = reading.head[:_SAMPLE_BYTES]
        loose = EmbeddedJson(self._limits, only_certain=is_html(sample))
        first: tuple[Document, int] | None = None
        for number, offset, line in reading.lines(self._limits, self._issues, self._name):
            text = line.strip(_BLANK)
            if not (text or loose.is_open):
                continue
            self._n_lines += 1
            if first is not None:
                self._one_a_line = True
                yield Document(first[0].text, f"line {first[1]}", first[0].value)
                first = None
            text = text.removeprefix(_UTF8_MARK).rstrip(b" ,")
            value = None if loose.is_open else fast_answer(text, self._limits) or outermost(text)
            if value is None:
                loose.feed(line + b"\n", offset, number)
                yield from self._told(loose.take())
                continue
            yield from self._settled(loose)
            document = Document(text, self._position(offset, number), value)
            self._n_found += 1
            if self._n_lines == 1:
                # Whether it is one document of several, one a line, the next line tells.
                first = document, number
            else:
                yield document
        if first is not None:
            yield first[0]
        yield from self._settled(loose)
        if not self._n_found and len(self._issues) == self._n_issues:
            code, message = diagnose(sample, self._limits)
            self._issues.append(issue(code, self._name, "byte 0", message))

    def _settled(self, loose: EmbeddedJson) -> Iterator[Document]:
        """Yield what the text up to here still holds; in a file of one document a line it is a fault that it is none."""
        noise, line = loose.noise, loose.noise_line
        yield from self._told(loose.end())
        if self._one_a_line and noise:
            code, message = diagnose(noise, self._limits)
            self._issues.append(issue(code, self._name, f"line {line}", message))

    def _told(self, findings: list[Finding]) -> Iterator[Document]:
        for finding in findings:
            position = self._position(finding.offset, finding.line)
            if finding.code:
                self._issues.append(issue(finding.code, self._name, position, finding.message))
            else:
                self._n_found += 1
                yield Document(finding.text, position)

    def _position(self, offset: int, number: int) -> str:
        return f"line {number}" if self._one_a_line else f"byte {offset}"
