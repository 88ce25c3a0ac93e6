"""Facts: what logs and databases tell, one typed record each.

Logs and databases of agents tell what the API's rows no longer show. A reader of such a source yields facts; only the rules of
``daganalysis.history`` decide what follows from them. A fact names the agent that tells it, and the agent on whose clock its instants are.

Instants are nanoseconds since 1970. They are in UTC if ``zoned`` is true. Otherwise they are the agent's local time, read as if it
were UTC, until the zone of the agent's log is known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence

LOG_PRECISION_NS = 1_000_000
"""Logs cut their times to milliseconds."""


class Fact(msgspec.Struct, kw_only=True, omit_defaults=True, tag_field="fact"):
    """What every fact has.

    ``teller`` is the agent (`ip:port`) whose file tells it; None for the cluster's own database. ``clock`` is the agent on whose clock the
    instants are; None for the clock of ``teller``. Instants were cut: the true one may be up to ``precision_ns`` later. ``place`` is the
    byte offset or the row, for messages.
    """

    teller: str | None = None
    clock: str | None = None
    zoned: bool = False
    precision_ns: int = LOG_PRECISION_NS
    place: int = 0


# -- of one sub-task ------------------------------------------------------------------------------------------------------------------


class Execution(Fact, tag="execution"):
    """One execution of a sub-task, or the part of it that one file shows.

    ``task_gid`` is the generic id of a sub-task of the cluster, if the source tells it. ``local_id`` is the row id in the database of
    ``teller``, under which the executor writes. ``attempt`` is the value of execute_times, if the source tells it. ``handed_at`` is when it
    was queued, ``started_at`` and ``ended_at`` are when its row was started and ended; ``work_ended_at`` is when the work ended, if the row
    was written later. ``ending`` is `succeeded`, `failed`, `waiting`, `timeout`, `cancelled` or `interrupted`; ``written``: the row is
    known to have this ending; otherwise the scheduler may have ended the attempt before. ``resumed``: the agent had started again before
    this start, which may continue an earlier one.
    """

    task_gid: str | None = None
    local_id: int | None = None
    name: str | None = None
    attempt: int | None = None
    kind: str | None = None
    handed_at: int | None = None
    started_at: int | None = None
    ended_at: int | None = None
    work_ended_at: int | None = None
    ending: str | None = None
    written: bool = True
    resumed: bool = False


class Line(Fact, tag="line"):
    """One line of a sub-task's log, with the attempt that wrote it if that is known."""

    text: str
    at: int
    task_gid: str | None = None
    local_id: int | None = None
    attempt: int | None = None


# -- of one DAG, as its scheduler saw it ----------------------------------------------------------------------------------------------


class Passes(Fact, tag="passes"):
    """Passes of the scheduler, one after the other, over one node under one operator: one execution of the node, or a part of it.

    ``dag_at`` and ``node_at`` are when the first pass reached the DAG and the node, ``last_at`` when the last pass did. ``finished_at`` is
    when the last pass found the node ended, ``succeeded`` whether it succeeded. ``stepped_over``: the node had ended before. ``fresh``: the
    first pass began the node's execution.
    """

    dag_gid: str
    node_gid: str
    operator: str | None
    dag_at: int
    node_at: int
    last_at: int
    finished_at: int | None = None
    succeeded: bool | None = None
    stepped_over: bool = False
    fresh: bool = False


class HandOut(Fact, tag="hand_out"):
    """The scheduler handed a sub-task out, repeatedly until ``last_at`` while it had not begun.

    ``kind`` is `run` or `rollback`; ``agent`` is the agent that got it, None for the scheduler's own.
    """

    dag_gid: str
    node_gid: str
    task_gid: str
    at: int
    last_at: int
    kind: str
    agent: str | None = None


class TaskState(Fact, tag="task_state"):
    """The scheduler found a sub-task in a state, or ended it itself (``cancelled``)."""

    dag_gid: str
    node_gid: str
    task_gid: str
    at: int
    state: str


class Creation(Fact, tag="creation"):
    """When the rows of a DAG were created."""

    dag_gid: str
    at: int


class Child(Fact, tag="child"):
    """A main DAG asked an agent to create a child DAG: when, from which address, and when the answer came."""

    dag_gid: str
    parent_gid: str
    name: str
    at: int
    client: str | None = None
    answered_at: int | None = None


