"""Sources by URL: everything that fsspec opens.

The file system finds its own credentials (in the environment, a profile, the role of the machine, or fsspec's configuration). Credentials
in a URL leave this module only in ``SourceFile.path``, which is neither shown nor stored.
"""

from __future__ import annotations

import contextlib
import io
import itertools
from typing import IO, TYPE_CHECKING, Any, cast

from daganalysis.errors import DagAnalysisError, InputError, MissingExtraError, UsageError
from daganalysis.reading.source_file import SourceFile, printable
from daganalysis.tables.store_layout import store_folders
from daganalysis.urls import WEB_SCHEMES, scheme_of, without_secrets

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_SMALL = 1 << 20
"""Bytes up to which a file is fetched whole, together with others: each request costs a round trip, and many go at once."""
_TOGETHER = 128
_PATTERN = "*?["
_NOT_FETCHED = (
    ".parquet",
    ".png",
    ".jpg",
    ".jpeg",
    ".gif",
    ".svg",
    ".webp",
    ".pdf",
    ".mp4",
    ".docx",
    ".xlsx",
    ".pptx",
    ".md",
    ".rpm",
    ".so",
    ".py",
)
"""Endings of files that are not fetched from a bucket only to see that no answers are in them."""
_VERSIONS = ("ETag", "etag", "LastModified", "mtime", "last_modified", "created")
_CREDENTIALS = "give them where S3 clients look: the AWS_* variables, a profile, the role of the machine, or fsspec's configuration"


def file_system(url: str) -> tuple[Any, str]:
    """Return the file system of a URL and the path in it. What others change there is seen: no listing is remembered."""
    scheme = scheme_of(url)
    if scheme in {"s3", "s3a"} and "@" in url.partition("://")[2].partition("/")[0]:
        raise InputError("credentials do not belong in the URL", where=url, hint=_CREDENTIALS)
    try:
        import fsspec

        return cast("tuple[Any, str]", fsspec.core.url_to_fs(url, use_listings_cache=False))
    except ImportError as error:
        if error.name in {"fsspec", "s3fs"} or scheme in {"s3", "s3a"}:
            raise MissingExtraError(f"reading {scheme}://", "s3") from None
        raise InputError("the place cannot be reached", where=url, hint=str(error)) from None
    except ValueError as error:
        raise InputError("the place cannot be reached", where=url, hint=str(error)) from None


@contextlib.contextmanager
def reaching(url: str, kind: type[DagAnalysisError] = InputError) -> Iterator[None]:
    """Turn every exception of a file system into one of our errors, without the secrets of the URL."""
    try:
        yield
    except DagAnalysisError:
        raise
    except Exception as error:  # noqa: BLE001 - each file system has errors of its own, and not all are OSErrors
        raise kind("the place cannot be reached", where=url, hint=str(error) or type(error).__name__) from None


def list_remote(url: str) -> Iterator[SourceFile]:
    """Yield the files of a folder or a pattern at a URL, in order of name: the same files that a folder on disk would give."""
    base = _literal(url)
    with reaching(url):
        files, path = file_system(url)
        root = path if base == url else path[: len(path) - (len(url) - len(base))]
        found = files.glob(path, detail=True) if base != url else files.find(path, detail=True)
    root = root.rstrip("/")
    facts = {name: fact for name, fact in found.items() if fact.get("type") != "directory" and not name.endswith("/")}
    if not facts:
        raise InputError("no file at this place", where=url, hint="check the URL")
    stores = store_folders(facts)
    if root in stores:
        raise UsageError("the source is a store", where=url, hint="name each store by itself, not by a pattern")
    for name in sorted(facts):
        if any(name.startswith(f"{store}/") for store in stores):
            continue  # made from answers, perhaps of these very ones
        inner = name[len(root) :].lstrip("/") if name.startswith(root) else name
        label = printable(without_secrets(inner or name.rsplit("/", 1)[-1]))
        if any(part.startswith(".") for part in inner.split("/")):
            continue
        place = f"{base.rstrip('/')}/{inner}" if inner else url
        size = facts[name].get("size")
        if inner and name.lower().endswith(_NOT_FETCHED):
            yield SourceFile(without_secrets(place), label, trouble=("skipped-file", "file whose name promises no answers"))
        else:
            yield SourceFile(without_secrets(place), label, place, None, None, size, _version(facts[name]), was_named=not inner)


