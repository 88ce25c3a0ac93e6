"""Sources to plain byte streams: decompressed, archives opened member by member, every excess an issue."""

from __future__ import annotations

import gzip
import io
import lzma
import struct
import tarfile
import zipfile
import zlib
from functools import partial
from typing import IO, TYPE_CHECKING, Any, cast

from daganalysis.reading.file_kinds import HIDDEN_FILE
from daganalysis.reading.issue_codes import issue
from daganalysis.reading.source_file import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from daganalysis.reading.answers import Issue
    from daganalysis.reading.limits import Limits

_HEAD = 512
_FRAME_BLOCK = 1 << 11
"""Packed bytes at a time: a few of them can unpack to many megabytes."""
_TAR_MAGIC = slice(257, 262)
_TAR_HEADERS = frozenset({tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK, tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE})
_OFFICE = frozenset({"[Content_Types].xml", "META-INF/MANIFEST.MF", "mimetype"})
"""Members that tell an Office document or a Java program, each a zip, from an archive of files."""
_LARGEST_TAR_HEADER = 1 << 20
_MOST_XZ_MEMORY = 1 << 28
"""Bytes that unpacking xz may take; its strongest usual setting takes 65 MB."""
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
    LookupError,
    OverflowError,
    struct.error,
)
"""The known exceptions of the libraries for damaged archives. The last three are not documented."""


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


def is_clutter(member: str) -> bool:
    """Return whether a member of an archive was added by a system, not by a user, by its path.

    >>> is_clutter("__MACOSX/a/._b.json"), is_clutter("a/.DS_Store"), is_clutter("./a/.meta")
    (True, True, False)
    """
    parts = member.replace("\\", "/").split("/")
    return any(part == "__MACOSX" or (part.startswith(".") and part.strip(".") and not part.startswith(".meta")) for part in parts)


def is_office(members: Iterable[str]) -> bool:
    """Return whether a zip is an Office document or a Java program, by the paths of its members."""
    return not _OFFICE.isdisjoint(members)


class Unpacking:
    """What one source has unpacked to so far, in all its members; its limits, and where its issues go."""

    def __init__(self, limits: Limits, issues: list[Issue]) -> None:
        self.limits = limits
        self.issues = issues
        self.count = 0

    def note(self, code: str, name: str, message: str) -> None:
        """Add an issue, but not the same twice where one fault is met in two layers."""
        known = self.issues[-1] if self.issues else None
        if known is None or (known.code, known.source) != (code, name):
            self.issues.append(issue(code, name, None, message))

    def passes_over(self, archive: str, member: str) -> bool:
        """Return whether a member was added to the archive by a system, and note it."""
        if not is_clutter(member):
            return False
        self.note(HIDDEN_FILE.code, f"{archive}!{printable(member)}", HIDDEN_FILE.message)
        return True

    def trouble(self, name: str, error: Exception) -> None:
        """Add the issue of what was raised while a stream was read."""
        if isinstance(error, ExcessError):
            self.note("unpacks-too-large", name, f"it unpacks to {error}")
        else:
            self.note("damaged-archive", name, f"{type(error).__name__}: {error}")


class _Bounded(io.RawIOBase):
    """Passes on what is unpacked, and ends if it is damaged or exceeds a limit. Everything before that is kept."""

    def __init__(self, stream: IO[bytes], name: str, packed: Callable[[], int], unpacking: Unpacking) -> None:
        self._read = getattr(stream, "read1", stream.read)
        self._name, self._packed, self._unpacking = name, packed, unpacking
        self._count = 0
        self._ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(cast("bytearray", buffer))
        if self._ended:
            return 0
        try:
            data = self._read(len(view))
            self._bound(len(data))
        except (ExcessError, *_DAMAGE) as error:
            self._unpacking.trouble(self._name, error)
            self._ended = True
            return 0
        view[: len(data)] = data
        return len(data)

    def _bound(self, n_bytes: int) -> None:
        limits = self._unpacking.limits
        self._count += n_bytes
        self._unpacking.count += n_bytes
        if self._unpacking.count > limits.unpacked_bytes:
            raise ExcessError(f"more than {limits.unpacked_bytes:,} bytes")
        if self._count > limits.ratio_from_bytes and self._count > limits.unpacked_ratio * max(self._packed(), 1):
            raise ExcessError(f"{self._count:,} bytes of {self._packed():,}, more than {limits.unpacked_ratio:,} to 1")


def open_streams(stream: IO[bytes], name: str, limits: Limits, issues: list[Issue]) -> Iterator[tuple[str, IO[bytes]]]:
    """Yield (name, stream) of each plain file in a source; a member of an archive is named ``archive!member``.

    Its first bytes decide its kind, not its name. Read each stream before you take the next. Damage ends a stream and becomes an issue. A
    packed file that is not recognised is passed on as it is.
    """
    yield from _opened(stream, name, Unpacking(limits, issues), 0)


