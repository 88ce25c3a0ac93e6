"""The observations of one run, collected from its answers. Everything about the whole run is decided from them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from daganalysis.engine.catalogue import CHILD_WORKFLOWS, is_sub_dag
from daganalysis.history.attempts import most_listed
from daganalysis.history.clock_doubts import doubtful_agents
from daganalysis.history.clocks import Offsets, find_offsets, on_dag_clock
from daganalysis.history.completeness import what_is_missing
from daganalysis.history.inferences import infer_from_later_stages
from daganalysis.history.legs import Leg, NodeRun, find_legs, find_node_runs, is_first_execution
from daganalysis.history.object_outcomes import created_at, judge_task
from daganalysis.history.stage_numbers import Numbers, number_stages, ordinals
from daganalysis.history.timeouts import placed_by_timeouts
from daganalysis.history.written_lines import placed_by_lines

if TYPE_CHECKING:
    from daganalysis.history.attempts import Attempt
    from daganalysis.history.evidence import RunEvidence
    from daganalysis.history.views import MainDag, TaskView


class Observations(msgspec.Struct):
    """What is known of a run before it is judged as a whole.

    ``operators`` are all that answers showed on its nodes. ``numbers`` are the proven stages of its nodes, ``ordinals`` the stages that the
    rules use, ``missing`` what no answer shows.

    ``created`` is when its rows were created. ``tasks_of`` has its sub-tasks by node, with their attempts as served. ``attempts_in`` has
    these attempts by node and sub-task, on the clock of the DAG's own rows; ``offsets`` says how far each agent's clock is off, and
    ``doubtful_agents`` are agents with unreliable clocks. ``is_sub_dag``: the run is a per-agent sub-DAG. ``is_child``: it waits for a main
    DAG. ``may_be_child``: only its name suggests that, and other DAGs have the name too.
    """

    run: RunEvidence
    operators: frozenset[str | None]
    numbers: Numbers
    ordinals: dict[str, int]
    missing: frozenset[str]
    main: MainDag | None
    created: int | None
    tasks_of: dict[str, list[TaskView]]
    attempts_in: dict[str, dict[str, list[Attempt]]]
    offsets: Offsets
    legs: list[Leg]
    node_runs: list[NodeRun]
    is_sub_dag: bool
    is_child: bool
    may_be_child: bool
    doubtful_agents: frozenset[str | None]
    shows_tasks_alone: bool
    """Whether a source showed a sub-task without its node."""

    tasks: list[TaskView] = []
    """All its sub-tasks."""
    attempts: list[list[Attempt]] = []
    """The attempts of each of them, on the clock of the DAG's own rows."""

    def __post_init__(self) -> None:
        self.tasks = [view for own in self.tasks_of.values() for view in own]
        self.attempts = [attempts for own in self.attempts_in.values() for attempts in own.values()]

    @property
    def stands_in_last_leg(self) -> bool:
        """Whether the newest answer shows the last known leg. An old version removes the start of a leg that is passed (§3)."""
        start = self.run.newest.start
        return bool(self.legs) and start is not None and start == self.legs[-1].start

    @property
    def is_first_leg(self) -> bool:
        """Whether answers show that the newest leg is the first, so there was no request, except perhaps a pass of the DAG."""
        return len(self.legs) == 1 and self.stands_in_last_leg and is_first_execution(self.run, self.legs[0])


def observe(run: RunEvidence, main: MainDag | None) -> Observations:
    """Collect what the answers show of a run, and what its main DAG shows."""
    created = created_at(run)
    tasks_of: dict[str, list[TaskView]] = {gid: [] for gid in run.stages}
    as_served: dict[str, dict[str, list[Attempt]]] = {gid: {} for gid in run.stages}
    most = most_listed(run.sub_tasks.values())
    operators = frozenset([node.operator for seen in run.nodes.values() for _, node in seen])
    legs = find_legs(run)
    begun = legs[0].start if legs else None
    shows_tasks_alone = False
    for gid, task_snapshots in run.sub_tasks.items():
        node_gid = run.node_of[gid]
        view = judge_task(gid, node_gid, task_snapshots, created, run.attempt_lines.get(gid), begun=begun, most=most)
        tasks_of[node_gid].append(view)
        shows_tasks_alone = shows_tasks_alone or None in [shown.node for shown in task_snapshots]
        as_served[node_gid][gid] = view.attempts
    if "ROLLBACK" in operators:
        infer_from_later_stages(run, tasks_of)
    offsets = find_offsets(run, as_served)
    attempts_in = placed_by_timeouts(placed_by_lines(on_dag_clock(as_served, offsets), run.line_times, run.attempt_lines), created)
    name, node_names = run.newest.name, [run.nodes[gid][-1][1].name for gid in run.stages]
    made_to_wait = is_sub_dag(name, node_names)
    numbers, missing = number_stages(run), what_is_missing(run)
    is_child = name in CHILD_WORKFLOWS and ((main is not None and main.kind in {"scale_out", "sub_dag"}) or made_to_wait)
    may_be_child = name in CHILD_WORKFLOWS and not is_child and "nodes" in missing
    places = ordinals(numbers)
    node_runs = find_node_runs(run, attempts_in, places)
    if None in numbers.values():
        for leg in legs:
            leg.stage = None  # it is no ordinal
    doubtful = doubtful_agents(run.gid, attempts_in, node_runs, offsets, created)
    return Observations(
        run, operators, numbers, places, missing, main, created, tasks_of, attempts_in, offsets, legs, node_runs, made_to_wait, is_child,
        may_be_child, doubtful, shows_tasks_alone,
    )  # fmt: skip
