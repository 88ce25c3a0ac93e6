"""Small charts to open in a browser: bars that state only what matters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from daganalysis.pages.gantt_page.gantt_html import gantt_page
from daganalysis.tables.results import GANTT_BARS
from tests.rows import archive_of, at, frame_of

if TYPE_CHECKING:
    from daganalysis.archive import Archive

RUN = "11"


def bar(lane: int, start: float, end: float, **given: Any) -> dict[str, Any]:
    """Make one bar of a sub-task of its own: observed, succeeded, its first attempt."""
    row = {
        "run_id": RUN,
        "role": "attempt",
        "lane": lane,
        "label": f"lane {lane}",
        "depth": 0,
        "stage": lane + 1,
        "stage_name": f"Stage {lane + 1}",
    }
    row |= {
        "task_gid": f"1{lane}",
        "agent": "10.0.0.1:2886",
        "attempt": 1,
        "kind": "run",
        "outcome": "succeeded",
        "evidence": "observed",
        "n": 1,
    }
    return row | {"started_at": at(start), "ended_at": at(end), "is_open": False} | given


def bars_of(*rows: dict[str, Any]) -> pd.DataFrame:
    """Make a frame of bars."""
    return frame_of(GANTT_BARS, *rows)


def archive_with_logs(*lines: str, lane: int = 0, name: str = "Prepare") -> Archive:
    """Make an archive in which one sub-task of the chart has these log lines."""
    task = {"run_id": RUN, "stage": lane + 1, "task_gid": f"1{lane}", "name": name, "execute_times": 1, "task_logs": list(lines)}
    dag = {
        "run_id": RUN,
        "name": "Create tenant",
        "workflow": "Create tenant",
        "outcome": "failed",
        "started_at": at(0),
        "utc_offset_s": 28800,
    }
    return archive_of(dags=[dag], sub_tasks=[task])


def three_bars() -> str:
    """Write a page of three bars over 100 seconds: two that succeeded, and one that failed on another agent."""
    failed = bar(2, 60, 100, outcome="failed", agent="10.0.0.2:2886", error="ERROR: no space left")
    return gantt_page(
        bars_of(bar(0, 0, 10), bar(1, 10, 60), failed), archive_with_logs("copying", "ERROR: no space left", lane=2, name="Copy files")
    )
