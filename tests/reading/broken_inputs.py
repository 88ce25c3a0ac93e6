"""A corpus of broken inputs: one failure mode each, named for it, with the issue code it must give.

``usable`` says whether the DAG in it loads all the same. Files are made here rather than kept, since many of them are large or binary.
"""

from __future__ import annotations

import functools
import gzip
import io
import json
import struct
import tarfile
import zipfile
import zlib
from dataclasses import dataclass
from typing import Any

import zstandard


@dataclass(frozen=True, slots=True)
class Broken:
    """One broken input."""

    name: str
    content: bytes
    code: str
    usable: bool = False


def response(gid: str = "1900", **changes: Any) -> dict[str, Any]:
    """A good response of one DAG with one node and one sub-task; ``changes`` go to the DAG."""
    task = {
        "id": gid,
        "task_id": 1,
        "name": "Work",
        "state": "SUCCEED",
        "operator": "RUN",
        "start_time": "2025-01-01T00:00:01.05Z",
        "end_time": "2025-01-01T00:00:02Z",
        "additional_data": None,
        "execute_times": 1,
        "execute_agent": {"ip": "192.0.2.1", "port": 2886},
        "task_logs": ["done"],
    }
    node = {key: task[key] for key in ("id", "name", "state", "operator", "additional_data")}
    node |= {"node_id": 1, "start_time": "2025-01-01T00:00:01.01Z", "end_time": "2025-01-01T00:00:02.5Z", "sub_tasks": [task]}
    dag = {key: task[key] for key in ("id", "state", "operator", "additional_data")}
    dag |= {"dag_id": 1, "name": "Create tenant t1", "stage": 1, "max_stage": 1}
    dag |= {"start_time": "2025-01-01T00:00:01Z", "end_time": "2025-01-01T00:00:02.51Z", "nodes": [node]} | changes
    envelope = {"successful": True, "timestamp": "2025-01-01T00:01:00Z", "duration": 3, "status": 200, "traceId": f"trace-{gid}"}
    return envelope | {"data": dag}


def text(**changes: Any) -> bytes:
    """The JSON text of a good response with changes to its DAG."""
    return json.dumps(response(**changes)).encode()


def task_text(**changes: Any) -> bytes:
    """The JSON text of a good response with changes to its sub-task."""
    value = response()
    value["data"]["nodes"][0]["sub_tasks"][0] |= changes
    return json.dumps(value).encode()


def node_text(**changes: Any) -> bytes:
    """The JSON text of a good response with changes to its node."""
    value = response()
    value["data"]["nodes"][0] |= changes
    return json.dumps(value).encode()


