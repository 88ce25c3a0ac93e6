"""Answers that a logger cut into several records: one for each line of the answer, or one for a fixed number of bytes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

from daganalysis.reading.json_repair import NOT_JSON

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_MOST_BYTES = 1 << 26
"""Bytes of texts that are kept to be joined; beyond them the records of a file are not."""
_LONGEST_LIST = 8
_text_decoder = msgspec.json.Decoder(str)
_fields_decoder = msgspec.json.Decoder(dict[str, msgspec.Raw])


class JoinedRecords:
    """The texts of records that are no answers, field by field, as they follow each other."""

    def __init__(self) -> None:
        self._texts: dict[str, list[str]] = {}
        self._size = 0

    def add(self, record: Mapping[str, msgspec.Raw] | Sequence[msgspec.Raw]) -> None:
        """Take the texts of one more record: an object, or a short list, as asciinema writes one for each output."""
        if isinstance(record, Mapping):
            fields = record
        elif len(record) <= _LONGEST_LIST:
            fields = {str(number): raw for number, raw in enumerate(record)}
        else:
            return
        stream = bytes(fields.get("stream", b"")).decode(errors="replace")[:20]
        for name, raw in _texts_of(fields):
            self._size += len(raw)
            if self._size > _MOST_BYTES:
                self._texts.clear()
                return
            try:
                self._texts.setdefault(f"{name} {stream}".rstrip(), []).append(_text_decoder.decode(raw))
            except NOT_JSON:
                continue

    def joined(self) -> Iterator[tuple[str, bytes]]:
        """Yield each field that at least two records had a text in: its name, and its texts joined."""
        for name, texts in self._texts.items():
            if len(texts) > 1 and any("{" in text or "[" in text for text in texts):
                # Whoever keeps the line breaks cuts lines that are too long without one.
                between = "" if any("\n" in text for text in texts) else "\n"
                yield name.split(" ")[0], between.join(texts).encode("utf-8", "replace")


def text_of_parts(value: list[msgspec.Raw]) -> bytes | None:
    """Return the text that a list holds in parts: as its bytes (journald, buffers of Node.js), or line by line (notebooks)."""
    if bytes(value[0]).isdigit():
        try:
            return bytes(map(int, value))
        except ValueError:
            return None
    if bytes(value[0])[:1] != b'"':
        return None
    try:
        lines = msgspec.json.decode(msgspec.json.encode(value), type=list[str])
    except NOT_JSON:
        return None
    return ("" if lines[0].endswith("\n") else "\n").join(lines).encode("utf-8", "replace")


def _texts_of(fields: Mapping[str, msgspec.Raw]) -> Iterator[tuple[str, bytes]]:
    for name, raw in fields.items():
        text = bytes(raw)
        if text[:1] == b'"':
            yield f"/{name}", text
        elif text[:1] == b"{":
            for inner, value in _fields_decoder.decode(text).items():
                if bytes(value)[:1] == b'"':
                    yield f"/{name}/{inner}", bytes(value)
