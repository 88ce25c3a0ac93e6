"""Agents' logs and dumps of the cluster's database: how fast a load reads them on two cores, in how much memory."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING

from benchmarks.goals import Row
from benchmarks.measuring import run
from enginemodel import Agent, DagRun, Stage, Task, agent_logs, as_sql, cluster_tables
from enginemodel.dag_parts import SECOND

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from benchmarks.sizes import Sizes

_AGENTS = [Agent(f"192.0.2.{11 + n}", skew=0.002 * n) for n in range(4)]
_BEGIN = 1_772_000_000 * SECOND
_RUNS_A_FILE = 20
_GOAL_MB_S = 60
_GOAL_PEAK_MB = 600
_TALK = (
    "[coordinator/coordinator.go:122] coordinator wait: 2.0s",
    "[coordinator/coordinator.go:138] watcher effector",
    "[coordinator/coordinator.go:157] renewal maintainer",
    "[common/middleware.go:262] API request: [GET /api/v1/observer/info, client=192.0.2.99, traceId=00062e6e09811a40, body={}]",
    "[common/middleware.go:359] API response OK: [GET /api/v1/observer/info, client=192.0.2.99, traceId=00062e6e09811a40, status=200]",
)
"""What a log is full of while no DAG runs."""


def logs(sizes: Sizes, work: Path) -> Iterator[Row]:
    """Logs in which a DAG runs at every moment, and logs of which nine lines in ten tell of no DAG."""
    for name, talk in (("busy", 0), ("quiet", 9)):
        source = work / name
        size = _save_logs(source, sizes.source_mb * 1e6, talk)
        yield from _rows(f"load of {size / 1e6:,.0f} MB of {name} logs", source, work / "store", size)


def dumps(sizes: Sizes, work: Path) -> Iterator[Row]:
    """A dump of SQL statements with contexts in it."""
    source = work / "ocs"
    source.mkdir()
    batch = _runs(0, max(20, round(sizes.source_mb * 25)))
    content = as_sql(cluster_tables(batch, batch[-1].ended + SECOND, agents=_AGENTS), zone="+00:00")  # type: ignore[operator]
    (source / "ocs.sql").write_bytes(content)
    yield from _rows(f"load of a dump of {len(content) / 1e6:,.0f} MB", source, work / "store", len(content))


def _rows(work: str, source: Path, store: Path, size: int) -> Iterator[Row]:
    cost = run(sys.executable, "-m", "daganalysis", "load", str(source), "--out", str(store), "--jobs", "2")
    detail = {"wall_s": cost.wall_s, "cpu_s": cost.cpu_s, "mb_a_cpu_s": size / 1e6 / cost.cpu_s}
    # Seconds on the wall of a machine that others use tell little: processors' seconds, of which two cores have two, are what counts.
    yield Row(work, "MB a second on two cores", _GOAL_MB_S, True, 2 * size / 1e6 / cost.cpu_s, detail)
    yield Row(work, "MB of memory at most", _GOAL_PEAK_MB, False, cost.peak / 1e6, detail)
    shutil.rmtree(source)
    shutil.rmtree(store)


def _runs(first: int, count: int, begin: int = _BEGIN) -> list[DagRun]:
    found = []
    for number in range(first, first + count):
        lines = ("begin", "observer health check, retry later", "done")
        stages = [Stage(f"Stage {n}", [Task(agent, 3.0 + 2 * n + agent.skew, lines=lines) for agent in _AGENTS]) for n in range(4)]
        one = DagRun(f"Create tenant t{number}", stages, f"1{100 + number}", begin, _AGENTS[0], first_row_id=31 + 40 * number)
        one.run()
        found.append(one)
        begin = (one.ended or begin) + 5 * SECOND
    return found


def _save_logs(folder: Path, wanted: float, talk: int) -> int:
    """Save rotated logs of about so many bytes; ``talk`` lines that tell of no DAG follow each line."""
    size, first, begin = 0, 0, _BEGIN
    while size < wanted:
        runs = _runs(first, _RUNS_A_FILE, begin)
        end = (runs[-1].ended or begin) + 5 * SECOND
        for address, text in agent_logs(_AGENTS, runs, begin, end).items():
            home = folder / address.replace(":", "_") / "log_obshell"
            home.mkdir(parents=True, exist_ok=True)
            written = _with_talk(text, talk)
            (home / f"obshell-{first:06d}.log").write_text(written, encoding="utf-8")
            size += len(written)
        first, begin = first + _RUNS_A_FILE, end
    return size


def _with_talk(text: str, talk: int) -> str:
    if not talk:
        return text
    said = [_TALK[n % len(_TALK)] for n in range(talk)]
    heads = (line[:23] for line in text.splitlines())
    added = ("".join(f"{head} INFO  [4711] [00062e6e09811a40] {words}\n" for words in said) if head[:2] == "20" else "" for head in heads)
    return "".join(line + more for line, more in zip(text.splitlines(keepends=True), added, strict=True))
