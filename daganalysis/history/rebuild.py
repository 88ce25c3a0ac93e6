"""From answers to the base tables: merge the answers, judge the runs, account for the time."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING

from daganalysis.engine.facts import AgentState, LockState, decode_facts
from daganalysis.engine.states import ENDED, OPERATORS, STATES
from daganalysis.history.attach import attach
from daganalysis.history.clock_issues import clock_issues
from daganalysis.history.collecting import collect_runs
from daganalysis.history.judging import judge_run
from daganalysis.history.links import Link, find_links, lines_naming_dags, named_dags, retries_sent
from daganalysis.history.object_outcomes import judge_task
from daganalysis.history.regular_rows import regular_tables
from daganalysis.history.regular_runs import find_regular_runs, without
from daganalysis.history.replay.all_runs import replay_runs
from daganalysis.history.replay.contexts import NO_CONTEXT, ClusterContext, contexts_of
from daganalysis.history.replay.logged_rows import add_agent_events, add_operations, add_what_is_alone
from daganalysis.history.rows import Rows
from daganalysis.history.run_issues import missing_issues, timeout_issues, undone_issues, unlisted_issues, unordered_issues
from daganalysis.history.views import MainDag, RunView
from daganalysis.reading.answers import ABOUT_PARTS, Answer, Kind
from daganalysis.reading.issue_codes import issue
from daganalysis.tables.arrays import interleave

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import pyarrow as pa

    from daganalysis.engine.records import Problem, SubTask
    from daganalysis.history.attach import Orphans
    from daganalysis.history.evidence import RunEvidence, TaskSnapshot
    from daganalysis.history.regular_runs import RegularRuns
    from daganalysis.reading.answers import Issue

_log = logging.getLogger(__name__)
_KNOWN_WORDS = {(state, operator) for state in (*STATES, None) for operator in (*OPERATORS, None)}
"""Every state with every operator that the engine has."""
_ENGINE_WORD = re.compile(r"[A-Za-z]+([_ ][A-Za-z]+){0,3}", re.ASCII)
"""What a state or an operator of another version may look like."""
_TORN_NS = 5_000_000_000
"""Answers less apart than this may contradict each other."""


def rebuild(
    answers: Iterable[Answer], issues: Iterable[Issue] = (), contexts: Mapping[str, ClusterContext] | None = None
) -> dict[str, pa.Table]:
    """Return every base table, sorted by its key. ``issues`` are the issues found while reading.

    The order of the answers and repetitions change nothing. Related runs (a main DAG and its children) must come together. ``contexts`` has
    what is known of the agents of each cluster; None takes it from the answers, which must then be complete.
    """
    every = list(answers)
    shown = [answer for answer in every if answer.kind is Kind.DAG]
    about_agents = [answer for answer in every if answer.kind is Kind.AGENT_FACTS]
    if contexts is None:
        contexts = contexts_of(about_agents, _observed(every))
    regular = find_regular_runs(shown, _clusters_with_facts(every, contexts))
    runs = collect_runs(_without(shown, regular))
    replayed = replay_runs(runs, every, contexts)
    orphans = attach(runs, (answer for answer in every if answer.kind in ABOUT_PARTS))
    naming_lines = {run.run_id: lines_naming_dags(run) for run in runs}
    regular, related = without(regular, named_dags(runs, naming_lines))
    if related:
        more = collect_runs(related)
        runs = sorted([*runs, *more], key=lambda run: (run.cluster or "", run.gid, run.generation))
        naming_lines |= {run.run_id: [] for run in more}  # none of them names another
    links = find_links(runs, naming_lines)
    rows = Rows()
    for given in issues:
        rows.add_issue(given)
    parent_of = _parents(links)
    runs_in_order = _DependencyOrder(runs, links, retries_sent(runs, naming_lines))
    for run in runs:
        view = runs_in_order.view(run.run_id)
        parent = parent_of.get(run.run_id)
        rows.add_run(view, parent)
        context = contexts.get(run.cluster or "", NO_CONTEXT)
        add_operations(rows, view, replayed.operations.get(run.run_id, ()), context, is_child=parent is not None)
        for found in _run_issues(view):
            rows.add_issue(found)
    _add_links(rows, links)
    n_regular = 0 if regular is None else len(regular.runs)
    _log.debug("judged %d runs, %d of them regular", len(runs) + n_regular, n_regular)
    _add_orphans(rows, orphans)
    add_what_is_alone(rows, replayed, contexts)
    for answer in about_agents:
        _add_states(rows, answer)
    add_agent_events(rows, about_agents, contexts)
    return rows.tables() if regular is None else _together(rows.tables(), regular_tables(regular))


def _parents(links: Iterable[Link]) -> dict[str, str]:
    """Return the main DAG's run of each child run: the first in order of the links."""
    parent_of: dict[str, str] = {}
    for link in links:
        if link.child_run_id is not None:
            parent_of.setdefault(link.child_run_id, link.parent_run_id)
    return parent_of


