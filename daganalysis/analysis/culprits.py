"""The place of the trouble of runs: the stage, the agent, and the cause in a few words. Sentences and the report use this one rule.

Trouble in a child DAG is trouble of its main DAG, at the place where the child failed.
"""

from __future__ import annotations

import itertools
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from daganalysis.analysis.causes import SAID_BY_OUTCOME, short_cause
from daganalysis.analysis.conclusions import WORTH_SAYING, FailurePlace
from daganalysis.analysis.node_rows import archive_of, read_nodes
from daganalysis.engine.child_waits import waits_for_child
from daganalysis.engine.identifiers import split_run_key
from daganalysis.engine.log_lines import ending_of, error_parts, is_error, newest_failure_line
from daganalysis.engine.vocabulary import CHILD_FAILED, STANDS_FAILED, SUCCEEDED
from daganalysis.tables.plain_rows import columns_of, rows_at, rows_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from daganalysis.analysis.node_rows import NodeRows, StageNames
    from daganalysis.archive import Archive
    from daganalysis.tables.plain_rows import Columns, Row


_OF_CHILDREN = ("Task.SubDag", "Task.RemoteTask")
"""How the codes begin with which a main DAG reports that a child DAG failed."""
_MOST_EARLIER = 2


@dataclass(frozen=True, slots=True)
class Culprit:
    """The place of a run's trouble or, if it had none, its longest stage.

    ``run_id`` and ``workflow`` are those of the DAG with the trouble: the run itself, or a child DAG of it. ``at_stage`` and ``at_name``
    are the stage of the run itself. ``why`` says why this stage is named: it ``failed``, it was ``retried``, the run was ``stopped`` there
    by a person, or, in a run without trouble, it was the ``slowest``. ``outcome`` is the outcome of the named attempt, ``agent`` its agent,
    ``line`` its log line, ``cause`` that line in a few words; ``error_code`` and ``line`` are null if there is no line. ``is_rollback``:
    the attempt was to undo the stage. ``n_agents`` counts the agents with the same trouble at that stage, ``n_failed`` the failed attempts
    there. ``earlier_lines`` are other lines of earlier failures of the same sub-task, the newest last.
    """

    run_id: str
    why: str
    stage: int | None
    name: str | None
    agent: str | None = None
    n_agents: int = 1
    n_failed: int = 0
    error_code: str | None = None
    line: str | None = None
    earlier_lines: tuple[str, ...] = ()
    outcome: str | None = None
    cause: str | None = None
    workflow: str | None = None
    at_stage: int | None = None
    at_name: str | None = None
    is_rollback: bool = False

    def plain(self) -> Row:
        """Return the facts as plain values."""
        return asdict(self)

    def place(self, run_id: str) -> FailurePlace | None:
        """Return the place for a sentence; None if nothing failed."""
        if self.why not in {"failed", "retried"} or self.at_stage is None:
            return None
        place = FailurePlace(self.at_stage, self.at_name, self.outcome or "failed", self.agent, self.n_agents, self.cause)
        place = place._replace(is_rollback=self.is_rollback)
        return place if self.run_id == run_id else place._replace(child=self.workflow or "of no name", child_name=self.name)


def find_culprits(archive: Archive, run_ids: Iterable[str]) -> dict[str, Culprit]:
    """Find the place of the trouble of each of some runs.

    A run without an executed stage has no entry. For a run without trouble, it is the longest stage. The sentences of
    :func:`daganalysis.runs` name the same places.
    """
    wanted = list(dict.fromkeys(run_ids))
    dags = columns_of(archive.coded("dags", EVENTFUL_BY))
    eventful = find_eventful(dags, wanted)
    source = archive_of(archive, eventful.own, len(dags["run_id"]))
    found = {}
    if eventful.own:
        nodes = read_nodes(source, dags["run_id"])
        names, by_outcome = nodes.stage_names(), decisive_stages(eventful.own, nodes)
        spent = spent_by_stage(read_waits(source))
        found = find_trouble(source, eventful, wanted, names, {**stages_of_most_time(eventful.own, spent), **by_outcome})
    return found | _slowest(archive, [run_id for run_id in wanted if run_id not in found])


def find_places(
    archive: Archive, eventful: Eventful, run_ids: Sequence[str], names: StageNames, decisive: Mapping[str, int]
) -> dict[str, FailurePlace]:
    """Find the places that the sentences about some runs name; the arguments are those of :func:`find_trouble`."""
    found = find_trouble(archive, eventful, run_ids, names, decisive, only_failed=True)
    return {run_id: place for run_id, culprit in found.items() if (place := culprit.place(run_id)) is not None}


@dataclass(frozen=True, slots=True)
class Eventful:
    """The runs that did not simply succeed, by their ids, and of each run that has any, its child runs that did not do their work."""

    own: dict[str, Row]
    children: dict[str, list[str]]


