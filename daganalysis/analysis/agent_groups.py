"""Runs grouped by facts about their agents: by version, zone or any other column of the table ``agents``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from daganalysis.errors import UsageError
from daganalysis.tables import AGENTS

if TYPE_CHECKING:
    from daganalysis.archive import Archive

_COLUMNS = tuple(name for name in AGENTS.names if name not in {"cluster", "observed_at", "source"})


def runs_by_agents(archive: Archive, by: str) -> dict[str, list[str]]:
    """Return the runs whose agents agree in a column of ``agents``, by its value, in order of each value's first run.

    A run counts with the last known value of its agents before it began or, if there is no earlier one, with the first one after. A run
    whose agents differ, or whose agents have no known value, is in no group. Raises :class:`UsageError` for another column.

    >>> import daganalysis as da
    >>> runs_by_agents(da.load("sample_data/databases"), "obshell_version")
    {'4.5.0.0-1': ['1302', '232212259950288617', '232212259950288677', '232212259960288627']}
    """
    if by not in _COLUMNS:
        raise UsageError("no such column of agents", where=by, hint=", ".join(_COLUMNS))
    groups: dict[str, list[str]] = {}
    for run_id, values_known in values_of_agents(archive, by, archive).items():
        values = {*values_known.values()}
        if len(values) == 1 and (value := values.pop()) is not None:
            groups.setdefault(value, []).append(run_id)
    return {value: sorted(runs) for value, runs in groups.items()}


def values_of_agents(archive: Archive, column: str, some: Archive) -> dict[str, dict[str, str | None]]:
    """Return for each of some runs the value of a column of ``agents`` for each of its agents when the run started.

    The last known value before the run began counts, or the first one after; None if no value is known.
    """
    values_known: dict[tuple[str, str], list[tuple[int, str]]] = {}
    agents = archive.table("agents", list(dict.fromkeys(["cluster", "agent", "observed_at", column])))
    for row in agents[agents[column].notna()].to_dict("records"):
        values_known.setdefault((_text(row["cluster"]), row["agent"]), []).append((_nanoseconds(row["observed_at"]), str(row[column])))
    of_run: dict[str, set[str]] = {}
    for run_id, agent in some.table("sub_tasks", ["run_id", "agent"]).dropna().itertuples(index=False):
        of_run.setdefault(run_id, set()).add(agent)
    dags = some.table("dags", ["run_id", "cluster", "started_at", "created_at", "first_observed_at"])
    dags["begun"] = dags["started_at"].fillna(dags["created_at"]).fillna(dags["first_observed_at"])
    return {
        row["run_id"]: {
            agent: _value_at(values_known.get((_text(row["cluster"]), agent), []), _nanoseconds(row["begun"]))
            for agent in sorted(of_run.get(row["run_id"], ()))
        }
        for row in dags.sort_values(["begun", "run_id"]).to_dict("records")
    }


def split_by_agents(archive: Archive, by: str) -> tuple[Archive, Archive, str]:
    """Return the two groups of runs to compare, and their names: those of two values of a column of ``agents``, the earlier one first.

    ``by`` is the column, or ``column=earlier,later`` if it has more than two values. Raises :class:`UsageError` with the existing values if
    there are not two groups.
    """
    column, _, wanted = by.partition("=")
    groups = runs_by_agents(archive, column)
    names = wanted.split(",") if wanted else list(groups)
    if len(names) != 2 or not set(names) <= groups.keys():
        known = ", ".join(f"{value} ({len(runs)} runs)" for value, runs in groups.items()) or "none is known"
        raise UsageError("two groups can be compared", where=f"--by {by}", hint=f"values: {known}; name two: --by {column}=ONE,OTHER")
    base, candidate = (archive.only(groups[name]) for name in names)
    rest = len(archive) - len(base) - len(candidate)
    said = f"{column} {names[0]} ({len(base)} runs) against {names[1]} ({len(candidate)} runs)"
    return base, candidate, f"{said}; {rest} others left out" if rest else said


def _value_at(values_known: list[tuple[int, str]], at: int) -> str | None:
    """Return the last value by then, or the first one after if there is none."""
    before = [one for one in values_known if one[0] <= at]
    if before:
        return max(before)[1]
    return min(values_known)[1] if values_known else None


def _nanoseconds(instant: object) -> int:
    """Return an instant as a number; what has no time comes first."""
    value = getattr(instant, "value", 0)
    return max(int(value), 0)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
