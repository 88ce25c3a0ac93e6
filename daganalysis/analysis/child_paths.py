"""Waits for child DAGs: the part of the path in which a run waited for another one is replaced by the other's path."""

from __future__ import annotations

from typing import TYPE_CHECKING

from daganalysis.engine.child_waits import waits_for_child
from daganalysis.tables.explanations import CRITICAL_PATH
from daganalysis.tables.plain_rows import rows_of

if TYPE_CHECKING:
    import pandas as pd

    from daganalysis.archive import Archive
    from daganalysis.tables.plain_rows import Row

_PAUSES = {"wait_protocol"}
"""A main DAG does not wait for a child that stands FAILED until the main DAG acts."""


def with_child_paths(archive: Archive, paths: pd.DataFrame) -> pd.DataFrame:
    """Replace each attempt that waited for a child DAG by the child's own path within it; the rest of the attempt is ``child_poll``.

    ``paths`` are the runs' own paths, in order of run and time; the result has the same order.
    """
    import pandas as pd

    if not archive.count("links"):
        return paths
    links = [link for link in rows_of(archive.links) if link["child_run_id"] is not None]
    if not links:
        return paths
    is_family = paths["run_id"].isin({*(link["child_run_id"] for link in links), *(link["parent_run_id"] for link in links)})
    own: dict[str, list[Row]] = {}
    for row in rows_of(paths[is_family]):
        own.setdefault(row["run_id"], []).append(_in_nanoseconds(row))
    names = dict(zip(*(archive.arrow("dags", ["run_id", "name"]).column(name).to_pylist() for name in ("run_id", "name")), strict=True))
    families = _Families(own, links, names)
    rows = [row for run_id in sorted(own) for row in _numbered(run_id, families.path(run_id))]
    told = CRITICAL_PATH.frame(CRITICAL_PATH.arrow({name: [row[name] for row in rows] for name in CRITICAL_PATH.names}))
    return CRITICAL_PATH.conform(pd.concat([paths[~is_family], told]))


class _Families:
    """Main DAGs and their child DAGs, each with its own path."""

    def __init__(self, own: dict[str, list[Row]], links: list[Row], names: dict[str, str | None]) -> None:
        self._own = own
        self._resolved: dict[str, list[Row]] = {}
        self._children: dict[str, list[Row]] = {}
        for link in sorted(links, key=lambda link: str(link["child_run_id"])):
            if link["child_run_id"] in own:
                self._children.setdefault(link["parent_run_id"], []).append(link | {"name": names.get(link["child_run_id"])})

    def path(self, run_id: str) -> list[Row]:
        """Return the path of a run, with the paths of the child runs that it waited for; a run is never part of its own path."""
        begun: set[str] = set()
        to_tell = [run_id]
        while to_tell:
            at = to_tell[-1]
            if at not in begun:
                begun.add(at)
                children = (link["child_run_id"] for link in self._children.get(at, ()))
                to_tell += [child for child in children if child not in begun and child not in self._resolved]
                continue
            to_tell.pop()
            if at not in self._resolved:
                self._resolved[at] = self._with_children(at)
        return self._resolved[run_id]

    def _with_children(self, run_id: str) -> list[Row]:
        rows: list[Row] = []
        for row in self._own.get(run_id, []):
            child = self._waited_for(row, run_id) if row["task_gid"] is not None and run_id in self._children else None
            rows += [row] if child is None else child
        return rows

    def _waited_for(self, row: Row, run_id: str) -> list[Row] | None:
        """Return the replacement of an attempt that waited for child runs; None if it waited for no known child run."""
        waited = [link for link in self._children[run_id] if waits_for_child(link["kind"], row["name"], link["name"])]
        near = [link for link in waited if link["agent"] == row["agent"]] if any(link["kind"] != "scale_out" for link in waited) else []
        clipped = [(link["child_run_id"], self._within(link["child_run_id"], row)) for link in near or waited]
        working = [(rows[-1]["ended_at"], child, rows) for child, rows in clipped if rows]
        if not working:
            return None
        # Of several children, it waited for that which was at work last.
        last = max(end for end, _, _ in working)
        child, rows = next((child, rows) for end, child, rows in working if end == last)
        return _filled(row, [part if part["child_run_id"] else part | {"child_run_id": child} for part in rows])

    def _within(self, child: str, row: Row) -> list[Row]:
        """Return the part of a child's path within a segment, without the pauses in which the child waited for its main DAG."""
        parts = []
        for part in self._resolved.get(child, self._own.get(child, [])):
            start, end = max(part["started_at"], row["started_at"]), min(part["ended_at"], row["ended_at"])
            is_other = child != row["run_id"] and part["child_run_id"] != row["run_id"]  # links of damaged answers may form a circle
            if start < end and part["category"] not in _PAUSES and is_other:
                parts.append(part | {"run_id": row["run_id"], "started_at": start, "ended_at": end})
        return parts


def _filled(row: Row, parts: list[Row]) -> list[Row]:
    """Fill the rest of a segment, between the parts, with ``child_poll``."""
    rows, cursor = [], row["started_at"]
    for part in [*parts, None]:
        until = row["ended_at"] if part is None else part["started_at"]
        if until > cursor:
            rows.append(row | {"started_at": cursor, "ended_at": until, "category": "child_poll"})
        if part is not None:
            rows.append(part)
            cursor = part["ended_at"]
    return rows


def _numbered(run_id: str, rows: list[Row]) -> list[Row]:
    numbers = range(1, len(rows) + 1)
    return [
        row | {"run_id": run_id, "seq": seq, "duration_s": (row["ended_at"] - row["started_at"]) / 1e9}
        for seq, row in zip(numbers, rows, strict=True)
    ]


def _in_nanoseconds(row: Row) -> Row:
    return row | {name: row[name].value for name in ("started_at", "ended_at")}
