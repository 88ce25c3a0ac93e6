"""The state of one DAG: its rows, its ids, and the truth about what happened."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

from enginemodel.dag_parts import SECOND, Trouble
from enginemodel.row_history import Row

if TYPE_CHECKING:
    from collections.abc import Sequence

    from enginemodel.dag_parts import Agent, Attempt, Stage


_PREFIX_LENGTH = {"1": 1, "2": 16, "3": 45, "4": 16, "5": 45}
"""Digits before the row id in a generic id, by its first digit."""


class DagState:
    """One DAG, as its rows hold it and as it truly was.

    ``gid`` decides whether it is a cluster DAG (its rows hold microseconds of several clocks) or a local one (nanoseconds of one clock).
    The scheduler sleeps ``sleep`` seconds between two passes.
    """

    def __init__(
        self,
        name: str,
        stages: list[Stage],
        gid: str,
        created: int,
        maintainer: Agent,
        *,
        seed: int = 0,
        first_row_id: int = 1,
        data: dict[str, Any] | None = None,
        maintenance: int = 2,
        maintenance_key: str = "",
        version: tuple[int, int, int] = (4, 5, 0),
        trouble: Trouble | None = None,
        successors: Sequence[Agent] = (),
        sleep: float = 1.0,
    ) -> None:
        self.sleep = round(sleep * SECOND)
        self.name, self.stages, self.gid, self.created, self.maintainer = name, stages, gid, created, maintainer
        self.random = random.Random(f"{seed}:{gid}:{created}")
        self.luck = random.Random(f"luck:{seed}:{gid}:{created}")
        self.version, self.trouble, self.successors = version, trouble or Trouble(), list(successors)
        self.server = maintainer
        self.data = {} if data is None else data
        self.maintenance, self.maintenance_key = maintenance, maintenance_key
        self.is_cluster = gid.startswith("1")
        shown = maintainer.clock(created)
        self.dag = Row(created, state="READY", operator="RUN", stage=1, start=shown, end=shown)
        self.nodes: list[Row] = []
        self.tasks: list[list[Row]] = []
        self.ids: list[list[str]] = []
        self.node_ids: list[str] = []
        self.first_row_id = first_row_id
        self.truth: dict[str, list[Attempt]] = {}
        self.waits: list[tuple[int, int, str]] = []
        self.busy: dict[str, list[int]] = {}
        self.entries: list[tuple[int, Agent, str, str]] = []
        """What obshell.log would hold of it: the true time, the agent that writes, the trace, the message."""
        self.requests: list[tuple[int, str, str]] = []
        """Every request: its true time, the operation, and who asked for it."""
        self.protocol_retries = 0
        self.retries = self.rollbacks = self.cancels = self.passes = self.node_passes = 0
        self.begun: int | None = None
        self.ended: int | None = None
        self._create_rows(shown)
        self.pass_at = created + self._random_time(0.02, 1.0)

    def _create_rows(self, shown: int) -> None:
        """Create the rows of all nodes and sub-tasks, which show the time of their creation."""
        row_id = self.first_row_id
        for place, stage in enumerate(self.stages):
            self.nodes.append(Row(self.created, state="PENDING", operator="RUN", start=shown, end=shown))
            self.node_ids.append(self._generic_id(self.first_row_id + place))
            row_ids = range(row_id, row_id + len(stage.tasks))
            row_id = row_ids.stop
            self.ids.append([self._generic_id(number) for number in row_ids])
            self.truth |= {gid: [] for gid in self.ids[-1]}
            unset: dict[str, Any] = {"times": 0, "logs": (), "marks": ()}
            self.tasks.append(
                [
                    Row(self.created, state="PENDING", operator="RUN", start=shown, end=shown, agent=task.agent, **unset)
                    for task in stage.tasks
                ]
            )

    def _generic_id(self, row_id: int) -> str:
        return f"{self.gid[: _PREFIX_LENGTH[self.gid[0]]]}{row_id}"

    def _row_id(self, gid: str) -> str:
        return gid[_PREFIX_LENGTH[gid[0]] :]

    def local_id(self, gid: str) -> int:
        """The row id that a sub-task has in the database of an agent that executes it."""
        return 500_000 + int(self._row_id(gid)) if self.is_cluster else int(self._row_id(gid))

    def _random_time(self, low: float, high: float) -> int:
        return round(self.random.uniform(low, high) * SECOND)

    @property
    def outcome(self) -> str:
        """What the run came to."""
        dag = self.dag.now
        if dag["state"] == "SUCCEED":
            named = {"PASS": "passed", "ROLLBACK": "rolled_back", "CANCEL": "cancelled"}
            if dag["operator"] in named:
                return named[dag["operator"]]
            return "succeeded_with_node_pass" if self.node_passes else "succeeded_after_retry" if self.retries else "succeeded"
        if dag["state"] == "FAILED":
            return {"ROLLBACK": "rollback_failed", "CANCEL": "cancelled"}.get(dag["operator"], "failed")
        return "running"

    @property
    def elapsed(self) -> float:
        """First start to last end, seconds."""
        assert self.begun is not None
        assert self.ended is not None
        return (self.ended - self.begun) / SECOND

    @property
    def executed(self) -> float:
        """Time in which at least one attempt was running, seconds."""
        total = reached = 0
        for start, end in sorted((a.start, a.end or a.start) for attempts in self.truth.values() for a in attempts if a.start is not None):
            total += max(0, end - max(start, reached))
            reached = max(reached, end)
        return total / SECOND

    @property
    def waited(self) -> float:
        """Time in which the DAG stood still until somebody acted, seconds."""
        return sum(end - start for start, end, _ in self.waits) / SECOND