def _opened(stream: IO[bytes], name: str, unpacking: Unpacking, depth: int) -> Iterator[tuple[str, IO[bytes]]]:
    buffered = stream if isinstance(stream, io.BufferedReader) else io.BufferedReader(cast("io.RawIOBase", stream), 1 << 16)
    head = buffered.peek(_HEAD)[:_HEAD]
    opener = _opener_of(head)
    if opener is None:
        if head or not was_cut(unpacking.issues, name):
            yield name, buffered
    elif depth > unpacking.limits.nested_archives:
        unpacking.note("archive-too-deep", name, f"archives are nested more than {unpacking.limits.nested_archives} deep")
    else:
        try:
            yield from opener(buffered, name, unpacking, depth)
        except (ExcessError, *_DAMAGE) as error:
            unpacking.trouble(name, error)


def was_cut(issues: list[Issue], name: str) -> bool:
    """Whether the last issue says that a stream was damaged or too large. Then its early end needs no other issue."""
    return bool(issues) and issues[-1].source == name and issues[-1].code in {"damaged-archive", "unpacks-too-large"}


def is_packed(head: bytes) -> bool:
    """Return whether a file is compressed or an archive, by its first 512 bytes."""
    return _opener_of(head) is not None


def _opener_of(head: bytes) -> Callable[[io.BufferedReader, str, Unpacking, int], Iterator[tuple[str, IO[bytes]]]] | None:
    if head[:2] == b"\x1f\x8b":
        return _open_gzip
    library = _library_of(head)
    if library is not None:
        return partial(_open_frames, library)
    if head[:4] in {b"PK\x03\x04", b"PK\x05\x06"}:
        return _open_zip
    return _open_tar if head[_TAR_MAGIC] == b"ustar" else None


def _library_of(head: bytes) -> Callable[[], tuple[Callable[[], Any], type[Exception]]] | None:
    """Return what unpacks a file of compressed frames; None for any other file."""
    if head[:4] == b"\x28\xb5\x2f\xfd":
        return _start_zstd
    if head[:6] == b"\xfd7zXZ\0":
        return _start_xz
    if head[:3] == b"BZh" and head[4:10] in {b"1AY&SY", b"\x17\x72\x45\x38\x50\x90"}:
        return _start_bz2
    if head[:3] == b"]\0\0" and head[5:13] == b"\xff" * 8:
        return _start_lzma
    return _start_zlib if head[:2] in {b"\x78\x01", b"\x78\x9c", b"\x78\xda"} else None


class _Frames(io.RawIOBase):
    """Unpacks a file of compressed frames one after the other, and says so where the last one does not end."""

    def __init__(self, packed: _Counted, start: Callable[[], Any], damage: type[Exception]) -> None:
        self._packed, self._start, self._damage = packed, start, damage
        self._frame = start()
        self._begun = False
        self._ready = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(cast("bytearray", buffer))
        while not self._ready:
            block = self._packed.read(_FRAME_BLOCK)
            if not block:
                if self._begun:
                    raise EOFError("the last frame is cut off")
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
                if not self._begun and not block.strip(b"\0"):
                    break  # what pads a file of xz at its end
                parts.append(self._frame.decompress(block))
                self._begun = not self._frame.eof
                block = b""
                if self._frame.eof:
                    block = self._frame.unused_data
                    self._frame = self._start()
        except self._damage as error:
            raise EOFError(str(error)) from None
        return b"".join(parts)


def _start_zstd() -> tuple[Callable[[], Any], type[Exception]]:
    import zstandard

    return zstandard.ZstdDecompressor().decompressobj, zstandard.ZstdError


def _start_xz() -> tuple[Callable[[], Any], type[Exception]]:
    return partial(lzma.LZMADecompressor, lzma.FORMAT_XZ, _MOST_XZ_MEMORY), lzma.LZMAError


def _start_lzma() -> tuple[Callable[[], Any], type[Exception]]:
    return partial(lzma.LZMADecompressor, lzma.FORMAT_ALONE, _MOST_XZ_MEMORY), lzma.LZMAError


def _start_zlib() -> tuple[Callable[[], Any], type[Exception]]:
    return zlib.decompressobj, zlib.error


def _start_bz2() -> tuple[Callable[[], Any], type[Exception]]:
    import bz2

    return bz2.BZ2Decompressor, OSError


def _open_gzip(buffered: io.BufferedReader, name: str, unpacking: Unpacking, depth: int) -> Iterator[tuple[str, IO[bytes]]]:
    counted = _Counted(buffered)
    unpacked = cast("IO[bytes]", gzip.GzipFile(fileobj=io.BufferedReader(counted)))
    yield from _opened(_bounded(unpacked, name, lambda: counted.count, unpacking), name, unpacking, depth + 1)


def _open_frames(
    library: Callable[[], tuple[Callable[[], Any], type[Exception]]],
    buffered: io.BufferedReader,
    name: str,
    unpacking: Unpacking,
    depth: int,
) -> Iterator[tuple[str, IO[bytes]]]:
    counted = _Counted(buffered)
    unpacked = cast("IO[bytes]", _Frames(counted, *library()))
    yield from _opened(_bounded(unpacked, name, lambda: counted.count, unpacking), name, unpacking, depth + 1)