def zip_of(*members: tuple[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(zipfile.ZipInfo(name), content)
    return buffer.getvalue()


def tar_of(*members: tuple[str, bytes], link: bool = False) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        if link:
            info = tarfile.TarInfo("link.json")
            info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
            archive.addfile(info)
    return buffer.getvalue()


def _lying_zip() -> bytes:
    """A member whose directory entry says another size and checksum than its content has."""
    content = bytearray(zip_of(("answer.json", GOOD)))
    central = content.rfind(b"PK\x01\x02")
    content[central + 24 : central + 28] = (7).to_bytes(4, "little")
    content[central + 16 : central + 20] = b"\x00\x00\x00\x00"
    return bytes(content)


def _nested(depth: int) -> bytes:
    content = GOOD
    for _ in range(depth):
        content = gzip.compress(content, mtime=0)
    return content


def _tars(depth: int) -> bytes:
    content = GOOD
    for _ in range(depth):
        content = tar_of(("inner.tar", content))
    return content


@functools.cache
def _bomb() -> bytes:
    """80 kilobytes that unpack to 80 MB of blanks, at 1:1,024 (almost what gzip can do at most): one compressed megabyte, repeated."""
    megabyte, deflate = b" " * (1 << 20), zlib.compressobj(wbits=-zlib.MAX_WBITS)
    compressed, checksum = deflate.compress(megabyte) + deflate.flush(zlib.Z_FULL_FLUSH), 0
    for _ in range(80):
        checksum = zlib.crc32(megabyte, checksum)
    return gzip.compress(b"", mtime=0)[:10] + 80 * compressed + deflate.flush() + struct.pack("<II", checksum, 80 << 20)


GOOD = text()
_TWICE = response()
_TWICE["data"]["nodes"] = [_TWICE["data"]["nodes"][0], _TWICE["data"]["nodes"][0]]
_TWICE["data"]["max_stage"] = 2
_OUT_OF_ORDER = response()
_OUT_OF_ORDER["data"]["nodes"] = [
    {
        **_OUT_OF_ORDER["data"]["nodes"][0],
        "id": f"195{number}",
        "node_id": number,
        "start_time": f"2025-01-01T00:00:0{number}Z",
        "sub_tasks": [],
    }
    for number in (2, 1)
]
_OUT_OF_ORDER["data"]["max_stage"] = 2
_SAME_TASK = response()
_SAME_TASK["data"]["nodes"][0]["sub_tasks"] *= 2

CORPUS = (
    # whole files
    Broken("empty.json", b"", "empty-file"),
    Broken("white-space.json", b" \n\t\n", "empty-file"),
    Broken("login-page.json", b"<!DOCTYPE html><html><body>Sign in {user}</body></html>", "html-page"),
    Broken("error-page.json", b"<html><head><title>502 Bad Gateway</title></head></html>", "html-page"),
    Broken("plain-text.json", b"connection refused\n", "no-json"),
    Broken("binary.json", bytes(range(14, 32)) * 40, "no-json"),
    Broken("only-bom.json", b"\xef\xbb\xbf", "empty-file"),
    # damaged JSON
    Broken("truncated.json", GOOD[:-200], "truncated-json"),
    Broken("truncated-in-a-string.json", GOOD[: GOOD.index(b"Create ten") + 8], "truncated-json"),
    Broken("truncated-after-a-key.json", GOOD[: GOOD.index(b'"max_stage":') + 12], "truncated-json"),
    Broken("trailing-comma.json", GOOD[:-1] + b",}", "trailing-comma", usable=True),
    Broken("trailing-comma-in-a-list.json", GOOD.replace(b'["done"]', b'["done",]'), "trailing-comma", usable=True),
    Broken("single-quotes.json", b"{'successful': true, 'data': {'id': '1'}}", "nearly-json"),
    Broken("missing-colon.json", GOOD.replace(b'"duration": 3', b'"duration" 3'), "invalid-json"),
    Broken("comment.json", GOOD.replace(b'"duration"', b'/* ms */ "duration"'), "nearly-json", usable=True),
    Broken("bare-word.json", GOOD.replace(b"true", b"True"), "nearly-json", usable=True),
    Broken("nested-100000.json", b"[" * 100_000 + b"]" * 100_000, "nested-too-deep"),
    Broken(
        "nested-in-data.json",
        GOOD.replace(b'"additional_data": null', b'"additional_data": ' + b'{"a":' * 5000 + b"1" + b"}" * 5000, 1),
        "nested-too-deep",
    ),
    Broken("nan.json", GOOD.replace(b'"duration": 3', b'"duration": NaN'), "not-a-number", usable=True),
    Broken("infinity.json", GOOD.replace(b'"duration": 3', b'"duration": -Infinity'), "not-a-number", usable=True),
    Broken("nul-bytes.json", GOOD.replace(b"done", b"do\x00ne"), "control-character", usable=True),
    Broken("raw-newline-in-a-string.json", GOOD.replace(b"done", b"do\nne"), "control-character", usable=True),
    Broken("invalid-utf8.json", GOOD.replace(b"done", b"do\xff\xfene"), "invalid-utf8", usable=True),
    Broken("latin-1.json", GOOD.replace(b"done", "überführt".encode("latin-1")), "invalid-utf8", usable=True),
    Broken("lone-surrogate.json", GOOD.replace(b"done", rb"do\ud800ne"), "lone-surrogate", usable=True),
    Broken("lone-low-surrogate.json", GOOD.replace(b"done", rb"do\udc00ne"), "lone-surrogate", usable=True),
    Broken("duplicate-key.json", GOOD.replace(b'"stage": 1,', b'"stage": 7, "state": "FAILED", "stage": 1,'), "duplicate-key", usable=True),
    Broken("number-of-5000-digits.json", GOOD.replace(b'"duration": 3', b'"duration": ' + b"9" * 5000), "wrong-type", usable=True),
    Broken("good-lines-and-a-cut-one.ndjson", GOOD + b"\n" + text(gid="1901")[:-50], "truncated-json", usable=True),
    Broken("good-lines-and-a-bad-one.ndjson", GOOD + b"\nconnection refused\n" + GOOD, "no-json", usable=True),
    Broken("document-then-half-a-document.json", GOOD + b"\n" + GOOD[:300] + b"\n", "truncated-json", usable=True),
    # answers that hold no task, or half of one
    Broken("number.json", b"42", "no-json"),
    Broken("list-of-numbers.json", b"[1, 2, 3]", "not-a-task"),
    Broken("empty-object.json", b"{}", "not-a-task"),
    Broken(
        "agent-status.json",
        b'{"successful":true,"status":200,"data":{"agent":{"ip":"192.0.2.1","port":2886},"state":"STARTED","version":"4.3"}}',
        "not-a-task",
    ),
    Broken("tenants.json", b'{"successful":true,"data":{"contents":[{"tenant_id":1002,"name":"t1","status":"NORMAL"}]}}', "not-a-task"),
    Broken("data-is-a-text.json", b'{"successful":true,"data":"ok"}', "not-a-task"),
    Broken("not-found.json", b'{"successful":false,"status":404,"error":{"code":2300,"message":"task not found"}}', "error-answer"),
    Broken("no-payload.json", b'{"successful":true,"status":200,"traceId":"x"}', "no-payload"),
    Broken("contents-null.json", b'{"successful":true,"status":200,"data":{"contents":null}}', "empty-list"),
    Broken("no-id.json", GOOD.replace(b'"id": "1900", "state"', b'"state"', 1), "no-id"),
    Broken("id-null.json", text(id=None), "no-id"),
    Broken("id-of-10000-digits.json", text(id="1" * 10_000), "wrong-id"),
    Broken("id-with-a-slash.json", text(id="prod-a/1900"), "wrong-id"),
    Broken("id-with-a-nul.json", text(id="19\x0000"), "wrong-id"),
    Broken("node-id-of-10000-digits.json", node_text(id="1" * 10_000), "wrong-id", usable=True),
    Broken("sub-task-id-of-10000-digits.json", task_text(id="1" * 10_000), "wrong-id", usable=True),
    Broken("sub-task-id-is-empty.json", task_text(id=""), "no-id", usable=True),
    Broken("node-id-is-a-number.json", node_text(id=1900), "wrong-type", usable=True),
    Broken("id-is-a-list.json", text(id=["1"]), "wrong-id"),
    Broken("id-is-a-number.json", text(id=1900), "wrong-type", usable=True),
    # wrong types and values
    Broken("numeric-state.json", text(state=4), "wrong-type", usable=True),
    Broken("numeric-task-state.json", task_text(state=5), "wrong-type", usable=True),
    Broken("new-state.json", task_text(state="PAUSED"), "unknown-state", usable=True),
    Broken("new-operator.json", text(operator="SKIP"), "unknown-operator", usable=True),
    Broken("name-is-a-list.json", text(name=["a"]), "wrong-type", usable=True),
    Broken("stage-is-a-text.json", text(stage="one"), "wrong-type", usable=True),
    Broken("stage-is-huge.json", GOOD.replace(b'"stage": 1,', b'"stage": 99999999999999999999999,'), "wrong-type", usable=True),
    Broken("nodes-is-an-object.json", text(nodes={"0": {}}), "wrong-type", usable=True),
    Broken("node-is-a-text.json", text(nodes=["first"]), "no-id", usable=True),
    Broken("node-without-id.json", node_text(id=None), "no-id", usable=True),
    Broken("sub-tasks-is-a-text.json", node_text(sub_tasks="none"), "wrong-type", usable=True),
    Broken("sub-task-is-null.json", node_text(sub_tasks=[None]), "wrong-type", usable=True),
    Broken("execute-times-is-a-text.json", task_text(execute_times="many"), "wrong-type", usable=True),
    Broken("execute-times-is-negative.json", task_text(execute_times=-1), "wrong-value", usable=True),
    Broken("execute-times-is-absurd.json", task_text(execute_times=10**12), "wrong-value", usable=True),
    Broken("agent-is-a-word.json", task_text(execute_agent="somewhere"), "wrong-type", usable=True),
    Broken("successful-is-a-text.json", GOOD.replace(b'"successful": true', b'"successful": "yes"'), "wrong-type", usable=True),
    Broken("negative-port.json", task_text(execute_agent={"ip": "192.0.2.1", "port": -1}), "wrong-value", usable=True),
    Broken("agent-is-a-list.json", task_text(execute_agent=["192.0.2.1", 2886]), "wrong-type", usable=True),
    Broken("logs-is-a-text.json", task_text(task_logs="done"), "wrong-type", usable=True),
    Broken("log-line-is-a-number.json", task_text(task_logs=["a", 5]), "wrong-type", usable=True),
    Broken("status-is-a-text.json", GOOD.replace(b'"status": 200', b'"status": "OK"'), "wrong-type", usable=True),
    # times
    Broken("time-is-a-number.json", text(start_time=1735689600), "wrong-type", usable=True),
    Broken("time-is-a-word.json", text(start_time="yesterday"), "wrong-time", usable=True),
    Broken("time-without-zone.json", text(start_time="2025-01-01T00:00:01"), "wrong-time", usable=True),
    Broken("time-of-month-13.json", text(start_time="2025-13-01T00:00:01Z"), "wrong-time", usable=True),
    Broken("time-of-the-30th-of-february.json", text(start_time="2025-02-30T00:00:01Z"), "wrong-time", usable=True),
    Broken("time-at-24-hours.json", text(start_time="2025-01-01T24:00:00Z"), "wrong-time", usable=True),
    Broken("time-with-a-point-and-no-fraction.json", text(start_time="2025-01-01T00:00:01.Z"), "wrong-time", usable=True),
    Broken("time-in-year-12025.json", text(end_time="12025-01-01T00:00:00Z"), "wrong-time", usable=True),
    Broken("time-in-year-9999.json", text(end_time="9999-12-31T23:59:59Z"), "wrong-time", usable=True),
    Broken("zone-of-99-hours.json", text(end_time="2025-01-01T00:00:02+99:00"), "wrong-time", usable=True),
    Broken("timestamp-is-a-word.json", GOOD.replace(b"2025-01-01T00:01:00Z", b"now"), "wrong-time", usable=True),
    Broken("zone-of-61-minutes.json", text(end_time="2025-01-01T00:00:02+08:61"), "wrong-time", usable=True),
    # the same twice, and out of order
    Broken("nodes-out-of-order.json", json.dumps(_OUT_OF_ORDER).encode(), "nodes-out-of-order", usable=True),
    Broken("node-twice.json", json.dumps(_TWICE).encode(), "duplicate-id", usable=True),
    Broken("sub-task-twice.json", json.dumps(_SAME_TASK).encode(), "duplicate-id", usable=True),
    # compressed files and archives
    Broken("truncated.json.gz", gzip.compress(GOOD, mtime=0)[:-30], "damaged-archive"),
    Broken("flipped-bits.json.gz", gzip.compress(GOOD * 9, mtime=0)[:200] + b"\x55" * 50, "damaged-archive"),
    Broken("truncated.json.zst", zstandard.ZstdCompressor().compress(GOOD)[:-30], "damaged-archive"),
    Broken("damaged.json.zst", zstandard.ZstdCompressor().compress(GOOD)[:20] + b"\xff" * 60, "damaged-archive"),
    Broken("truncated.zip", zip_of(("answer.json", GOOD))[:-40], "damaged-archive"),
    Broken("lying-about-its-size.zip", _lying_zip(), "damaged-archive"),
    Broken("truncated.tar", tar_of(("answer.json", GOOD * 40))[:3000], "damaged-archive"),
    Broken("climbing-out.tar", tar_of(("../../etc/answer.json", GOOD)), "unsafe-member-path", usable=True),
    Broken("climbing-out.zip", zip_of(("/etc/answer.json", GOOD)), "unsafe-member-path", usable=True),
    Broken("with-a-link.tar", tar_of(("answer.json", GOOD), link=True), "not-a-member-file", usable=True),
    Broken("a-bomb-of-blanks.json.gz", _bomb(), "unpacks-too-large"),
    Broken("a-bomb-in-a.zip", zip_of(("bomb.json.gz", _bomb())), "unpacks-too-large"),
    Broken("tar-in-tar.tar", _tars(6), "archive-too-deep"),
    Broken("empty.zip", zip_of(), "empty-file"),
    Broken("empty.tar", tar_of(), "no-json"),
    Broken("half-a-gzip-header.json.gz", b"\x1f\x8b\x08", "damaged-archive"),
    Broken("good-and-bad-members.zip", zip_of(("bad.json", GOOD[:-200]), ("good.json", GOOD)), "truncated-json", usable=True),
    Broken("gzip-in-gzip.json.gz", _nested(6), "archive-too-deep"),
    Broken("notes.md", b"# what we did\n", "skipped-file"),
)
