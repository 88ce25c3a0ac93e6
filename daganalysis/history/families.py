"""Families: answers that must be rebuilt together, because one run's story depends on another's.

Found by scanning texts, not by decoding them, so that a large archive can be cut into pieces before the costly work begins.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from daganalysis.reading.answers import Answer, Kind

if TYPE_CHECKING:
    from collections.abc import Iterable

_IN_BODY = re.compile(rb'"main_dag_id"\s*:\s*"?(\d{2,64})|"\[?[0-9A-Fa-f.:]+\]?:\d{1,5}"\s*:\s*"(\d{2,64})"')
_IN_LOGS = re.compile(rb"(?:genericID:|[Rr]emote task |/task/dag/)(\d{2,64})")


def related_ids(answer: Answer) -> set[str]:
    """Return the generic ids of other DAGs that an answer may speak of: its main DAG, its children. Too many do no harm.

    >>> related_ids(Answer(Kind.DAG, "11", b'{"additional_data":{"main_dag_id":"22130706433028869"}}'))
    {'22130706433028869'}
    """
    found = ids_in_body(answer.body)
    for node in answer.nodes or ():
        found |= ids_in_logs(node)
    return found - {answer.gid}


def ids_in_body(body: bytes) -> set[str]:
    """Return the ids that additional data names: those of the main DAG and of the sub-DAGs."""
    if body.count(b"{") - body.count(b"{}") < 2:
        return set()  # nothing but the object itself
    return {(one or other).decode() for one, other in _IN_BODY.findall(body)}


def ids_in_logs(node: bytes) -> set[str]:
    """Return the ids that the log lines in a node's text name."""
    if b"genericID:" in node or b"emote task " in node or b"/task/dag/" in node:
        return {gid.decode() for gid in _IN_LOGS.findall(node)}
    return set()


class Families:
    """Groups of run keys that belong together (a union-find over (cluster, generic id))."""

    def __init__(self) -> None:
        self._parent: dict[tuple[str, str], tuple[str, str]] = {}
        self._whole: set[str] = set()

    def add(self, answer: Answer) -> None:
        """Take note of an answer.

        A node, sub-task or log answer may belong to any run of its cluster, so the cluster stays whole where there is one.
        """
        cluster = answer.cluster or ""
        if answer.kind is not Kind.DAG:
            self._whole.add(cluster)
            return
        key = (cluster, answer.gid)
        self._parent.setdefault(key, key)
        for gid in related_ids(answer):
            self.join(key, (cluster, gid))

    def join(self, one: tuple[str, str], other: tuple[str, str]) -> None:
        """Put two runs into one family."""
        a, b = self._root(one), self._root(other)
        if a != b:
            self._parent[max(a, b)] = min(a, b)

    def of(self, cluster: str | None, gid: str) -> tuple[str, str]:
        """Return the key of the family of a run (the same for every answer that must be rebuilt with it)."""
        label = cluster or ""
        return (label, "") if label in self._whole else self._root((label, gid))

    def _root(self, key: tuple[str, str]) -> tuple[str, str]:
        parent = self._parent.setdefault(key, key)
        while parent != key:
            grandparent = self._parent[parent]
            self._parent[key] = grandparent
            key, parent = parent, grandparent
        return key


def split_families(answers: Iterable[Answer]) -> list[list[Answer]]:
    """Cut answers into families, in order of their keys; :func:`daganalysis.history.rebuild.rebuild` of each gives what one call would."""
    every = list(answers)
    families = Families()
    for answer in every:
        families.add(answer)
    groups: dict[tuple[str, str], list[Answer]] = {}
    for answer in every:
        groups.setdefault(families.of(answer.cluster, answer.gid), []).append(answer)
    return [groups[key] for key in sorted(groups)]
