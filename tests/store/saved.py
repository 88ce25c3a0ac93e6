"""Saved responses on disk: small histories, written to files that a test then loads."""

from __future__ import annotations

import hashlib
import json
import os
from typing import TYPE_CHECKING, Any

from daganalysis.tables import BASE_TABLES
from tests.history.responses import node, sub_task, when

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from daganalysis import Archive

LOCAL = "23221225985028860"
"""Begins the generic ids of the agent 192.0.2.1:2886."""


def response(data: Any, at: float) -> bytes:
    """One saved response, given at ``at``."""
    envelope = {"successful": True, "timestamp": when(at), "duration": 1, "status": 200, "traceId": f"t{at}", "data": data}
    return json.dumps(envelope).encode()


def dag(gid: str, *nodes: dict[str, Any], at: float, state: str = "RUNNING", details: bool = True, **more: Any) -> bytes:
    """A response that shows one DAG."""
    fields = {
        "id": gid,
        "dag_id": int(gid[-4:]),
        "name": "Create tenant t1",
        "stage": 1,
        "max_stage": len(nodes),
        "state": state,
        "operator": "RUN",
        "start_time": when(1),
        "end_time": when(at) if state in {"SUCCEED", "FAILED"} else when(0.5),
        "additional_data": {},
        "nodes": list(nodes) if details else None,
    }
    return response({**fields, **more}, at)


def polls(gid: str, logs: Iterable[str] = (), **more: Any) -> list[bytes]:
    """Three polls of a DAG of one stage: while its sub-task runs, when it has ended, and when the DAG has."""
    lines = list(logs)
    running = node(sub_task("RUNNING", 1.05, 0.5, gid=gid, logs=lines[:1]), state="RUNNING", end=1.01, gid=gid)
    ended = node(sub_task("SUCCEED", 1.05, 1.8, gid=gid, logs=lines), state="RUNNING", end=1.01, gid=gid)
    done = node(sub_task("SUCCEED", 1.05, 1.8, gid=gid, logs=lines), gid=gid)
    return [dag(gid, running, at=1.5, **more), dag(gid, ended, at=2.0, **more), dag(gid, done, at=2.6, state="SUCCEED", **more)]


def history() -> dict[str, bytes]:
    """Two unrelated DAGs, a main DAG with two children (one known by its log, one by its data), and answers of the other endpoints."""
    main, by_log, by_data = LOCAL + "1", LOCAL + "2", LOCAL + "3"
    files: dict[str, bytes] = {}
    many = {
        "a": polls("11"),
        "b": polls("12", ["hello", "world"]),
        "m": polls(main, ["start", f"remote task {by_log} Work running [1/1]"], name="Join to master"),
        "l": polls(by_log),
        "d": polls(by_data, additional_data={"main_dag_id": main}),
    }
    for name, three in many.items():
        files.update({f"{name}{number}.json": text for number, text in enumerate(three)})
    files["node.json"] = response(node(gid="12", name="Work"), 2.7)
    files["task.json"] = response(sub_task(gid="12", logs=["hello", "world", "late"]), 2.8)
    files["lone.json"] = response(sub_task(gid="99"), 2.8)
    record = {"id": 1, "sub_task_id": 12, "execute_times": 1, "log_content": "hello", "create_time": when(1.2), "update_time": when(1.2)}
    files["logs.json"] = response({"contents": [record]}, 2.9)
    files["page.json"] = b"<html>please log in</html>"
    return files


def save(files: Mapping[str, bytes], folder: Path, *, second: int = 0) -> Path:
    """Write files, each as changed at a second of choice, and return their folder."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        os.utime(path, (second, second))
    return folder


def contents(archive: Archive) -> dict[str, list[dict[str, Any]]]:
    """Every row of every table."""
    return {name: archive.arrow(name).to_pylist() for name in BASE_TABLES}


def fingerprint(store: Path) -> dict[str, str]:
    """Every file below a folder, with a digest of its bytes."""
    files = (path for path in sorted(store.rglob("*")) if path.is_file())
    return {
        path.relative_to(store).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files if path.name != "_files.json"
    }
