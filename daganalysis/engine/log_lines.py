"""The engine's own log lines: what a line of task_logs says about the attempt that wrote it (engine-semantics §8)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

CANCELLED = "sub task cancelled"
TIMED_OUT = "sub task timeout"
WAITING = "wait operator to advance"

LEFT_TO_ANOTHER = "Due to multiple obshell being on this machine"
"""Begins the line of a task that left the work to another agent on its host (engine-semantics §4)."""

_ENDING_OF_BARE_LINE = {CANCELLED: "cancelled", TIMED_OUT: "timeout", WAITING: "waiting"}
_TIMEOUT_LINE = re.compile(r"ERROR: (\[Common\.Unexpected\]: Unexpected error: )?task \d+ timeout")
_INTERRUPTED = "task unexpectedly interrupted and cannot continue"
LINES_BY_ENDING = {
    **{ending: line for line, ending in _ENDING_OF_BARE_LINE.items()},
    "interrupted": f"ERROR: {_INTERRUPTED}",
    "failed": "ERROR: failed",
}
"""A line of each ending of an attempt."""
_WILL_TRY_AGAIN = re.compile(r"and will try again\[\d+/\d+\]\.?$")
_ERROR = re.compile(r"^ERROR: (?:\[(?P<code>[A-Za-z][\w.]*)\]: )?(?P<message>.*)", re.DOTALL)
_SCALE_OUT_CHILD = re.compile(r"^create local scale out dag success, genericID:(\d+)")
_SUB_DAG = re.compile(r"^create task (\d{2,64}) successfully$")
_REMOTE_CHILD = re.compile(r"\b[Rr]emote task (\d{2,64})\b")
_SENT_OPERATOR = re.compile(r"\bsend operator (RETRY|ROLLBACK) request to \S*/task/dag/(\d+)")


def is_error(line: str) -> bool:
    """Return whether a line is an ERROR line of the task itself (a copied line has the other task's name in front)."""
    return line.startswith("ERROR: ")


def ending_lines(lines: Sequence[str]) -> list[str]:
    """Return the lines that end executions without success: an ERROR line, the scheduler's line of a timeout, or the line of a wait.

    A line that announces another try ends nothing. Nor does the executor's line of a timeout after the scheduler's
    (engine-semantics §2.7, §7, §8).

    >>> ending_lines(["ERROR: A failed to create the task due to 'B' and will try again[1/3].", "ERROR: C"])
    ['ERROR: C']
    >>> ending_lines(["wait operator to advance", "sub task timeout", "ERROR: task 7 timeout"])
    ['wait operator to advance', 'sub task timeout']
    """
    found: list[str] = []
    for line in lines:
        if ending_of_line(line) in {None, "cancelled"}:
            continue
        if not found or found[-1] != TIMED_OUT or _TIMEOUT_LINE.fullmatch(line) is None:
            found.append(line)
    return found


def ending_of_line(line: str) -> str | None:
    """Return how an attempt that ended with a line failed, in the words of :func:`ending_of`; None for a line that ends no attempt.

    >>> ending_of_line("sub task cancelled"), ending_of_line("ERROR: A"), ending_of_line("ERROR: A and will try again[1/3].")
    ('cancelled', 'failed', None)
    """
    if line.startswith("ERROR: "):
        return None if "and will try again[" in line and _WILL_TRY_AGAIN.search(line) else ending_of([line])
    return _ENDING_OF_BARE_LINE.get(line)


def is_timeout(line: str) -> bool:
    """Return whether the scheduler or the executor wrote a line only because an attempt ran into its timeout.

    >>> is_timeout("sub task timeout"), is_timeout("ERROR: task 7 timeout"), is_timeout("ERROR: watch dag of task 7 timeout")
    (True, True, False)
    """
    return line.endswith("timeout") and (line == TIMED_OUT or _TIMEOUT_LINE.fullmatch(line) is not None)


def error_parts(line: str) -> tuple[str | None, str]:
    """Split an ERROR line into its code (None before obshell 4.3.1) and its message.

    >>> error_parts("ERROR: [OB.Server.Process.NotExist]: Observer process not exist")
    ('OB.Server.Process.NotExist', 'Observer process not exist')
    >>> error_parts("ERROR: dial failed")
    (None, 'dial failed')
    """
    match = _ERROR.match(line)
    return (match["code"], match["message"]) if match else (None, line)


def ending_of(lines: Sequence[str]) -> str | None:
    """Return how the last attempt that wrote these lines failed, from its last line that tells it; None if no line does.

    One of ``cancelled`` ``timeout`` ``waiting`` ``interrupted`` ``failed``.

    >>> ending_of(["start", "wait operator to advance"])
    'waiting'
    >>> ending_of(["ERROR: [Common.Unexpected]: Unexpected error: task 7 timeout"])
    'timeout'
    """
    for line in reversed(lines):
        if line == CANCELLED:
            return "cancelled"
        if line == TIMED_OUT:
            return "timeout"
        if line == WAITING:
            return "waiting"
        if line.startswith("ERROR: "):
            if is_timeout(line):
                return "timeout"
            return "interrupted" if _INTERRUPTED in line else "failed"
    return None


def ending_of_execution(lines: Sequence[str]) -> str | None:
    """Return how one execution failed, given its last lines: the last one tells it, unless it announces another try.

    >>> ending_of_execution(["ERROR: A", "ERROR: B failed to create the task due to 'C' and will try again[1/3]."]) is None
    True
    >>> ending_of_execution(["sub task cancelled", "ERROR: A"])
    'failed'
    """
    return None if not lines or _WILL_TRY_AGAIN.search(lines[-1]) else ending_of(lines[-1:])


def failure_lines_of(lines: Sequence[str] | None) -> list[str]:
    """Return the lines that tell why attempts failed, each once, in order: the ERROR lines; without any, the scheduler's line.

    >>> failure_lines_of(["start", "ERROR: [A.B]: no space", "Rolling back...", "ERROR: [A.B]: no space", "sub task cancelled"])
    ['ERROR: [A.B]: no space']
    >>> failure_lines_of(["start", "sub task timeout"])
    ['sub task timeout']
    """
    if lines is None:
        return []
    # A line that comes again is placed where it came last.
    errors = list(dict.fromkeys(line for line in reversed(lines) if is_error(line)))[::-1]
    return errors or next(([line] for line in reversed(lines) if ending_of([line]) is not None), [])


def newest_failure_line(lines: Sequence[str] | None) -> str:
    """Return the last of :func:`failure_lines_of`, which belongs to the newest failure; empty if there is none."""
    return (failure_lines_of(lines) or [""])[-1]


def may_name_a_dag(line: str) -> bool:
    """Return quickly whether a line may name another DAG, by what the patterns below have in common. Most lines do not."""
    return "genericID:" in line or "emote task " in line or "/task/dag/" in line or "create task " in line


def scale_out_child(line: str) -> str | None:
    """Return the generic id of the local DAG that a scale-out created, if the line tells it."""
    match = _SCALE_OUT_CHILD.match(line)
    return match[1] if match else None


def sub_dag_created(line: str) -> str | None:
    """Return the generic id of the sub-DAG that a main DAG's task asked an agent to create, if the line tells it.

    The agent may be its own, which it asks without a request (obshell's executor/ob/sub_dag.go).

    >>> sub_dag_created("create task 22130706433028869 successfully")
    '22130706433028869'
    """
    match = _SUB_DAG.match(line)
    return match[1] if match else None


def remote_child(line: str) -> str | None:
    """Return the generic id of the one-node DAG on another agent that the line speaks of, if it does.

    >>> remote_child("remote task 22130706433028869 Start observer running [1/1]")
    '22130706433028869'
    """
    match = _REMOTE_CHILD.search(line)
    return match[1] if match else None


def sent_operator(line: str) -> tuple[str, str] | None:
    """Return (operator, generic id) if the line says that this task asked another DAG to retry or to roll back."""
    match = _SENT_OPERATOR.search(line)
    return (match[1], match[2]) if match else None