class Request(Fact, tag="request"):
    """One request that creates a DAG, or is made to a DAG or a node, as one agent's log shows it.

    ``operation`` is `create`, `retry`, `rollback`, `cancel`, `pass` or `pass_node`; ``client`` is the caller's address, empty for the unix
    socket. ``forwarded_to`` is the agent that had to answer it. ``forwarded``: another agent passed it on. ``answered_at`` is None if no
    answer was logged. ``status`` is the HTTP status, ``error_code`` the code of a refusal. ``route`` is the path of a creating request,
    ``name`` the DAG's name if a refusal tells it.
    """

    operation: str
    at: int
    dag_gid: str | None = None
    node_gid: str | None = None
    client: str | None = None
    forwarded_to: str | None = None
    forwarded: bool = False
    trace_id: str | None = None
    answered_at: int | None = None
    status: int | None = None
    error_code: str | None = None
    route: str | None = None
    name: str | None = None


# -- of one agent ---------------------------------------------------------------------------------------------------------------------


class Restart(Fact, tag="restart"):
    """An agent started again. ``stopped_at`` is when it was asked to stop, None after a crash. ``last_sign_at`` is its last entry."""

    started_at: int | None = None
    stopped_at: int | None = None
    last_sign_at: int | None = None


class MaintainerChange(Fact, tag="maintainer"):
    """The agent whose scheduler works on the cluster's DAGs from ``at`` on, as ``teller`` learnt it."""

    maintainer: str
    at: int


class LogZone(Fact, tag="zone"):
    """The offset of an agent's local time from UTC between two local times, from its log, or ``given`` by the user."""

    offset_s: int
    local_from: int
    local_to: int
    given: bool = False


class Coverage(Fact, tag="coverage"):
    """The local times between which a file holds everything that an agent logged.

    ``peers`` are the other agents in it. ``traces`` has the local times of requests by their trace ids, if the zone is unknown.
    """

    first_at: int
    last_at: int
    peers: list[str] = []
    traces: dict[str, int] = {}


class AgentState(Fact, tag="agent"):
    """An agent as a source describes it: a row of the table ``agents``."""

    agent: str
    observed_at: int | None = None
    zone: str | None = None
    identity: str | None = None
    obshell_version: str | None = None
    ob_version: str | None = None


class LockState(Fact, tag="lock"):
    """A maintenance lock as a database shows it: a row of the table ``maintenance_locks``.

    ``lock`` is `global`, `tenant`, `agent` or `obproxy`, ``key`` names its tenant or agent (empty for `global`). ``dag_gid`` is the DAG
    that took it last, ``locked_at`` when, if it is held and the row tells it. ``n_taken`` is how often it was taken.
    """

    lock: str
    key: str
    held: bool
    dag_gid: str | None = None
    locked_at: int | None = None
    n_taken: int | None = None
    observed_at: int | None = None


AnyFact: TypeAlias = (Execution | Line | Passes | HandOut | TaskState | Creation | Child) | (
    Request | Restart | MaintainerChange | LogZone | Coverage | AgentState | LockState
)
"""Every kind of fact; the ``fact`` field of its JSON says which it is."""


class Named(msgspec.Struct):
    """Only the ids that a fact of any kind names."""

    task_gid: str | None = None
    node_gid: str | None = None
    parent_gid: str | None = None


_decoder = msgspec.json.Decoder(list[AnyFact])
_decoder_of_named = msgspec.json.Decoder(list[Named])
_encoder = msgspec.json.Encoder()


def encode_facts(facts: Sequence[AnyFact]) -> bytes:
    """Write facts as the body of an answer of kind ``facts``.

    >>> decode_facts(encode_facts([Creation(dag_gid="11", at=0)]))[0].dag_gid
    '11'
    """
    return _encoder.encode(facts)


def decode_facts(body: bytes) -> list[AnyFact]:
    """Read the facts of an answer of kind ``facts``."""
    return _decoder.decode(body)


def decode_named(body: bytes) -> list[Named]:
    """Read only the ids that the facts of an answer name. This happens for each answer, before it is known whether its facts are needed.

    >>> decode_named(encode_facts([Execution(task_gid="11", ending="failed")]))
    [Named(task_gid='11', node_gid=None, parent_gid=None)]
    """
    return _decoder_of_named.decode(body)
