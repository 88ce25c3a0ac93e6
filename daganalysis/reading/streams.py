"""Sources to plain byte streams: decompressed, archives opened member by member, every excess an issue."""

from __future__ import annotations

import gzip
import io
import lzma
import tarfile
import zipfile
import zlib
from typing import IO, TYPE_CHECKING, cast

from daganalysis.reading.issue_codes import issue

if TYPE_CHECKING:
    from collections.abc import Iterator

    from daganalysis.reading.answers import Issue
    from daganalysis.reading.limits import Limits

_HEAD = 512
_ZSTD_BLOCK = 1 << 11
"""Packed bytes at a time: a few of them can unpack to many megabytes."""
_TAR_MAGIC = slice(257, 262)
_DAMAGE = (
    OSError,
    EOFError,
    zlib.error,
    lzma.LZMAError,
    zipfile.BadZipFile,
    tarfile.TarError,
    RuntimeError,
    NotImplementedError,
    ValueError,
)


class ExcessError(Exception):
    """A source that unpacks to more than the limits allow."""


class _Counted(io.RawIOBase):
    """Counts what is read from a packed stream."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.count = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(cast("bytearray", buffer))
        data = self._stream.read(len(view))
        view[: len(data)] = data
        self.count += len(data)
        return len(data)


class _Bounded(io.RawIOBase):
    """Gives up where more comes out than the limits allow."""

    def __init__(self, stream: IO[bytes], packed: _Counted, limits: Limits) -> None:
        self._stream, self._packed, self._limits = stream, packed, limits
        self._count = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(cast("bytearray", buffer))
        data = self._stream.read(len(view))
        view[: len(data)] = data
        self._count += len(data)
        limits = self._limits
        if self._count > limits.unpacked_bytes:
            raise ExcessError(f"more than {limits.unpacked_bytes:,} bytes")
        if self._count > limits.ratio_from_bytes and self._count > limits.unpacked_ratio * max(self._packed.count, 1):
            raise ExcessError(f"{self._count:,} bytes of {self._packed.count:,}, more than {limits.unpacked_ratio:,} to 1")
        return len(data)


def open_streams(stream: IO[bytes], name: str, limits: Limits, issues: list[Issue], depth: int = 0) -> Iterator[tuple[str, IO[bytes]]]:
    """Yield (name, stream) of each plain file in a source; a member of an archive is named ``archive!member``.

    What it is, is told by its first bytes, not by its name. A stream is to be read before the next is asked for; damage found while it is
    read is for the reader to report (:data:`DAMAGE`).
    """
    buffered = stream if isinstance(stream, io.BufferedReader) else io.BufferedReader(cast("io.RawIOBase", stream), 1 << 16)
    head = buffered.peek(_HEAD)[:_HEAD]
    packed = head[:2] == b"\x1f\x8b" or head[:4] in {b"\x28\xb5\x2f\xfd", b"PK\x03\x04"} or head[_TAR_MAGIC] == b"ustar"
    if packed and depth > limits.nested_archives:
        issues.append(issue("archive-too-deep", name, None, f"more than {limits.nested_archives} archives in each other"))
        return
    try:
        if head[:2] == b"\x1f\x8b":
            counted = _Counted(buffered)
            plain = _Bounded(cast("IO[bytes]", gzip.GzipFile(fileobj=io.BufferedReader(counted))), counted, limits)
            yield from open_streams(io.BufferedReader(plain, 1 << 18), name, limits, issues, depth + 1)
        elif head[:4] == b"\x28\xb5\x2f\xfd":
            yield from _open_zstd(buffered, name, limits, issues, depth)
        elif head[:4] == b"PK\x03\x04":
            yield from _open_zip(buffered, name, limits, issues, depth)
        elif head[_TAR_MAGIC] == b"ustar":
            yield from _open_tar(buffered, name, limits, issues, depth)
        else:
            yield name, buffered
    except ExcessError as error:
        issues.append(issue("unpacks-too-large", name, None, f"it unpacks to {error}"))
    except _DAMAGE as error:
        issues.append(issue("damaged-archive", name, None, f"{type(error).__name__}: {error}"))


class _Zstd(io.RawIOBase):
    """Unpacks zstd frames, and says so where the last one does not end (which the library's own reader passes over in silence)."""

    def __init__(self, packed: _Counted) -> None:
        import zstandard

        self._packed = packed
        self._context = zstandard.ZstdDecompressor()
        self._error = zstandard.ZstdError
        self._frame = self._context.decompressobj()
        self._begun = False
        self._ready = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(cast("bytearray", buffer))
        while not self._ready:
            block = self._packed.read(_ZSTD_BLOCK)
            if not block:
                if self._begun:
                    raise EOFError("the last zstd frame does not end")
                return 0
            self._ready = self._unpack(block)
        count = min(len(view), len(self._ready))
        view[:count] = self._ready[:count]
        self._ready = self._ready[count:]
        return count

    def _unpack(self, block: bytes) -> bytes:
        parts = []
        try:
            while block:
                parts.append(self._frame.decompress(block))
                self._begun = not self._frame.eof
                block = b""
                if self._frame.eof:
                    block = self._frame.unused_data
                    self._frame = self._context.decompressobj()
        except self._error as error:
            raise EOFError(str(error)) from None
        return b"".join(parts)


def _open_zstd(buffered: io.BufferedReader, name: str, limits: Limits, issues: list[Issue], depth: int) -> Iterator[tuple[str, IO[bytes]]]:
    counted = _Counted(buffered)
    plain = _Bounded(cast("IO[bytes]", _Zstd(counted)), counted, limits)
    yield from open_streams(io.BufferedReader(plain, 1 << 18), name, limits, issues, depth + 1)


def _open_zip(buffered: io.BufferedReader, name: str, limits: Limits, issues: list[Issue], depth: int) -> Iterator[tuple[str, IO[bytes]]]:
    # A zip's table of contents is at its end, so that of a stream has to be held in memory.
    whole = buffered if buffered.seekable() else io.BytesIO(_read_at_most(buffered, limits.document_bytes))
    with zipfile.ZipFile(whole) as archive:
        for member in sorted(archive.infolist(), key=lambda m: m.filename):
            label = _member_name(name, member.filename, issues)
            if member.is_dir():
                continue
            try:
                with archive.open(member) as opened:
                    counted = _Counted(io.BytesIO(b""))
                    counted.count = member.compress_size
                    bounded = _Bounded(opened, counted, limits)
                    yield from open_streams(io.BufferedReader(bounded, 1 << 18), label, limits, issues, depth + 1)
            except _DAMAGE as error:
                issues.append(issue("damaged-archive", label, None, f"{type(error).__name__}: {error}"))


def _open_tar(buffered: io.BufferedReader, name: str, limits: Limits, issues: list[Issue], depth: int) -> Iterator[tuple[str, IO[bytes]]]:
    with tarfile.open(fileobj=buffered, mode="r|") as archive:
        for member in archive:
            label = _member_name(name, member.name, issues)
            if member.isdir():
                continue
            opened = archive.extractfile(member) if member.isfile() else None
            if opened is None:
                issues.append(issue("not-a-member-file", label, None, "a link or a device"))
                continue
            yield from open_streams(io.BufferedReader(cast("io.RawIOBase", opened), 1 << 18), label, limits, issues, depth + 1)


def _member_name(archive: str, member: str, issues: list[Issue]) -> str:
    label = f"{archive}!{member}"
    parts = member.replace("\\", "/").split("/")
    if member.startswith(("/", "\\")) or ".." in parts:
        issues.append(issue("unsafe-member-path", label, None, "its path climbs out of the archive"))
    return label


def _read_at_most(stream: IO[bytes], limit: int) -> bytes:
    data = stream.read(limit + 1)
    if len(data) > limit:
        raise ExcessError(f"more than {limit:,} bytes, of an archive that must be held in memory")
    return data


DAMAGE = _DAMAGE
"""What reading a stream that is damaged may raise, besides :class:`ExcessError`."""