def _literal(url: str) -> str:
    """The part of a URL that is no pattern; a question mark on the web begins a query."""
    pattern = "*" if scheme_of(url) in WEB_SCHEMES else _PATTERN
    at = min((url.find(char) for char in pattern if char in url), default=len(url))
    return url if at == len(url) else url[:at].rpartition("/")[0] + "/"


def _version(facts: dict[str, Any]) -> int | None:
    """A number that changes when the file does: its entity tag, or its time of change."""
    import hashlib

    for key in _VERSIONS:
        if facts.get(key) is not None:
            return int.from_bytes(hashlib.blake2b(str(facts[key]).encode(), digest_size=7).digest())
    return None


def fetched(sources: Iterable[SourceFile]) -> Iterator[SourceFile]:
    """Yield the same sources, with the content of small remote files, which are fetched many at a time; the others as they are."""
    from dataclasses import replace

    for is_small, group in itertools.groupby(sources, _is_small_and_remote):
        if not is_small:
            yield from group
            continue
        for batch in _batched(group):
            for source, content in zip(batch, _contents(batch), strict=True):
                # What could not be fetched is tried again by itself, and becomes an issue there.
                yield replace(source, content=content) if isinstance(content, bytes) else source


def _is_small_and_remote(source: SourceFile) -> bool:
    return source.path is not None and source.content is None and "://" in source.path and 0 < (source.size or 0) <= _SMALL


def _batched(sources: Iterable[SourceFile]) -> Iterator[tuple[SourceFile, ...]]:
    rest = iter(sources)
    while batch := tuple(itertools.islice(rest, _TOGETHER)):
        yield batch


def _contents(batch: tuple[SourceFile, ...]) -> list[object]:
    try:
        places = [file_system(source.path or "") for source in batch]
        files = places[0][0]
        if any(other is not files for other, _ in places):
            return [None] * len(batch)
        sizes = [source.size or 0 for source in batch]
        contents = files.cat_ranges([path for _, path in places], [0] * len(batch), sizes, on_error="return")
    except Exception:  # noqa: BLE001 - each file is tried by itself then
        return [None] * len(batch)
    return [content if isinstance(content, bytes) and len(content) == size else None for content, size in zip(contents, sizes, strict=True)]


class _Stream(io.RawIOBase):
    """A remote file whose errors are those of a local one, and tell no secrets."""

    def __init__(self, inner: IO[bytes]) -> None:
        self._inner = inner

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return self._inner.seekable()

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._inner.seek(offset, whence)

    def tell(self) -> int:
        return self._inner.tell()

    def readinto(self, buffer: object) -> int:
        view = memoryview(cast("bytearray", buffer))
        with _as_local_errors():
            data = self._inner.read(len(view))
        view[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._inner.close()
        super().close()


@contextlib.contextmanager
def _as_local_errors() -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise FileNotFoundError(error.errno, without_secrets(str(error))) from None
    except DagAnalysisError:
        raise
    except Exception as error:  # noqa: BLE001 - each file system has errors of its own, and not all are OSErrors
        raise OSError(without_secrets(str(error) or type(error).__name__)) from None


def open_remote(url: str) -> IO[bytes]:
    """Open a file at a URL for reading; raises OSError as a local file would."""
    return io.BufferedReader(_opened(url, "readahead"), _SMALL)


def unbuffered(url: str) -> IO[bytes]:
    """Open a file at a URL for whoever reads only pieces of it; raises OSError as a local file would."""
    return cast("IO[bytes]", _opened(url, "none"))


def _opened(url: str, cache: str) -> _Stream:
    with _as_local_errors():
        files, path = file_system(url)
        return _Stream(files.open(path, "rb", cache_type=cache, block_size=8 * _SMALL))
