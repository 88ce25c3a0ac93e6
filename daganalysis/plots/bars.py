"""The frame of a Gantt chart of a run: lanes, bars, and their places on an axis with long waits cut."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from daganalysis.dag_clock import on_dag_clock
from daganalysis.engine.failure_lines import find_failures
from daganalysis.engine.times import SECOND_NS
from daganalysis.engine.vocabulary import FAILURES, WAITS
from daganalysis.errors import UsageError
from daganalysis.plots.axis_breaks import BrokenAxis
from daganalysis.plots.drawn_run import only_run
from daganalysis.tables import BASE_TABLES
from daganalysis.tables.results import GANTT_BARS

if TYPE_CHECKING:
    import pandas as pd

    from daganalysis.archive import Archive
    from daganalysis.plots.axis_breaks import Break

_NOTABLE_OUTCOMES = {*FAILURES, "cancelled", "running"}
"""A sub-task with such an attempt is never folded away."""
_FEWEST = 3
"""So many lanes a stage or an agent keeps however little room there is."""


def gantt_bars(
    archive: Archive,
    *,
    run_id: str | None = None,
    lanes: str = "stage",
    children: bool = False,
    max_lanes: int | None = None,
    path: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Return the bars of a Gantt chart of one run.

    The first lane of a run is its timeline: what every second was spent on. The axis spans everything that is known of the run, not only
    the DAG's own start and end. A long wait is cut from the axis, and the cut has a row. An attempt without a known start has a row but no
    bar.

    Args:
        archive: The archive that holds the run.
        run_id: The run to draw. You can leave it out if the archive holds one run.
        lanes: ``"stage"`` groups the lanes of sub-tasks by stage, ``"agent"`` by agent.
        children: Also draw the child runs, nested below the run.
        max_lanes: Fold lanes beyond this number. Sub-tasks that failed and the slowest ones keep their lanes; one lane stands for the
            others and gives their number. None folds nothing.
        path: A result of :func:`daganalysis.critical_path`: marks the attempts that the run waited for.

    Returns:
        One row per bar, sorted by lane and time. Times on the axis in seconds.

    Raises:
        UsageError: The archive holds several runs and ``run_id`` is None, or ``lanes`` is unknown.
        RunNotFoundError: The archive holds no run ``run_id``.

    Example:
        >>> import daganalysis as da
        >>> bars = da.gantt_bars(da.load("sample_data/documented/scale-out.json"))
        >>> bars["role"].value_counts()["attempt"]
        np.int64(9)
    """
    if lanes not in {"stage", "agent"}:
        raise UsageError("no such way to order lanes", where=lanes, hint="use stage or agent")
    whole = archive if run_id is None else archive.run(run_id, children=children)
    runs = _runs(whole, run_id, children=children)
    chart = _Chart(whole, lanes, max_lanes, None if path is None else _on_path(path, [name for name, _ in runs]))
    chart.add_runs(runs)
    return chart.frame()


def _on_path(path: pd.DataFrame, run_ids: list[str]) -> set[tuple[str, str, int]]:
    """Return the attempts on the path of the first of some runs, those of its child runs too: (run, sub-task, attempt)."""
    own = path[path["run_id"].isin(run_ids[:1]) & path["task_gid"].notna()]
    return set(zip(own["child_run_id"].fillna(own["run_id"]), own["task_gid"], own["attempt"].astype(int), strict=True))


