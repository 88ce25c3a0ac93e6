"""Redacting files: plain or packed, each written under its redacted name, packed as it was."""

from __future__ import annotations

import bz2
import codecs
import gzip
import io
import lzma
import shutil
import struct
import tarfile
import tempfile
import zipfile
import zlib
from typing import IO, TYPE_CHECKING, Any, cast

import msgspec

from daganalysis.reading.databases.forms import HEAD_BYTES
from daganalysis.reading.encodings import codec_of, recoded
from daganalysis.reading.file_kinds import DATABASE_COPY, kind_of
from daganalysis.reading.json_repair import is_binary
from daganalysis.reading.limits import DEFAULT_LIMITS, Limits
from daganalysis.reading.streams import Unpacking, bounded_stream, is_packed, unpacked_stream

if TYPE_CHECKING:
    import contextlib
    from collections.abc import Iterator
    from pathlib import Path

    from daganalysis.redaction.texts import JsonRedactor

_BLOCK = 1 << 20
_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"
_XZ = b"\xfd7zXZ\0"
_BZ2 = b"BZh"
_ZLIB = frozenset({b"\x78\x01", b"\x78\x9c", b"\x78\xda"})
_ZIP = b"PK\x03\x04"
_EMPTY_ZIP = b"PK\x05\x06"
_TAR = slice(257, 262)
_WHOLE = 1 << 24
_IN_MEMORY = 1 << 24
_TEXT_KINDS = frozenset({"obshell.log", "log of obd", "observer.log"})
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
    lzma.LZMAError,
)
"""What damaged archives raise."""


class NotUnderstoodError(ValueError):
    """A file, or a member of an archive, that cannot be redacted: it is no text, or unpacks to more than is allowed."""


class FileRedactor:
    """Copies files with everything in them redacted. The same file gives the same bytes: packed ones bear no time."""

    def __init__(self, texts: JsonRedactor, limits: Limits = DEFAULT_LIMITS) -> None:
        self._texts = texts
        self._limits = limits
        self.left_out: list[tuple[str, str]] = []
        """Members of archives that were left out of their copy, each with the reason."""

    def copy(self, source: Path, target: Path | None) -> None:
        """Redact a file into a new one; with no target, only walk it. Raises what is in :data:`DAMAGE` for one that cannot be unpacked."""
        unpacking = Unpacking(self._limits, [])
        with source.open("rb") as reading:
            if target is None:
                self._stream(reading, cast("IO[bytes]", _Nothing()), unpacking)
                return
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("xb") as writing:
                self._stream(reading, writing, unpacking)

    def name(self, name: str) -> str:
        """Redact the name of a file, folder by folder."""
        return self._texts.place(name)

    def _stream(self, reading: IO[bytes], writing: IO[bytes], unpacking: Unpacking, depth: int = 0) -> None:
        buffered = reading if isinstance(reading, io.BufferedReader) else io.BufferedReader(cast("io.RawIOBase", reading), _BLOCK)
        head = buffered.peek(HEAD_BYTES)[:HEAD_BYTES]
        if is_packed(head) and depth > unpacking.limits.nested_archives:
            raise NotUnderstoodError(f"archives are nested more than {unpacking.limits.nested_archives} deep")
        if head[:4] in {_ZIP, _EMPTY_ZIP}:
            self._zip(buffered, writing, unpacking, depth)
        elif head[_TAR] == b"ustar":
            self._tar(buffered, writing, unpacking, depth)
        elif is_packed(head):
            with _packer(head, writing) as packed:
                self._stream(unpacked_stream(buffered, head, unpacking), cast("IO[bytes]", packed), unpacking, depth + 1)
        else:
            _check_is_text(head)
            codec = codec_of(head)
            if codec:
                self._plain(recoded(b"", buffered, codec), cast("IO[bytes]", _Encoded(writing, codec)), unpacking)
            else:
                self._plain(buffered, writing, unpacking)
        _check_whole(unpacking)

    def _plain(self, reading: io.BufferedReader[Any], writing: IO[bytes], unpacking: Unpacking) -> None:
        self._texts.start()
        for piece in _pieces(reading, unpacking.limits.document_bytes):
            _check_whole(unpacking)
            writing.write(self._piece(piece))

    def _piece(self, piece: bytes) -> bytes:
        if _is_json(piece):
            return self._texts.document(piece.decode()).encode()
        # What is cut off, or no text at all, passes through line by line, and stays as broken as it was.
        lines = (self._texts.text(line.decode("utf-8", "surrogateescape")) for line in piece.splitlines(keepends=True))
        return "".join(lines).encode("utf-8", "surrogateescape")

    def _member(self, name: str, opened: IO[bytes], unpacking: Unpacking, depth: int) -> IO[bytes] | None:
        """Return the redacted content of a member; None for one that is left out."""
        content = cast("IO[bytes]", tempfile.SpooledTemporaryFile(_IN_MEMORY))  # noqa: SIM115 - the caller closes it
        try:
            self._stream(opened, content, unpacking, depth + 1)
        except NotUnderstoodError as error:
            if unpacking.issues:
                raise
            self.left_out.append((name, str(error)))
            content.close()
            return None
        return content

    def _zip(self, reading: io.BufferedReader, writing: IO[bytes], unpacking: Unpacking, depth: int) -> None:
        whole = reading if reading.seekable() else io.BytesIO(_bounded_read(reading, unpacking.limits.document_bytes))
        with zipfile.ZipFile(whole) as old, zipfile.ZipFile(writing, "w", zipfile.ZIP_DEFLATED) as new:
            for member in old.infolist():
                if member.filename.endswith("/"):
                    continue
                with old.open(member) as opened:
                    stream = bounded_stream(opened, member.filename, lambda n=member.compress_size: n, unpacking)  # type: ignore[misc]
                    content = self._member(member.filename, stream, unpacking, depth)
                if content is None:
                    continue
                fresh = zipfile.ZipInfo(self.name(member.filename))
                fresh.compress_type = zipfile.ZIP_DEFLATED
                content.seek(0)
                with content, new.open(fresh, "w", force_zip64=True) as packed:
                    shutil.copyfileobj(content, packed, _BLOCK)

    def _tar(self, reading: io.BufferedReader, writing: IO[bytes], unpacking: Unpacking, depth: int) -> None:
        with tarfile.open(fileobj=reading, mode="r|") as old, tarfile.open(fileobj=writing, mode="w|") as new:
            for member in old:
                old.members.clear()  # type: ignore[attr-defined] # it keeps every one it has passed
                opened = old.extractfile(member) if member.isfile() and not member.issparse() else None
                if opened is None:
                    continue
                content = self._member(member.name, opened, unpacking, depth)
                if content is None:
                    continue
                # Owner, group and time of change are left behind.
                fresh = tarfile.TarInfo(self.name(member.name))
                fresh.size = content.tell()
                content.seek(0)
                with content:
                    new.addfile(fresh, content)


