"""Reading: from saved responses to answers and issues."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from daganalysis.reading.answers import Answer, Issue, Kind
from daganalysis.reading.instants import InstantError, parse_instant

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["SourceFile", "iter_answers", "list_source_files"]


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file to read."""

    identity: str
    name: str
    path: str | None = None
    content: bytes | None = None
    cluster: str | None = None
    size: int | None = None
    mtime_ns: int | None = None


def list_source_files(sources: tuple[object, ...], *, cluster: str | None = None, cluster_by: str | None = None) -> list[SourceFile]:
    """List what there is to read."""
    found = []
    for source in sources:
        if isinstance(source, (bytes, dict, list)):
            content = source if isinstance(source, bytes) else json.dumps(source).encode()
            found.append(SourceFile("<memory>", "<memory>", None, content, cluster, len(content)))
            continue
        root = Path(str(source))
        paths = sorted(p for p in root.rglob("*") if p.is_file()) if root.is_dir() else [root]
        for path in paths:
            name = path.relative_to(root).as_posix() if root.is_dir() else path.name
            label = cluster
            if cluster_by == "dir" and "/" in name:
                label = name.split("/")[0]
            elif cluster_by == "file":
                label = path.name.split(".")[0]
            stat = path.stat()
            found.append(SourceFile(str(path), name, str(path), None, label, stat.st_size, stat.st_mtime_ns))
    return found


class _Envelope(msgspec.Struct):
    data: msgspec.Raw = msgspec.Raw(b"null")
    timestamp: str | None = None
    duration: int | None = None
    status: int | None = None
    traceId: str | None = None  # noqa: N815


def iter_answers(file: SourceFile, issues: list[Issue]) -> Iterator[Answer]:
    """Yield the answers of one file; what cannot be used becomes issues."""
    content = file.content if file.content is not None else Path(file.path or "").read_bytes()
    if content[:2] == b"\x1f\x8b":
        content = gzip.decompress(content)
    elif content[:4] == b"\x28\xb5\x2f\xfd":
        import io

        import zstandard

        content = zstandard.ZstdDecompressor().stream_reader(io.BytesIO(content)).read()
    texts: dict[bytes, bytes] = {}
    try:
        msgspec.json.decode(content)
        documents = [("byte 0", content)]
    except msgspec.MsgspecError:
        documents = [(f"line {i}", line) for i, line in enumerate(content.splitlines(), 1) if line.strip()]
    for position, document in documents:
        try:
            envelope = msgspec.json.decode(document, type=_Envelope)
            yield from _of(envelope, file, position, texts)
        except (msgspec.MsgspecError, ValueError) as error:
            issues.append(Issue("error", "not-json", file.name, position, None, str(error), None))


def _of(envelope: _Envelope, file: SourceFile, position: str, texts: dict[bytes, bytes]) -> Iterator[Answer]:
    at = offset = None
    if envelope.timestamp:
        try:
            found = parse_instant(envelope.timestamp)
            at, offset = found if found else (None, None)
        except InstantError:
            pass
    raw = bytes(envelope.data)
    if raw[:1] != b"{":
        return
    data: dict[str, Any] = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
    objects = [(position + " /data", raw)]
    if "contents" in data:
        items = msgspec.json.decode(bytes(data["contents"]), type=list[msgspec.Raw] | None) or []
        if items and b'"log_content"' in bytes(items[0]):
            yield Answer(Kind.LOGS, "", bytes(data["contents"]), None, file.cluster, file.name, position + " /data/contents", at, offset)
            return
        objects = [(f"{position} /data/contents/{i}", bytes(item)) for i, item in enumerate(items)]
    for where, text in objects:
        fields = msgspec.json.decode(text, type=dict[str, msgspec.Raw])
        kind = Kind.DAG if "max_stage" in fields else Kind.NODE if "node_id" in fields else Kind.SUB_TASK if "task_id" in fields else None
        if kind is None:
            continue
        nodes = None
        if kind is Kind.DAG:
            listed = msgspec.json.decode(bytes(fields.pop("nodes", b"null")), type=list[msgspec.Raw] | None)
            if listed is not None:
                nodes = [texts.setdefault(bytes(one), bytes(one)) for one in listed]
            text = msgspec.json.encode(fields)
        gid = msgspec.json.decode(bytes(fields["id"]), type=str)
        yield Answer(kind, gid, text, nodes, file.cluster, file.name, where, at, offset, envelope.traceId, envelope.status, envelope.duration)
