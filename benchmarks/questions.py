"""Ten questions about an archive, asked in one process: of a store, or in SQL of the saved responses themselves.

usage: python -m benchmarks.questions store STORE
       python -m benchmarks.questions files SOURCE
       python -m benchmarks.questions polls SOURCE

SOURCE is a file of a response a line, or a folder of files of one response each. Of ``polls``, the newest one of each DAG counts.
"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

_LATENCY = "epoch_ns(node.end_time) - epoch_ns(node.start_time)"
_WORK = "epoch_ns(task.end_time) - epoch_ns(task.start_time)"
_QUANTILES = "count(*), median({0}), quantile_cont({0}, 0.95), max({0})"
_SIGNATURES = """
    SELECT regexp_replace(line, '[0-9]+', '<n>', 'g') AS signature, count(*)
    FROM (SELECT unnest(task.task_logs) AS line FROM tasks) WHERE starts_with(line, 'ERROR: ') GROUP BY ALL"""
QUESTIONS = (
    "SELECT data.name, data.state, count(*), median(epoch_ns(data.end_time) - epoch_ns(data.start_time)) FROM answers GROUP BY ALL",
    f"SELECT data.id, node.name, {_LATENCY} FROM nodes ORDER BY ALL",
    f"SELECT data.name, node.name, {_QUANTILES.format(_LATENCY)} FROM nodes GROUP BY ALL",
    f"SELECT task.execute_agent.ip, {_QUANTILES.format(_WORK)} FROM tasks GROUP BY ALL",
    "SELECT data.id, node.start_time, lag(node.end_time) OVER (PARTITION BY data.id ORDER BY node.node_id) FROM nodes",
    f"SELECT data.id, sum({_LATENCY}), any_value(epoch_ns(data.end_time) - epoch_ns(data.start_time)) FROM nodes GROUP BY data.id",
    "SELECT data.id, task.id, task.name, task.execute_times FROM tasks WHERE task.execute_times > 1",
    f"SELECT data.id, node.name, task.execute_agent.ip, rank() OVER (PARTITION BY data.id, node.id ORDER BY {_WORK} DESC) FROM tasks",
    _SIGNATURES,
    "SELECT data.name, node.name, data.start_time, " + _LATENCY + " FROM nodes ORDER BY data.start_time",
)


def of_store(store: Path) -> None:
    """Ask a store."""
    import daganalysis as da

    archive = da.read_parquet(store)
    da.summary(archive)
    da.stage_latency(archive)
    for level in ("workflow", "agent"):
        da.stage_latency(archive, level=level)
    for analysis in (da.stage_gaps, da.time_budget, da.retries, da.stragglers, da.failures, da.trend):
        analysis(archive)


def of_files(source: Path, *, polled: bool = False) -> None:
    """Ask the saved responses, or, if DAGs were polled, the newest one of each."""
    import duckdb

    from benchmarks.peer import lines_of, newest_of, texts_of

    session = duckdb.connect()
    session.execute("SET threads=2")
    answers = texts_of(str(source)) if source.is_dir() else lines_of(str(source))
    session.execute(f"CREATE VIEW answers AS FROM {newest_of(answers) if polled else answers}")
    session.execute("CREATE VIEW nodes AS SELECT data, unnest(data.nodes) AS node FROM answers")
    session.execute("CREATE VIEW tasks AS SELECT data, node, unnest(node.sub_tasks) AS task FROM nodes")
    for question in QUESTIONS:
        session.execute(question).to_arrow_table()


if __name__ == "__main__":
    {"store": of_store, "files": of_files, "polls": partial(of_files, polled=True)}[sys.argv[1]](Path(sys.argv[2]))
