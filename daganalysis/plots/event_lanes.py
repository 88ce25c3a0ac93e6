"""Everything that happened in a cluster as swim lanes: a lane a DAG, the cluster's locks above them, people's actions as marks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from daganalysis.engine.vocabulary import RUN_OUTCOMES, Tone, words
from daganalysis.errors import UsageError
from daganalysis.plots import axes_layout, text_metrics
from daganalysis.plots.axis_breaks import BrokenAxis
from daganalysis.plots.clock import label_clock
from daganalysis.plots.cut_marks import draw_cut, label_cut
from daganalysis.plots.styles import INK
from daganalysis.tables.pictures import EVENT_MARKS
from daganalysis.tables.plain_rows import rows_of
from daganalysis.text.humanize import human_duration, plural
from daganalysis.text.zones import zone_of

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

    from daganalysis.archive import Archive

_DAGS = [
    *("run_id", "cluster", "name", "outcome", "work_ok", "created_at", "started_at", "ended_at", "last_observed_at"),
    *("parent_run_id", "owner_agent"),
]
_REQUESTS = ("retry", "rollback", "pass", "pass_node", "cancel", "refused")
_MARKS = {
    "retry": "o",
    "rollback": "<",
    "pass": "^",
    "pass_node": "D",
    "cancel": "X",
    "refused": "s",
    "agent_restarted": "v",
    "stage_failed": "x",
}
_COLOURS = {Tone.GOOD: "#0072B2", Tone.CALM: "#A6CEE3", Tone.WARN: "#E69F00", Tone.BAD: "#D55E00"}
_STOOD, _LOCK = "#F0E442", "#999999"
_AS_PLANNED = "passed_as_planned"
_LANE_OF_LOCKS = "locks of cluster and tenants"


def event_marks(archive: Archive, events: pd.DataFrame, locks: pd.DataFrame) -> pd.DataFrame:
    """Return the bars and marks of a chart of all DAGs of one cluster.

    The first lane shows the locks of the cluster and its tenants. Each run has a lane, child runs below their main DAG. A bar spans a run
    from its start to its last known end; bars over it show when the run stood FAILED until a person acted. Requests and failures are marks.
    Time in which no run was active is cut.

    Args:
        archive: The runs.
        events: A result of :func:`daganalysis.events`.
        locks: A result of :func:`daganalysis.locks`.

    Returns:
        One row per bar or mark, sorted by lane and time.

    Raises:
        UsageError: The archive holds several clusters; :meth:`daganalysis.Archive.in_clusters` chooses one.

    Example:
        >>> import daganalysis as da
        >>> archive = da.load("sample_data/tenant/cancelled.json")
        >>> da.plots.event_marks(archive, da.events(archive), da.locks(archive))["role"].tolist()
        ['lock', 'run', 'mark']
    """
    import pandas as pd

    dags = archive.table("dags", _DAGS)
    if len(dags["cluster"].drop_duplicates()) > 1:
        raise UsageError("several clusters in one chart", hint="choose one with --only-cluster, or Archive.in_clusters in Python")
    dags = dags.assign(begin=dags["created_at"].fillna(dags["started_at"]).fillna(dags["last_observed_at"]))
    dags = dags[dags["begin"].notna()]
    lane_of = {run_id: place for place, run_id in enumerate(_in_order(dags), start=1)}
    lane_names = dags["name"].fillna("unnamed DAG") + " · " + dags["owner_agent"].fillna(dags["run_id"])
    names = dict(zip(dags["run_id"], lane_names, strict=True))
    labels = {lane_of[run_id]: text for run_id, text in names.items()}
    line = archive.table("timeline", ["run_id", "category", "started_at", "ended_at"])
    waits = line[line["category"].eq("wait_operator")].assign(role="stood", what="wait_operator", is_open=False)
    parts = (_lock_bars(locks), _run_bars(dags), waits, _marks(events, dags))
    columns = ["role", "run_id", "what", "started_at", "ended_at", "is_open"]
    rows = pd.concat([part[columns] for part in parts if len(part)], ignore_index=True)
    rows["lane"] = rows["run_id"].map(lane_of).fillna(0).astype(int).mask(rows["role"].eq("lock"), 0)
    rows["label"] = rows["lane"].map(labels).fillna(_LANE_OF_LOCKS)
    rows["cluster"] = next(iter(dags["cluster"].dropna()), None)
    axis = _axis(rows[rows["role"].eq("run")], rows)
    for name in ("started", "ended"):
        rows[f"x_{name}"] = [axis.place(moment.value) for moment in rows[f"{name}_at"]]
    rank = rows["role"].map({"lock": 0, "run": 1, "stood": 2, "mark": 3})
    return EVENT_MARKS.conform(rows.assign(rank=rank).sort_values(["lane", "rank", "started_at", "what"], kind="stable")[EVENT_MARKS.names])


def _lock_bars(locks: pd.DataFrame) -> pd.DataFrame:
    """Return a bar for each holding of a lock of the cluster or of a tenant."""
    import pandas as pd

    held = locks[locks["lock"].isin(["global", "tenant"]) & locks["taken_at"].notna()]
    until = held["taken_at"] + pd.to_timedelta((held["held_s"] * 1e9).round(), unit="ns")
    return held.assign(role="lock", what=held["lock"], started_at=held["taken_at"], ended_at=until, is_open=held["released_at"].isna())


def _run_bars(dags: pd.DataFrame) -> pd.DataFrame:
    """Return a bar for each run, from its start to its last known end."""
    ends = dags["ended_at"].fillna(dags["last_observed_at"]).fillna(dags["begin"])
    is_planned = dags["work_ok"].fillna(value=False).astype(bool) & dags["outcome"].eq("passed")
    what = dags["outcome"].mask(is_planned, _AS_PLANNED)
    return dags.assign(role="run", what=what, started_at=dags["begin"], ended_at=ends, is_open=dags["ended_at"].isna())


def _marks(events: pd.DataFrame, dags: pd.DataFrame) -> pd.DataFrame:
    """Return a mark for each request and failure, without the requests of main DAGs to their children, which are the hand-shake."""
    marks = events[events["event"].isin([*_REQUESTS, "stage_failed", "agent_restarted"])]
    children = set(dags.loc[dags["parent_run_id"].isin(set(dags["run_id"])), "run_id"])
    marks = marks[~marks["run_id"].isin(children) | marks["actor"].isin(["person", "engine"])]
    return marks.assign(role="mark", what=marks["event"], started_at=marks["at"], ended_at=marks["at"], is_open=False)


def _in_order(dags: pd.DataFrame) -> list[str]:
    """The runs by their beginning, children after their main DAG."""
    ordered = dags.sort_values(["begin", "run_id"])
    known = set(ordered["run_id"])
    below: dict[str, list[str]] = {}
    for run_id, parent in zip(ordered["run_id"], ordered["parent_run_id"], strict=True):
        below.setdefault(parent if isinstance(parent, str) and parent in known and parent != run_id else "", []).append(run_id)
    result: list[str] = []
    pending = below.get("", [])[::-1]
    while pending:
        run_id = pending.pop()
        result.append(run_id)
        pending += below.get(run_id, [])[::-1]
    return [*result, *(run_id for run_id in ordered["run_id"] if run_id not in set(result))]


def _axis(runs: pd.DataFrame, rows: pd.DataFrame) -> BrokenAxis:
    """An axis from the first moment to the last, without the time in which no run was under way."""
    if rows.empty:
        return BrokenAxis(0, 1, [])
    spans = sorted(zip((t.value for t in runs["started_at"]), (t.value for t in runs["ended_at"]), strict=True))
    idle, reached = [], min(t.value for t in rows["started_at"])
    for start, end in spans:
        if start > reached:
            idle.append((reached, start))
        reached = max(reached, end)
    return BrokenAxis(min(t.value for t in rows["started_at"]), max(t.value for t in rows["ended_at"]), idle)


def draw_events(marks: pd.DataFrame, ax: Axes | None = None, *, tz: str = "UTC") -> Axes:
    """Draw the frame of :func:`event_marks`.

    Args:
        marks: The frame to draw.
        ax: The Axes to draw into. None creates a figure.
        tz: The time zone of the axis: an offset such as ``+08:00``, or a name such as ``Asia/Shanghai``.

    Returns:
        The Axes.

    Example:
        >>> import daganalysis as da
        >>> archive = da.load("sample_data/tenant/cancelled.json")
        >>> marks = da.plots.event_marks(archive, da.events(archive), da.locks(archive))
        >>> da.plots.draw_events(marks).get_xlabel() != ""
        True
    """
    zone = zone_of(tz)
    labels = axes_layout.lane_labels(marks.drop_duplicates("lane")) | {0: _LANE_OF_LOCKS}
    ax = axes_layout.lanes_axes(max(labels) + 1) if ax is None else ax
    length = float(marks["x_ended"].max()) if len(marks) else 1.0
    ax.set_xlim(-0.01 * length, length * 1.01)
    handles: dict[str, Artist] = {}
    looks: dict[tuple[str, str | None], tuple[Artist, dict[str, None]]] = {}  # what looks alike has one entry in the legend
    for row in rows_of(marks[marks["role"].ne("mark")]):
        label, look = _bar(row["role"], row["what"])
        width = max(row["x_ended"] - row["x_started"], length * 0.0015)
        drawn = ax.barh(row["lane"], width, left=row["x_started"], **look)[0]
        _, labels_of_look = looks.setdefault((look["color"], look.get("hatch")), (drawn, {}))
        labels_of_look[label] = None
    handles |= {", ".join(alike): drawn for drawn, alike in looks.values()}
    for what, own in marks[marks["role"].eq("mark")].groupby("what"):
        look = {"marker": _MARKS[str(what)], "s": 26, "c": INK if what in {"stage_failed", "refused"} else "white", "zorder": 5}
        look |= {} if what == "stage_failed" else {"edgecolors": INK, "linewidths": 0.8}
        handles[words(str(what))] = ax.scatter(own["x_started"], own["lane"], **look)
    where = "".join(f" in {cluster}" for cluster in marks["cluster"].dropna().unique())
    axes_layout.set_title(ax, f"What happened{where}", [plural(len(labels) - 1, "DAG")], text_metrics.figure_width(ax) * 0.85)
    axes_layout.legend_below(ax, [("", handles)])
    cuts = _cuts(marks)
    instants = marks.assign(dispatched_at=marks["started_at"], noticed_at=marks["ended_at"])
    label_clock(ax, instants, cuts, zone, tz, length)  # its lines take room in the layout
    text_metrics.settle(ax)
    axes_layout.label_rows(ax, labels)
    width, height = text_metrics.size_of(ax)
    for cut in cuts:
        draw_cut(ax, cut["x_started"], cut["x_ended"])
        text = f"{human_duration((cut['ended_at'] - cut['started_at']).total_seconds())} cut"
        label_cut(ax, (cut["x_started"], cut["x_ended"]), [text], min(ax.get_ylim()), height - 6, width / length)
    label_clock(ax, instants, cuts, zone, tz, length)
    return ax


def _bar(role: str, what: str) -> tuple[str, dict[str, Any]]:
    if role == "lock":
        look: dict[str, Any] = {"color": _LOCK, "hatch": "////" if what == "tenant" else None}
        return f"{what} lock", look | {"edgecolor": INK, "linewidth": 0.4, "height": 0.5, "zorder": 2}
    if role == "stood":
        look = {"color": _STOOD, "hatch": "...", "edgecolor": INK, "linewidth": 0.3, "height": 0.34, "zorder": 3}
        return "stood FAILED until a person acted", look
    tone = Tone.CALM if what == _AS_PLANNED else RUN_OUTCOMES[what].tone if what in RUN_OUTCOMES else Tone.WARN
    return words(what), {"color": _COLOURS[tone], "edgecolor": INK, "linewidth": 0.3, "height": 0.62, "zorder": 2}


def _cuts(marks: pd.DataFrame) -> list[dict[Any, Any]]:
    """The compressed parts of the axis, which must have no tick."""
    cuts: list[dict[Any, Any]] = []
    reached: dict[str, Any] | None = None
    for row in rows_of(marks[marks["role"].eq("run")].sort_values("x_started")):
        if reached is not None and row["started_at"] > reached["ended_at"]:
            real, shown = (row["started_at"] - reached["ended_at"]).total_seconds(), row["x_started"] - reached["x_ended"]
            if real > shown + 1e-6:
                cut = {"started_at": reached["ended_at"], "ended_at": row["started_at"], "category": None}
                cuts.append(cut | {"x_started": reached["x_ended"], "x_ended": row["x_started"]})
        if reached is None or row["ended_at"] > reached["ended_at"]:
            reached = row
    return cuts