EVENTFUL_BY = ("run_id", "workflow", "outcome", "work_ok", "stage", "parent_run_id", "elapsed_s")
"""The columns of ``dags`` that tell which runs did not simply succeed."""


def find_eventful(dags: Columns, run_ids: Sequence[str]) -> Eventful:
    """Find which of some runs, and of their children that failed, did not simply succeed; ``dags`` are columns of all runs."""
    children = _failed_children(dags, run_ids)
    wanted = {*run_ids, *(child for family in children.values() for child in family)}
    places = [
        place
        for place, (run_id, outcome) in enumerate(zip(dags["run_id"], dags["outcome"], strict=True))
        if (outcome != "succeeded" or run_id in children) and run_id in wanted
    ]
    rows = rows_at({name: dags[name] for name in EVENTFUL_BY}, places)
    return Eventful({row["run_id"]: row for row in rows}, children)


def find_trouble(
    archive: Archive,
    eventful: Eventful,
    run_ids: Sequence[str],
    names: StageNames,
    decisive: Mapping[str, int],
    *,
    only_failed: bool = False,
) -> dict[str, Culprit]:
    """Find where some runs failed or were stopped. A run without a known failed attempt of its own or of a child has no entry.

    The archive has the rows of all eventful runs at least, and ``names`` the names of their stages. ``decisive`` is the most informative
    stage of a run, by :func:`decisive_stages` or else by :func:`stages_of_most_time`. For a main DAG, the place is in a child DAG that did
    not do its work; the main DAG's own failure is an echo of it. ``only_failed`` does not look at runs that were stopped without a failure.
    """
    own, children = eventful.own, eventful.children
    if not own:
        return {}
    failed = _failed(archive, own, decisive, names)
    stopped = {run_id for run_id, row in own.items() if row["outcome"] == "cancelled" and row["stage"] is not None}
    stopped &= {*failed, *children} if only_failed else stopped
    found = failed | _stopped(archive, {run_id: own[run_id] for run_id in own if run_id in stopped}, names)
    told = (run_id for run_id in run_ids if run_id in found or run_id in children)
    return {run_id: culprit for run_id in told if (culprit := _deepest(run_id, found, children, own, names)) is not None}


def read_waits(archive: Archive) -> list[Row]:
    """Return the stretches in which runs waited for a person, and those that are lost."""
    columns = ["run_id", "category", "duration_s", "from_stage", "to_stage"]
    table = archive.coded("timeline", columns, ("category", ("wait_operator", "lost")))
    return rows_at(columns_of(table), range(table.num_rows))


SpentByStage: TypeAlias = "dict[tuple[str, str], dict[int | None, float]]"
"""The seconds that a run spent waiting for a person, or that are lost, by run, category and the stage that had failed before."""


def spent_by_stage(waits: Iterable[Row]) -> SpentByStage:
    """Add up the waits and the lost time of each run and stage.

    Lost time before a stage is executed for the last time hides its earlier executions, so it is of that stage.
    """
    found: SpentByStage = {}
    for row in waits:
        stage = row["to_stage"] if row["category"] == "lost" and row["to_stage"] is not None else row["from_stage"]
        of_run = found.setdefault((row["run_id"], row["category"]), {})
        of_run[stage] = of_run.get(stage, 0.0) + row["duration_s"]
    return found


def stages_of_most_time(own: Mapping[str, Row], spent: SpentByStage) -> dict[str, int]:
    """Return the stage after which each run waited longest for a person or, if it did not wait for long, of most of its lost time."""
    found = {}
    for run_id, row in own.items():
        waited, lost = spent.get((run_id, "wait_operator"), {}), spent.get((run_id, "lost"), {})
        is_long = sum(waited.values()) >= WORTH_SAYING * (row["elapsed_s"] or 0.0)
        by_stage = waited if waited and (is_long or not lost) else lost
        known = [(seconds, stage) for stage, seconds in by_stage.items() if stage is not None]
        if known:
            found[run_id] = max(known)[1]
    return found


def decisive_stages(own: Mapping[str, Row], nodes: NodeRows) -> dict[str, int]:
    """Return the most informative stage of runs with two of the outcomes.

    It is the first stage that a person passed of a run that succeeded nevertheless, and the stage from which a run was rolled back: where
    it had failed (engine-semantics §2.4).
    """
    passed = [run_id for run_id, row in own.items() if row["outcome"] == "succeeded_with_node_pass"]
    rolled_back = [run_id for run_id, row in own.items() if row["outcome"] == "rolled_back"]
    return nodes.first_passed(passed) | nodes.last_rolled_back(rolled_back)