def _add_links(rows: Rows, links: Iterable[Link]) -> None:
    """Add the links, and an issue for each child DAG that is not in the archive."""
    for link in links:
        rows.add_link(link)
        if link.child_run_id is None:
            message = f"its child DAG {link.child_gid}, kept by {link.agent or 'an unknown agent'}, is not in the archive"
            rows.add_issue(issue("child-not-in-archive", None, None, message, run_id=link.parent_run_id))


def _clusters_with_facts(answers: Iterable[Answer], contexts: Mapping[str, ClusterContext]) -> set[str]:
    """Return the clusters of runs that other answers than those about DAGs may describe."""
    with_facts = {answer.cluster or "" for answer in answers if answer.kind not in {Kind.DAG, Kind.AGENT_FACTS}}
    return with_facts | {cluster for cluster, context in contexts.items() if context.creations}


def _without(answers: Sequence[Answer], regular: RegularRuns | None) -> Sequence[Answer]:
    if regular is None:
        return answers
    taken = {(run.answer.cluster or "", run.answer.gid) for run in regular.runs}
    return [answer for answer in answers if (answer.cluster or "", answer.gid) not in taken]


def _together(tables: Mapping[str, pa.Table], regular: Mapping[str, pa.Table]) -> dict[str, pa.Table]:
    """Join tables of different runs. Each is in order of the keys of its runs."""
    return {name: interleave([table, regular[name]], "run_id") if name in regular else table for name, table in tables.items()}


def _add_states(rows: Rows, answer: Answer) -> None:
    """Add the agents and locks that a source describes, which belong to no run."""
    for fact in decode_facts(answer.body):
        if isinstance(fact, AgentState):
            rows.add_agent(answer.cluster, fact, answer.source)
        elif isinstance(fact, LockState):
            rows.add_lock(answer.cluster, fact, answer.source)


def _observed(answers: Iterable[Answer]) -> dict[tuple[str, str], int]:
    """Return the moments of answers by cluster and trace id."""
    return {
        (answer.cluster or "", answer.trace_id): answer.observed_at
        for answer in answers
        if answer.trace_id and answer.observed_at is not None
    }


class _DependencyOrder:
    """Runs judged in order of dependency: a main DAG before its children, whose waits depend on it."""

    def __init__(self, runs: Sequence[RunEvidence], links: Sequence[Link], retries: Mapping[tuple[str | None, str], int]) -> None:
        self._runs = {run.run_id: run for run in runs}
        self._link_to: dict[str, Link] = {}
        for link in links:
            if link.child_run_id is not None and link.child_run_id != link.parent_run_id:
                self._link_to.setdefault(link.child_run_id, link)
        self._retries = retries
        self._views: dict[str, RunView] = {}

    def view(self, run_id: str) -> RunView:
        """Return a run judged."""
        unjudged: dict[str, None] = {}
        at: str | None = run_id
        # Two DAGs that each claim to be the other's main DAG would wait for each other here.
        while at is not None and at in self._runs and at not in self._views and at not in unjudged:
            unjudged[at] = None
            link = self._link_to.get(at)
            at = link.parent_run_id if link is not None else None
        for name in reversed(unjudged):
            run, link = self._runs[name], self._link_to.get(name)
            self._views[name] = judge_run(
                run,
                main=_main_dag(link, self._views.get(link.parent_run_id)) if link is not None else None,
                retries_received=self._retries.get((run.cluster, run.gid), 0),
            )
        return self._views[run_id]


def _main_dag(link: Link, view: RunView | None) -> MainDag:
    """Return the facts about a main DAG that judging its child needs. It created the child in its first stage (engine-semantics §7 A)."""
    if view is None or not view.nodes or view.nodes[0].stage != 1:
        return MainDag(link.kind)
    first_stage = view.evidence.stages[0]
    for task in view.tasks:
        if task.node_gid == first_stage and task.attempts and task.attempts[-1].agent == link.agent:
            return MainDag(link.kind, view.end, task.attempts[0].start, task.attempts[-1].end)
    return MainDag(link.kind, view.end)


