"""Plain text to JSON documents: one, several, one a line, among other text, or under layers of other notations."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import IO, TYPE_CHECKING

from daganalysis.reading.documents import BLANK, Document, one_document, outermost, with_plain_bodies
from daganalysis.reading.embedded_json import EmbeddedJson, Finding
from daganalysis.reading.encodings import GUESSED
from daganalysis.reading.fast_path import fast_answer
from daganalysis.reading.issue_codes import issue
from daganalysis.reading.json_repair import diagnose, is_html
from daganalysis.reading.plain_text import SAMPLE_BYTES, UTF8_MARK, PlainText
from daganalysis.reading.recognition import may_hold_answers, names_a_dag
from daganalysis.reading.streams import was_cut

if TYPE_CHECKING:
    from collections.abc import Iterator

    from daganalysis.reading.answers import Issue
    from daganalysis.reading.layers import Layer
    from daganalysis.reading.limits import Limits
    from daganalysis.reading.source_file import FileStretch

_GAP_BYTES = 1 << 24
"""Bytes of text between documents that are held, to look in them for answers under layers of other notations."""
_PEELINGS, _SMALL_TEXT = 16, 1 << 18
"""How many bytes may be searched to take layers off a text: a multiple of its size, and a constant."""
_MOST_LAYERS = 8


def find_documents(stream: IO[bytes] | None, name: str, limits: Limits, issues: list[Issue], head: bytes = b"") -> Iterator[Document]:
    """Yield the JSON documents of one plain file, in order. ``head`` is its beginning, which was read already; ``stream`` has the rest.

    A file of one document a line, and one of several documents, is read piece by piece. Text that is no document gives an issue only if the
    file holds nothing else, or holds one document a line.
    """
    reading = PlainText(stream, head)
    if reading.settle_encoding() == GUESSED:
        issues.append(_guessed(name))
    if not reading.has_text():
        if not was_cut(issues, name):
            issues.append(issue("empty-file", name, None, f"{reading.offset} bytes of white space" if reading.offset else "0 bytes"))
        return
    whole = reading.whole()
    if whole is not None:
        document = one_document(whole, reading.offset, limits)
        if document is not None:
            yield document
            return
        from daganalysis.reading.layers import is_enclosed  # which most sources, of an answer a line, do not need

        enclosed = peeled_documents(whole, limits) if is_enclosed(whole) else []
        if enclosed:
            yield from (replace(document, position=f"byte {reading.offset}" + _within(document.position)) for document in enclosed)
            return
        reading.head = with_plain_bodies(whole)
    yield from _Lines(name, limits, issues).find(reading)


def peeled_documents(text: bytes, limits: Limits) -> list[Document]:
    """Return the documents in a text under layers of other notations (:mod:`daganalysis.reading.layers`), if it has any.

    Time and memory are in proportion to the text, however many layers it has.
    """
    return _peeled(text, (), _Peeling(limits, _PEELINGS * len(text) + _SMALL_TEXT))


class _Peeling:
    """How many bytes may yet be looked through to take layers off one text, and what was found in those looked through already."""

    def __init__(self, limits: Limits, n_bytes: int) -> None:
        self.limits = limits
        self._n_bytes = n_bytes
        self._found: dict[bytes, list[Document]] = {}

    @property
    def is_over(self) -> bool:
        return self._n_bytes < 0

    def documents(self, text: bytes, at_most: int, taken: tuple[Layer, ...]) -> list[Document]:
        """Return the documents of a text; one that is reached by several ways is looked through once."""
        digest = hashlib.blake2b(text, digest_size=16).digest()
        if digest not in self._found:
            self._found[digest] = []
            self._n_bytes -= min(len(text), at_most)  # what unpacks to more is bounded by itself
            if not self.is_over:
                self._found[digest] = _plain_or_peeled(text, taken, self)
        return self._found[digest]


def _peeled(text: bytes, taken: tuple[Layer, ...], peeling: _Peeling) -> list[Document]:
    if len(taken) == _MOST_LAYERS or not may_hold_answers(text):
        return []
    from daganalysis.reading.layers import LAYERS

    parts: list[Document] = []
    for layer in LAYERS:
        if peeling.is_over:
            break
        if (layer.once and layer in taken) or not layer.is_there(text):
            continue
        found: list[Document] = []
        for under in layer.under(text):
            if under != text and may_hold_answers(under):
                found += peeling.documents(under, 2 * len(text), (*taken, layer))
        if any(names_a_dag(document.text) for document in found):
            return found
        # What a wrong layer leaves may be parts of an answer.
        parts = parts or found
    return parts


def _plain_or_peeled(text: bytes, taken: tuple[Layer, ...], peeling: _Peeling) -> list[Document]:
    """Return the documents of a text from which a layer was taken, if any is JSON that may hold answers."""
    from daganalysis.reading.layers import is_enclosed

    if is_enclosed(text, taken):
        return _peeled(text, taken, peeling)
    whole = one_document(text, 0, peeling.limits)
    documents = [whole] if whole is not None else list(_Lines("", peeling.limits, [], peels=False).find(PlainText(None, text)))
    usable = [document for document in documents if document.value is not None or outermost(document.text) is not None]
    if any(may_hold_answers(document.text) for document in usable):
        return documents
    return _peeled(text, taken, peeling)


def find_lines(stream: IO[bytes], stretch: FileStretch, name: str, limits: Limits, issues: list[Issue]) -> Iterator[Document]:
    """Yield the documents of a stretch of a file of one document a line."""
    stream.seek(stretch.begin)
    reading = PlainText(stream, b"", stretch.end - stretch.begin, stretch.line)
    if stretch.codec:
        issues.append(_guessed(name))
        reading.recode(stretch.codec)
    yield from _Lines(name, limits, issues, one_a_line=True).find(reading)


def _guessed(name: str) -> Issue:
    return issue("other-encoding", name, None, f"not UTF-8; it was read as {GUESSED.upper()}")


class _Lines:
    """Finds documents line by line: lines that are documents, documents in the text between them, and those under layers of notation."""

    def __init__(self, name: str, limits: Limits, issues: list[Issue], *, one_a_line: bool = False, peels: bool = True) -> None:
        self._name = name
        self._limits = limits
        self._issues = issues
        self._n_issues = len(issues)
        self._n_lines = self._n_found = 0
        self._one_a_line = one_a_line
        """Whether the file holds one document a line. Positions are then lines, and any other line is a fault."""
        self._peels = peels
        self._gap = _Gap()

    def find(self, reading: PlainText) -> Iterator[Document]:
        """Yield the documents in order."""
        sample = reading.head[:SAMPLE_BYTES]
        embedded = EmbeddedJson(self._limits, only_certain=is_html(sample))
        first: tuple[Document, int] | None = None
        for number, offset, line in reading.lines(self._limits, self._issues, self._name):
            text = line.strip(BLANK)
            if not (text or embedded.is_open):
                continue
            self._n_lines += 1
            if first is not None:
                self._one_a_line = True
                yield replace(first[0], position=f"line {first[1]}")
                first = None
            text = text.removeprefix(UTF8_MARK).rstrip(b" ,")
            value = None if embedded.is_open else fast_answer(text, self._limits) or outermost(text)
            if value is None:
                yield from self._other_line(embedded, line + b"\n", offset, number)
                continue
            if self._gap.size:
                yield from self._settled(embedded)
            document = Document(text, self._position(offset, number), value)
            self._n_found += 1
            if self._n_lines == 1:
                # The next line shows whether this is one document of several, one a line.
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
            yield from self._gap_documents(keeps_last=True)
        self._gap.add(line, offset, number)
        embedded.feed(line, offset, number)
        yield from self._documents_of(embedded.take())

    def _settled(self, embedded: EmbeddedJson) -> Iterator[Document]:
        """Yield what the text up to here still holds. In a file of one document a line, text that is not a document is a fault."""
        if not self._gap.size:
            return
        noise, line = embedded.noise, embedded.noise_line
        yield from self._documents_of(embedded.end())
        n_found = self._n_found
        yield from self._gap_documents()
        if self._one_a_line and noise and self._n_found == n_found:
            code, message = diagnose(noise, self._limits)
            self._issues.append(issue(code, self._name, f"line {line}", message))

    def _documents_of(self, findings: list[Finding]) -> Iterator[Document]:
        for finding in findings:
            if finding.code:
                self._gap.faults.append(finding)
            elif self._peels and (outermost(finding.text) is None or not may_hold_answers(finding.text)):
                self._gap.doubtful.append(finding)
            else:
                self._gap.taken.append((finding.offset, finding.offset + len(finding.text)))
                self._n_found += 1
                yield Document(finding.text, self._position(finding.offset, finding.line), before=finding.before)

    def _gap_documents(self, *, keeps_last: bool = False) -> Iterator[Document]:
        """Yield the documents under layers of notation in the text since the last document, or note what was wrong with it.

        ``keeps_last``: more lines follow, and the last answer may continue in them, so it is kept for later.
        """
        gap, self._gap = self._gap, _Gap()
        if keeps_last:
            self._gap = gap.part_before_last(self._limits.document_bytes)
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
    """The place of a document in a text without its layers, to be appended to the place of that text."""
    return "" if position == "byte 0" else f" ({position} of what it says)"


class _Gap:
    """The lines since the last document that are none, with what was found in them; memory is bounded by who adds to it."""

    def __init__(self) -> None:
        self._text = bytearray()
        self._offset = self._line = 0
        self.faults: list[Finding] = []
        self.doubtful: list[Finding] = []
        """Text that begins and ends like a document but is not valid JSON."""
        self.taken: list[tuple[int, int]] = []

    @property
    def size(self) -> int:
        return len(self._text)

    def add(self, line: bytes, offset: int, number: int) -> None:
        if not self._text:
            self._offset, self._line = offset, number
        self._text += line

    def part_before_last(self, most: int) -> _Gap:
        """Cut the text before the last answer that begins in it; return what was cut off, nothing where that is too much."""
        last = _Gap()
        cut = self._begin_of_last()
        if not cut >= 0 or len(self._text) - cut > most:
            return last
        if cut > 0:
            last.add(bytes(self._text[cut:]), self._offset + cut, self._line + self._text.count(b"\n", 0, cut))
            del self._text[cut:]
        else:
            last._text, self._text = self._text, bytearray()
            last._offset, last._line = self._offset, self._line
        end = self._offset + cut
        for kept, moved in ((self.faults, last.faults), (self.doubtful, last.doubtful)):
            moved += [finding for finding in kept if finding.offset >= end]
            kept[:] = [finding for finding in kept if finding.offset < end]
        last.taken = [span for span in self.taken if span[0] >= end]
        self.taken = [span for span in self.taken if span[0] < end]
        return last

    def _begin_of_last(self) -> int:
        """Where the line begins before the one in which the last answer does; -1 where none does."""
        for mark, n_before in ((b"successful", 1), (b"dag_id", 2)):
            at = self._text.rfind(mark)
            if at >= 0:
                for _ in range(n_before + 1):
                    at = self._text.rfind(b"\n", 0, max(at, 0))
                return at + 1
        return -1

    def left(self) -> Iterator[tuple[int, int, bytes]]:
        """Yield (offset, line, text) of the parts between the documents found in which answers may be."""
        if not may_hold_answers(self._text):
            return
        at = 0
        for begin, end in [*sorted(self.taken), (self._offset + self.size,) * 2]:
            text = bytes(self._text[at : max(at, begin - self._offset)])
            if may_hold_answers(text):
                yield self._offset + at, self._line + self._text.count(b"\n", 0, at), text
            at = max(at, end - self._offset)
