"""JSON documents among other text, found in one pass: headers, log lines, pages, documents cut short.

An opening bracket that looks like the beginning of a document counts brackets until it closes. A document that was cut short never closes.
The documents after it are still found, because they begin at the beginning of a line or like an envelope. Parts of a document that was cut
short are never read as documents.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from daganalysis.reading.json_repair import without_escapes

if TYPE_CHECKING:
    from daganalysis.reading.limits import Limits

# A string ends on its line, because JSON allows no raw line break in a string.
_TOKEN = re.compile(rb'"[^"\n]*+"|[{}\[\]]|"')
_MAY_BEGIN = re.compile(rb'\{(?:\s|\xc2\xa0)*(?:"|$)|\[(?!\s*\{\s*\')\s*(?:[{\[]|$)')
_BEGINS = re.compile(rb'\{\s*"|\[\s*[{\[]')
_ENVELOPE = re.compile(rb'\{\s*"successful"\s*:\s*\w+\s*,\s*"(?:timestamp|duration|status|traceId|data|error)"')
_CLOSERS = b"}], \t\r\n"
_NOISE_KEPT = 4096
_NEAR = 16
_BEFORE_KEPT = 200
"""Bytes before a document on its line, which may hold the time when it was written."""
_TEXT_HELD = 1 << 24
"""Bytes of text for which documents wait that may yet turn out to be parts of another."""


@dataclass(slots=True)
class Finding:
    """A document (``text``, and the text ``before`` it on its line), or a fault at a place (``code`` and ``message``)."""

    offset: int
    line: int
    text: bytes = b""
    code: str = ""
    message: str = ""
    before: bytes = b""


@dataclass(slots=True)
class _Open:
    offset: int
    line: int
    depth: int
    certain: bool


@dataclass(slots=True)
class _Span:
    offset: int
    end: int
    line: int
    certain: bool


class EmbeddedJson:
    """Lines that are no documents by themselves, and what is found in them so far.

    ``only_certain``: take only what begins as an envelope, as in a web page full of scripts.
    """

    def __init__(self, limits: Limits, *, only_certain: bool = False) -> None:
        self._limits = limits
        self._only_certain = only_certain
        self._text = bytearray()
        self._base = 0
        self._depth = 0
        self._opens: list[_Open] = []
        self._spans: list[_Span] = []
        self._findings: list[Finding] = []
        self._too_deep = self._skipping = self._beheaded = False
        self.noise = b""
        self.noise_line = 0

    @property
    def is_open(self) -> bool:
        """Whether a document has begun and not ended."""
        return self._depth > 0

    def feed(self, line: bytes, offset: int, number: int) -> None:
        """Take one more line, with its line break; ``offset`` is where it begins in the file."""
        if not self._text:
            self._base = offset
        self._text += line
        bare = line.strip()
        if self.is_open or bare.strip(_CLOSERS):
            n_spans = len(self._spans)
            if not self.is_open and bare == b"[":
                # A list of documents, one a line: each is read alone.
                bare = b""
            else:
                self._count(line, offset, number)
            if bare and not self.is_open and len(self._spans) == n_spans and not self._findings:
                self.noise = (self.noise + line)[:_NOISE_KEPT]
                self.noise_line = self.noise_line or number
        elif b"}" in bare and not self._only_certain:
            self._close_nothing(offset, number)
        self._let_go(offset + len(line))

    def take(self) -> list[Finding]:
        """Return what was found since the last time, as far as it is certain."""
        found, self._findings = self._findings, []
        return found

    def end(self) -> list[Finding]:
        """End the text; return what was found since the last call."""
        if self._opens:
            self._report_cut(self._opens[0])
        self._settle()
        self.noise, self.noise_line = b"", 0
        return sorted(self.take(), key=lambda finding: finding.offset)

    # -- brackets ---------------------------------------------------------------------------------------------------------------------

    def _count(self, line: bytes, offset: int, number: int) -> None:
        for match in _TOKEN.finditer(without_escapes(line)):
            token = match[0]
            if token in {b"{", b"["}:
                self._open(line, match.start(), offset, number)
            elif token in {b"}", b"]"}:
                if self._depth:
                    self._close(offset + match.end())
            elif token == b'"' and self._depth:
                # A string that does not end on its line: the rest of the line cannot be read.
                return

    def _open(self, line: bytes, at: int, offset: int, number: int) -> None:
        begins_line = at == 0
        envelope = line[at : at + 1] == b"{" and _ENVELOPE.match(line, at) is not None
        if self._depth == 0:
            if not (envelope or (_MAY_BEGIN.match(line, at) and (begins_line or not self._skipping) and not self._only_certain)):
                return
            self._opens.append(_Open(offset + at, number, 1, envelope or begins_line))
            self._depth = 1
            self._too_deep = self._skipping = False
            return
        if envelope and not self._in_list() and line[max(0, at - _NEAR) : at].rstrip()[-1:] != b":":
            # An envelope that is no field's value is in no object: the document before it was cut short.
            self._report_cut(self._opens[0])
            self._opens = [_Open(offset + at, number, 1, certain=True)]
            self._depth = 1
            self._too_deep = False
            return
        self._depth += 1
        self._too_deep = self._too_deep or self._depth > self._limits.nesting
        if (begins_line or envelope) and not self._too_deep:
            self._opens.append(_Open(offset + at, number, self._depth, certain=True))

    def _in_list(self) -> bool:
        """Whether the open bracket is that of the outermost list."""
        return self._depth == 1 and self._text[self._opens[0].offset - self._base] == ord("[")

    def _close(self, end: int) -> None:
        if self._opens[-1].depth == self._depth:
            opened = self._opens.pop()
            while self._spans and self._spans[-1].offset > opened.offset:
                self._spans.pop()
            if self._depth == 1 and self._too_deep:
                self._find(opened, "nested-too-deep", f"brackets nested deeper than {self._limits.nesting}")
            elif _BEGINS.match(self._text, opened.offset - self._base):
                self._spans.append(_Span(opened.offset, end, opened.line, opened.certain))
        self._depth -= 1

    # -- what was found ---------------------------------------------------------------------------------------------------------------

    def _find(self, opened: _Open, code: str, message: str) -> None:
        self._findings.append(Finding(opened.offset, opened.line, code=code, message=message))

    def _report_cut(self, opened: _Open) -> None:
        if self._too_deep:
            self._find(opened, "nested-too-deep", f"brackets nested deeper than {self._limits.nesting}")
        elif _BEGINS.match(self._text, opened.offset - self._base):
            self._find(opened, "truncated-json", "the document is cut off at its end")

    def _close_nothing(self, offset: int, number: int) -> None:
        """A line of only closing brackets: the text before it is the rest of a document whose beginning is missing."""
        uncertain = [span for span in self._spans if not span.certain]
        self._spans = [span for span in self._spans if span.certain]
        if uncertain and not self._beheaded:
            first = uncertain[0]
            self._findings.append(
                Finding(first.offset, first.line, code="truncated-json", message="the document is cut off at its beginning")
            )
            self._beheaded = True
        elif not self._beheaded and not self._spans and not self._findings:
            self._findings.append(Finding(offset, number, code="truncated-json", message="the end of a document without its beginning"))
            self._beheaded = True

    def _let_go(self, end: int) -> None:
        """Pass on what is certain, and keep no more text than a document may have."""
        if self._depth == 0:
            if len(self._text) > _TEXT_HELD or all(span.certain for span in self._spans):
                self._settle()
            return
        opened = self._opens[0]
        if end - opened.offset > self._limits.document_bytes:
            if self._spans and self._spans[-1].offset > opened.offset:
                # Whole documents within it show that it was cut short.
                self._report_cut(opened)
            else:
                self._find(opened, "document-too-large", f"more than {self._limits.document_bytes:,} bytes")
            self._settle()
            self._skipping = True
        elif opened.offset - self._base > _TEXT_HELD:
            before = [span for span in self._spans if span.offset < opened.offset]
            self._hand_on(before)
            self._spans = self._spans[len(before) :]
            del self._text[: opened.offset - self._base]
            self._base = opened.offset

    def _hand_on(self, spans: list[_Span]) -> None:
        for span in spans:
            text = bytes(self._text[span.offset - self._base : span.end - self._base])
            begin = span.offset - self._base
            before = bytes(self._text[self._text.rfind(b"\n", max(0, begin - _BEFORE_KEPT), begin) + 1 : begin])
            self._findings.append(Finding(span.offset, span.line, text, before=before[-_BEFORE_KEPT:]))
            self._beheaded = False

    def _settle(self) -> None:
        """Pass on everything that was found, and start again."""
        self._hand_on(self._spans)
        self._spans.clear()
        self._opens.clear()
        self._text.clear()
        self._depth = 0
