"""Puts log lines that say the same thing together, one line at a time (Drain: He and others 2017).

Lines are told apart by their number of words and by their first word, and those of one leaf by how many words they share with the template
of a group, place by place. This page of code replaces a dependency that pinned old versions of two other packages.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from operator import eq

_ANY = "<*>"
_MOST_FIRST_WORDS = 100
"""So many different first words of lines of one length have a leaf of their own; the others share one."""
_DIGIT = re.compile(r"\d")


@dataclass(slots=True)
class _Group:
    number: int
    template: list[str]
    n_any: int = 0
    """How many places of the template take any word."""

    def widen(self, words: list[str]) -> None:
        """Let the template take a line."""
        self.template = [mine if mine == other else _ANY for mine, other in zip(self.template, words, strict=True)]
        self.n_any = self.template.count(_ANY)


@dataclass(slots=True)
class TemplateTree:
    """Groups lines; ``similarity`` is the share of the words of a line that must be as in a group's template."""

    similarity: float
    _leaves: dict[int, dict[str, list[_Group]]] = field(default_factory=dict)
    _n_groups: int = 0

    def group_of(self, line: str) -> int:
        """Return the number of the group of a line, which may be a new one.

        >>> tree = TemplateTree(0.6)
        >>> [tree.group_of(line) for line in ("dir a is not empty", "dir b is not empty", "disk full")]
        [1, 1, 2]
        """
        words = line.split()
        leaves = self._leaves.setdefault(len(words), {})
        first = words[0] if words else ""
        groups = leaves.get(first) or leaves.get(_ANY) or []
        fixed = [None if word == _ANY else word for word in words]
        found, best = None, (-1, -1)
        for group in groups:
            likeness = (sum(map(eq, group.template, fixed)), group.n_any)
            if likeness > best:
                found, best = group, likeness
        if found is not None and best[0] >= self.similarity * len(words):
            found.widen(words)
            return found.number
        self._n_groups += 1
        leaves.setdefault(_leaf_for(first, leaves), []).append(_Group(self._n_groups, words))
        return self._n_groups


def _leaf_for(first: str, leaves: dict[str, list[_Group]]) -> str:
    if first in leaves:
        return first
    has_room = len(leaves) < _MOST_FIRST_WORDS - (_ANY not in leaves)
    return first if has_room and not _DIGIT.search(first) else _ANY