def _runs(archive: Archive, run_id: str | None, *, children: bool) -> list[tuple[str, int]]:
    """Return the runs to draw with their depth, children after their main DAG."""
    shown = only_run(archive, children=children) if run_id is None else run_id
    if shown is None:
        return []
    if not children:
        return [(shown, 0)]
    below = archive.table("dags", ["run_id", "parent_run_id"]).dropna().groupby("parent_run_id")["run_id"].agg(list).to_dict()
    depths: dict[str, int] = {}
    to_visit = [(shown, 0)]
    while to_visit:
        name, depth = to_visit.pop()
        if name not in depths:
            depths[name] = depth
            to_visit += [(child, depth + 1) for child in sorted(below.get(name, []), reverse=True)]
    return list(depths.items())


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
    on_path: set[tuple[str, str, int]] | None = None
    bars: list[_Bar] = field(default_factory=list)
    lane: int = 0
    waits: list[tuple[int, int]] = field(default_factory=list)

    def add_runs(self, runs: list[tuple[str, int]]) -> None:
        """Add a run with those below it, folded where they are too many lanes."""
        size = self.archive.table("sub_tasks", ["run_id"])["run_id"].value_counts()
        lanes = sum(1 + int(size.get(run_id, 0)) for run_id, _ in runs)
        folding = self.max_lanes is not None and lanes > self.max_lanes
        kept = self._notable_children(runs) if folding else {run_id for run_id, _ in runs}
        room = max(_FEWEST, (self.max_lanes or 0) - len(runs)) if folding else None
        tables = _RowsByRun.of(self.archive if len(runs) > 1 else self.archive.only(run_id for run_id, _ in runs))
        for run_id, depth in runs:
            self._add_run(tables, run_id, depth, room, whole=run_id in kept)

    def _notable_children(self, runs: list[tuple[str, int]]) -> set[str]:
        """The runs of a folded chart that are drawn whole: the main run, children that failed, and the slowest of the others."""
        children = {run_id for run_id, depth in runs if depth}
        attempts = self.archive.table("attempts", ["run_id", "outcome"])
        failed = set(attempts.loc[attempts["outcome"].isin(FAILURES), "run_id"])
        dags = self.archive.table("dags", ["run_id", "active_s"]).dropna().sort_values("active_s", kind="stable")
        slowest = [run_id for run_id in dags["run_id"] if run_id in children and run_id not in failed][-1:]
        return failed | set(slowest) | {run_id for run_id, depth in runs if not depth}

    def _add_run(self, tables: _RowsByRun, run_id: str, depth: int, room: int | None, *, whole: bool) -> None:
        (dag,) = tables.rows("dags", run_id)
        tasks, own = tables.rows("sub_tasks", run_id), tables.rows("attempts", run_id)
        counts = {"n": len(tasks), "n_attempts": len(own)}
        self._add_timeline(tables.rows("timeline", run_id), dag, depth, _heading(dag, depth, 0 if whole else len(tasks)), counts)
        if not whole:
            return
        attempts: dict[Any, list[dict[Any, Any]]] = {}
        for attempt in own:
            attempts.setdefault(attempt["task_gid"], []).append(attempt)
        agents = {task["agent"] for task in tasks if task["task_gid"] in attempts and isinstance(task["agent"], str)}
        run = _Run(run_id, depth, attempts, has_agents=len(agents) > 1)
        if self.order == "stage":
            nodes = tables.rows("nodes", run_id)
            by_stage: dict[Any, list[dict[Any, Any]]] = {}
            for task in sorted(tasks, key=_number):
                by_stage.setdefault(task["stage"], []).append(task)
            for alike, group in itertools.groupby(nodes, key=lambda node: _unrun(run, node, by_stage)):
                members = list(group)
                if alike is not None and len(members) > 1:
                    self._add_unrun(run, members, sum(len(by_stage.get(node["stage"], [])) for node in members))
                    continue
                for node in members:
                    room_of = None if room is None else max(_FEWEST, room // len(nodes))
                    self._add_stage(run, node, by_stage.get(node["stage"], []), room_of)
            return
        self._add_agents(run, sorted(tasks, key=_by_stage), room)

    def _add_timeline(self, line: list[dict[Any, Any]], dag: dict[Any, Any], depth: int, title: str, counts: dict[str, int]) -> None:
        run_id = dag["run_id"]
        for row in line:
            start, end = row["started_at"].value, row["ended_at"].value
            fields = {"run_id": run_id, "role": "time", "lane": self.lane, "label": title, "depth": depth, "stage": row["from_stage"]}
            fields |= {"category": row["category"], "evidence": row["evidence"], "is_open": False, **counts}
            fields |= {"stage_name": dag["name"], "outcome": dag["outcome"], "group": title}
            self.bars.append(_Bar(fields, started=start, ended=end))
            if depth == 0 and row["category"] in WAITS:
                self.waits.append((start, end))
        if len(line):
            self.lane += 1

    def _add_stage(self, run: _Run, node: dict[Any, Any], tasks: list[dict[Any, Any]], room: int | None) -> None:
        name = f"{node['stage']} {_short(node['name'])}"
        shown = [task for task in tasks if run.attempts.get(task["task_gid"])]
        if not shown:
            fields = {"run_id": run.run_id, "role": "lane", "lane": self.lane, "label": name, "group": name, "depth": run.depth}
            fields |= {"stage": node["stage"], "stage_name": node["name"], "outcome": node["outcome"], "n": len(tasks), "is_open": False}
            self.bars.append(_Bar(fields))
            self.lane += 1
            return
        single, folded = self._fold(run, shown, room)
        for n, task in enumerate(single):
            who = task["agent"] if isinstance(task["agent"], str) else task["task_gid"]
            # Where one agent did everything, the title names it once.
            label = who if n else f"{name} · {who}" if len(shown) > 1 or run.has_agents else name
            self._add_task(run, label, name, task)
        if folded:
            self._add_folded(run, f"{len(folded)} more sub-tasks", name, folded)
            self.lane += 1

    def _add_unrun(self, run: _Run, nodes: list[dict[Any, Any]], n: int) -> None:
        """Put successive stages that were never run into one lane."""
        first, last = nodes[0], nodes[-1]
        name = f"stages {first['stage']} to {last['stage']}"
        fields = {"run_id": run.run_id, "role": "lane", "lane": self.lane, "label": name, "group": name, "depth": run.depth}
        fields |= {"stage": first["stage"], "stage_name": first["name"], "outcome": first["outcome"], "n": n, "is_open": False}
        self.bars.append(_Bar(fields))
        self.lane += 1

    def _add_agents(self, run: _Run, tasks: list[dict[Any, Any]], room: int | None) -> None:
        """The sub-tasks of one agent after the other; folded, those of the least remarkable agents share a lane."""
        agents: dict[str, list[dict[Any, Any]]] = {}
        for task in sorted(tasks, key=lambda task: (not isinstance(task["agent"], str), str(task["agent"]))):
            agents.setdefault(str(task["agent"]), []).append(task)
        by_agent = list(agents.items())
        folded: set[str] = set()
        if room is not None and len(tasks) > room:
            most = max(_FEWEST, room * len(by_agent) // len(tasks))
            rank = sorted(by_agent, key=lambda item: max(run.importance(task) for task in item[1]), reverse=True)
            folded = {agent for agent, _ in rank[most - 1 :]} if len(rank) > most else set()
        for agent, own in by_agent:
            if agent in folded:
                continue
            for n, task in enumerate(own):
                stage = f"{task['stage']} {_short(task['node_name'])}"
                self._add_task(run, f"{agent} · {stage}" if n == 0 else stage, agent, task)
        rest = [task for agent, own in by_agent if agent in folded for task in own if run.attempts.get(task["task_gid"])]
        for stage in sorted({task["stage"] for task in rest}):
            label = f"{len(folded)} more agents"
            self._add_folded(run, label, label, [task for task in rest if task["stage"] == stage])
        self.lane += bool(rest)

    @staticmethod
    def _fold(run: _Run, tasks: list[dict[Any, Any]], room: int | None) -> tuple[list[dict[Any, Any]], list[dict[Any, Any]]]:
        """Divide the sub-tasks of a stage: some have their own lanes, the others share one bar."""
        if room is None or len(tasks) <= room:
            return tasks, []
        kept = {task["task_gid"] for task in sorted(tasks, key=run.importance, reverse=True)[: room - 1]}
        return [t for t in tasks if t["task_gid"] in kept], [t for t in tasks if t["task_gid"] not in kept]

    def _add_task(self, run: _Run, label: str, group: str, task: dict[Any, Any]) -> None:
        own = run.attempts.get(task["task_gid"], [])
        failures = find_failures([(a["kind"], a["outcome"]) for a in own], task["task_logs"])
        errors = {own[failure.place]["attempt"]: failure.line for failure in failures if failure.certain}
        for attempt in own:
            fields = {"run_id": run.run_id, "role": "attempt", "lane": self.lane, "label": label, "group": group, "depth": run.depth}
            fields |= {"stage": task["stage"], "stage_name": task["node_name"], "task_gid": task["task_gid"], "n": 1, "n_attempts": 1}
            fields |= {name: attempt[name] for name in ("agent", "attempt", "kind", "outcome", "evidence")}
            fields |= {"error": errors.get(attempt["attempt"]), "is_open": not _is(attempt["ended_at"])}
            if self.on_path is not None:
                fields["on_path"] = (run.run_id, task["task_gid"], attempt["attempt"]) in self.on_path
            self.bars.append(_timed(fields, task, attempt) if _is(attempt["started_at"]) else _Bar(fields))
        if own:
            self.lane += 1

    def _add_folded(self, run: _Run, label: str, group: str, tasks: list[dict[Any, Any]]) -> None:
        own = [a for task in tasks for a in run.attempts[task["task_gid"]] if _is(a["started_at"])]
        ends = [a["ended_at"].value for a in own if _is(a["ended_at"])]
        starts = [a["started_at"].value for a in own]
        first = tasks[0]
        fields = {"run_id": run.run_id, "role": "folded", "lane": self.lane, "label": label, "group": group, "depth": run.depth}
        fields |= {"stage": first["stage"], "stage_name": first["node_name"], "n": len(tasks), "is_open": len(ends) < len(starts)}
        fields["n_attempts"] = sum(len(run.attempts[task["task_gid"]]) for task in tasks)
        fields |= {"outcome": "succeeded" if all(run.succeeded(task) for task in tasks) else "unknown", "evidence": "observed"}
        self.bars.append(_Bar(fields, None, min(starts, default=None), max(ends, default=max(starts, default=0)) if starts else None))

    def frame(self) -> pd.DataFrame:
        import pandas as pd

        instants = [t for bar in self.bars for t in (bar.dispatched, bar.started, bar.ended, bar.noticed, bar.passed) if t is not None]
        axis = BrokenAxis(min(instants, default=0), max(instants, default=1), self.waits)
        for cut in axis.breaks:
            fields = {"run_id": self.bars[0].row["run_id"], "role": "break", "lane": 0, "label": "", "depth": 0, "n": 1, "is_open": False}
            self.bars.append(_Bar(fields | {"category": self._longest_within(cut)}, started=cut.start, ended=cut.end))
        rows = []
        for bar in self.bars:
            row = dict.fromkeys(GANTT_BARS.names) | bar.row
            for name in ("dispatched", "started", "ended", "noticed", "passed"):
                instant = getattr(bar, name)
                row[f"{name}_at"] = instant
                row[f"x_{name}"] = None if instant is None else axis.place(instant)
            rows.append(row)
        table = pd.DataFrame(rows, columns=GANTT_BARS.names, dtype=object)  # beside a null, instants would become floats
        for name in ("dispatched_at", "started_at", "ended_at", "noticed_at", "passed_at"):
            table[name] = pd.to_datetime(table[name], unit="ns", utc=True)
        table = table.where(table.notna(), None)
        return GANTT_BARS.conform(table)

    def _longest_within(self, cut: Break) -> str | None:
        """The cause of the main run's wait in a cut: the longest stretch of its timeline there."""
        spans = [bar for bar in self.bars if bar.row["role"] == "time" and bar.row["depth"] == 0]
        over = [(min(bar.ended or 0, cut.end) - max(bar.started or 0, cut.start), bar.row["category"]) for bar in spans]
        return max(over, default=(0, None))[1]


@dataclass(frozen=True, slots=True)
class _Run:
    """One run of the chart with its attempts by sub-task, and whether several agents made them."""

    run_id: str
    depth: int
    attempts: dict[Any, list[dict[Any, Any]]]
    has_agents: bool

    def importance(self, task: dict[Any, Any]) -> tuple[bool, float]:
        """The rank of a sub-task for its own lane: failures first, then the longest."""
        own = self.attempts.get(task["task_gid"], [])
        return any(a["outcome"] in _NOTABLE_OUTCOMES for a in own), max((a["duration_s"] for a in own if _is(a["duration_s"])), default=0.0)

    def succeeded(self, task: dict[Any, Any]) -> bool:
        """Whether a sub-task did its work."""
        own = self.attempts[task["task_gid"]]
        return bool(own) and own[-1]["outcome"] == "succeeded"


def _timed(fields: dict[str, Any], task: dict[Any, Any], attempt: dict[Any, Any]) -> _Bar:
    """The bar of an attempt whose start is known; its dispatch and notice belong to the stage's last execution."""
    start = attempt["started_at"].value
    end = start if fields["is_open"] else attempt["ended_at"].value
    if fields["is_open"] and attempt["outcome"] == "running" and _is(task["last_observed_at"]):
        # It ends at the last answer if it still runs. Otherwise it is a mark at its start.
        end = max(start, task["last_observed_at"].value)
    last = attempt["attempt"] == task["execute_times"]
    within = last and _is(task["node_started_at"]) and task["node_started_at"].value <= start + SECOND_NS
    return _Bar(
        fields,
        task["node_started_at"].value if within else None,
        start,
        end,
        task["node_ended_at"].value if within and not fields["is_open"] and _is(task["node_ended_at"]) else None,
        task["end_time"].value if last and task["operator"] == "PASS" and _is(task["end_time"]) else None,
    )


def _heading(dag: dict[Any, Any], depth: int, n_folded: int) -> str:
    """The label of a run's own lane; for a child run, its name and its agent."""
    if not depth:
        return "where the time went"
    where = dag["owner_agent"] if isinstance(dag["owner_agent"], str) else dag["run_id"]
    folded = f", {n_folded} sub-tasks" if n_folded else ""
    return f"{_short(dag['name'])} · {where}{folded}"


def _by_stage(task: dict[Any, Any]) -> tuple[float, int, str]:
    """What orders sub-tasks by their stage, those of none last."""
    stage = task["stage"]
    return float(stage) if isinstance(stage, int | float) and stage == stage else float("inf"), *_number(task)  # noqa: PLR0124 - see _is


def _number(task: dict[Any, Any]) -> tuple[int, str]:
    """What orders generic ids as their numbers do."""
    return len(task["task_gid"]), task["task_gid"]


@dataclass(frozen=True, slots=True)
class _RowsByRun:
    """The rows of a chart, by run. Each table is read once for all runs."""

    tables: dict[str, dict[str, list[dict[Any, Any]]]]

    @classmethod
    def of(cls, archive: Archive) -> _RowsByRun:
        """Read the tables of an archive."""
        tables = {name: archive.table(name) for name in ("dags", "nodes", "timeline")}
        tables["sub_tasks"] = _with_nodes(archive)
        tables["attempts"] = on_dag_clock(archive, "attempts", BASE_TABLES["attempts"].names)
        by_run: dict[str, dict[str, list[dict[Any, Any]]]] = {name: {} for name in tables}
        for name, table in tables.items():
            for row in table.to_dict("records"):
                by_run[name].setdefault(row["run_id"], []).append(row)
        return cls(by_run)

    def rows(self, name: str, run_id: str) -> list[dict[Any, Any]]:
        """Return the rows of one run."""
        return self.tables[name].get(run_id, [])


def _with_nodes(archive: Archive) -> pd.DataFrame:
    nodes = archive.nodes[["run_id", "stage", "name", "started_at", "ended_at"]]
    nodes = nodes.rename(columns={"name": "node_name", "started_at": "node_started_at", "ended_at": "node_ended_at"})
    columns = ["run_id", "stage", "task_gid", "name", "agent", "execute_times", "operator", "end_time", "task_logs"]
    observed = archive.dags[["run_id", "last_observed_at"]]
    return archive.sub_tasks[columns].merge(nodes, on=["run_id", "stage"], how="left").merge(observed, on="run_id", how="left")


def _is(value: object) -> bool:
    """Return whether a value is an instant and not null."""
    return value is not None and value == value  # noqa: PLR0124 - null is the one value that differs from itself


def _short(name: object) -> str:
    text = name if isinstance(name, str) else "?"
    return text if len(text) <= 36 else text[:34] + "…"


def _unrun(run: _Run, node: dict[Any, Any], by_stage: dict[Any, list[dict[Any, Any]]]) -> str | None:
    """Return what became of a stage that was never run; None for one that was."""
    tasks = by_stage.get(node["stage"], [])
    return None if any(run.attempts.get(task["task_gid"]) for task in tasks) else str(node["outcome"])
