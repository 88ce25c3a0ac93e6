"""Links between main DAGs and their child DAGs (engine-semantics §7)."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

from daganalysis.engine.identifiers import identify, key_of
from daganalysis.engine.log_lines import may_name_a_dag, remote_child, scale_out_child, sent_operator, sub_dag_created

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from daganalysis.history.evidence import RunEvidence, TaskSnapshot


@dataclass(frozen=True, slots=True)
class Link:
    """One main DAG and one of its children; each has its run if the archive holds it."""

    parent_run_id: str
    child_gid: str
    child_run_id: str | None
    agent: str | None
    kind: str
    evidence: str


def may_name_relatives(data: str | None) -> bool:
    """Return quickly whether the additional data of a DAG may name its main DAG or its sub-DAGs."""
    return data is not None and ("main_dag_id" in data or "sub_dags" in data or "\\" in data)


def named_dags(runs: Iterable[RunEvidence], naming_lines: Mapping[str, Sequence[str]]) -> set[tuple[str, str]]:
    """Return the cluster and the generic id of every DAG that some runs name; ``naming_lines`` has their lines that name DAGs, by key."""
    found: set[tuple[str, str]] = set()
    for run in runs:
        data = _additional_data(run)
        for gid, _, _ in chain(_children_named_by(run, data, naming_lines[run.run_id]), _parents_named_by(run, data)):
            found.add((run.cluster or "", gid))
    return found


def lines_naming_dags(run: RunEvidence) -> list[str]:
    """Return the log lines of a run that may name another DAG, of each sub-task from the longest list that was seen."""
    lines = list(chain.from_iterable([s[0].task.logs or () if len(s) == 1 else _longest_logs(s) for s in run.sub_tasks.values()]))
    # Most runs have none, and one text is looked through sooner than many.
    return list(filter(may_name_a_dag, lines)) if may_name_a_dag("\n".join(lines)) else []


def _longest_logs(task_snapshots: Sequence[TaskSnapshot]) -> Sequence[str]:
    return max((s.task.logs for s in task_snapshots if s.task.logs), key=len, default=())


def find_links(runs: Sequence[RunEvidence], naming_lines: Mapping[str, Sequence[str]]) -> list[Link]:
    """Find the links among the runs of one archive, ordered by parent and child.

    ``naming_lines`` has, by the key of a run, the lines of its log that name another DAG.

    Additional data outweighs logs. If an id names several runs (of a re-created cluster), the one that was first seen after the other run
    counts.
    """
    by_key: dict[tuple[str | None, str], list[RunEvidence]] = {}
    for run in runs:
        by_key.setdefault((run.cluster, run.gid), []).append(run)
    found: dict[tuple[str, str], Link] = {}
    for run in runs:
        data = _additional_data(run)
        for child_gid, kind, evidence in _children_named_by(run, data, naming_lines[run.run_id]):
            child = _nearest(by_key.get((run.cluster, child_gid), []), run)
            _keep(found, run.run_id, child_gid, child, kind, evidence)
        for parent_gid, kind, evidence in _parents_named_by(run, data):
            parent = _nearest(by_key.get((run.cluster, parent_gid), []), run)
            parent_id = parent.run_id if parent else key_of(run.cluster, parent_gid)
            _keep(found, parent_id, run.gid, run, kind, evidence)
    return [found[key] for key in sorted(found)]


def _keep(found: dict[tuple[str, str], Link], parent_id: str, child_gid: str, child: RunEvidence | None, kind: str, evidence: str) -> None:
    key = (parent_id, child_gid)
    if key in found and found[key].evidence == "additional_data":
        return
    child_id = child.run_id if child else None
    found[key] = Link(parent_id, child_gid, child_id, identify(child_gid).owner_agent, kind, evidence)


def _nearest(candidates: Sequence[RunEvidence], other: RunEvidence) -> RunEvidence | None:
    return min(candidates, key=lambda run: (abs(run.first_at - other.first_at), run.generation), default=None)


def _parents_named_by(run: RunEvidence, data: Mapping[str, object]) -> Iterator[tuple[str, str, str]]:
    """Yield the main DAG that a run names, and the main DAG that requested it according to an agent's log."""
    if parent_gid := _text(data.get("main_dag_id")):
        yield parent_gid, "scale_out" if run.newest.name == "Local scale out" else "sub_dag", "additional_data"
    if run.logged_creation is not None:
        yield run.logged_creation[0].parent_gid, "sub_dag", "log"


def _children_named_by(run: RunEvidence, data: Mapping[str, object], lines: Iterable[str]) -> Iterator[tuple[str, str, str]]:
    sub_dags = data.get("sub_dags")
    if isinstance(sub_dags, dict):
        for gid in sub_dags.values():
            if text := _text(gid):
                yield text, "sub_dag", "additional_data"
    for line in lines:
        if gid := scale_out_child(line):
            yield gid, "scale_out", "log"
        elif gid := sub_dag_created(line):
            yield gid, "sub_dag", "log"
        elif (gid := remote_child(line)) and gid != run.gid:
            yield gid, "remote", "log"
        elif sent := sent_operator(line):
            yield sent[1], "remote", "log"


def retries_sent(runs: Iterable[RunEvidence], naming_lines: Mapping[str, Iterable[str]]) -> Counter[tuple[str | None, str]]:
    """Count how often a task asked another DAG to retry, by cluster and the child's generic id."""
    sent = ((run.cluster, sent_operator(line)) for run in runs for line in naming_lines[run.run_id])
    return Counter((cluster, asked[1]) for cluster, asked in sent if asked is not None and asked[0] == "RETRY")


def _additional_data(run: RunEvidence) -> dict[str, object]:
    for snapshot in reversed(run.snapshots):
        text = snapshot.dag.additional_data
        if text and text != "{}":
            try:
                value = json.loads(text)
            except ValueError:
                return {}
            return value if isinstance(value, dict) else {}
    return {}


def _text(value: object) -> str | None:
    if isinstance(value, str) and value:
        return value
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else None
