"""What a DAG consists of, and what the model keeps of its attempts.

Times are whole microseconds after 1970 on the true clock.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

SECOND = 1_000_000


@dataclass(frozen=True)
class Agent:
    """One obshell agent: its address, how far its clock is ahead (seconds), how much slower than others it works.

    ``steps`` are corrections of its clock: from a true time on, that many seconds more.
    """

    ip: str
    port: int = 2886
    skew: float = 0.0
    slowness: float = 1.0
    steps: tuple[tuple[int, float], ...] = ()

    @property
    def address(self) -> str:
        """`ip:port`, as obshell writes it."""
        return f"[{self.ip}]:{self.port}" if ":" in self.ip else f"{self.ip}:{self.port}"

    def clock(self, t: int) -> int:
        """What its clock shows at a true time."""
        return t + round((self.skew + sum(seconds for since, seconds in self.steps if t >= since)) * SECOND)


@dataclass(frozen=True)
class Trouble:
    """What befalls an engine that is nobody's failure: shares of passes, of cancels, of attempts.

    ``lost_passes`` end in a database error, in ``moves`` another agent takes the scheduler over, ``unreachable`` executors cost a cancel
    a pass each, ``restarts`` delay an attempt by an agent's restart, ``late_lines`` are written after the end that the scheduler decided.
    """

    lost_passes: float = 0.0
    moves: float = 0.0
    unreachable: float = 0.0
    restarts: float = 0.0
    late_lines: float = 0.0


@dataclass(frozen=True)
class Failure:
    """How an attempt fails: with a line of its own, or on purpose, to wait for a main DAG."""

    line: str = "ERROR: [Common.Unexpected]: Unexpected error: exit status 1"

    @property
    def outcome(self) -> str:
        """What the attempt comes to."""
        if self.line == "wait operator to advance":
            return "waiting"
        if "unexpectedly interrupted" in self.line:
            return "interrupted"
        return "timeout" if self.line.endswith("timeout") else "failed"


@dataclass
class Task:
    """One sub-task: who executes it and for how long (seconds, or a function of the true time at which it starts).

    ``failures`` says which attempts fail, by their number; ``lines`` are logged by each run. An attempt longer than ``timeout`` seconds is
    given up by the scheduler.
    """

    agent: Agent
    duration: float | Callable[[int], float] = 0.05
    failures: dict[int, Failure] = field(default_factory=dict)
    lines: tuple[str, ...] = ()
    timeout: float = 3600.0


@dataclass
class Stage:
    """One node: its name and its sub-tasks."""

    name: str
    tasks: list[Task]


@dataclass
class Attempt:
    """The truth of one hand-out; times as its row held them, and in true time."""

    task_gid: str
    number: int
    kind: str
    outcome: str = "running"
    recorded_start: int | None = None
    recorded_end: int | None = None
    start: int | None = None
    end: int | None = None
