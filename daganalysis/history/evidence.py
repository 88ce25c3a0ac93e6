"""Evidence: everything that the answers say of one run, in order of time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from daganalysis.engine.identifiers import run_key

if TYPE_CHECKING:
    from daganalysis.engine.facts import Child
    from daganalysis.engine.records import Dag, Node, Problem, SubTask
    from daganalysis.history.database_zone import DatabaseZone
    from daganalysis.history.written_lines import LineTimes
    from daganalysis.reading.answers import Answer


class Snapshot(msgspec.Struct, gc=False):
    """One DAG as one response showed it.

    ``at`` orders it: the timestamp of its envelope, or the newest instant in it if there is no envelope. ``n_listed`` is the number of
    different nodes that it lists; where some of them are not usable, ``places`` has the place of each usable one among them.
    """

    answer: Answer
    dag: Dag
    nodes: list[Node] | None
    at: int
    n_listed: int | None = None
    places: list[int] | None = None


class TaskSnapshot(msgspec.Struct, gc=False):
    """What answers from ``since`` to ``at`` showed of one sub-task, with its node if the same answer showed the node."""

    since: int
    at: int
    task: SubTask
    node: Node | None = None


class RunEvidence(msgspec.Struct):
    """All that is known of one run; ``stages`` are its nodes' generic ids in order."""

    cluster: str | None
    gid: str
    generation: int = 1
    snapshots: list[Snapshot] = msgspec.field(default_factory=list)
    stages: list[str] = msgspec.field(default_factory=list)
    nodes: dict[str, list[tuple[int, Node]]] = msgspec.field(default_factory=dict)
    sub_tasks: dict[str, list[TaskSnapshot]] = msgspec.field(default_factory=dict)
    node_of: dict[str, str] = msgspec.field(default_factory=dict)
    attempt_lines: dict[str, dict[int, list[str]]] = msgspec.field(default_factory=dict)
    logged_rows: set[int] = msgspec.field(default_factory=set)
    """Nodes and sub-tasks (by ``id``) that no answer showed: their states come from a log or a database."""
    created: int | None = None
    """When its rows were created, if a source tells it."""
    logged_creation: tuple[Child, str] | None = None
    """The request of its main DAG that created it, if a log shows it, and the name of that log."""
    logged_offset_s: int | None = None
    """The offset from UTC of the log of its scheduler, where a log shows one."""
    begun: int | None = None
    """When it was first started, if a log shows that."""
    node_names: dict[str, str] = msgspec.field(default_factory=dict)
    """Names of nodes that no answer showed."""
    begins_at_first_stage: bool = False
    """Whether logs show that the first of the known stages is stage 1; only of a run that no answer shows."""
    task_names: dict[str, str] = msgspec.field(default_factory=dict)
    """Names of sub-tasks that no answer showed. A node and a sub-task can have the same generic id."""
    line_times: dict[str, LineTimes] = msgspec.field(default_factory=dict)
    """By sub-task: when its attempts wrote log lines, by the clock of the database."""
    problems: list[tuple[Answer, Problem, int | None]] = msgspec.field(default_factory=list)

    zone: DatabaseZone | None = None
    """The zone of the database, if it differs from the zone of the agents."""

    run_id: str = ""
    """The key of the run in every table."""

    def __post_init__(self) -> None:
        self.run_id = run_key(self.cluster, self.gid, self.generation)

    @property
    def newest(self) -> Dag:
        """The DAG's own fields as the newest answer showed them."""
        return self.snapshots[-1].dag

    @property
    def first_at(self) -> int:
        """When the run was first seen."""
        return self.snapshots[0].at
