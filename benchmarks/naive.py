"""What a user writes first: ``json`` and ``pandas.json_normalize``, to three Parquet tables.

usage: python -m benchmarks.naive SOURCE OUT

SOURCE is a file of a response a line, or a folder of files. Of several polls of one DAG in one cluster the newest one counts.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Iterator

_ENVELOPE = ["traceId", "timestamp", "duration", "status"]


def _newest(source: Path) -> dict[tuple[str, str], dict[str, Any]]:
    """Return the newest answer about each DAG, by cluster and id."""
    newest: dict[tuple[str, str], dict[str, Any]] = {}
    for cluster, found in _answers(source):
        if found.get("data"):
            key = cluster, found["data"]["id"]
            if key not in newest or found["timestamp"] > newest[key]["timestamp"]:
                newest[key] = found
    return newest


def _answers(source: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    if source.is_dir():
        for path in sorted(source.rglob("*.json")):
            yield path.relative_to(source).parts[0], json.loads(path.read_text(encoding="utf-8"))
        return
    with source.open(encoding="utf-8") as file:
        for found in map(json.loads, file):
            yield source.name, found


def main(source: Path, out: Path) -> None:
    """Flatten an archive."""
    answers = list(_newest(source).values())
    dags = pd.json_normalize(answers, max_level=1).drop(columns=["data.nodes"])
    nodes = pd.json_normalize(answers, ["data", "nodes"], ["traceId"], max_level=0).drop(columns=["sub_tasks"])
    tasks = pd.json_normalize(answers, ["data", "nodes", "sub_tasks"], ["traceId"], max_level=0)
    agents = pd.json_normalize(tasks.pop("execute_agent").tolist()).add_prefix("agent_")
    out.mkdir(parents=True, exist_ok=True)
    for name, frame in (("dags", dags), ("nodes", nodes), ("sub_tasks", tasks.join(agents))):
        for column in frame.columns[frame.columns.str.endswith(("start_time", "end_time"))]:
            frame[column] = pd.to_datetime(frame[column], utc=True, errors="coerce", format="ISO8601")
        for column in frame.columns[frame.columns.str.endswith("additional_data")]:
            frame[column] = frame[column].map(json.dumps)
        frame.to_parquet(out / f"{name}.parquet", compression="zstd")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
