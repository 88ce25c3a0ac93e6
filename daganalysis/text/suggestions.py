"""What a misspelt or unfinished name was probably meant to be."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

MOST_SUGGESTIONS = 3
_ALIKE = 0.7
"""Names that are less alike than this (the ratio of difflib's SequenceMatcher) are not suggested."""


def closest(name: str, known: Iterable[str], most: int = MOST_SUGGESTIONS) -> list[str]:
    """Return the known names that a name was probably meant to be: those that begin with it, then those most like it.

    >>> closest("Create tenat", ["Create tenant", "Drop tenant", "Start OB"])
    ['Create tenant']
    >>> closest("Create", ["Create tenant", "Drop tenant"])
    ['Create tenant']
    >>> closest("Mars", ["UTC", "Asia/Shanghai"])
    []
    """
    import difflib  # imported here: most commands misspell nothing

    names = list(known)
    unfinished = sorted(one for one in names if name and one.startswith(name))
    return list(dict.fromkeys([*unfinished, *difflib.get_close_matches(name, names, n=most, cutoff=_ALIKE)]))[:most]
