"""What the answers show of one run, put together: all that questions about the whole run are answered from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from daganalysis.engine.catalogue import CHILD_WORKFLOWS, is_sub_dag
from daganalysis.history.attempts import hand_outs, most_listed
from daganalysis.history.clock_doubts import doubtful_agents
from daganalysis.history.clocks import Offsets, find_offsets, on_dag_clock
from daganalysis.history.completeness import what_is_missing
from daganalysis.history.inferences import infer_from_later_stages
from daganalysis.history.legs import Leg, NodeRun, find_legs, find_node_runs, is_first_execution
from daganalysis.history.objects import created_at, judge_task
from daganalysis.history.stage_numbers import Numbers, number_stages, ordinals
from daganalysis.history.timeouts import placed_by_timeouts
from daganalysis.history.written_lines import placed_by_lines

if TYPE_CHECKING:
    from daganalysis.history.attempts import Attempt
    from daganalysis.history.evidence import RunEvidence
    from daganalysis.history.views import MainDag, TaskView


@dataclass(slots=True)
class Observations:
    """What is known of a run before it is judged as a whole.

    ``numbers`` are the true stages of its nodes, as far as they are proven, ``ordinals`` what the rules take for them; ``missing`` is what
    no answer shows of it.

    ``created`` is when its rows were created. ``tasks_of`` are its sub-tasks by node, with their attempts as they were served;
    ``attempts_in`` are these attempts by node and sub-task, on the clock of the DAG's own rows (``offsets`` says how far that of each agent
    is off, ``doubtful_agents`` are those of which nothing tells). ``is_sub_dag`` tells a per-agent sub-DAG, ``is_child`` whether the run is
    made to wait for a main DAG, ``may_be_child`` that its name alone says so, which other DAGs bear too.
    """

    run: RunEvidence
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

    tasks: list[TaskView] = field(init=False)
    """All its sub-tasks."""
    attempts: list[list[Attempt]] = field(init=False)
    """The attempts of each of them, on the clock of the DAG's own rows."""

    def __post_init__(self) -> None:
        self.tasks = [view for own in self.tasks_of.values() for view in own]
        self.attempts = [attempts for own in self.attempts_in.values() for attempts in own.values()]

    @property
    def stands_in_last_leg(self) -> bool:
        """Whether the newest answer is of the last leg known: no answer shows the start of one that an old version passed (§3)."""
        start = self.run.newest.start
        return bool(self.legs) and start is not None and start == self.legs[-1].start

    @property
    def is_first_leg(self) -> bool:
        """Whether answers show that the newest is of the first leg, so that nothing was asked of the run but perhaps a pass of it."""
        return len(self.legs) == 1 and self.stands_in_last_leg and is_first_execution(self.run, self.legs[0])


def observe(run: RunEvidence, main: MainDag | None) -> Observations:
    """Put together what the answers show of a run, and what its main DAG tells of it."""
    created = created_at(run)
    tasks_of: dict[str, list[TaskView]] = {gid: [] for gid in run.stages}
    most = most_listed([max((hand_outs(s) or 0 for s in sightings), default=0) for sightings in run.sub_tasks.values()])
    legs = find_legs(run)
    begun = legs[0].start if legs else None
    for gid, sightings in run.sub_tasks.items():
        node_gid = run.node_of[gid]
        tasks_of[node_gid].append(judge_task(gid, node_gid, sightings, created, run.attempt_lines.get(gid), begun=begun, most=most))
    infer_from_later_stages(run, tasks_of)
    as_served = {node_gid: {view.gid: view.attempts for view in own} for node_gid, own in tasks_of.items()}
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
        run, numbers, places, missing, main, created, tasks_of, attempts_in, offsets, legs, node_runs, made_to_wait, is_child, may_be_child,
        doubtful,
    )  # fmt: skip
