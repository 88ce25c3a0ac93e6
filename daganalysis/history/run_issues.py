"""Issues that a reader must know before the numbers of a run: what its answers leave out, and undone work that was not redone."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from daganalysis.engine.identifiers import agent_address
from daganalysis.engine.times import TIMEOUT_NS
from daganalysis.history.completeness import n_stages
from daganalysis.reading.issue_codes import issue

if TYPE_CHECKING:
    from daganalysis.history.timeouts import Timeout
    from daganalysis.history.views import NodeView, RunView, TaskView
    from daganalysis.reading.answers import Issue

_WENT_FORWARD = {"succeeded", "succeeded_after_retry", "succeeded_with_node_pass", "unknown"}
_MOST_AGENTS = 8
_MISSING_FIELDS = {
    "nodes": "its nodes",
    "sub_tasks": "some of its sub-tasks",
    "counters": "execute_times of some of its sub-tasks",
    "operators": "the operators of some of its nodes",
}
"""What answers may leave out, in words."""


def missing_issues(view: RunView) -> list[Issue]:
    """Return issues about what the answers lack."""
    run = view.evidence
    fields = [words for words, is_absent in _absent_fields(view) if is_absent]
    if view.missing.isdisjoint(_MISSING_FIELDS) and not fields:
        return []
    n = n_stages(run)
    if run.stages and "nodes" in view.missing and n is not None:
        unproven = sum(1 for node in view.nodes if node.stage is None)
        doubt = f"; the stage of {unproven} of them is unknown" if unproven else ""
        return [issue("nodes-missing", None, None, f"{len(run.stages)} of {n} nodes are in the answers{doubt}", run_id=run.run_id)]
    absent = [words for name, words in _MISSING_FIELDS.items() if name in view.missing] + fields
    return [issue("details-missing", None, None, f"no answer shows {', '.join(absent)}", run_id=run.run_id)]


def _absent_fields(view: RunView) -> list[tuple[str, bool]]:
    """Return in words each field that decides an outcome, and whether no answer has it; a log is not expected to tell it."""
    run = view.evidence
    dags = [shown.dag for shown in run.snapshots]
    tasks = [task for task in view.tasks if not any(id(shown.task) in run.logged_rows for shown in run.sub_tasks[task.gid])]
    return [
        ("its state", all(dag.state is None for dag in dags)),
        ("its operator", all(dag.operator is None for dag in dags)),
        ("the states of some of its nodes", any(node.newest.state is None for node in view.nodes)),
        ("the states of some of its sub-tasks", any(task.newest.state is None for task in tasks)),
        ("the operators of some of its sub-tasks", any(task.newest.operator is None for task in tasks)),
    ]


def undone_issues(view: RunView) -> list[Issue]:
    """Return an issue for each stage that was rolled back and not executed again, although the run went on to its end.

    Different clocks can make the engine skip the re-run of a retry. A retry after a rollback steps over stages that were rolled back
    (engine-semantics §2.3, §2.4).
    """
    dag = view.evidence.newest
    if dag.state != "SUCCEED" or dag.operator != "RUN" or view.rule.outcome not in _WENT_FORWARD:
        return []
    found = []
    rolled_back = [task for task in view.tasks if task.rule.outcome == "rolled_back"]
    for node in view.nodes if rolled_back else ():
        undone = [task for task in rolled_back if task.node_gid == node.gid]
        if undone:
            found.append(issue("rolled-back-not-redone", None, None, _undone_message(node, undone), run_id=view.evidence.run_id))
    return found


def _undone_message(node: NodeView, undone: list[TaskView]) -> str:
    stage = f"stage {node.stage}" if node.stage is not None else "a stage"
    name = f", {node.newest.name}," if node.newest.name else ""
    agents = sorted({agent_address(task.newest.agent_ip, task.newest.agent_port) or "an unknown agent" for task in undone})
    where = ", ".join(agents[:_MOST_AGENTS]) + (f" and {len(agents) - _MOST_AGENTS} more" if len(agents) > _MOST_AGENTS else "")
    return f"the work of {stage}{name} was rolled back on {where} and not done again, but the run went on"


def timeout_issues(view: RunView) -> list[Issue]:
    """Return an issue for each sub-task whose work is known only from its timeout, with the instants between which it lies."""
    if not view.timeouts:
        return []
    stages = {node.gid: node for node in view.nodes}
    nodes = {task.gid: stages.get(task.node_gid or "") for task in view.tasks}
    return [
        issue("ran-into-timeout", None, None, _timeout_message(timeout, nodes.get(timeout.task_gid)), run_id=view.evidence.run_id)
        for timeout in view.timeouts
    ]


def _timeout_message(timeout: Timeout, node: NodeView | None) -> str:
    where = f" of stage {node.stage}" if node is not None and node.stage is not None else ""
    name = f", {node.newest.name}," if node is not None and node.newest.name else ""
    seconds = timeout.count * TIMEOUT_NS / 1e9
    often = f" {timeout.count} times" if timeout.count > 1 else ""
    begin, end = (f"{datetime.fromtimestamp(at // 10**9, UTC):%Y-%m-%dT%H:%M:%SZ}" for at in (timeout.since, timeout.until + 10**9 - 1))
    return f"sub-task {timeout.task_gid}{where}{name} ran into its timeout{often}: {seconds:.0f} s of work between {begin} and {end}"


def unlisted_issues(view: RunView) -> list[Issue]:
    """Return an issue about sub-tasks with too many hand-outs to list them all."""
    cut = [task for task in view.tasks if task.attempts and task.attempts[-1].number > len(task.attempts)]
    if not cut:
        return []
    most = max(cut, key=lambda task: task.attempts[-1].number)
    others = f"; other sub-tasks with unlisted attempts: {len(cut) - 1}" if len(cut) > 1 else ""
    message = f"sub-task {most.gid} was handed out {most.attempts[-1].number:,} times; {len(most.attempts)} attempts are listed{others}"
    return [issue("hand-outs-not-listed", None, None, message, run_id=view.evidence.run_id)]


def unordered_issues(view: RunView) -> list[Issue]:
    """Return an issue about sub-tasks whose lines from several answers could not be put in order."""
    return [
        issue("log-order-unknown", None, None, f"the answers about sub-task {task.gid} differ in too many log lines", run_id=run_id)
        for run_id in (view.evidence.run_id,)
        for task in view.tasks
        if not task.are_lines_in_order
    ]
