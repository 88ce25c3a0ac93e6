"""Redacting files: plain or packed, each written under its redacted name, packed as it was."""

from __future__ import annotations

import gzip
import io
import struct
import tarfile
import zipfile
import zlib
from typing import IO, TYPE_CHECKING, cast

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from daganalysis.redaction.texts import JsonRedactor

_BLOCK = 1 << 20
_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"
_ZIP = b"PK\x03\x04"
_TAR = slice(257, 262)
_DEEPEST = 4
_WHOLE = 1 << 24
_MOST_UNPACKED = 1 << 36
DAMAGE = (
    OSError,
    EOFError,
    zlib.error,
    zipfile.BadZipFile,
    tarfile.TarError,
    ValueError,
    RuntimeError,
    NotImplementedError,
    LookupError,
    OverflowError,
    struct.error,
)
"""What damaged archives raise."""


class FileRedactor:
    """Copies files with everything in them redacted. The same file gives the same bytes: packed ones bear no time."""

    def __init__(self, texts: JsonRedactor) -> None:
        self._texts = texts

    def copy(self, source: Path, target: Path | None) -> None:
        """Redact a file into a new one; with no target, only walk it. Raises what is in :data:`DAMAGE` for one that cannot be unpacked."""
        with source.open("rb") as reading:
            if target is None:
                self._stream(reading, io.BytesIO(), discard=True)
                return
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("xb") as writing:
                self._stream(reading, writing)

    def name(self, name: str) -> str:
        """Redact the name of a file, folder by folder."""
        return "/".join(self._texts.name(part) for part in name.split("/"))

    def _stream(self, reading: IO[bytes], writing: IO[bytes], depth: int = 0, *, discard: bool = False) -> None:
        buffered = reading if isinstance(reading, io.BufferedReader) else io.BufferedReader(cast("io.RawIOBase", reading), _BLOCK)
        head = buffered.peek(512)[:512]
        if depth > _DEEPEST:
            raise ValueError("archives in archives in archives")
        if head[:2] == _GZIP:
            with gzip.GzipFile(fileobj=writing, mode="wb", mtime=0, filename="") as packed:
                self._stream(cast("IO[bytes]", gzip.GzipFile(fileobj=buffered)), cast("IO[bytes]", packed), depth + 1, discard=discard)
        elif head[:4] == _ZSTD:
            import zstandard

            with zstandard.ZstdCompressor().stream_writer(writing, closefd=False) as packed:
                unpacked = zstandard.ZstdDecompressor().stream_reader(cast("IO[bytes]", buffered), read_across_frames=True)
                self._stream(cast("IO[bytes]", unpacked), cast("IO[bytes]", packed), depth + 1, discard=discard)
        elif head[:4] == _ZIP:
            self._zip(buffered, writing, depth)
        elif head[_TAR] == b"ustar":
            self._tar(buffered, writing, depth)
        else:
            self._plain(buffered, writing, discard=discard)

    def _plain(self, reading: io.BufferedReader, writing: IO[bytes], *, discard: bool) -> None:
        self._texts.start()
        for piece in _pieces(reading):
            redacted = self._piece(piece)
            if not discard:
                writing.write(redacted)

    def _piece(self, piece: bytes) -> bytes:
        if piece[:2] in {b"\xff\xfe", b"\xfe\xff"}:
            encoding = "utf-16-le" if piece[:1] == b"\xff" else "utf-16-be"
            return self._texts.text(piece.decode(encoding, "replace")).encode(encoding, "replace")
        if _is_json(piece):
            return self._texts.document(piece.decode()).encode()
        # What is cut off, or no text at all, passes through line by line, and stays as broken as it was.
        lines = (self._texts.text(line.decode("utf-8", "surrogateescape")) for line in piece.splitlines(keepends=True))
        return "".join(lines).encode("utf-8", "surrogateescape")

    def _zip(self, reading: io.BufferedReader, writing: IO[bytes], depth: int) -> None:
        whole = reading if reading.seekable() else io.BytesIO(reading.read())
        with zipfile.ZipFile(whole) as old, zipfile.ZipFile(writing, "w", zipfile.ZIP_DEFLATED) as new:
            for member in old.infolist():
                if member.filename.endswith("/"):
                    continue
                content = io.BytesIO()
                with old.open(member) as opened:
                    self._stream(opened, content, depth + 1)
                new.writestr(zipfile.ZipInfo(self.name(member.filename)), content.getvalue(), zipfile.ZIP_DEFLATED)

    def _tar(self, reading: io.BufferedReader, writing: IO[bytes], depth: int) -> None:
        with tarfile.open(fileobj=reading, mode="r|") as old, tarfile.open(fileobj=writing, mode="w|") as new:
            for member in old:
                opened = old.extractfile(member) if member.isfile() else None
                if opened is None:
                    continue
                content = io.BytesIO()
                self._stream(opened, content, depth + 1)
                # Owner, group and time of change are left behind.
                fresh = tarfile.TarInfo(self.name(member.name))
                fresh.size = content.tell()
                content.seek(0)
                new.addfile(fresh, content)


def _pieces(reading: io.BufferedReader) -> Iterator[bytes]:
    """Cut a plain file: a file of moderate size is one piece, if it is one document; else each line is."""
    head = reading.read(_WHOLE)
    rest = reading.read(1) if len(head) == _WHOLE else b""
    if not rest and (head[:2] in {b"\xff\xfe", b"\xfe\xff"} or _is_json(head)):
        yield head
        return
    lines = io.BytesIO(head).readlines()
    last = lines.pop() if lines and rest else b""
    yield from lines
    size = len(head)
    if rest:
        yield last + rest + (reading.readline() if rest != b"\n" else b"")
    for line in reading:
        size += len(line)
        if size > _MOST_UNPACKED:
            raise ValueError(f"it unpacks to more than {_MOST_UNPACKED:,} bytes")
        yield line


def _is_json(piece: bytes) -> bool:
    try:
        msgspec.json.decode(piece, type=msgspec.Raw)
        piece.decode()
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return False
    return True
