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


class Fact(msgspec.Struct, kw_only=True, omit_defaults=True, tag_field="fact", gc=False):
    """What every fact has.

    ``teller`` is the agent (`ip:port`) whose file tells it, None for the cluster's own database; ``clock`` is the agent on whose clock the
    instants are, None for the database's. ``precision_ns`` is how much later the true instant may be than the written one, which was cut.
    ``place`` is the byte offset or the row it was found at, for messages.
    """

    teller: str | None = None
    clock: str | None = None
    zoned: bool = False
    precision_ns: int = 1_000_000
    place: int = 0


class Execution(Fact, tag="execution"):
    """One execution of a sub-task, or the part of it that one file shows.

    ``task_gid`` is the generic id where the source tells it; ``local_id`` is the row id in the database of ``teller``, under which the
    executor writes. ``attempt`` is the value of execute_times where the source tells it. ``handed_at`` is when it was queued,
    ``started_at`` and ``ended_at`` are when the work began and ended. ``verdict`` is `succeeded`, `failed`, `timeout`, `cancelled` or
    `interrupted`.
    """

    task_gid: str | None = None
    local_id: int | None = None
    attempt: int | None = None
    kind: str | None = None
    handed_at: int | None = None
    started_at: int | None = None
    ended_at: int | None = None
    verdict: str | None = None


class HandOut(Fact, tag="hand_out"):
    """The scheduler made a sub-task READY: its execute_times was raised by one. ``kind`` is `run` or `rollback`."""

    task_gid: str
    at: int
    kind: str
    attempt: int | None = None
    agent: str | None = None


class Line(Fact, tag="line"):
    """One line of a sub-task's log, with the attempt that wrote it where that is known."""

    text: str
    at: int
    task_gid: str | None = None
    local_id: int | None = None
    attempt: int | None = None


class Structure(Fact, tag="structure"):
    """Which nodes a DAG has, in order of their ids, and which sub-tasks each; ``name`` is None where the source does not tell it."""

    dag_gid: str
    nodes: list[tuple[str, list[str]]]
    name: str | None = None


class Creation(Fact, tag="creation"):
    """When the rows of a DAG were created."""

    dag_gid: str
    at: int


class Step(Fact, tag="step"):
    """The scheduler advanced a DAG: at ``at`` it stood in stage ``stage`` (None if unknown), or came to an end in ``state``."""

    dag_gid: str
    at: int
    node_gid: str | None = None
    state: str | None = None


class Request(Fact, tag="request"):
    """One request to a DAG or to one of its nodes, as one agent's log shows it.

    ``operation`` is `create`, `retry`, `rollback`, `cancel`, `pass` or `pass_node`; ``client`` the caller's address, empty for the unix
    socket; ``forwarded_to`` the agent that was to answer it. ``answered_at`` is None where no answer was logged; ``status`` is the HTTP
    status, ``error_code`` the code of a refusal.
    """

    operation: str
    at: int
    dag_gid: str | None = None
    node_gid: str | None = None
    client: str | None = None
    forwarded_to: str | None = None
    trace_id: str | None = None
    answered_at: int | None = None
    status: int | None = None
    error_code: str | None = None
    path: str | None = None


class Restart(Fact, tag="restart"):
    """An agent stopped (``stopped_at``, null where it crashed) and started again."""

    stopped_at: int | None = None
    last_sign_at: int | None = None
    started_at: int | None = None


class MaintainerChange(Fact, tag="maintainer"):
    """Whose scheduler worked on the cluster's DAGs from ``at``, as ``teller`` learnt it."""

    maintainer: str
    at: int


class Zone(Fact, tag="zone"):
    """The offset of an agent's local time from UTC, which held from ``local_from`` to ``local_to``."""

    offset_s: int
    local_from: int
    local_to: int


class Coverage(Fact, tag="coverage"):
    """From when to when a file of an agent tells everything, and which trace ids of requests it shows (with their local times)."""

    first_at: int
    last_at: int
    n_entries: int = 0
    traces: dict[str, int] = msgspec.field(default_factory=dict)


class AgentState(Fact, tag="agent"):
    """What a source tells of an agent itself: a row of the table ``agents``."""

    agent: str
    observed_at: int | None = None
    zone: str | None = None
    identity: str | None = None
    obshell_version: str | None = None
    ob_version: str | None = None


AnyFact: TypeAlias = (
    Execution | HandOut | Line | Structure | Creation | Step | Request | Restart | MaintainerChange | Zone | Coverage | AgentState
)
"""Every kind of fact; the ``fact`` field of its JSON says which it is."""

_decoder = msgspec.json.Decoder(list[AnyFact])
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
