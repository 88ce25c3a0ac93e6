"""Decode answers into snapshots: each different text once, without nodes and sub-tasks that cannot be used."""

from __future__ import annotations

from collections import Counter
from itertools import chain
from typing import TYPE_CHECKING

import msgspec

from daganalysis.engine.records import Problem
from daganalysis.engine.states import BEGUN
from daganalysis.history.evidence import Snapshot
from daganalysis.reading.decoding import decode_dags, decode_nodes

if TYPE_CHECKING:
    from collections.abc import Iterable

    from daganalysis.engine.records import Dag, Node, SubTask
    from daganalysis.reading.answers import Answer


class Decoder:
    """Decodes each different text of the answers once; equal texts give the same object."""

    def __init__(self, answers: Iterable[Answer]) -> None:
        answers = list(answers)
        bodies = list(dict.fromkeys(answer.body for answer in answers))
        self._dags = dict(zip(bodies, decode_dags(bodies), strict=True))
        texts = list(dict.fromkeys(chain.from_iterable(answer.nodes or () for answer in answers)))
        decoded = decode_nodes(texts)
        self._nodes = {text: one.value for text, one in zip(texts, decoded, strict=True)}
        self._problems = {text: one.problems for text, one in zip(texts, decoded, strict=True) if one.problems}

    def snapshot(self, answer: Answer) -> tuple[Snapshot, list[tuple[Answer, Problem, int | None]]]:
        """Decode one DAG answer. Each problem comes with the index of its node (None: a problem of the DAG itself).

        A problem in a node's text is reported once, for the first answer that shows the text.
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
    """Return the nodes without those that lack an id or repeat one, likewise their sub-tasks, in the order of their stages."""
    gids = [node.gid for node in nodes]
    tasks = [task.gid for node in nodes for task in node.sub_tasks or ()]
    if all(gids) and len(set(gids)) == len(gids) and len(set(tasks)) == len(tasks) and not _out_of_order(nodes):
        return nodes
    seen_nodes: set[str] = set()
    seen_tasks: set[str] = set()
    kept = []
    for index, node in enumerate(nodes):
        if not node.gid:
            continue  # decoding has reported it
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
    """Return whether ids and first starts both contradict the order in the answer, which is normally that of the stages."""
    ids = [node.node_id for node in nodes if node.node_id is not None]
    if len(ids) < len(nodes) or ids == sorted(ids):
        return False
    starts = [node.start for node in nodes if node.operator == "RUN" and node.state in BEGUN and node.start is not None]
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
