"""A stream of plain text, read piece by piece: its encoding, its first document, its lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from daganalysis.reading.documents import BLANK, outermost
from daganalysis.reading.encodings import codec_of, recoded
from daganalysis.reading.issue_codes import issue

if TYPE_CHECKING:
    from collections.abc import Iterator

    from daganalysis.obshell_logs.entries import Readable
    from daganalysis.reading.answers import Issue
    from daganalysis.reading.limits import Limits

BLOCK_BYTES = 1 << 22
_WHOLE_BYTES = 1 << 26
"""A file of up to this many bytes is tried as one document before it is taken line by line."""
SAMPLE_BYTES = 1 << 16
"""As much of a file's beginning as is looked at to say what it is, if it is no document."""
UTF8_MARK = b"\xef\xbb\xbf"


class _Part:
    """The next bytes of a stream, a fixed number of them."""

    def __init__(self, stream: Readable, size: int) -> None:
        self._stream, self._left = stream, size

    def read(self, size: int, /) -> bytes:
        block = self._stream.read(min(size, self._left))
        self._left -= len(block)
        return block


class PlainText:
    """A stream with what was read of it so far; ``offset`` is where ``head`` begins in the file."""

    def __init__(self, stream: Readable | None, head: bytes, size: int | None = None, first_line: int = 1) -> None:
        self._stream = stream if stream is None or size is None else _Part(stream, size)
        self._first_line = first_line
        self.offset = 0
        self.head = head or self.more()

    def more(self) -> bytes:
        """Return the next block; nothing at the end."""
        return b"" if self._stream is None else self._stream.read(BLOCK_BYTES)

    def settle_encoding(self) -> str:
        """Pass over a byte order mark of UTF-8, and turn a text in another encoding to UTF-8; return which it was, empty for UTF-8."""
        if self.head.startswith(UTF8_MARK):
            self.head, self.offset = self.head[3:], 3
        codec = codec_of(self.head)
        if codec:
            self.recode(codec)
        return codec

    def recode(self, codec: str) -> None:
        """Turn the text, which is in this encoding, to UTF-8."""
        self._stream = recoded(self.head, self._stream, codec)
        self.head = self._stream.read(BLOCK_BYTES)

    def has_text(self) -> bool:
        """Skip blocks of white space."""
        while not self.head.strip(BLANK):
            self.offset += len(self.head)
            self.head = self.more()
            if not self.head:
                return False
        return True

    def whole(self) -> bytes | None:
        """Return the whole text, if it is no larger than what is tried at once, and its first line is not a document already."""
        first = self.head.lstrip(BLANK)
        end = first.find(b"\n")
        if end >= 0 and first[end:].strip(BLANK) and outermost(first[:end].rstrip(b"\r ,")) is not None:
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
