"""Group answers into runs: by cluster and generic id, without repetitions, each run with its evidence in order of time.

The answers come in any order, and some come more than once.
"""

from __future__ import annotations

import json
from collections import Counter
from itertools import chain, pairwise
from operator import attrgetter
from typing import TYPE_CHECKING

from daganalysis.history.causal_order import order_snapshots
from daganalysis.history.database_zone import in_database_zone
from daganalysis.history.decoded_snapshots import Decoder
from daganalysis.history.evidence import RunEvidence, TaskSnapshot
from daganalysis.history.generations import generations_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from daganalysis.engine.records import Problem
    from daganalysis.history.evidence import Snapshot
    from daganalysis.reading.answers import Answer


def collect_runs(answers: Iterable[Answer]) -> list[RunEvidence]:
    """Group DAG answers into runs, in order of cluster, id and generation. The order of the answers and repetitions change nothing."""
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
        for generation, group in enumerate(generations_of(snapshots), start=1):
            run = RunEvidence(group[0].answer.cluster, key[1], generation, order_snapshots(group), zone=zone)
            if problems:
                members = {id(snapshot.answer) for snapshot in group}
                run.problems = [entry for entry in problems if id(entry[0]) in members]
            _index(run)
            runs.append(run)
    return runs


def in_order_of_time(answers: list[Answer]) -> list[Answer]:
    """Return the different responses about one DAG by the times of their envelopes; those without a time come first."""
    if len(answers) == 1:
        return answers
    moments = {(answer.observed_at, answer.trace_id) for answer in answers}
    return sorted(answers if len(moments) == len(answers) else _distinct(answers), key=lambda answer: answer.observed_at or 0)


def _distinct(answers: list[Answer]) -> list[Answer]:
    """Drop repetitions of a response: the same moment, trace and text. The source that comes first by name stays."""
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
    # One response may be in two notations: as the server sent it, and as a program wrote it again.
    distinct: dict[object, Answer] = {}
    for whole, answer in kept.items():
        several = moments[answer.observed_at, answer.trace_id] > 1
        distinct.setdefault((answer.observed_at, answer.trace_id, _plain(answer)) if several else whole, answer)
    return list(distinct.values())


def _plain(answer: Answer) -> str:
    """Return the content of an answer in one notation: without its white space, order of keys and escapes."""
    values = [json.loads(text) for text in (answer.body, *(answer.nodes or ()))]
    return json.dumps([answer.nodes is None, values], sort_keys=True)


def _position_key(position: str) -> tuple[tuple[int, int | str], ...]:
    """Order `line 9` before `line 10`."""
    return tuple((0, int(word)) if word.isdigit() and len(word) < 19 else (1, word) for word in position.split(" "))


_PROGRESS = {"PENDING": 0, "READY": 1, "RUNNING": 2, "FAILED": 3, "SUCCEED": 4}


def _moment(snapshot: Snapshot) -> tuple[int, int, int, bytes, str, str]:
    """Return the key that sorts snapshots by time; of the same moment, the one with more detail and more progress comes last."""
    answer = snapshot.answer
    return (
        snapshot.at,
        0 if snapshot.nodes is None else 1,
        _PROGRESS.get(snapshot.dag.state or "", -1),
        answer.body,
        answer.source,
        answer.position,
    )


def _merge_lists(snapshots: list[Snapshot]) -> list[str]:
    """Return the ids of all nodes in the order of their stages: that of the longest list, with the nodes of other lists placed by id.

    The engine creates nodes in the order of their stages, so their ids grow (engine-semantics §4).
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
    """Put every snapshot of nodes and sub-tasks under its id, in order of time. A snapshot that repeats the one before extends it."""
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
                # The text is that of the last answer: only the time until which it holds changes.
                shown[-1] = (at, node)
                for task in tasks:
                    run.sub_tasks[task.gid][-1].at = at
                continue
            else:
                shown.append((at, node))
            for task in tasks:
                task_snapshot = TaskSnapshot(at, at, task, node)
                task_snapshots = run.sub_tasks.get(task.gid)
                if task_snapshots is None:
                    run.sub_tasks[task.gid] = [task_snapshot]
                    run.node_of[task.gid] = gid
                else:
                    task_snapshots.append(task_snapshot)
