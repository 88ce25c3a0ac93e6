"""Answers about agents: versions and zones from ``/api/v1/info``, ``/api/v1/status`` and ``/api/v1/ob/info``.

Their other fields (obshell's meta/agent.go, lib/http/status.go, param/obcluster.go) are not kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from daganalysis.engine.facts import AgentState
from daganalysis.engine.identifiers import agent_address

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class _Agent(msgspec.Struct, rename="camel"):
    """One agent: as ``/api/v1/info`` answers it, and as ``/api/v1/ob/info`` lists it."""

    ip: str
    port: int
    identity: str
    version: str | None = None
    zone: str | None = None
    ob_version: str | None = msgspec.field(default=None, name="obVersion")


class _Cluster(msgspec.Struct):
    version: str | None = None


def agents_in(fields: Mapping[str, msgspec.Raw], observed_at: int | None) -> list[AgentState]:
    """Return what an answer says about agents; nothing for an answer of another kind.

    >>> raw = {name: msgspec.Raw(text) for name, text in (("ip", b'"192.0.2.1"'), ("port", b"2886"), ("identity", b'"SINGLE"'))}
    >>> [state.agent for state in agents_in(raw, None)]
    ['192.0.2.1:2886']
    """
    try:
        found = list(_agents(fields))
    except msgspec.DecodeError:
        return []
    return [
        AgentState(
            agent=address,
            observed_at=observed_at,
            zone=one.zone or None,
            identity=one.identity or None,
            obshell_version=one.version or None,
            ob_version=one.ob_version or None,
        )
        for one in found
        if (address := agent_address(one.ip, one.port)) is not None
    ]


def _agents(fields: Mapping[str, msgspec.Raw]) -> Iterator[_Agent]:
    if "agent_info" in fields:
        cluster = msgspec.json.decode(fields.get("obcluster_info", msgspec.Raw(b"null")), type=_Cluster | None) or _Cluster()
        for agent in msgspec.json.decode(fields["agent_info"], type=list[_Agent] | None) or ():
            yield msgspec.structs.replace(agent, ob_version=agent.ob_version or cluster.version)
    elif "agent" in fields and "version" in fields:
        # The status of a service: its version stands beside the agent.
        agent = msgspec.json.decode(fields["agent"], type=_Agent)
        yield msgspec.structs.replace(agent, version=msgspec.json.decode(fields["version"], type=str | None))
    elif fields.keys() >= {"ip", "port", "identity"}:
        known: dict[str, Any] = {name: raw for name, raw in fields.items() if name in _Agent.__struct_encode_fields__}
        yield msgspec.json.decode(msgspec.json.encode(known), type=_Agent)
