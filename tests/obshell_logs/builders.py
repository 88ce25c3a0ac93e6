"""Logs of a modelled engine, in folders as they are copied from agents, with what truly happened."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from enginemodel import agent_logs, answer
from enginemodel.dag_parts import SECOND

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from enginemodel import Agent, DagRun

AROUND = 30 * SECOND
"""How much longer than a run its logs are."""


def agents_of(run: DagRun) -> list[Agent]:
    """The agents of a run, its maintainer first."""
    found = {run.maintainer.address: run.maintainer}
    for stage in run.stages:
        found |= {task.agent.address: task.agent for task in stage.tasks}
    return list(found.values())


def save_logs(
    folder: Path, run: DagRun, edit: Callable[[str], str] = str, *, without: str | None = None, cut_at: float | None = None, **how: object
) -> Path:
    """Save the log of each agent of a run; ``cut_at`` rotates each at that share of it."""
    end = (run.ended or run.pass_at) + AROUND
    for address, text in agent_logs(agents_of(run), [run], run.created - AROUND, end, **how).items():
        if address == without:
            continue
        home = folder / address.replace(":", "_") / "log_obshell"
        home.mkdir(parents=True)
        written = edit(text)
        at = written.rfind("\n", 0, round(len(written) * cut_at)) + 1 if cut_at is not None else 0
        if at:
            (home / "obshell-2025-01-01T00-00-00.000.log").write_text(written[:at], encoding="utf-8")
        (home / "obshell.log").write_text(written[at:], encoding="utf-8")
    return folder


def final_answer(run: DagRun) -> bytes:
    """The last answer of the API, when all is over."""
    return json.dumps(answer(run, (run.ended or run.pass_at) + AROUND)).encode()


def true_attempts(run: DagRun) -> dict[tuple[str, int], tuple[str, str, int | None, int | None]]:
    """Kind, outcome, recorded start and end (microseconds) of each attempt."""
    return {
        (one.task_gid, one.number): (one.kind, one.outcome, one.recorded_start, one.recorded_end)
        for attempts in run.truth.values()
        for one in attempts
    }


def in_berlin(log: str) -> str:
    """A log of the model, whose times are in +08:00, as a host in Berlin writes it."""

    def moved(match: re.Match[str]) -> str:
        local = datetime.fromisoformat(match["time"]).replace(tzinfo=timezone(timedelta(hours=8))).astimezone(ZoneInfo("Europe/Berlin"))
        is_go_time = match["zone"] is not None
        written = local.isoformat(" " if is_go_time else "T", "microseconds" if is_go_time else "milliseconds")
        return written[:-6] + (f" {local:%z %Z}" if is_go_time else "")

    return re.sub(r"(?P<time>\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d\.\d{3,6})(?P<zone> \+0800 CST)?", moved, log)
