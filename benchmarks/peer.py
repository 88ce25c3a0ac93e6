"""The peer: an archive of DAG details flattened to three Parquet tables by DuckDB, as well tuned as we know how.

usage: python -m benchmarks.peer SOURCE OUT [--threads N] [--latest] [--summary]

SOURCE is one file of a response a line (also .gz, .zst), or a folder of files of one response each. Nothing is merged, judged or kept for
later; ``--latest`` drops all but the newest response of each DAG first. A folder is read as texts, which with many small files is faster
than DuckDB's reader of JSON files; a file is read once a table, each time with that table's columns alone, which is faster than once into
a temporary table.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import duckdb

_FORMAT = "FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1"
_NO_TIME = "TIMESTAMPTZ '0001-01-01 00:00:00+00'"
_CLUSTER = "regexp_extract(filename, '/(c[0-9]+)[/.]', 1)"
_LARGEST = 1 << 26

Shape = dict[str, Any]
_OBJECT: Shape = {
    "id": "VARCHAR", "name": "VARCHAR", "state": "VARCHAR", "operator": "VARCHAR", "start_time": "TIMESTAMPTZ", "end_time": "TIMESTAMPTZ",
    "additional_data": "JSON",
}  # fmt: skip
_TASK: Shape = _OBJECT | {
    "task_id": "BIGINT", "execute_times": "BIGINT", "execute_agent": {"ip": "VARCHAR", "port": "BIGINT"}, "task_logs": ["VARCHAR"],
}  # fmt: skip
_NODE: Shape = _OBJECT | {"node_id": "BIGINT"}
_DAG: Shape = _OBJECT | {"dag_id": "BIGINT", "stage": "BIGINT", "max_stage": "BIGINT"}
_ENVELOPE: Shape = {
    "successful": "BOOLEAN", "timestamp": "TIMESTAMPTZ", "duration": "BIGINT", "status": "BIGINT", "traceId": "VARCHAR", "error": "JSON",
}  # fmt: skip
_WHOLE: Shape = _ENVELOPE | {"data": _DAG | {"nodes": [_NODE | {"sub_tasks": [_TASK]}]}}


def _sql_type(shape: Any) -> str:
    """Spell a shape as a type of SQL."""
    if isinstance(shape, list):
        return f"{_sql_type(shape[0])}[]"
    if isinstance(shape, dict):
        return "STRUCT(" + ", ".join(f'"{name}" {_sql_type(part)}' for name, part in shape.items()) + ")"
    return str(shape)


def _lines(path: str, shape: Shape) -> str:
    """A relation of the lines of a file, with some of their fields."""
    columns = ", ".join(f"\"{name}\": '{_sql_type(part)}'" for name, part in shape.items())
    return f"read_json('{path}', format='newline_delimited', columns={{{columns}}}, filename=true, maximum_object_size={_LARGEST})"


def _fields(prefix: str, shape: Shape) -> str:
    """Name the plain fields of an object; the server's placeholder is no time."""
    return ", ".join(
        f"nullif({prefix}.{name}, {_NO_TIME}) AS {name}" if part == "TIMESTAMPTZ" else f"{prefix}.{name}"
        for name, part in shape.items()
        if isinstance(part, str)
    )


def _dags(relation: str) -> str:
    return (
        f"SELECT filename, traceId, successful, nullif(timestamp, {_NO_TIME}) AS timestamp, duration, status, error, "
        f"{_fields('data', _DAG)} "
        f"FROM {relation}"
    )


def _each_node(relation: str) -> str:
    return f"(SELECT traceId, unnest(data.nodes) AS node, generate_subscripts(data.nodes, 1)::INTEGER AS stage FROM {relation})"


def _nodes(relation: str) -> str:
    return f"SELECT traceId, stage, {_fields('node', _NODE)} FROM {_each_node(relation)}"


