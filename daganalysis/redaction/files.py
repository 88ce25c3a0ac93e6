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

from daganalysis.reading.databases.forms import HEAD_BYTES, bare_rows, recognise
from daganalysis.reading.encodings import codec_of, recoded
from daganalysis.reading.file_kinds import (
    AGENT_LOG,
    BINARY_FILE,
    CHANGED_LOG,
    CURL_TRACE,
    DATABASE_COPY,
    HEX_DUMP,
    HIDDEN_FILE,
    OTHER_TEXT,
    TASK_SHOW,
    kind_of,
)
from daganalysis.reading.json_repair import is_binary
from daganalysis.reading.limits import DEFAULT_LIMITS, Limits
from daganalysis.reading.recognition import may_hold_answers
from daganalysis.reading.source_file import is_answer_file, promises_answers
from daganalysis.reading.streams import Unpacking, bounded_stream, is_clutter, is_office, is_packed, unpacked_stream
from daganalysis.reading.wrapped_logs import unwrapped_log
from daganalysis.redaction.database_copies import AgentCopies, RowRedactor, redact_dump
from daganalysis.redaction.encoded_texts import with_encoded_texts
from daganalysis.redaction.omissions import NotUnderstoodError, SkippedError

if TYPE_CHECKING:
    import contextlib
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from daganalysis.reading.databases.forms import Recognised
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
_OTHER_LOG, _OWN_TABLE = "other-log", "table-row"
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


