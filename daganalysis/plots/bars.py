"""What a Gantt chart of a run shows, as a frame: lanes, bars, where each lies on an axis with long waits cut."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from daganalysis.errors import UsageError
from daganalysis.plots.axis_breaks import BrokenAxis
from daganalysis.tables.results import GANTT_BARS

if TYPE_CHECKING:
    import pandas as pd

    from daganalysis.archive import Archive

_WAITS = frozenset({"wait_operator", "wait_protocol", "lost", "unattributed"})
_FAILED = frozenset({"failed", "timeout", "interrupted", "cancelled"})


def gantt_bars(
    archive: Archive,
    *,
    run_id: str | None = None,
    lanes: str = "stage",
    children: bool = False,
    max_lanes: int | None = None,
) -> pd.DataFrame:
    """Return the bars of a Gantt chart of one run: one row per bar, by lane and time.

    ``lanes="stage"`` puts the sub-tasks of a stage under each other, ``lanes="agent"`` those of an agent. The first lane of a run is its
    timeline: what every second of it was spent on. ``children`` nests the child runs below. With ``max_lanes``, stages of many sub-tasks
    keep those that failed and the slowest, and one bar stands for the others and says for how many. The axis spans what is known, not what
    the DAG's own start and end say; a long wait is cut from it, and the cut has a row. An attempt without a known start has no bar. Raises
    :class:`UsageError` if the archive holds several runs and ``run_id`` says not which.

    >>> import daganalysis as da
    >>> bars = da.gantt_bars(da.load("sample_data/documented/scale-out.json"))
    >>> bars["role"].value_counts()["attempt"]
    np.int64(9)
    """
    if lanes not in {"stage", "agent"}:
        raise UsageError("no such way to order lanes", where=lanes, hint="lanes is stage or agent")
    whole = archive if run_id is None else archive.run(run_id, children=children)
    runs = _runs(whole, run_id, children=children)
    chart = _Chart(whole, lanes, max_lanes)
    for name, depth in runs:
        chart.add_run(name, depth)
    return chart.frame()


def _runs(archive: Archive, run_id: str | None, *, children: bool) -> list[tuple[str, int]]:
    """The runs to draw with their depth, children after their main DAG."""
    dags = archive.table("dags", ["run_id", "parent_run_id"])
    known = dags["run_id"].tolist()
    if run_id is None:
        roots = dags.loc[~dags["parent_run_id"].isin(known), "run_id"].tolist()
        if len(roots) > 1 or (len(known) > 1 and not children):
            raise UsageError(f"{len(known)} runs to draw", hint="name one with run_id, or give archive.run(run_id)")
        if not roots:
            return []
        run_id = roots[0]
    if not children:
        return [(run_id, 0)]
    below = dags.dropna().groupby("parent_run_id")["run_id"].agg(list).to_dict()
    result: list[tuple[str, int]] = []

    def visit(name: str, depth: int) -> None:
        if name not in {seen for seen, _ in result}:
            result.append((name, depth))
            for child in sorted(below.get(name, [])):
                visit(child, depth + 1)

    visit(run_id, 0)
    return result


@dataclass(slots=True)
class _Bar:
    """One bar before it has its place on the axis; instants in nanoseconds."""

    row: dict[str, Any]
    dispatched: int | None = None
    started: int | None = None
    ended: int | None = None
    noticed: int | None = None
    passed: int | None = None


@dataclass(slots=True)
class _Chart:
    archive: Archive
    order: str
    max_lanes: int | None
    bars: list[_Bar] = field(default_factory=list)
    lane: int = 0
    waits: list[tuple[int, int]] = field(default_factory=list)

    def add_run(self, run_id: str, depth: int) -> None:
        one = self.archive.only([run_id])
        dag = one.dags.iloc[0]
        title = f"{run_id} {dag['name']}" if depth else "where the time went"
        self._add_timeline(one, dag, depth, title)
        tasks = _with_nodes(one)
        attempts = {gid: rows.to_dict("records") for gid, rows in one.attempts.groupby("task_gid", sort=False)}
        keys = ["stage", "task_gid"] if self.order == "stage" else ["agent", "stage", "task_gid"]
        nodes = one.nodes.to_dict("records")
        if self.order == "stage":
            for node in nodes:
                own = tasks[tasks["stage"] == node["stage"]].sort_values(keys)
                self._add_stage(run_id, depth, node, own, attempts)
            return
        for agent, own in tasks.sort_values(keys).groupby("agent", dropna=False, sort=True):
            for n, task in enumerate(own.to_dict("records")):
                stage = f"{task['stage']} {_short(task['node_name'])}"
                self._add_task(run_id, depth, f"{agent} · {stage}" if n == 0 else stage, task, attempts)

    def _add_timeline(self, one: Archive, dag: pd.Series[Any], depth: int, title: str) -> None:
        line, run_id = one.timeline, dag["run_id"]
        for row in line.to_dict("records"):
            start, end = row["started_at"].value, row["ended_at"].value
            fields = {"run_id": run_id, "role": "time", "lane": self.lane, "label": title, "depth": depth, "stage": row["from_stage"]}
            fields |= {"category": row["category"], "evidence": row["evidence"], "n": 1, "is_open": False}
            fields |= {"stage_name": dag["name"], "outcome": dag["outcome"]}
            self.bars.append(_Bar(fields, started=start, ended=end))
            if depth == 0 and row["category"] in _WAITS:
                self.waits.append((start, end))
        if len(line):
            self.lane += 1

    def _add_stage(
        self, run_id: str, depth: int, node: dict[Any, Any], own: pd.DataFrame, attempts: dict[Any, list[dict[Any, Any]]]
    ) -> None:
        name = f"{node['stage']} {_short(node['name'])}"
        tasks = own.to_dict("records")
        shown = [task for task in tasks if attempts.get(task["task_gid"])]
        if not shown:
            fields = {"run_id": run_id, "role": "lane", "lane": self.lane, "label": name, "depth": depth, "stage": node["stage"]}
            fields |= {"stage_name": node["name"], "outcome": node["outcome"], "n": len(tasks), "is_open": False}
            self.bars.append(_Bar(fields))
            self.lane += 1
            return
        single, folded = self._fold(shown, attempts)
        for n, task in enumerate(single):
            who = task["agent"] if isinstance(task["agent"], str) else task["task_gid"]
            label = name if len(shown) == 1 else f"{name} · {who}" if n == 0 else who
            self._add_task(run_id, depth, label, task, attempts)
        if folded:
            self._add_folded(run_id, depth, node, folded, attempts)

    def _fold(
        self, tasks: list[dict[Any, Any]], attempts: dict[Any, list[dict[Any, Any]]]
    ) -> tuple[list[dict[Any, Any]], list[dict[Any, Any]]]:
        """Divide the sub-tasks of a stage into those with a lane of their own and those that one bar stands for."""
        if self.max_lanes is None or len(tasks) <= 3:
            return tasks, []
        room = max(3, self.max_lanes // max(1, self.archive.table("nodes", ["stage"])["stage"].nunique()))
        if len(tasks) <= room:
            return tasks, []

        def telling(task: dict[Any, Any]) -> tuple[bool, float]:
            own = attempts[task["task_gid"]]
            failed = any(a["outcome"] in _FAILED for a in own)
            return failed, max((a["duration_s"] for a in own if a["duration_s"] == a["duration_s"]), default=0.0)

        kept = {task["task_gid"] for task in sorted(tasks, key=telling, reverse=True)[: room - 1]}
        return [t for t in tasks if t["task_gid"] in kept], [t for t in tasks if t["task_gid"] not in kept]

    def _add_task(self, run_id: str, depth: int, label: str, task: dict[Any, Any], attempts: dict[Any, list[dict[Any, Any]]]) -> None:
        for attempt in attempts.get(task["task_gid"], []):
            if attempt["started_at"] != attempt["started_at"]:  # not a time: null
                continue
            last = attempt["attempt"] == task["execute_times"]
            start = attempt["started_at"].value
            known_end = attempt["ended_at"] == attempt["ended_at"]
            end = attempt["ended_at"].value if known_end else self._seen_until(task, attempt, start)
            within = last and _is(task["node_started_at"]) and task["node_started_at"].value <= start + 1_000_000_000
            fields = {"run_id": run_id, "role": "attempt", "lane": self.lane, "label": label, "depth": depth, "stage": task["stage"]}
            fields |= {"stage_name": task["node_name"], "task_gid": task["task_gid"], "agent": attempt["agent"], "n": 1}
            fields |= {name: attempt[name] for name in ("attempt", "kind", "outcome", "evidence")}
            fields |= {"is_open": not known_end, "error": _telling_line(task["task_logs"]) if attempt["outcome"] in _FAILED else None}
            self.bars.append(
                _Bar(
                    fields,
                    task["node_started_at"].value if within else None,
                    start,
                    end,
                    task["node_ended_at"].value if within and known_end and _is(task["node_ended_at"]) else None,
                    task["end_time"].value if last and task["operator"] == "PASS" and _is(task["end_time"]) else None,
                )
            )
        self.lane += 1

    def _seen_until(self, task: dict[Any, Any], attempt: dict[Any, Any], start: int) -> int:
        """An open bar reaches to the last answer where it is still running, and is a mark at its start where it is not."""
        seen = task["last_observed_at"]
        return max(start, seen.value) if attempt["outcome"] == "running" and _is(seen) else start

    def _add_folded(
        self,
        run_id: str,
        depth: int,
        node: dict[Any, Any],
        tasks: list[dict[Any, Any]],
        attempts: dict[Any, list[dict[Any, Any]]],
    ) -> None:
        own = [a for task in tasks for a in attempts[task["task_gid"]] if _is(a["started_at"])]
        ends = [a["ended_at"].value for a in own if _is(a["ended_at"])]
        starts = [a["started_at"].value for a in own]
        fields = {"run_id": run_id, "role": "folded", "lane": self.lane, "label": f"{len(tasks)} more", "depth": depth}
        fields |= {"stage": node["stage"], "stage_name": node["name"], "n": len(tasks), "is_open": len(ends) < len(starts)}
        fields |= {"outcome": node["outcome"], "evidence": "observed"}
        self.bars.append(_Bar(fields, None, min(starts, default=None), max(ends, default=max(starts, default=0)) if starts else None))
        self.lane += 1

    def frame(self) -> pd.DataFrame:
        import pandas as pd

        instants = [t for bar in self.bars for t in (bar.dispatched, bar.started, bar.ended, bar.noticed, bar.passed) if t is not None]
        axis = BrokenAxis(min(instants, default=0), max(instants, default=1), self.waits)
        for cut in axis.breaks:
            fields = {"run_id": self.bars[0].row["run_id"], "role": "break", "lane": 0, "label": "", "depth": 0, "n": 1, "is_open": False}
            self.bars.append(_Bar(fields, started=cut.start, ended=cut.end))
        rows = []
        for bar in self.bars:
            row = dict.fromkeys(GANTT_BARS.names) | bar.row
            for name, instant in (("dispatched", bar.dispatched), ("started", bar.started), ("ended", bar.ended), ("noticed", bar.noticed)):
                row[f"{name}_at"] = instant
                row[f"x_{name}"] = None if instant is None else axis.place(instant)
            row["passed_at"] = bar.passed
            rows.append(row)
        table = pd.DataFrame(rows, columns=GANTT_BARS.names).astype(object)
        for name in ("dispatched_at", "started_at", "ended_at", "noticed_at", "passed_at"):
            table[name] = pd.to_datetime(table[name], unit="ns", utc=True)
        table = table.where(table.notna(), None)
        return GANTT_BARS.conform(table)


def _with_nodes(one: Archive) -> pd.DataFrame:
    nodes = one.nodes[["stage", "name", "started_at", "ended_at"]]
    nodes = nodes.rename(columns={"name": "node_name", "started_at": "node_started_at", "ended_at": "node_ended_at"})
    columns = ["stage", "task_gid", "name", "agent", "execute_times", "operator", "end_time", "task_logs"]
    return one.sub_tasks[columns].merge(nodes, on="stage", how="left").assign(last_observed_at=one.dags["last_observed_at"].iloc[0])


def _is(value: object) -> bool:
    """Tell an instant from a null."""
    return value is not None and value == value  # noqa: PLR0124 - null is the one value that differs from itself


def _short(name: object) -> str:
    text = name if isinstance(name, str) else "?"
    return text if len(text) <= 36 else text[:34] + "…"


def _telling_line(lines: Any) -> str | None:
    if lines is None or not hasattr(lines, "__iter__"):
        return None
    errors = [line for line in lines if line.startswith(("ERROR: ", "sub task "))]
    return str(errors[-1]) if errors else None