class _Encoded(io.RawIOBase):
    """Writes a text, which comes as UTF-8, in another encoding."""

    def __init__(self, writing: IO[bytes], codec: str) -> None:
        self._writing = writing
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._encoder = codecs.getincrementalencoder(codec)("replace")

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        content = cast("bytes", data)
        self._writing.write(self._encoder.encode(self._decoder.decode(content)))
        return len(content)


class _Nothing(io.RawIOBase):
    """Takes what is written, and keeps nothing of it."""

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        return len(cast("bytes", data))


def _packer(head: bytes, writing: IO[bytes]) -> contextlib.AbstractContextManager[object]:
    """Return what packs as a file was packed."""
    if head[:2] == _GZIP:
        return gzip.GzipFile(fileobj=writing, mode="wb", mtime=0, filename="")
    if head[:4] == _ZSTD:
        import zstandard

        return zstandard.ZstdCompressor().stream_writer(writing, closefd=False)
    if head[:3] == _BZ2:
        return bz2.BZ2File(writing, "wb")
    if head[:2] in _ZLIB:
        return _ZlibFile(writing)
    return lzma.LZMAFile(writing, "wb", format=lzma.FORMAT_XZ if head[:6] == _XZ else lzma.FORMAT_ALONE)


class _ZlibFile(io.RawIOBase):
    """Writes one stream of zlib."""

    def __init__(self, writing: IO[bytes]) -> None:
        self._writing = writing
        self._packer = zlib.compressobj()

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        content = cast("bytes", data)
        self._writing.write(self._packer.compress(content))
        return len(content)

    def close(self) -> None:
        if not self.closed:
            self._writing.write(self._packer.flush())
        super().close()


def _check_is_text(head: bytes) -> None:
    kind = kind_of(head)
    if kind is not None and kind.certain and kind.noun not in _TEXT_KINDS:
        raise NotUnderstoodError(f"it is no text that can be redacted ({kind.noun})")
    if is_binary(head) and not codec_of(head):
        raise NotUnderstoodError("it is no text that can be redacted (binary file)")
    if kind is DATABASE_COPY:
        raise NotUnderstoodError("it is a copy of a database, in which nothing marks what is secret; hand on the answers instead")


def _check_whole(unpacking: Unpacking) -> None:
    if unpacking.issues:
        raise NotUnderstoodError(unpacking.issues[0].message)


def _bounded_read(reading: IO[bytes], limit: int) -> bytes:
    data = reading.read(limit + 1)
    if len(data) > limit:
        raise NotUnderstoodError(f"it unpacks to more than {limit:,} bytes")
    return data


def _pieces(reading: io.BufferedReader[Any], longest: int) -> Iterator[bytes]:
    """Cut a plain file: a file of moderate size is one piece, if it is one document; else each line is."""
    head = reading.read(_WHOLE)
    rest = reading.read(1) if len(head) == _WHOLE else b""
    if not rest and _is_json(head):
        yield head
        return
    lines = io.BytesIO(head).readlines()
    last = lines.pop() if lines and rest else b""
    yield from lines
    if rest:
        yield last + rest + (_line(reading, longest) if rest != b"\n" else b"")
    while line := _line(reading, longest):
        yield line


def _line(reading: io.BufferedReader[Any], longest: int) -> bytes:
    line = reading.readline(longest + 1)
    if len(line) > longest:
        raise NotUnderstoodError(f"a line of more than {longest:,} bytes")
    return line


def _is_json(piece: bytes) -> bool:
    try:
        msgspec.json.decode(piece, type=msgspec.Raw)
        piece.decode()
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return False
    return True
