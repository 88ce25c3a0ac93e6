"""One run of each kind of regular run, judged by the rules. Their findings in it hold for all runs of the kind.

A regular run went well at once, or one of its nodes was retried: the first one or a later one, with or without sub-tasks that succeeded
before the retry (:mod:`daganalysis.history.retried_runs`).
"""

from __future__ import annotations

from enum import IntEnum
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from daganalysis.engine.records import Dag, Node, SubTask
from daganalysis.engine.times import SECOND_NS
from daganalysis.history.evidence import RunEvidence, Snapshot, TaskSnapshot
from daganalysis.history.judging import judge_run
from daganalysis.history.replay.contexts import NO_CONTEXT
from daganalysis.history.replay.logged_rows import add_operations
from daganalysis.history.rows import Rows
from daganalysis.reading.answers import Answer, Kind
from daganalysis.reading.regular_answers import OPERATOR, STATE

if TYPE_CHECKING:
    import numpy.typing as npt
    import pyarrow as pa

    Numbers = npt.NDArray[np.int64]

WENT_WELL, RETRIED, RETRIED_AT_FIRST = 0, 1, 3
"""The kinds. Each kind of retried runs is followed by the same with a sub-task that succeeded before the retry."""
N_KINDS = 5
PLACE_OF_RETRIED = 2
"""The place of the retried node of the kind ``RETRIED``."""


class Step(IntEnum):
    """The kinds of stretches, by their places in the timeline of each example, from its end.

    A retried node was reached (``REACH``), some sub-tasks ran and succeeded (``SUCCEED_AT_ONCE``), others failed and nothing shows when
    (``FAIL``). The leg of the retry began and started the node (``RESUME``), rolled the failed sub-tasks back (``UNDO``), and ran them.
    """

    REACH = -12
    SUCCEED_AT_ONCE = -11
    FAIL = -10
    RESUME = -9
    UNDO = -8
    HANDOFF = -5
    DISPATCH = -4
    EXECUTE = -3
    DETECT = -2


USUAL_STEPS = (Step.HANDOFF, Step.DISPATCH, Step.EXECUTE, Step.DETECT)
"""The steps to a node and in it."""
_AT_FIRST = {Step.DISPATCH: 0, Step.EXECUTE: 1, Step.DETECT: 2, Step.HANDOFF: 3}
"""The places of the steps of the first leg in the timeline of an example whose retried node is not the first."""


@cache
def tables_of(n_kinds: int) -> dict[str, pa.Table]:
    """Return the tables of the examples of the first kinds, one after the other."""
    import pyarrow as pa

    judged = list(map(_judged, range(n_kinds)))
    return {name: pa.concat_tables([tables[name] for tables in judged]).combine_chunks() for name in judged[0]}


@cache
def first_rows(table: str, n_kinds: int) -> Numbers:
    """Return the place of the first row of each example in a table of some examples, and the number of rows of all."""
    return np.cumsum([0, *(_judged(kind)[table].num_rows for kind in range(n_kinds))])


@cache
def is_known(column: str) -> npt.NDArray[np.bool_]:
    """Return for each kind whether the rules find a value of a column of ``dags``."""
    return np.array([_judged(kind)["dags"].column(column).null_count == 0 for kind in range(N_KINDS)])


@cache
def step_rows(step: Step, n_kinds: int, *, before_retry: bool = False) -> Numbers:
    """Return for each kind the row of a step in the timelines of some examples: in the last leg, or in the leg ``before_retry``."""
    firsts = first_rows("timeline", n_kinds)
    return firsts[:-1] + _AT_FIRST[step] if before_retry else firsts[1:] + int(step)


@cache
def reaches_next_stage(n_kinds: int) -> npt.NDArray[np.bool_]:
    """Return for each row of the timelines of some examples whether it leads from one stage to another."""
    timeline = tables_of(n_kinds)["timeline"]
    stages = (timeline.column(name).to_pylist() for name in ("from_stage", "to_stage"))
    return np.array([begin != end for begin, end in zip(*stages, strict=True)])


@cache
def _judged(kind: int) -> dict[str, pa.Table]:
    """Return the tables of the example of a kind by the rules."""
    run = _example(kind)
    rows, view = Rows(), judge_run(run)
    rows.add_run(view, None)
    add_operations(rows, view, (), NO_CONTEXT, is_child=False)
    return rows.tables()


def _example(kind: int) -> RunEvidence:
    """Return the run of a kind: each of its sub-tasks begins after its node and ends before it. Times are in tenths of a second."""
    if kind == WENT_WELL:
        return _run(10, 60, [_node(20, 50, (30, 40))])
    before = [_node(10, 30, (11, 28)), _node(40, 60, (41, 58))] if kind < RETRIED_AT_FIRST else []
    early = [(70, 80)] if kind in {RETRIED + 1, RETRIED_AT_FIRST + 1} else []
    retried = _node(101, 160, (112, 150), *early, retried=True)
    return _run(100, 191, [*before, retried, _node(170, 190, (171, 188))])


def _node(start: int, end: int, *spans: tuple[int, int], retried: bool = False) -> Node:
    """Return a node that succeeded; if it was ``retried``, its first sub-task ran again."""
    tasks = [
        SubTask("", 1, "work", STATE, OPERATOR, _at(begun), _at(ended), None, 3 if retried and not n else 1, "192.0.2.1", 2886, [])
        for n, (begun, ended) in enumerate(spans)
    ]
    return Node("", 1, "work", STATE, "RETRY" if retried else OPERATOR, _at(start), _at(end), None, tasks)


def _run(start: int, end: int, nodes: list[Node]) -> RunEvidence:
    tasks = [(node, task) for node in nodes for task in node.sub_tasks or ()]
    for number, node in enumerate(nodes, start=11):
        node.gid = str(number)
    for number, (_, task) in enumerate(tasks, start=11):
        task.gid = str(number)
    dag = Dag("11", 1, "work", len(nodes), len(nodes), STATE, OPERATOR, _at(start), _at(end))
    at = _at(end + 10)
    run = RunEvidence(None, "11", 1, [Snapshot(Answer(Kind.DAG, "11", b""), dag, nodes, at, len(nodes))], [node.gid for node in nodes])
    run.nodes = {node.gid: [(at, node)] for node in nodes}
    run.sub_tasks = {task.gid: [TaskSnapshot(at, at, task, node)] for node, task in tasks}
    run.node_of = {task.gid: node.gid for node, task in tasks}
    return run


def _at(tenths: int) -> int:
    return tenths * SECOND_NS // 10