def _failed_children(dags: Columns, run_ids: Sequence[str]) -> dict[str, list[str]]:
    """Return the child runs that did not do their work of each run that has any, and theirs, in order of run_id."""
    of_parent: dict[str, list[str]] = {}
    told = zip(dags["parent_run_id"], dags["run_id"], dags["work_ok"], dags["outcome"], strict=True)
    for parent, run_id, work_ok, outcome in told:
        if parent is not None and (work_ok is False or (work_ok is None and outcome in CHILD_FAILED)):
            of_parent.setdefault(parent, []).append(run_id)
    found: dict[str, list[str]] = {}
    to_do = [run_id for run_id in run_ids if run_id in of_parent]
    while to_do:
        run_id = to_do.pop()
        if run_id in of_parent and run_id not in found:
            found[run_id] = sorted(of_parent[run_id])
            to_do += of_parent[run_id]
    return found


def _deepest(
    run_id: str,
    found: Mapping[str, Culprit],
    children: Mapping[str, list[str]],
    own: Mapping[str, Row],
    names: StageNames,
) -> Culprit | None:
    """Return the facts of a run. If several of its children failed, the first in order of run_id counts."""
    begun, to_do, at_last = set(), [run_id], None
    while to_do:
        member = to_do.pop()
        if member in begun:
            continue
        begun.add(member)
        if member != run_id and member in found and found[member].why == "failed":
            at_last, to_do = found[member], []
        to_do += reversed(children.get(member, []))
    if at_last is None:
        return found.get(run_id)
    outer = found.get(run_id)
    if outer is not None and not _is_echo(outer, at_last):
        return outer
    stage = outer.stage if outer is not None else own[run_id]["stage"]
    return replace(at_last, at_stage=stage, at_name=None if stage is None else names.get((run_id, stage)))


def _is_echo(outer: Culprit, child: Culprit) -> bool:
    """Return whether a main DAG failed because of a child DAG: its stage waits for one, or its line says so (engine-semantics §7)."""
    if any(waits_for_child(kind, outer.at_name, child.workflow) for kind in ("sub_dag", "scale_out", "remote")):
        return True
    if outer.line is None:
        return outer.n_failed > 0  # otherwise it was rolled back from a stage without a known attempt
    _, gid = split_run_key(child.run_id)
    return (outer.error_code or "").startswith(_OF_CHILDREN) or gid in outer.line


def _failed(source: Archive, own: Mapping[str, Row], decisive: Mapping[str, int], names: StageNames) -> dict[str, Culprit]:
    """Return, for each run, the culprit by its failed attempts of one stage."""
    columns = ["run_id", "stage", "task_gid", "attempt", "kind", "outcome", "agent", "error_code", "line"]
    table = source.coded("failed_attempts", columns)
    failed: dict[str, list[Row]] = {}
    for row in rows_at(columns_of(table), range(table.num_rows)):
        if row["run_id"] in own and row["stage"] is not None:
            failed.setdefault(row["run_id"], []).append(row)
    found = {}
    for run_id, rows in failed.items():
        stage = _decisive_stage({row["stage"] for row in rows}, own[run_id], decisive.get(run_id))
        if own[run_id]["outcome"] == "rolled_back" and run_id in decisive:
            stage = decisive[run_id]
        why = "retried" if own[run_id]["outcome"] in SUCCEEDED else "failed"
        failures = [row for row in rows if row["stage"] == stage]
        name, of_stage = names.get((run_id, stage)), _of_failures(failures, undone=own[run_id]["outcome"] == "rolled_back")
        found[run_id] = Culprit(run_id, why, stage, name, workflow=own[run_id]["workflow"], at_stage=stage, at_name=name, **of_stage)
    return found


def _decisive_stage(stages: set[int], dag: Row, decisive: int | None) -> int:
    """Choose the stage to name: where the run stands failed, the one that a person passed or acted after, or the last failed one."""
    standing = dag["stage"] if dag["outcome"] in STANDS_FAILED else None
    return next((stage for stage in (standing, decisive) if stage in stages), max(stages))


def _of_failures(failures: list[Row], *, undone: bool) -> Row:
    """Return what the failure tells that counts in one stage: the last one with a line, without any line, the last.

    In a run that was ``undone``, the failure before the rollback counts more than a failure of the rollback itself, which was repeated.
    """
    if not failures:
        return {}

    def weight(failure: Row) -> tuple[bool, bool, int]:
        return failure["line"] is not None, not (undone and failure["kind"] == "rollback"), failure["attempt"] or 0

    row = max(reversed(failures), key=weight)
    line = row["line"]
    before = dict.fromkeys(failure["line"] for failure in failures if failure["task_gid"] == row["task_gid"])
    earlier = [text for text in before if text is not None and text != line and is_error(text)]
    return {
        "agent": row["agent"],
        "n_agents": max(1, len({failure["agent"] for failure in failures} - {None})),
        "n_failed": len(failures),
        "error_code": row["error_code"],
        "line": line,
        "earlier_lines": tuple(earlier[-_MOST_EARLIER:]),
        "is_rollback": row["kind"] == "rollback",
        "outcome": _shown_outcome(row["outcome"], line),
        "cause": short_cause(line),
    }


