"""Facts: what sources beside the API's answers tell, one typed record each.

Agents' logs and databases tell what the API's rows no longer show. A reader of such a source yields facts; only the rules of
``daganalysis.history`` decide what follows from them. A fact says which agent tells it and on whose clock its instants are.

Instants are nanoseconds since 1970. In UTC where ``zoned`` is true; otherwise they are the agent's local time of day, read as if it were
UTC, until the zone of the agent's log is known.
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

    ``teller`` is the agent (`ip:port`) whose file tells it, None for the cluster's own database; ``clock`` is the agent on whose clock the
    instants are, None for that of ``teller``. ``precision_ns`` is how much later the true instant may be than the written one, which was
    cut. ``place`` is the byte offset or the row it was found at, for messages.
    """

    teller: str | None = None
    clock: str | None = None
    zoned: bool = False
    precision_ns: int = LOG_PRECISION_NS
    place: int = 0


# -- of one sub-task ------------------------------------------------------------------------------------------------------------------


class Execution(Fact, tag="execution"):
    """One execution of a sub-task, or the part of it that one file shows.

    ``task_gid`` is the generic id of a sub-task of the cluster where the source tells it; ``local_id`` is the row id in the database of
    ``teller``, under which the executor writes. ``attempt`` is the value of execute_times where the source tells it. ``handed_at`` is when
    it was queued, ``started_at`` and ``ended_at`` are when its row was started and ended; ``work_ended_at`` is when the work ended, where
    the row was written later. ``ending`` is `succeeded`, `failed`, `waiting`, `timeout`, `cancelled` or `interrupted`; ``written`` says
    that the row is known to say so, for the scheduler may have ended the attempt before. ``resumed`` says that the agent had started anew
    before this start, which may go on with an earlier one.
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
    """One line of a sub-task's log, with the attempt that wrote it where that is known."""

    text: str
    at: int
    task_gid: str | None = None
    local_id: int | None = None
    attempt: int | None = None


# -- of one DAG, as its scheduler saw it ----------------------------------------------------------------------------------------------


class Passes(Fact, tag="passes"):
    """Passes of the scheduler, one after the other, over one node under one operator: one execution of the node, or a part of it.

    ``dag_at`` is when the first of them took up the DAG, ``node_at`` the node; ``last_at`` is when the last one did. ``finished_at`` is
    when the last one found the node at its end, and ``succeeded`` what it came to. ``stepped_over`` says that the node had ended before.
    ``fresh`` says that the first pass began the node's execution.
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
    """The scheduler handed a sub-task out, again and again until ``last_at`` while it was not begun.

    ``kind`` is `run` or `rollback`; ``agent`` is the agent it was sent to, None for the scheduler's own.
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
    """A main DAG had an agent create a child DAG: when it asked, from which address, and when that was answered."""

    dag_gid: str
    parent_gid: str
    name: str
    at: int
    client: str | None = None
    answered_at: int | None = None


class Request(Fact, tag="request"):
    """One request to a DAG or to one of its nodes, or one that creates a DAG, as one agent's log shows it.

    ``operation`` is `create`, `retry`, `rollback`, `cancel`, `pass` or `pass_node`; ``client`` the caller's address, empty for the unix
    socket; ``forwarded_to`` the agent that was to answer it, ``forwarded`` whether another agent passed it on. ``answered_at`` is None
    where no answer was logged; ``status`` is the HTTP status, ``error_code`` the code of a refusal. ``route`` is the path of a creating
    request, ``name`` the DAG's name where a refusal tells it.
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
    """An agent started again. ``stopped_at`` is when it was told to stop, None where it crashed; ``last_sign_at`` its last entry before."""

    started_at: int | None = None
    stopped_at: int | None = None
    last_sign_at: int | None = None


class MaintainerChange(Fact, tag="maintainer"):
    """Whose scheduler worked on the cluster's DAGs from ``at``, as ``teller`` learnt it."""

    maintainer: str
    at: int


class Zone(Fact, tag="zone"):
    """The offset of an agent's local time from UTC as its log shows it between two local times; ``given`` if only the user said so."""

    offset_s: int
    local_from: int
    local_to: int
    given: bool = False


class Coverage(Fact, tag="coverage"):
    """From when to when a file tells everything that an agent logged, in local time.

    ``peers`` are the other agents it speaks of, ``traces`` the local times of requests by their trace ids, kept where its zone is not told.
    """

    first_at: int
    last_at: int
    peers: list[str] = []
    traces: dict[str, int] = {}


class AgentState(Fact, tag="agent"):
    """What a source tells of an agent itself: a row of the table ``agents``."""

    agent: str
    observed_at: int | None = None
    zone: str | None = None
    identity: str | None = None
    obshell_version: str | None = None
    ob_version: str | None = None


class LockState(Fact, tag="lock"):
    """What a database's row said of a maintenance lock: a row of the table ``maintenance_locks``.

    ``lock`` is `global`, `tenant`, `agent` or `obproxy`, ``key`` whose it is (empty for `global`). ``dag_gid`` is the DAG that took it
    last, ``locked_at`` when, where it is held and the row tells; ``n_taken`` how often it was taken.
    """

    lock: str
    key: str
    held: bool
    dag_gid: str | None = None
    locked_at: int | None = None
    n_taken: int | None = None
    observed_at: int | None = None


AnyFact: TypeAlias = (Execution | Line | Passes | HandOut | TaskState | Creation | Child) | (
    Request | Restart | MaintainerChange | Zone | Coverage | AgentState | LockState
)
"""Every kind of fact; the ``fact`` field of its JSON says which it is."""


class Named(msgspec.Struct):
    """The ids that a fact of any kind names, and nothing else of it."""

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
    """Read which ids the facts of an answer name: each answer is asked on its way, before it is known whether its facts are wanted.

    >>> decode_named(encode_facts([Execution(task_gid="11", ending="failed")]))
    [Named(task_gid='11', node_gid=None, parent_gid=None)]
    """
    return _decoder_of_named.decode(body)
