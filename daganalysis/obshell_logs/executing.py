"""What the executor's lines tell: each execution of a sub-task on this agent, and what it wrote.

These lines bear the row id of the agent's own database. For a sub-task of the cluster the id there is told by the line that follows when
it is finished, or by the scheduler's line before it when both are on one agent.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from daganalysis.engine.facts import Execution, Line
from daganalysis.engine.log_lines import ending_of_execution

if TYPE_CHECKING:
    from collections.abc import Callable

_LINE = re.compile(rb"(\d+) (.*?) execute log: (.*)", re.DOTALL)
_ID = re.compile(rb"\d+")
_WRITTEN_NS = 1_000_000_000
"""A row of the agent's own database is written sooner than this; only then does the last line tell when."""
_MOST_LINES = 2000
"""Lines of one execution that are held before some are handed on."""
_LONGEST_LINE = 1 << 16


@dataclass(slots=True)
class _Open:
    """An execution that has not ended, with the lines that were not handed on yet."""

    execution: Execution
    lines: list[Line] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    cancelled: bool = False
    finishing: bool = False
    failed: bool = False


class ExecutorReader:
    """Reads the executor's lines; ``keep`` takes the facts of each execution, with the local row id."""

    def __init__(self, keep: Callable[[int, list[Execution | Line]], None]) -> None:
        self._keep = keep
        self._open: dict[int, _Open] = {}
        self._remote_of: dict[int, bytes] = {}
        self._finishing: dict[bytes, list[int]] = {}
        self._synced: dict[bytes, int] = {}
        self._queued: dict[int, int] = {}
        self._begun_since_restart: set[int] | None = None

    def restarted(self) -> None:
        """The agent has started again: what was not finished may go on, once."""
        self._begun_since_restart = set()

    # -- lines ------------------------------------------------------------------------------------------------------------------------

    def added(self, at: int, text: bytes, handed_last: tuple[bytes, int] | None) -> None:
        """``add task L to ExecutorPool``; ``handed_last`` is what this agent's cluster scheduler handed out by the line before."""
        local = _number(text)
        if local is None:
            return
        self._queued[local] = at
        if handed_last is not None:
            self._remote_of.setdefault(local, handed_last[0])

    def started(self, at: int, text: bytes) -> None:
        """``start to task L execute``: its row says RUNNING now."""
        local = _number(text)
        if local is None:
            return
        known = self._open.get(local)
        resumed = self._begun_since_restart is not None and local not in self._begun_since_restart
        if self._begun_since_restart is not None:
            self._begun_since_restart.add(local)
        if known is not None and resumed:
            return  # it goes on (engine-semantics §2.10)
        if known is not None:
            self._close(local)
        execution = Execution(local_id=local, handed_at=self._queued.pop(local, None), started_at=at, resumed=resumed)
        self._open[local] = _Open(execution)

    def executing(self, _: int, text: bytes) -> None:
        """``execute task L, execute`` or ``…, rollback``."""
        local = _number(text)
        known = self._open.get(local) if local is not None else None
        if known is not None:
            word = text.rpartition(b", ")[2].strip()
            known.execution.kind = {b"execute": "run", b"rollback": "rollback"}.get(word, known.execution.kind)

    def task(self, at: int, text: bytes, place: int) -> None:
        """``task L …``: a line it wrote, or what became of it."""
        line = _LINE.match(text)
        if line is not None:
            self._line(at, int(line[1]), line[2], line[3], place)
            return
        local = _number(text)
        known = self._open.get(local) if local is not None else None
        if known is None:
            return
        rest = text.partition(b" ")[2]
        if rest.startswith(b"cancel"):
            known.cancelled = True
        elif rest.startswith(b"execute error") or b"Execute Panic:" in rest:
            known.failed = True

    def finishing(self, at: int, text: bytes) -> None:
        """``finishing local task L``: the work has ended."""
        local = _number(text)
        if local is None:
            return
        known = self._open.get(local)
        if known is None:
            known = self._open[local] = _Open(Execution(local_id=local))
        known.execution.ended_at = known.execution.work_ended_at = at
        known.execution.written = False
        known.finishing = True

    def finishing_remote(self, _: int, text: bytes) -> None:
        """``finishing remote task R``: right after the local one."""
        remote = _digits(text)
        waiting = [local for local, known in self._open.items() if known.finishing]
        sure = [local for local in waiting if self._remote_of.get(local) == remote]
        self._finishing[remote] = sure or [local for local in waiting if local not in self._remote_of] or waiting

    def finished_remote(self, at: int, text: bytes) -> None:
        """``the remote task R has been successfully finished``: its row says so now."""
        self._synced[_digits(text)] = at

    def waits_for_sync(self, _: int, text: bytes) -> None:
        """``finish remote task R. Wait Sync``: its row could not be written yet."""
        self._synced.setdefault(_digits(text), 0)

    def finished(self, at: int, text: bytes) -> None:
        """``finish task L end``: every row of it is written."""
        local = _number(text)
        if local is None or local not in self._open:
            return
        # Of those that wait, the one whose row was written before this line is its own.
        candidates = [remote for remote, locals_ in self._finishing.items() if local in locals_]
        done = [remote for remote in candidates if remote in self._synced] or candidates
        own = self._remote_of.get(local)
        remote = own if own in candidates else done[0] if len(done) == 1 else None
        known = self._open[local]
        known.execution.written = not candidates or bool(self._synced.get(remote or b""))
        if remote is not None:
            self._remote_of[local] = remote
            if written := self._synced.get(remote):
                known.execution.ended_at = written
            self._finishing.pop(remote, None)
            self._synced.pop(remote, None)
        elif not candidates:
            self._remote_of.pop(local, None)  # one of the agent's own
            if known.finishing and at - (known.execution.ended_at or at) <= _WRITTEN_NS:
                known.execution.ended_at = at
        self._close(local)

    # -- executions -------------------------------------------------------------------------------------------------------------------

    def _line(self, at: int, local: int, name: bytes, text: bytes, place: int) -> None:
        known = self._open.get(local)
        if known is None:
            known = self._open[local] = _Open(Execution(local_id=local))
        content = text[:_LONGEST_LINE].decode(errors="replace")
        known.execution.name = name.decode(errors="replace")
        known.lines.append(Line(local_id=local, text=content, at=at, place=place))
        known.texts = [*known.texts[-40:], content]
        if len(known.lines) >= _MOST_LINES:
            lines, known.lines = known.lines, []
            self._keep(local, list(lines))

    def _close(self, local: int) -> None:
        known = self._open.pop(local)
        execution = known.execution
        remote = self._remote_of.get(local)
        if remote is not None:
            execution.task_gid = f"1{remote.decode()}"
        if execution.ended_at is not None:
            found = "cancelled" if known.cancelled else ending_of_execution(known.texts) or ("failed" if known.failed else None)
            # Of an execution that began before this file its last line may be in another.
            whole = execution.started_at is not None or bool(known.texts)
            execution.ending = found or ("succeeded" if whole else None)
        self._keep(local, [execution, *known.lines])

    def flush(self) -> None:
        """Hand on what is not closed."""
        for local in list(self._open):
            self._close(local)


def _digits(text: bytes) -> bytes:
    found = _ID.match(text)
    return found[0] if found is not None else b""


def _number(text: bytes) -> int | None:
    found = _ID.match(text)
    return int(found[0]) if found is not None and len(found[0]) < 19 else None
