"""What a user writes first: ``json`` and ``pandas.json_normalize``, to three Parquet tables.

usage: python -m benchmarks.naive SOURCE OUT [--newest-first]

SOURCE is a file of a response a line, or a folder of files. Of several polls of one DAG in one cluster the newest one counts: all are
flattened, then the rows of older polls are dropped. With ``--newest-first``, older polls are dropped before anything is flattened. This
takes less time, and one has to know the shape of the responses to write it.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


def _answers(source: Path) -> Iterator[dict[str, Any]]:
    """Read all answers about a DAG, each with its cluster."""
    if source.is_dir():
        texts = ((path.relative_to(source).parts[0], path.read_text(encoding="utf-8")) for path in sorted(source.rglob("*.json")))
    else:
        texts = ((source.stem, line) for line in source.read_text(encoding="utf-8").splitlines())
    answers = ((cluster, json.loads(text)) for cluster, text in texts)
    return (answer | {"cluster": cluster} for cluster, answer in answers if answer.get("data"))


def _newest(answers: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the newest answer about each DAG."""
    newest: dict[tuple[str, str], dict[str, Any]] = {}
    for answer in answers:
        key = answer["cluster"], answer["data"]["id"]
        if key not in newest or answer["timestamp"] > newest[key]["timestamp"]:
            newest[key] = answer
    return list(newest.values())


def _flattened(answers: list[dict[str, Any]]) -> dict[str, pd.DataFrame]:
    dags = pd.json_normalize(answers, max_level=1).drop(columns=["data.nodes"])
    nodes = pd.json_normalize(answers, ["data", "nodes"], ["traceId"], max_level=0).drop(columns=["sub_tasks"])
    tasks = pd.json_normalize(answers, ["data", "nodes", "sub_tasks"], ["traceId"], max_level=0)
    agents = pd.json_normalize(tasks.pop("execute_agent").tolist()).add_prefix("agent_")
    return {"dags": dags, "nodes": nodes, "sub_tasks": tasks.join(agents)}


def main(source: Path, out: Path, *, newest_first: bool) -> None:
    """Flatten an archive."""
    frames = _flattened(_newest(_answers(source)) if newest_first else list(_answers(source)))
    newest = frames["dags"].sort_values("timestamp", kind="stable").drop_duplicates(["cluster", "data.id"], keep="last")["traceId"]
    out.mkdir(parents=True, exist_ok=True)
    for name, flattened in frames.items():
        frame = flattened[flattened["traceId"].isin(newest)].copy()
        for column in frame.columns[frame.columns.str.endswith(("start_time", "end_time"))]:
            frame[column] = pd.to_datetime(frame[column], utc=True, errors="coerce", format="ISO8601")
        for column in frame.columns[frame.columns.str.endswith("additional_data")]:
            frame[column] = frame[column].map(json.dumps)
        frame.to_parquet(out / f"{name}.parquet", compression="zstd")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("source", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--newest-first", action="store_true")
    found = parser.parse_args()
    main(found.source, found.out, newest_first=found.newest_first)
