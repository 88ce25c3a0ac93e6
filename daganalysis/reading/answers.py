"""What reading hands on: one usable object of one response, still as JSON text, with where it came from."""

from __future__ import annotations

import enum
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable


class Kind(enum.StrEnum):
    """What an answer's object is. Facts are what other sources say about a sub-task, DAG, node or agent (`daganalysis.engine.facts`)."""

    DAG = "dag"
    NODE = "node"
    SUB_TASK = "sub_task"
    LOGS = "logs"
    FACTS = "facts"
    DAG_FACTS = "dag_facts"
    NODE_FACTS = "node_facts"
    AGENT_FACTS = "agent_facts"


ABOUT_PARTS = frozenset({Kind.NODE, Kind.SUB_TASK, Kind.LOGS})
"""Answers about parts of a DAG. Which DAG that is, their content tells."""


class Answer(msgspec.Struct, array_like=True):
    """One DAG, node or sub-task object, or one list of log records, of one response.

    ``body`` is the object's JSON as bytes, in valid UTF-8. The body of a DAG lacks its nodes: ``nodes`` has their texts, in order, or None
    if the response shows no nodes. ``position`` is the place of the document and the JSON pointer of the object in it. Instants are
    nanoseconds since 1970 in UTC.
    """

    kind: Kind
    gid: str
    body: bytes
    nodes: list[bytes] | None = None
    cluster: str | None = None
    source: str = ""
    position: str = ""
    observed_at: int | None = None
    utc_offset_s: int | None = None
    trace_id: str | None = None
    http_status: int | None = None
    request_ms: int | None = None


@dataclass(slots=True, frozen=True)
class Issue:
    """One row of the ``issues`` table."""

    severity: str
    code: str
    source: str | None = None
    position: str | None = None
    run_id: str | None = None
    message: str = ""
    hint: str | None = None


class FileIssues(list[Issue]):
    """The issues of one file: the first ``most`` of each code. ``n_more`` counts the others, so hostile input takes no more memory."""

    __slots__ = ("_most", "_n_listed", "n_more")

    def __init__(self, most: int) -> None:
        self._most = most
        self._n_listed: Counter[str] | None = None
        self.n_more: Counter[str] | None = None

    def append(self, item: Issue) -> None:
        """Add an issue, or count it where there are enough of its code."""
        if self._n_listed is None:  # most files have no issue
            self._n_listed, self.n_more = Counter(), Counter()
        if self.n_more is not None and self._n_listed[item.code] >= self._most:
            self.n_more[item.code] += 1
            return
        self._n_listed[item.code] += 1
        super().append(item)

    def extend(self, items: Iterable[Issue]) -> None:
        """Add several issues."""
        for item in items:
            self.append(item)


@dataclass(slots=True)
class Reading:
    """What came of reading some sources."""

    answers: list[Answer] = field(default_factory=list)
    issues: list[Issue] = field(default_factory=list)