def _bounded(stream: IO[bytes], name: str, packed: Callable[[], int], unpacking: Unpacking) -> IO[bytes]:
    return io.BufferedReader(_Bounded(stream, name, packed, unpacking), 1 << 18)


def bounded_stream(stream: IO[bytes], name: str, packed: Callable[[], int], unpacking: Unpacking) -> IO[bytes]:
    """Return a stream that ends, with an issue, where it holds more than the limits allow; ``packed`` tells how much of it was packed."""
    return _bounded(stream, name, packed, unpacking)


def unpacked_stream(buffered: io.BufferedReader, head: bytes, unpacking: Unpacking) -> IO[bytes]:
    """Return what a compressed file (no archive) holds, bounded by the limits."""
    counted = _Counted(buffered)
    library = _library_of(head)
    if library is None:
        plain = cast("IO[bytes]", gzip.GzipFile(fileobj=io.BufferedReader(counted)))
    else:
        plain = cast("IO[bytes]", _Frames(counted, *library()))
    return _bounded(plain, "", lambda: counted.count, unpacking)


def _open_zip(buffered: io.BufferedReader, name: str, unpacking: Unpacking, depth: int) -> Iterator[tuple[str, IO[bytes]]]:
    # A zip's table of contents is at its end, so that of a stream has to be held in memory.
    whole = buffered if buffered.seekable() else io.BytesIO(_read_at_most(buffered, unpacking.limits.document_bytes))
    n_bytes = whole.seek(0, io.SEEK_END)
    with zipfile.ZipFile(whole) as archive:
        # Not `is_dir`, which a name without a letter breaks.
        members = sorted((member for member in archive.infolist() if not member.filename.endswith("/")), key=lambda member: member.filename)
        if not members:
            unpacking.note("empty-file", name, "an archive without files")
        elif is_office(member.filename for member in members):
            unpacking.note("skipped-file", name, "Office document")
            return
        n_encrypted = sum(member.flag_bits & 1 for member in members)
        if n_encrypted:
            unpacking.note("encrypted-archive", name, f"{n_encrypted} of its {len(members)} files are encrypted")
        for member in members:
            if member.flag_bits & 1 or unpacking.passes_over(name, member.filename):
                continue
            label = _member_name(name, member.filename, unpacking)
            # The size that a member declares need not be true.
            packed = partial(int, min(member.compress_size, n_bytes))
            try:
                with archive.open(member) as opened:
                    yield from _opened(_bounded(opened, label, packed, unpacking), label, unpacking, depth + 1)
            except (ExcessError, *_DAMAGE) as error:
                unpacking.trouble(label, error)


class _Member(tarfile.TarInfo):
    """A member of a tar whose long names and extended headers, which are read into memory, may not be large."""

    def _proc_member(self, archive: tarfile.TarFile) -> tarfile.TarInfo:
        if self.type in _TAR_HEADERS and self.size > _LARGEST_TAR_HEADER:
            raise tarfile.ReadError(f"a header of {self.size:,} bytes")
        return cast("tarfile.TarInfo", super()._proc_member(archive))  # type: ignore[misc] # named in tarfile as a hook for subclasses


def _open_tar(buffered: io.BufferedReader, name: str, unpacking: Unpacking, depth: int) -> Iterator[tuple[str, IO[bytes]]]:
    counted = _Counted(buffered)
    with tarfile.open(fileobj=cast("IO[bytes]", counted), mode="r|", tarinfo=_Member) as archive:
        n_members = 0
        for member in archive:
            archive.members.clear()  # type: ignore[attr-defined] # it keeps every member it has passed, and none is needed again
            n_members += 1
            if member.isdir() or unpacking.passes_over(name, member.name):
                continue
            label = _member_name(name, member.name, unpacking)
            opened = archive.extractfile(member) if member.isfile() else None
            if opened is None:
                unpacking.note("not-a-member-file", label, "a link or a device")
                continue
            # A sparse member may declare any size, so it is bounded by what was read of the archive.
            yield from _opened(_bounded(opened, label, lambda: counted.count, unpacking), label, unpacking, depth + 1)
        if not n_members:
            unpacking.note("empty-file", name, "an archive without files")


def _member_name(archive: str, member: str, unpacking: Unpacking) -> str:
    label = f"{archive}!{printable(member)}"
    parts = member.replace("\\", "/").split("/")
    if member.startswith(("/", "\\")) or ".." in parts:
        unpacking.note("unsafe-member-path", label, "its path leads out of the archive")
    return label


def _read_at_most(stream: IO[bytes], limit: int) -> bytes:
    data = stream.read(limit + 1)
    if len(data) > limit:
        raise ExcessError(f"more than {limit:,} bytes in an archive that must be held in memory")
    return data
