"""Which answers must be rebuilt together: those of one run, and of runs that refer to each other.

Every answer has the key of the entity it describes, and references: the keys of other entities that it names. Answers that share a key,
directly or through others, belong together. Over-grouping is safe; under-grouping would split a run.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from daganalysis.engine.identifiers import key_of
from daganalysis.reading.answers import Answer, Kind

if TYPE_CHECKING:
    from collections.abc import Iterable

DAG_KINDS = frozenset({Kind.DAG, Kind.DAG_FACTS})
"""Answers that describe a DAG: either kind makes a run."""
FACT_KINDS = frozenset({Kind.FACTS, Kind.DAG_FACTS, Kind.NODE_FACTS})
"""What other sources know about a run. They belong wherever their keys lead, perhaps through others of their kind."""
_KIND_OF_FACTS = {Kind.FACTS: Kind.SUB_TASK.value, Kind.NODE_FACTS: Kind.NODE.value}
OWNER = "owner "
"""Begins a reference that names the DAG an answer of another kind belongs to."""


def cluster_of(key: str, *, is_dag: bool) -> str:
    """Return the cluster label of a key, empty if it has none.

    A key of another kind than DAG begins with its kind. A label may hold blanks.

    >>> cluster_of("sub_task prod a/11", is_dag=False), cluster_of("prod a/11", is_dag=True), cluster_of("11", is_dag=True)
    ('prod a', 'prod a', '')
    """
    label, slash, _ = (key if is_dag else key.partition(" ")[2]).partition("/")
    return label if slash else ""


def entity_key(answer: Answer) -> str:
    """Return the key of an answer's object. Each kind has its own keys, because a DAG, a node and a sub-task may share an id.

    >>> entity_key(Answer(Kind.NODE, "11", b"{}", cluster="prod-a"))
    'node prod-a/11'
    """
    if answer.kind in DAG_KINDS:
        return key_of(answer.cluster, answer.gid)
    if answer.kind in _KIND_OF_FACTS:
        return f"{_KIND_OF_FACTS[answer.kind]} {key_of(answer.cluster, answer.gid)}"
    if answer.kind is Kind.LOGS:
        # A list of log records has no generic id. Its content identifies it.
        return f"logs {key_of(answer.cluster, hashlib.blake2b(answer.body, digest_size=16).hexdigest())}"
    return f"{answer.kind.value} {key_of(answer.cluster, answer.gid)}"


def references_of(answer: Answer, ids: Iterable[str]) -> tuple[str, ...]:
    """Return the keys of the DAGs that an answer names by id, each once, in order.

    >>> references_of(Answer(Kind.SUB_TASK, "11", b"{}", cluster="prod-a"), ["22130706433028869", "11"])
    ('prod-a/22130706433028869',)
    """
    return tuple(sorted(key_of(answer.cluster, gid) for gid in {*ids} if gid != answer.gid))


def references_of_facts(answer: Answer) -> tuple[str, ...]:
    """Return the keys of the nodes, sub-tasks and main DAGs that facts name. An agent's copy of a sub-task refers to the sub-task.

    >>> from daganalysis.engine.facts import Execution, encode_facts
    >>> references_of_facts(Answer(Kind.FACTS, "221307064330288657", encode_facts([Execution(task_gid="11")])))
    ('sub_task 11', 'sub_task 421307064330288657')
    """
    from daganalysis.engine.facts import decode_named
    from daganalysis.engine.identifiers import obproxy_twin

    named = decode_named(answer.body)
    tasks, nodes, dags = {one.task_gid for one in named}, {one.node_gid for one in named}, {one.parent_gid for one in named}
    (tasks if answer.kind is Kind.FACTS else nodes).add(answer.gid)
    references = {
        f"{kind} {key_of(answer.cluster, spelling)}"
        for kind, gids in ((Kind.SUB_TASK.value, tasks), (Kind.NODE.value, nodes))
        for gid in gids
        if gid is not None
        for spelling in (gid, obproxy_twin(gid))
        if spelling is not None
    }
    references |= {key_of(answer.cluster, gid) for gid in dags if gid is not None}
    if answer.kind is Kind.DAG_FACTS and (twin := obproxy_twin(answer.gid)) is not None:
        references.add(key_of(answer.cluster, twin))
    return tuple(sorted(references - {entity_key(answer)}))


@dataclass(slots=True)
class Unclaimed:
    """Answers that are not about a DAG, by the values in a DAG's nodes that claim them: node id, sub-task id, or row id with a log line."""

    keys: set[str] = field(default_factory=set)
    lines: dict[tuple[str, int | None], dict[str, set[str]]] = field(default_factory=dict)
    with_tasks: list[Answer] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.keys)

    def add(self, answer: Answer) -> None:
        """Add an answer of another kind than DAG."""
        from daganalysis.reading.decoding import decode_logs

        key = entity_key(answer)
        self.keys.add(key)
        if answer.kind is not Kind.LOGS:
            self.with_tasks.append(answer)
        else:
            for record in decode_logs(answer.body).value:
                by_line = self.lines.setdefault((answer.cluster or "", record.task_id), {})
                by_line.setdefault(record.line, set()).add(key)

    def add_facts(self, key: str, references: Iterable[str]) -> None:
        """Add facts by their key and their references. A DAG that claims the key or a reference claims the facts."""
        self.keys.add(key)
        self.keys.update(reference for reference in references if not reference.startswith(OWNER))

    def claimed_by(self, answer: Answer) -> set[str]:
        """Return the keys of the answers that a DAG answer claims."""
        from daganalysis.reading.decoding import decode_nodes

        claimed = set()
        for decoded in decode_nodes(answer.nodes or ()):
            node = decoded.value
            claimed.add(f"{Kind.NODE.value} {key_of(answer.cluster, node.gid)}")
            for task in node.sub_tasks or ():
                claimed.add(f"{Kind.SUB_TASK.value} {key_of(answer.cluster, task.gid)}")
                claimed.update(self.with_line(answer.cluster, task.task_id, task.logs or ()))
        return claimed & self.keys

    def take_joined_by_lines(self) -> dict[str, set[str]]:
        """Return the keys of the answers that share a line of one sub-task, by key: a log answer and one about a node or a sub-task.

        The answers about nodes and sub-tasks are forgotten, so that the rest is small.
        """
        from daganalysis.reading.decoding import decode_nodes, decode_sub_task

        joined: dict[str, set[str]] = {}
        for answer in self.with_tasks if self.lines else ():
            if answer.kind is Kind.SUB_TASK:
                tasks = [decode_sub_task(answer.body).value]
            else:
                tasks = [task for decoded in decode_nodes([answer.body]) for task in decoded.value.sub_tasks or ()]
            key = entity_key(answer)
            for task in tasks:
                for of_logs in self.with_line(answer.cluster, task.task_id, task.logs or ()):
                    joined.setdefault(key, set()).add(of_logs)
                    joined.setdefault(of_logs, set()).add(key)
        self.with_tasks.clear()
        return joined

    def with_line(self, cluster: str | None, row_id: int | None, lines: Iterable[str]) -> set[str]:
        """Return the keys of the log answers for a sub-task's row id that share one of these lines."""
        by_line = self.lines.get((cluster or "", row_id))
        return set() if by_line is None else set().union(*(by_line.get(line, set()) for line in lines))


class Groups:
    """Keys joined into groups (a union-find)."""

    def __init__(self) -> None:
        self._number: dict[str, int] = {}
        self._parent: list[int] = []

    def add(self, key: str, references: Iterable[str] = ()) -> int:
        """Join a key with its references; return a number for the key to ask :meth:`group` with."""
        number = self._number_of(key)
        for reference in references:
            self._parent[self.group(self._number_of(reference.removeprefix(OWNER)))] = self.group(number)
        return number

    def group(self, number: int) -> int:
        """Return the number of the group; it changes when more is joined."""
        parent = self._parent
        while parent[number] != number:
            parent[number] = parent[parent[number]]
            number = parent[number]
        return number

    def keys_of(self, roots: set[int]) -> set[str]:
        """Return all keys of some groups, given by their results of :meth:`group`."""
        return {key for key, number in self._number.items() if self.group(number) in roots} if roots else set()

    def _number_of(self, key: str) -> int:
        number = self._number.get(key)
        if number is None:
            number = self._number[key] = len(self._parent)
            self._parent.append(number)
        return number