def _shown_outcome(outcome: str, line: str | None) -> str:
    """Return how an attempt ended, as a sentence puts it: by its outcome or by its line, where one of them says more than "failed"."""
    ending = ending_of([line]) if line is not None else None
    return next((said for said in (outcome, ending) if said in SAID_BY_OUTCOME), "failed")


def _stopped(source: Archive, own: Mapping[str, Row], names: StageNames) -> dict[str, Culprit]:
    """Return where runs were cancelled: on the agents of that stage, those whose work was stopped first."""
    import pyarrow.compute as pc

    if not own:
        return {}
    cancelled: dict[str, int] = {run_id: row["stage"] for run_id, row in own.items()}
    columns = ["run_id", "stage", "task_gid", "agent", "outcome", "task_logs"]
    tasks = source.lazily(cancelled).table("sub_tasks", columns, pc.field("stage").isin(sorted(set(cancelled.values()))))
    found = {}
    for run_id, group in itertools.groupby(rows_of(tasks.sort_values(["run_id", "task_gid"])), key=lambda row: row["run_id"]):
        stage = cancelled[run_id]
        here = [row for row in group if row["stage"] == stage]
        stopped = [row for row in here if row["outcome"] == "cancelled"] or here
        if stopped:
            line = newest_failure_line(stopped[0]["task_logs"]) or None
            found[run_id] = Culprit(
                run_id,
                "stopped",
                stage,
                names.get((run_id, stage)),
                agent=stopped[0]["agent"],
                n_agents=max(1, len({row["agent"] for row in stopped} - {None})),
                error_code=error_parts(line)[0] if line else None,
                line=line,
                outcome=stopped[0]["outcome"],
                workflow=own[run_id]["workflow"],
                at_stage=stage,
                at_name=names.get((run_id, stage)),
            )
    return found


def _slowest(archive: Archive, run_ids: list[str]) -> dict[str, Culprit]:
    """Tell of the longest stage of each run, and of the agent that worked longest in it."""
    if not run_ids:
        return {}
    source = archive.lazily(run_ids)
    nodes = source.table("nodes", ["run_id", "stage", "name", "duration_s"]).dropna(subset=["run_id", "stage", "duration_s"])
    longest = nodes.sort_values(["run_id", "duration_s", "stage"], ascending=[True, False, True]).drop_duplicates("run_id")
    tasks = source.table("sub_tasks", ["run_id", "stage", "task_gid", "agent", "outcome", "duration_s"]).dropna(subset=["duration_s"])
    tasks = longest[["run_id", "stage"]].merge(tasks, on=["run_id", "stage"])
    last = tasks.sort_values(["run_id", "duration_s", "task_gid"], ascending=[True, False, True]).drop_duplicates("run_id")
    agents = {row["run_id"]: row for row in rows_of(last)}
    found = {}
    for row in rows_of(longest):
        run_id, stage, name = row["run_id"], row["stage"], row["name"]
        task = agents.get(run_id, {})
        told = Culprit(run_id, "slowest", stage, name, agent=task.get("agent"), outcome=task.get("outcome"))
        found[run_id] = replace(told, at_stage=stage, at_name=name)
    return found


def find_undone(archive: Archive, run_ids: list[str]) -> dict[str, FailurePlace]:
    """Find sub-tasks that a retry rolled back and did not run again, though the stage succeeded (engine-semantics §2.3)."""
    import pyarrow.compute as pc

    flagged = archive.table("issues", ["run_id"], pc.field("code") == "rolled-back-not-redone")["run_id"].dropna()
    wanted = sorted(set(flagged) & set(run_ids))
    if not wanted:
        return {}
    source = archive.lazily(wanted)
    tasks = source.table("sub_tasks", ["run_id", "stage", "task_gid", "agent"], pc.field("outcome") == "rolled_back")
    nodes = source.table("nodes", ["run_id", "stage", "name"], pc.field("outcome") == "succeeded")
    found = tasks.merge(nodes, on=["run_id", "stage"]).sort_values(["run_id", "stage", "task_gid"])
    places = {}
    for run_id, rows in found.groupby("run_id"):
        first = rows.iloc[0]
        same = rows[rows["stage"].eq(first["stage"])]
        name, agent = (value if isinstance(value, str) else None for value in (first["name"], first["agent"]))
        places[str(run_id)] = FailurePlace(int(first["stage"]), name, "rolled_back", agent, max(1, same["agent"].nunique()), None)
    return places
