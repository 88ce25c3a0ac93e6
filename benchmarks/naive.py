"""What a user writes first: ``json`` and ``pandas.json_normalize`` over a file of a response a line, to three Parquet tables.

usage: python -m benchmarks.naive SOURCE OUT
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pandas as pd

_ENVELOPE = ["traceId", "timestamp", "duration", "status"]


def main(source: Path, out: Path) -> None:
    """Flatten an archive."""
    with source.open(encoding="utf-8") as file:
        answers = [found for found in map(json.loads, file) if found.get("data")]
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