def _run_issues(view: RunView) -> list[Issue]:
    run = view.evidence
    found = []
    if run.generation > 1:
        found.append(
            issue(
                "id-came-back",
                run.snapshots[0].answer.source,
                run.snapshots[0].answer.position,
                f"another DAG stands behind the id {run.gid}: the cluster was re-created, or answers of several clusters are mixed",
                run_id=run.run_id,
            )
        )
    for answer, problem, index in run.problems:
        pointer = problem.pointer if index is None else f"/nodes/{index}{problem.pointer}"
        found.append(_problem_issue(answer, problem, pointer, run.run_id))
    found += _unknown_words(view)
    found += _contradictions(run)
    found += clock_issues(view)
    found += missing_issues(view)
    found += undone_issues(view)
    found += timeout_issues(view)
    found += unlisted_issues(view)
    found += unordered_issues(view)
    return found


def _problem_issue(answer: Answer, problem: Problem, pointer: str, run_id: str | None) -> Issue:
    place = _join(answer.position, pointer)
    return issue(problem.code, answer.source, place, problem.message, run_id=run_id, severity=problem.severity)


def _join(position: str, pointer: str) -> str:
    """Lengthen the JSON pointer at the end of a position."""
    return position + pointer if "/" in position.rsplit(" ", 1)[-1] else f"{position} {pointer}".strip()


def _quoted(word: str) -> str:
    """Quote what looks like a word of the engine. Anything else in such a field may be a secret.

    >>> _quoted("PAUSED"), _quoted("Pa55-w0rd")
    ("'PAUSED'", '(9 characters)')
    """
    return repr(word) if len(word) <= 40 and _ENGINE_WORD.fullmatch(word) else f"({len(word)} characters)"


def _unknown_words(view: RunView) -> list[Issue]:
    """Return one issue for each state or operator that the engine does not have."""
    run = view.evidence
    words = {(run.newest.state, run.newest.operator)}
    words |= {(node.newest.state, node.newest.operator) for node in view.nodes}
    words |= {(task.newest.state, task.newest.operator) for task in view.tasks}
    words -= _KNOWN_WORDS
    states = {state for state, _ in words} - STATES - {None}
    operators = {operator for _, operator in words} - OPERATORS - {None}
    return [
        issue(f"unknown-{what}", None, None, f"unknown {what} {_quoted(word)}", run_id=run.run_id)
        for what, words in (("state", states), ("operator", operators))
        for word in sorted(str(w) for w in words)
    ]


def _contradictions(run: RunEvidence) -> list[Issue]:
    """Return issues about answers that contradict each other: a counter of hand-outs falls, or an ended attempt runs again.

    Answers of one moment may show rows one step apart (engine-semantics §6), and envelopes of two agents have two clocks, so neighbours are
    not compared.
    """
    found = []
    for gid, task_snapshots in run.sub_tasks.items():
        if len(task_snapshots) == 1:
            continue
        highest: TaskSnapshot | None = None
        for shown in sorted(task_snapshots, key=lambda s: s.at):
            if shown.task.execute_times is None:
                continue
            if highest is not None and shown.since - highest.at > _TORN_NS and _precedes(shown.task, highest.task):
                found.append(
                    issue(
                        "contradiction",
                        None,
                        None,
                        f"sub-task {gid}: a later answer shows execute_times {shown.task.execute_times} {shown.task.state}, "
                        f"an earlier one {highest.task.execute_times} {highest.task.state}; the higher count was kept",
                        run_id=run.run_id,
                    )
                )
                break
            if highest is None or not _precedes(shown.task, highest.task):
                highest = shown
    return found


def _precedes(one: SubTask, other: SubTask) -> bool:
    """Return whether one row was certainly served before the other."""
    times, others = one.execute_times or 0, other.execute_times or 0
    return times < others or (times == others and one.state == "RUNNING" and other.state in ENDED and one.start == other.start)


def _add_orphans(rows: Rows, orphans: Orphans) -> None:
    for gid in sorted(orphans.nodes):
        rows.add_orphan_node(gid, [node for _, node in orphans.nodes[gid]])
    for gid in sorted(orphans.sub_tasks):
        rows.add_orphan_sub_task(judge_task(gid, None, orphans.sub_tasks[gid]))
    for orphan in orphans.issues:
        rows.add_issue(orphan)
    for answer, problem, _ in orphans.problems:
        rows.add_issue(_problem_issue(answer, problem, problem.pointer, None))