def _sub_tasks(relation: str) -> str:
    tasks = f"(SELECT traceId, stage, node.id AS node_gid, unnest(node.sub_tasks) AS task FROM {_each_node(relation)})"
    return (
        f"SELECT traceId, stage, node_gid, {_fields('task', _TASK)}, task.execute_agent.ip AS agent_ip, "
        f"task.execute_agent.port AS agent_port, "
        f"task.task_logs FROM {tasks}"
    )


def lines_of(path: str) -> str:
    """A relation of the lines of a file, with all of their fields."""
    return _lines(path, _WHOLE)


def texts_of(folder: str) -> str:
    """A relation of the files of a folder, with all of their fields."""
    return f"(SELECT filename, unnest(from_json(content, '{json.dumps(_WHOLE)}')) FROM read_text('{folder}/**/*.json'))"


def newest_of(relation: str) -> str:
    """A relation of the newest answer about each DAG of each cluster."""
    rank = f"row_number() OVER (PARTITION BY {_CLUSTER}, data.id ORDER BY timestamp DESC)"
    return f"(SELECT * FROM {relation} QUALIFY {rank} = 1)"


def flatten(source: Path, out: Path, *, threads: int = 2, latest: bool = False) -> None:
    """Flatten an archive into ``dags.parquet``, ``nodes.parquet`` and ``sub_tasks.parquet`` in a folder."""
    out.mkdir(parents=True, exist_ok=True)
    session = duckdb.connect()
    session.execute(f"SET threads={threads}")
    session.execute("SET TimeZone='UTC'")
    session.execute("SET preserve_insertion_order=false")
    session.execute("SET enable_progress_bar=false")
    if source.is_dir():
        session.execute(f"CREATE TEMP TABLE answers AS SELECT * FROM {texts_of(str(source))}")
        relations = dict.fromkeys(("dags", "nodes", "sub_tasks"), "answers")
    elif latest:
        session.execute(f"CREATE TEMP TABLE answers AS SELECT * FROM {lines_of(str(source))}")
        relations = dict.fromkeys(("dags", "nodes", "sub_tasks"), "answers")
    else:
        node_only = {"nodes": [{"id": "VARCHAR", "sub_tasks": [_TASK]}]}
        relations = {
            "dags": _lines(str(source), _ENVELOPE | {"data": _DAG}),
            "nodes": _lines(str(source), {"traceId": "VARCHAR", "data": {"nodes": [_NODE]}}),
            "sub_tasks": _lines(str(source), {"traceId": "VARCHAR", "data": node_only}),
        }
    if latest:
        session.execute(f"CREATE TEMP TABLE newest AS FROM {newest_of('answers')}")
        relations = dict.fromkeys(relations, "newest")
    for name, select in (("dags", _dags), ("nodes", _nodes), ("sub_tasks", _sub_tasks)):
        session.execute(f"COPY ({select(relations[name])}) TO '{out / f'{name}.parquet'}' ({_FORMAT})")


_SUMMARY = """
    SELECT regexp_replace(name, '[ ][^ ]*[0-9][^ ]*$', '') AS workflow, count(*), count(*) FILTER (state = 'SUCCEED'),
        count(*) FILTER (state = 'FAILED'), median(epoch_ns(end_time) - epoch_ns(start_time)),
        quantile_cont(epoch_ns(end_time) - epoch_ns(start_time), 0.95)
    FROM read_parquet('{out}/dags.parquet') GROUP BY ALL ORDER BY ALL"""


def main() -> None:
    """Flatten what the command line names, and print a summary if asked to."""
    parser = argparse.ArgumentParser(description="flatten an archive of DAG details with DuckDB")
    parser.add_argument("source", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--latest", action="store_true")
    parser.add_argument("--summary", action="store_true")
    arguments = parser.parse_args()
    flatten(arguments.source, arguments.out, threads=arguments.threads, latest=arguments.latest)
    if arguments.summary:
        print(duckdb.sql(_SUMMARY.format(out=arguments.out)))


if __name__ == "__main__":
    main()