class FileRedactor:
    """Copies files with everything in them redacted. The same file gives the same bytes: packed ones hold no time."""

    def __init__(self, texts: JsonRedactor, limits: Limits = DEFAULT_LIMITS) -> None:
        self._texts = texts
        self._rows = RowRedactor(texts)
        self._limits = limits
        self.left_out: list[tuple[str, str]] = []
        """Members of archives that were left out of their copy, each with the reason."""
        self.skipped: list[tuple[str, str]] = []
        """Members of archives that are not copied because ``load`` skips them too, each with its kind."""

    def copy(self, source: Path, target: Path | None, *, was_named: bool = False) -> None:
        """Redact a file into a new one; without a target, only walk it.

        ``was_named``: it is a source under any name. Raises an exception of :data:`DAMAGE` for a file that cannot be unpacked, and
        :class:`SkippedError` for a file that ``load`` skips.
        """
        unpacking = Unpacking(self._limits, [])
        name = "" if was_named else source.name
        with source.open("rb", buffering=_BLOCK) as reading:
            if target is None:
                self._stream(reading, cast("IO[bytes]", _Nothing()), unpacking, name=name)
                return
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("xb") as writing:
                self._stream(reading, writing, unpacking, name=name)

    def copy_database(self, sources: Mapping[str, Path], target: Path | None) -> None:
        """Redact the files of one agent's database, by their names, into one new database; with no target, only walk it."""
        with AgentCopies(self._rows) as copies:
            for name, source in sources.items():
                with source.open("rb") as reading:
                    copies.take(name, reading)
            main = copies.names()[0]
            if target is None:
                copies.write(main, cast("IO[bytes]", _Nothing()))
                return
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("xb") as writing:
                copies.write(main, writing)

    def name(self, name: str) -> str:
        """Redact the name of a file, folder by folder."""
        return self._texts.place(name)

    def _stream(self, reading: IO[bytes], writing: IO[bytes], unpacking: Unpacking, depth: int = 0, *, name: str = "") -> None:
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
                self._stream(unpacked_stream(buffered, head, unpacking), cast("IO[bytes]", packed), unpacking, depth + 1, name=name)
        elif (copy := _database_copy(head)) is not None:
            self._database(copy, buffered, writing, unpacking)
        else:
            _check_is_text(buffered.peek(_BLOCK), name)
            if bare_rows(name, head) is not None:
                raise NotUnderstoodError("rows of a database without a header line: nothing tells which column holds passwords")
            codec = codec_of(head)
            if codec:
                self._plain(recoded(b"", buffered, codec), cast("IO[bytes]", _Encoded(writing, codec)), unpacking)
            else:
                self._plain(buffered, writing, unpacking)
        _check_whole(unpacking)

    def _database(self, copy: Recognised, reading: io.BufferedReader[Any], writing: IO[bytes], unpacking: Unpacking) -> None:
        with AgentCopies(self._rows) as copies:
            if not copies.take("", reading):
                codec = codec_of(reading.peek(HEAD_BYTES)[:HEAD_BYTES])
                text = recoded(b"", reading, codec) if codec else reading
                into = cast("IO[bytes]", _Encoded(writing, codec)) if codec else writing
                redact_dump(copy, cast("IO[bytes]", text), into, self._rows, unpacking.limits.document_bytes)
            elif not copies.names():
                raise NotUnderstoodError("the index of a write-ahead log, which SQLite makes anew")
            for main in copies.names():
                copies.write(main, writing)

    def _plain(self, reading: io.BufferedReader[Any], writing: IO[bytes], unpacking: Unpacking) -> None:
        self._texts.start()
        for piece in _pieces(reading, unpacking.limits.document_bytes, self._with_encoded):
            _check_whole(unpacking)
            writing.write(self._piece(piece))

    def _with_encoded(self, text: bytes) -> bytes:
        return with_encoded_texts(text, self._apart)

    def _apart(self, content: bytes) -> bytes:
        """Redact a text inside another one, as a text of its own."""
        self._texts.start()
        redacted = self._piece(self._with_encoded(content))
        self._texts.start()
        return redacted

    def _piece(self, piece: bytes) -> bytes:
        if _is_json(piece):
            return self._texts.document(piece.decode()).encode()
        # A file that is cut off, or no text, is redacted line by line, and stays as broken as it was.
        lines = (self._texts.text(line.decode("utf-8", "surrogateescape")) for line in piece.splitlines(keepends=True))
        return "".join(lines).encode("utf-8", "surrogateescape")

    def _member(self, name: str, write: Callable[[IO[bytes]], None], unpacking: Unpacking) -> IO[bytes] | None:
        """Return the redacted content of a member, which ``write`` writes; None for one that is left out."""
        content = cast("IO[bytes]", tempfile.SpooledTemporaryFile(_IN_MEMORY))  # noqa: SIM115 - the caller closes it
        try:
            write(content)
        except SkippedError as error:
            content.close()
            self.skipped.append((name, str(error)))
            return None
        except NotUnderstoodError as error:
            content.close()
            if unpacking.issues:
                raise
            self.left_out.append((name, str(error)))
            return None
        return content

    def _members(self, opened: Iterable[tuple[str, IO[bytes]]], unpacking: Unpacking, depth: int) -> Iterator[tuple[str, IO[bytes]]]:
        """Yield the redacted members of an archive. Files of one database come together, after all others."""
        with AgentCopies(self._rows) as copies:
            for name, stream in opened:
                if is_clutter(name):
                    self.skipped.append((name, HIDDEN_FILE.noun))
                    continue
                buffered = io.BufferedReader(cast("io.RawIOBase", stream), _BLOCK)
                if copies.take(name, buffered):
                    continue
                content = self._member(name, lambda writing: self._stream(buffered, writing, unpacking, depth + 1, name=name), unpacking)  # noqa: B023
                if content is not None:
                    yield name, content
            for main in copies.names():
                content = self._member(main, lambda writing: copies.write(main, writing), unpacking)  # noqa: B023
                if content is not None:
                    yield main, content

    def _zip(self, reading: io.BufferedReader, writing: IO[bytes], unpacking: Unpacking, depth: int) -> None:
        whole = reading if reading.seekable() else io.BytesIO(_bounded_read(reading, unpacking.limits.document_bytes))
        with zipfile.ZipFile(whole) as old, zipfile.ZipFile(writing, "w", zipfile.ZIP_DEFLATED) as new:
            if is_office(old.namelist()):
                raise SkippedError("Office document")
            for name, content in self._members(_of_zip(old, unpacking), unpacking, depth):
                fresh = zipfile.ZipInfo(self.name(name))
                fresh.compress_type = zipfile.ZIP_DEFLATED
                content.seek(0)
                with content, new.open(fresh, "w", force_zip64=True) as packed:
                    shutil.copyfileobj(content, packed, _BLOCK)

    def _tar(self, reading: io.BufferedReader, writing: IO[bytes], unpacking: Unpacking, depth: int) -> None:
        with tarfile.open(fileobj=reading, mode="r|") as old, tarfile.open(fileobj=writing, mode="w|") as new:
            for name, content in self._members(_of_tar(old), unpacking, depth):
                # Owner, group and time of change are left behind.
                fresh = tarfile.TarInfo(self.name(name))
                fresh.size = content.tell()
                content.seek(0)
                with content:
                    new.addfile(fresh, content)


