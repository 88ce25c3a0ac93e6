"""Sources by URL, through fsspec."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Any

from daganalysis.errors import InputError, MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from daganalysis.reading.sources import SourceFile


def _filesystem(url: str) -> tuple[Any, str]:
    try:
        import fsspec
    except ImportError:
        raise MissingExtraError(f"reading {url.split('://', 1)[0]}://", "s3") from None
    try:
        filesystem, path = fsspec.core.url_to_fs(url)
    except (ImportError, ValueError) as error:
        raise InputError("the place cannot be reached", where=url, hint=str(error)) from None
    return filesystem, path


def list_remote(url: str) -> Iterator[SourceFile]:
    """Yield the files at a URL, those of a folder in order of their names."""
    from daganalysis.reading.sources import SourceFile

    filesystem, path = _filesystem(url)
    try:
        found = filesystem.find(path, detail=True)
    except OSError as error:
        raise InputError("the place cannot be reached", where=url, hint=str(error)) from None
    if not found:
        raise InputError("no file at this place", where=url, hint="check the URL and the credentials")
    root = path.rstrip("/")
    for name in sorted(found):
        facts = found[name]
        relative = name[len(root) :].lstrip("/") if name.startswith(root) else name
        label = relative or name.rsplit("/", 1)[-1]
        place = filesystem.unstrip_protocol(name)
        yield SourceFile(place, label, place, None, None, facts.get("size"), _version(facts))


def _version(facts: dict[str, Any]) -> int | None:
    """A number that changes when the file does: its time of change, or what stands for its content."""
    import hashlib

    for key in ("ETag", "etag", "LastModified", "mtime", "last_modified", "created"):
        if facts.get(key) is not None:
            return int.from_bytes(hashlib.blake2b(str(facts[key]).encode(), digest_size=7).digest())
    return None


def open_remote(url: str) -> IO[bytes]:
    """Open a file at a URL for reading; raises OSError as a local file would."""
    filesystem, path = _filesystem(url)
    opened: IO[bytes] = filesystem.open(path, "rb")
    return opened
