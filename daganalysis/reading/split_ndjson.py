"""Large files of one response a line, cut into stretches that several processes may read at a time."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import IO, TYPE_CHECKING

from daganalysis.reading.documents import outermost
from daganalysis.reading.encodings import GUESSED, codec_of
from daganalysis.reading.plain_text import BLOCK_BYTES
from daganalysis.reading.source_file import FileStretch, SourceFile, open_file
from daganalysis.urls import is_url

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_LINE = b"\n"


def split_at_lines(file: SourceFile, size_of_next: Callable[[int], int]) -> list[SourceFile]:
    """Cut a file into stretches, in order. A small file, or one without a document on each line, is one stretch.

    Each stretch begins with a document that follows another, so that no document is cut. ``size_of_next`` tells about how many bytes the
    next stretch should have, if so many bytes of the file are left.
    """
    total = file.size or 0
    if total <= size_of_next(total) or file.path is None or file.content is not None or file.trouble is not None or is_url(file.path):
        return [file]
    try:
        with os.fdopen(open_file(file.path), "rb") as stream:
            codec = codec_of(stream.read(BLOCK_BYTES))
            if codec not in {"", GUESSED}:
                return [file]  # a byte of a line break may be part of another character
            stream.seek(0)
            begins = [(0, 1), *_begins(stream, total, size_of_next, codec)]
    except OSError:
        return [file]  # whoever reads it says why
    if len(begins) == 1:
        return [file]
    ends = [begin for begin, _ in begins[1:]] + [total]
    return [replace(file, stretch=FileStretch(begin, end, line, codec)) for (begin, line), end in zip(begins, ends, strict=True)]


def _begins(stream: IO[bytes], total: int, size_of_next: Callable[[int], int], codec: str) -> Iterator[tuple[int, int]]:
    """Yield (offset, line number) of the documents that begin a stretch and follow a document on the line before."""
    first = size_of_next(total)
    offset, line, wanted = 0, 1, first
    while block := stream.read(BLOCK_BYTES):
        while wanted - offset < len(block):
            end = block.find(_LINE, wanted - offset)
            start = block.rfind(_LINE, 0, max(end, 0)) + 1
            following = block.find(_LINE, end + 1)
            if end < 0 or following < 0:
                wanted = offset + len(block)  # the line goes on in the next block
            elif start == 0 and offset > 0:
                wanted = offset + end + 1  # it began in the block before
            elif not _is_document(block[start:end], codec) or not _is_document(block[end + 1 : following], codec):
                if offset == 0 and line == 1 and wanted == first:
                    return  # not of one document a line
                wanted = offset + end + 1
            else:
                yield offset + end + 1, line + _n_breaks(block, end + 1)
                wanted = offset + end + 1
                wanted += size_of_next(total - wanted)
        line += _n_breaks(block, len(block))
        offset += len(block)


def _n_breaks(block: bytes, end: int) -> int:
    """Count line breaks. To find one after the other takes a third of the time of ``count``, where documents have a thousand bytes."""
    n, at = 0, block.find(_LINE, 0, end)
    while at >= 0:
        n += 1
        at = block.find(_LINE, at + 1, end)
    return n


def _is_document(line: bytes, codec: str) -> bool:
    return outermost((line.decode(codec, "replace").encode() if codec else line).strip()) is not None
