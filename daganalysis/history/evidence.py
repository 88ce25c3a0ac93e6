"""Evidence: everything the answers say of one run, decoded once and put in order of time.

Answers come in any order and more than once. Here they become runs: grouped by cluster and generic id, duplicates dropped, ids that came
back after a cluster was re-created told apart, every different node text decoded once.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from itertools import chain, pairwise
from operator import attrgetter
from typing import TYPE_CHECKING

import msgspec

from daganalysis.engine.identifiers import key_of
from daganalysis.engine.records import Problem
from daganalysis.history.causal_order import order_snapshots
from daganalysis.history.database_zone import DatabaseZone, in_database_zone
from daganalysis.reading.decoding import decode_dags, decode_nodes

if TYPE_CHECKING:
    from collections.abc import Iterable

    from daganalysis.engine.facts import Child
    from daganalysis.engine.records import Dag, Node, SubTask
    from daganalysis.history.written_lines import LineTimes
    from daganalysis.reading.answers import Answer


@dataclass(slots=True)
class Snapshot:
    """What one response said of one DAG: ``at`` orders it (its envelope's timestamp, or else the newest instant in it).

    ``n_listed`` is how many different nodes it listed, ``places`` the place of each usable one among them where some were not usable.
    """

    answer: Answer
    dag: Dag
    nodes: list[Node] | None
    at: int
    n_listed: int | None = None
    places: list[int] | None = None


class Sighting(msgspec.Struct, gc=False):
    """One sub-task as answers from ``since`` to ``at`` showed it, with its node where the same answer showed that.

    A struct, as the records are: there are at least as many sightings as records.
    """

    since: int
    at: int
    task: SubTask
    node: Node | None = None


@dataclass(slots=True)
class RunEvidence:
    """All that is known of one run; ``stages`` are its nodes' generic ids in order."""

    cluster: str | None
    gid: str
    generation: int = 1
    snapshots: list[Snapshot] = field(default_factory=list)
    stages: list[str] = field(default_factory=list)
    nodes: dict[str, list[tuple[int, Node]]] = field(default_factory=dict)
    sub_tasks: dict[str, list[Sighting]] = field(default_factory=dict)
    node_of: dict[str, str] = field(default_factory=dict)
    attempt_lines: dict[str, dict[int, list[str]]] = field(default_factory=dict)
    told_rows: set[int] = field(default_factory=set)
    """Nodes and sub-tasks (by ``id``) that no answer showed: a log or a database tells how they stood."""
    created: int | None = None
    """When its rows were created, where a source tells it."""
    told_child: tuple[Child, str] | None = None
    """The request of its main DAG that created it, where a log shows it, and the file that does."""
    begun: int | None = None
    """When it was started for the first time, where a log tells of its beginning."""
    names: dict[str, str] = field(default_factory=dict)
    """Names of nodes and sub-tasks that no answer showed."""
    line_times: dict[str, LineTimes] = field(default_factory=dict)
    """By sub-task: when its attempts wrote log lines, by the clock of the database."""
    problems: list[tuple[Answer, Problem, int | None]] = field(default_factory=list)

    zone: DatabaseZone | None = None
    """The zone of the database, where it is not that of the agents."""

    run_id: str = field(init=False)
    """The key of the run in every table."""

    def __post_init__(self) -> None:
        key = key_of(self.cluster, self.gid)
        self.run_id = key if self.generation == 1 else f"{key}#{self.generation}"

    @property
    def newest(self) -> Dag:
        """The DAG's own fields as the newest answer showed them."""
        return self.snapshots[-1].dag

    @property
    def first_at(self) -> int:
        """When the run was first seen."""
        return self.snapshots[0].at


class Decoder:
    """Decodes each different text of some answers once; identical texts give the same object."""

    def __init__(self, answers: Iterable[Answer]) -> None:
        answers = list(answers)
        bodies = list(dict.fromkeys(answer.body for answer in answers))
        self._dags = dict(zip(bodies, decode_dags(bodies), strict=True))
        texts = list(dict.fromkeys(chain.from_iterable(answer.nodes or () for answer in answers)))
        decoded = decode_nodes(texts)
        self._nodes = {text: one.value for text, one in zip(texts, decoded, strict=True)}
        self._problems = {text: one.problems for text, one in zip(texts, decoded, strict=True) if one.problems}

    def snapshot(self, answer: Answer) -> tuple[Snapshot, list[tuple[Answer, Problem, int | None]]]:
        """Decode one DAG answer; problems come with the index of the node they lie in (None: in the DAG itself).

        Those of a node are told of the answer alone that is the first to show its text.
        """
        header = self._dags[answer.body]
        found: list[tuple[Answer, Problem, int | None]] = [(answer, problem, None) for problem in header.problems]
        nodes: list[Node] | None = None
        n_listed: int | None = None
        places: list[int] | None = None
        if answer.nodes is not None:
            nodes = [self._nodes[text] for text in answer.nodes]
            if self._problems:
                for index, text in enumerate(answer.nodes):
                    found.extend((answer, problem, index) for problem in self._problems.pop(text, ()))
            listed = list(dict.fromkeys(node.gid or place for place, node in enumerate(nodes)))
            nodes, n_listed = _usable(nodes, answer, found), len(listed)
            if len(nodes) < n_listed:
                places = [listed.index(node.gid) + 1 for node in nodes]
        return Snapshot(answer, header.value, nodes, _order(answer, header.value, nodes), n_listed, places), found


def _usable(nodes: list[Node], answer: Answer, found: list[tuple[Answer, Problem, int | None]]) -> list[Node]:
    """Leave out nodes and sub-tasks without an id, or with one that the answer has shown before; put nodes into their true order."""
    gids = [node.gid for node in nodes]
    tasks = [task.gid for node in nodes for task in node.sub_tasks or ()]
    if all(gids) and len(set(gids)) == len(gids) and len(set(tasks)) == len(tasks) and not _out_of_order(nodes):
        return nodes
    seen_nodes: set[str] = set()
    seen_tasks: set[str] = set()
    kept = []
    for index, node in enumerate(nodes):
        if not node.gid:
            continue  # decoding has said so
        if node.gid in seen_nodes:
            found.append((answer, Problem("/id", "duplicate-id", f"node {node.gid} is twice in one answer; the first one counts"), index))
            continue
        seen_nodes.add(node.gid)
        own = [task.gid for task in node.sub_tasks or ()]
        if len(set(own)) < len(own) or not seen_tasks.isdisjoint(own):
            twice = sorted(gid for gid, n in Counter(own).items() if n > 1 or gid in seen_tasks)
            found.append(
                (answer, Problem("/sub_tasks", "duplicate-id", f"sub-task {twice[0]} is twice in one answer; the first one counts"), index)
            )
            kept.append(msgspec.structs.replace(node, sub_tasks=_first_of_each(node.sub_tasks or (), seen_tasks)))
        else:
            kept.append(node)
        seen_tasks.update(own)
    if _out_of_order(kept):
        found.append(
            (
                answer,
                Problem("/nodes", "nodes-out-of-order", "ids and start times of the nodes imply another order; that order was used"),
                None,
            )
        )
        kept.sort(key=lambda node: node.node_id or 0)
    return kept


def _first_of_each(tasks: Iterable[SubTask], seen: set[str]) -> list[SubTask]:
    kept: dict[str, SubTask] = {}
    for task in tasks:
        if task.gid not in seen:
            kept.setdefault(task.gid, task)
    return list(kept.values())


def _out_of_order(nodes: list[Node]) -> bool:
    """The order in an answer is that of the stages (engine-semantics §2.4); it is doubted only where ids and first runs both deny it."""
    ids = [node.node_id for node in nodes if node.node_id is not None]
    if len(ids) < len(nodes) or ids == sorted(ids):
        return False
    starts = [
        node.start for node in nodes if node.operator == "RUN" and node.state in {"RUNNING", "FAILED", "SUCCEED"} and node.start is not None
    ]
    return len(starts) > 1 and starts != sorted(starts)


def _order(answer: Answer, dag: Dag, nodes: list[Node] | None) -> int:
    if answer.observed_at is not None:
        return answer.observed_at
    instants = [dag.start, dag.end]
    for node in nodes or ():
        instants += [node.start, node.end]
        for task in node.sub_tasks or ():
            instants += [task.start, task.end]
    return max((instant for instant in instants if instant is not None), default=0)


def collect_runs(answers: Iterable[Answer]) -> list[RunEvidence]:
    """Group DAG answers into runs, in order of cluster, id and generation; the order and the repetition of the answers are irrelevant."""
    by_key: dict[tuple[str, str], list[Answer]] = {}
    for answer in answers:
        by_key.setdefault((answer.cluster or "", answer.gid), []).append(answer)
    by_key = {key: _distinct(same_key) for key, same_key in by_key.items()}
    decoder = Decoder(chain.from_iterable(by_key.values()))
    runs = []
    for key in sorted(by_key):
        problems: list[tuple[Answer, Problem, int | None]] = []
        snapshots = []
        for answer in by_key[key]:
            snapshot, found = decoder.snapshot(answer)
            snapshots.append(snapshot)
            problems += found
        snapshots, zone = in_database_zone(key[1], snapshots)
        snapshots.sort(key=_moment)
        for generation, group in enumerate(_generations(snapshots), start=1):
            run = RunEvidence(group[0].answer.cluster, key[1], generation, order_snapshots(group), zone=zone)
            if problems:
                members = {id(snapshot.answer) for snapshot in group}
                run.problems = [entry for entry in problems if id(entry[0]) in members]
            _index(run)
            runs.append(run)
    return runs


def _distinct(answers: list[Answer]) -> list[Answer]:
    """Drop repetitions of a response: the same moment, trace and text. The first source in order of name stays."""
    if len(answers) == 1:
        return answers
    ordered = sorted(answers, key=attrgetter("source"))
    if any(one.source == other.source for one, other in pairwise(ordered)):
        ordered.sort(key=lambda a: (a.source, _position_key(a.position)))
    kept: dict[tuple[object, ...], Answer] = {}
    for answer in ordered:
        content = (answer.observed_at, answer.trace_id, answer.body, None if answer.nodes is None else tuple(answer.nodes))
        kept.setdefault(content, answer)
    moments = Counter((answer.observed_at, answer.trace_id) for answer in kept.values())
    if len(moments) == len(kept):
        return list(kept.values())
    # One response in two notations: as it came, and as a program wrote it again or a wrapper holds it beside.
    distinct: dict[object, Answer] = {}
    for whole, answer in kept.items():
        several = moments[answer.observed_at, answer.trace_id] > 1
        distinct.setdefault((answer.observed_at, answer.trace_id, _plain(answer)) if several else whole, answer)
    return list(distinct.values())


def _plain(answer: Answer) -> str:
    """Return what an answer says, whatever the white space, the order of the keys and the escapes in it."""
    values = [json.loads(text) for text in (answer.body, *(answer.nodes or ()))]
    return json.dumps([answer.nodes is None, values], sort_keys=True)


def _position_key(position: str) -> tuple[tuple[int, int | str], ...]:
    """Order `line 9` before `line 10`."""
    return tuple((0, int(word)) if word.isdigit() and len(word) < 19 else (1, word) for word in position.split(" "))


_PROGRESS = {"PENDING": 0, "READY": 1, "RUNNING": 2, "FAILED": 3, "SUCCEED": 4}


def _moment(snapshot: Snapshot) -> tuple[int, int, int, bytes, str, str]:
    """The order of snapshots: by time; of one moment, the one that tells more, and is further on, last."""
    answer = snapshot.answer
    return (
        snapshot.at,
        0 if snapshot.nodes is None else 1,
        _PROGRESS.get(snapshot.dag.state or "", -1),
        answer.body,
        answer.source,
        answer.position,
    )


def _generations(snapshots: list[Snapshot]) -> list[list[Snapshot]]:
    """Tell apart the runs behind one key: ids come back after a cluster was re-created (contract, Identity)."""
    if len(snapshots) == 1:
        return [snapshots]
    groups: list[_Generation] = []
    for snapshot in snapshots:
        home = next((group for group in reversed(groups) if group.is_of(snapshot.dag)), None)
        if home is None or home.ended_before(snapshot):
            home = _Generation()
            groups.append(home)
        home.add(snapshot)
    return [group.snapshots for group in groups]


@dataclass(slots=True)
class _Generation:
    """The snapshots of one of the DAGs behind a key, and what the next is held against."""

    snapshots: list[Snapshot] = field(default_factory=list)
    name: str | None = None
    max_stage: int | None = None
    ended: int | None = None
    succeeded: bool = False
    success: int | None = None
    """When it succeeded, if it did: that is for good."""
    counters: dict[str, tuple[int, int | None]] = field(default_factory=dict)
    """By sub-task: its highest execute_times, and the start of that attempt if it has begun, as far as was counted."""
    n_counted: int = 0
    """How many snapshots were counted: most runs never ask."""
    nodes: dict[str, Node] = field(default_factory=dict)
    """The nodes that were last looked into."""

    def is_of(self, dag: Dag) -> bool:
        """Tell whether a DAG may be this one, by what never changes."""
        if self.success is not None and dag.state == "SUCCEED" and dag.end is not None and dag.end != self.success:
            return False
        return (dag.name is None or self.name is None or dag.name == self.name) and (
            dag.max_stage is None or self.max_stage is None or dag.max_stage == self.max_stage
        )

    def add(self, snapshot: Snapshot) -> None:
        """Take a snapshot in, in order of time."""
        dag = snapshot.dag
        self.snapshots.append(snapshot)
        self.name = dag.name if self.name is None else self.name
        self.max_stage = dag.max_stage if self.max_stage is None else self.max_stage
        self.succeeded = self.succeeded or dag.state == "SUCCEED"
        if dag.state == "SUCCEED" and self.success is None:
            self.success = dag.end
        if dag.state in {"FAILED", "SUCCEED"} and dag.end is not None:
            self.ended = dag.end if self.ended is None else max(self.ended, dag.end)

    def _count(self) -> dict[str, tuple[int, int | None]]:
        for node in chain.from_iterable(snapshot.nodes or () for snapshot in self.snapshots[self.n_counted :]):
            if self.nodes.get(node.gid) is node:
                continue
            self.nodes[node.gid] = node
            for task in node.sub_tasks or ():
                known = self.counters.get(task.gid)
                if task.execute_times and (known is None or task.execute_times >= known[0]):
                    self.counters[task.gid] = (task.execute_times, task.start if _has_begun(task) else None)
        self.n_counted = len(self.snapshots)
        return self.counters

    def ended_before(self, snapshot: Snapshot) -> bool:
        """Tell whether this run had ended before the one of a snapshot was created.

        Nothing is asked of a DAG that has succeeded. A retry of one that failed moves starts beyond the end of the leg before it too, but
        never without raising execute_times.
        """
        ended = self.ended
        if ended is None or snapshot.dag.start is None or snapshot.dag.start <= ended:
            return False
        if self.succeeded:
            return True
        if snapshot.nodes is None:
            # Without nodes, only a DAG that never started can be recognised: a retried one has no start while it is READY.
            return snapshot.dag.state == "READY" and snapshot.dag.operator == "RUN"
        counters = self._count()
        for node in snapshot.nodes:
            for task in node.sub_tasks or ():
                before, now = counters.get(task.gid), task.execute_times
                if now is None or before is None:
                    continue
                restarted = _has_begun(task) and task.start is not None and before[1] is not None and task.start > ended >= before[1]
                if now < before[0] or (now == before[0] and restarted):
                    return True
        return False


def _has_begun(task: SubTask) -> bool:
    return task.state in {"RUNNING", "FAILED", "SUCCEED"}


def _merge_lists(snapshots: list[Snapshot]) -> list[str]:
    """Return the ids of all nodes, in the order of their stages: that of the longest list, with what others add placed by id.

    Nodes are created in the order of their stages, so that their ids grow (engine-semantics §4).
    """
    richest = max((s for s in snapshots if s.nodes), key=lambda s: (len(s.nodes or ()), s.at), default=None)
    if richest is None:
        return []
    stages = [node.gid for node in richest.nodes or ()]
    others = dict.fromkeys(node.gid for s in snapshots if s is not richest for node in s.nodes or ())
    added = [gid for gid in others if gid not in set(stages)]
    if not added:
        return stages
    every = stages + added
    grows = all(gid.isdecimal() for gid in every) and stages == sorted(stages, key=int)
    return sorted(every, key=int) if grows else every


def _index(run: RunEvidence) -> None:
    """Put every sighting of nodes and sub-tasks under its id, in order of time, each different one once."""
    run.stages = _merge_lists(run.snapshots)
    known = set(run.stages)
    for snapshot in run.snapshots:
        at = snapshot.at
        for node in snapshot.nodes or ():
            gid, tasks = node.gid, node.sub_tasks or ()
            shown = run.nodes.get(gid)
            if shown is None:
                run.nodes[gid] = [(at, node)]
                if gid not in known:
                    known.add(gid)
                    run.stages.append(gid)
            elif shown[-1][1] is node:
                # Byte for byte what the last answer said: only the time until which it held moves on.
                shown[-1] = (at, node)
                for task in tasks:
                    run.sub_tasks[task.gid][-1].at = at
                continue
            else:
                shown.append((at, node))
            for task in tasks:
                sighting = Sighting(at, at, task, node)
                sightings = run.sub_tasks.get(task.gid)
                if sightings is None:
                    run.sub_tasks[task.gid] = [sighting]
                    run.node_of[task.gid] = gid
                else:
                    sightings.append(sighting)