def _of_zip(old: zipfile.ZipFile, unpacking: Unpacking) -> Iterator[tuple[str, IO[bytes]]]:
    for member in old.infolist():
        if not member.filename.endswith("/"):
            with old.open(member) as opened:
                yield member.filename, bounded_stream(opened, member.filename, lambda n=member.compress_size: n, unpacking)  # type: ignore[misc]


def _of_tar(old: tarfile.TarFile) -> Iterator[tuple[str, IO[bytes]]]:
    for member in old:
        old.members.clear()  # type: ignore[attr-defined] # it keeps every one it has passed
        opened = old.extractfile(member) if member.isfile() and not member.issparse() else None
        if opened is not None:
            yield member.name, opened


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
    """Accepts everything that is written, and keeps nothing."""

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


def _database_copy(head: bytes) -> Recognised | None:
    return recognise(head) if DATABASE_COPY.matches(head) else None


def _check_is_text(sample: bytes, name: str) -> None:
    """Raise an error for a file that is no text, or that ``load`` skips. The content decides. An empty name stands for any source."""
    kind = kind_of(sample)
    if kind is not None and kind.certain and kind.code == BINARY_FILE.code:
        raise SkippedError(kind.noun)
    if kind is not None and kind.certain and kind.code != _OTHER_LOG and kind is not TASK_SHOW:
        raise NotUnderstoodError(f"it is no text that can be redacted ({kind.noun})")
    if kind in {HEX_DUMP, CURL_TRACE}:
        raise NotUnderstoodError(f"its text is written as numbers, which redaction keeps ({kind.noun})")
    codec = codec_of(sample)
    if is_binary(sample) and not codec:
        if name and not promises_answers(name):
            raise SkippedError(BINARY_FILE.noun)
        raise NotUnderstoodError("it is no text that can be redacted (binary file)")
    if name and not is_answer_file(name) and not _is_of_use(sample, codec):
        raise SkippedError(OTHER_TEXT.noun if kind is None else kind.noun)


def _is_of_use(sample: bytes, codec: str) -> bool:
    """Return whether a text with this beginning may hold answers, or lines of a log."""
    kind = kind_of(sample)
    if kind in {AGENT_LOG, CHANGED_LOG, TASK_SHOW} or (kind is not None and kind.code == _OTHER_LOG):
        return True
    text = sample.decode(codec, "ignore").encode() if codec else sample
    return (kind is None or kind.code != _OWN_TABLE) and (may_hold_answers(text) or unwrapped_log(sample, None) is not None)


def _check_whole(unpacking: Unpacking) -> None:
    if unpacking.issues:
        raise NotUnderstoodError(unpacking.issues[0].message)


def _bounded_read(reading: IO[bytes], limit: int) -> bytes:
    data = reading.read(limit + 1)
    if len(data) > limit:
        raise NotUnderstoodError(f"it unpacks to more than {limit:,} bytes")
    return data


def _pieces(reading: io.BufferedReader[Any], longest: int, prepared: Callable[[bytes], bytes]) -> Iterator[bytes]:
    """Divide a plain file into pieces: one, if it is a document of moderate size; otherwise one for each line."""
    head = reading.read(_WHOLE)
    rest = reading.read(1) if len(head) == _WHOLE else b""
    head = prepared(head)
    if not rest and _is_json(head):
        yield head
        return
    lines = io.BytesIO(head).readlines()
    last = lines.pop() if lines and rest else b""
    yield from lines
    if rest:
        yield prepared(last + rest + (_line(reading, longest) if rest != b"\n" else b""))
    while line := _line(reading, longest):
        yield prepared(line)


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
