"""Which stage of one run, or set of runs, is which stage of another: by name and order."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    import pyarrow as pa

    from daganalysis.tables.column_arrays import Ints

_ALIKE = 0.6
"""How much alike two names at the same place must be for one to be the other's new name (Ratcliff and Obershelp)."""


class StageKey(NamedTuple):
    """A stage by its name, and the number of earlier stages of the same name in its run."""

    name: str | None
    again: int

    def __str__(self) -> str:
        name = self.name or "(unnamed)"
        return name if not self.again else f"{name} #{self.again + 1}"


def stage_keys(nodes: pd.DataFrame) -> list[StageKey]:
    """Return the key of every row of a frame of nodes, which is sorted by run and stage.

    >>> import pandas as pd
    >>> [str(key) for key in stage_keys(pd.DataFrame({"run_id": ["1"] * 3, "name": ["Wait", "Work", "Wait"]}))]
    ['Wait', 'Work', 'Wait #2']
    """
    import pandas as pd

    of_names, names = pd.factorize(nodes["name"].fillna(""))
    codes, keys = _stage_codes(pd.factorize(nodes["run_id"])[0], of_names, names.tolist())
    return [keys[code] for code in codes.tolist()]


def coded_stages(nodes: pa.Table, run: Ints) -> tuple[Ints, Ints, list[StageKey]]:
    """Return the stages of some runs in the order of run and stage, with their keys.

    Args:
        nodes: The stage and the name of stages.
        run: The number of the run of each stage; -1 for a stage to leave out.

    Returns:
        The rows of the stages, the number of the key of each, and the keys.

    Example:
        >>> import numpy as np, pyarrow as pa
        >>> rows, codes, keys = coded_stages(pa.table({"stage": [2, 1], "name": ["Work", "Wait"]}), np.array([0, 0]))
        >>> rows.tolist(), codes.tolist(), [str(key) for key in keys]
        ([1, 0], [0, 1], ['Wait', 'Work'])
    """
    import numpy as np

    from daganalysis.tables.column_arrays import NONE, encoded, integers

    name, texts = encoded(nodes.column("name"))
    names = [*texts.to_pylist(), ""]
    rows = np.flatnonzero(run != NONE)
    rows = rows[np.lexsort((integers(nodes.column("stage"), null=np.iinfo(np.int64).max)[rows], run[rows]))]
    codes, keys = _stage_codes(run[rows], np.where(name == NONE, names.index(""), name)[rows], names)
    return rows, codes, keys


def _stage_codes(run: Ints, name: Ints, names: Sequence[str]) -> tuple[Ints, list[StageKey]]:
    """Return which of the distinct keys each stage has, and these; stages of a run are in order, an empty name is none."""
    import numpy as np
    import pandas as pd

    of_run = run * len(names) + name
    order = np.argsort(of_run, kind="stable")
    begins = np.flatnonzero(np.diff(of_run[order], prepend=-len(names) - 1))  # a run may be unknown, -1
    again = np.empty(len(order), np.int64)
    again[order] = np.arange(len(order)) - np.repeat(begins, np.diff(begins, append=len(order)))
    codes, distinct = pd.factorize(again * len(names) + name)
    return codes, [StageKey(names[key % len(names)] or None, key // len(names)) for key in distinct.tolist()]


def match_stages(base: Sequence[StageKey], candidate: Sequence[StageKey]) -> dict[StageKey, StageKey]:
    """Return {stage of the candidate: the same stage of the base}.

    A stage that is in neither keys nor values is only on one side. First, stages of the same name are matched in order, as many as
    possible; then stages that moved under the same name; then, between the same neighbours, stages with similar names, which were renamed.
    With the sides exchanged, the result is the inverse.

    >>> old, new = ([StageKey(name, 0) for name in names] for names in (("A", "Add agent  for x", "C"), ("A", "B", "Add agent for x", "C")))
    >>> [f"{key} = {same}" for key, same in match_stages(old, new).items()]
    ['A = A', 'C = C', 'Add agent for x = Add agent  for x']
    """
    if list(base) == list(candidate):
        return dict(zip(candidate, base, strict=True))
    aligned = _common(base, candidate)
    matched = {candidate[j]: base[i] for i, j in aligned}
    left, right = _left_over(base, candidate, matched)
    for key in right:
        same = next((other for other in left if other.name == key.name), None)
        if same is not None:
            left.remove(same)
            matched[key] = same
    edges = [(-1, -1), *aligned, (len(base), len(candidate))]
    for (i, j), (next_i, next_j) in zip(edges, edges[1:], strict=False):
        left, right = _left_over(base[i + 1 : next_i], candidate[j + 1 : next_j], matched)
        matched.update(_renamed(left, right))
    return matched


def _left_over(
    base: Sequence[StageKey], candidate: Sequence[StageKey], matched: Mapping[StageKey, StageKey]
) -> tuple[list[StageKey], list[StageKey]]:
    taken = set(matched.values())
    return [key for key in base if key not in taken], [key for key in candidate if key not in matched]


def _common(base: Sequence[StageKey], candidate: Sequence[StageKey]) -> list[tuple[int, int]]:
    """A longest common subsequence of names, as pairs of places; of several the choice does not depend on which side is which."""
    n, m = len(base), len(candidate)
    longest = [[0] * (m + 1) for _ in range(n + 1)]
    for i in reversed(range(n)):
        for j in reversed(range(m)):
            same = base[i].name == candidate[j].name
            longest[i][j] = longest[i + 1][j + 1] + 1 if same else max(longest[i + 1][j], longest[i][j + 1])
    pairs, i, j = [], 0, 0
    while i < n and j < m:
        if base[i].name == candidate[j].name:
            pairs.append((i, j))
            i, j = i + 1, j + 1
        elif longest[i + 1][j] != longest[i][j + 1]:
            i, j = (i + 1, j) if longest[i + 1][j] > longest[i][j + 1] else (i, j + 1)
        else:
            i, j = (i + 1, j) if (base[i].name or "") < (candidate[j].name or "") else (i, j + 1)
    return pairs


def _renamed(left: Sequence[StageKey], right: Sequence[StageKey]) -> dict[StageKey, StageKey]:
    """The pairs of names most alike first, each name in one pair at most."""
    pairs = []
    for key in left:
        for other in right:
            one, two = sorted((str(key), str(other)))
            likeness = difflib.SequenceMatcher(None, one, two, autojunk=False).ratio()
            if likeness >= _ALIKE and key.name and other.name:
                pairs.append((-likeness, one, two, key, other))
    found: dict[StageKey, StageKey] = {}
    for *_, key, other in sorted(pairs):
        if other not in found and key not in found.values():
            found[other] = key
    return found
