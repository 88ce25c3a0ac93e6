"""Generic ids: what the text of an id says about the DAG and its owner."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from functools import lru_cache

_ADDRESS_DIGITS = {"2": 10, "3": 39, "4": 10, "5": 39}
_PORT_DIGITS = 5
_SCOPES = {"1": "cluster", "2": "local", "3": "local", "4": "obproxy", "5": "obproxy"}


@dataclass(frozen=True, slots=True)
class Identity:
    """What a generic id says: the scope, the owning agent of a local DAG, the row id there."""

    scope: str | None
    owner_agent: str | None
    row_id: str | None


_UNKNOWN = Identity(None, None, None)


def key_of(cluster: str | None, gid: str) -> str:
    """Return the key of an object among the objects of all clusters. The key of a DAG is the ``run_id`` in every table.

    >>> key_of("prod-a", "11"), key_of(None, "11")
    ('prod-a/11', '11')
    """
    return f"{cluster}/{gid}" if cluster else gid


def run_key(cluster: str | None, gid: str, generation: int) -> str:
    """Return the ``run_id`` of a run: its key, with a number from the second DAG on that had the same key.

    >>> run_key("prod-a", "11", 1), run_key("prod-a", "11", 2)
    ('prod-a/11', 'prod-a/11#2')
    """
    key = key_of(cluster, gid)
    return key if generation == 1 else f"{key}#{generation}"


def split_run_key(run_id: str) -> tuple[str | None, str]:
    """Return the cluster label and the generic id in a ``run_id``, without the number of a later DAG.

    >>> split_run_key("prod-a/11#2"), split_run_key("11")
    (('prod-a', '11'), (None, '11'))
    """
    cluster, rest = split_cluster(run_id)
    return cluster, rest.partition("#")[0]


def split_cluster(run_id: str) -> tuple[str | None, str]:
    """Return the cluster label in a ``run_id``, which may hold slashes itself, and the rest: the generic id, and the number of a later DAG.

    >>> split_cluster("prod-a/11#2"), split_cluster("11")
    (('prod-a', '11#2'), (None, '11'))
    """
    cluster, slash, rest = run_id.rpartition("/")
    return (cluster if slash else None), rest


@lru_cache(maxsize=65536)
def agent_address(ip: str | None, port: int | None) -> str | None:
    """Join an address and a port as obshell writes them, IPv6 in brackets; None if either is missing.

    >>> agent_address("192.0.2.1", 2886), agent_address("2001:db8::1", 2886)
    ('192.0.2.1:2886', '[2001:db8::1]:2886')
    """
    if ip is None or port is None:
        return None
    return f"[{ip}]:{port}" if ":" in ip and not ip.startswith("[") else f"{ip}:{port}"


def split_address(agent: str) -> tuple[str | None, int | None]:
    """Take an agent's `ip:port` apart; (None, None) for another text.

    >>> split_address("[2001:db8::1]:2886"), split_address("192.0.2.1:2886"), split_address("nobody")
    (('2001:db8::1', 2886), ('192.0.2.1', 2886), (None, None))
    """
    ip, _, port = agent.rpartition(":")
    return (ip.strip("[]"), int(port)) if ip and port.isascii() and port.isdecimal() else (None, None)


@lru_cache(maxsize=65536)
def identify(gid: str) -> Identity:
    """Read a generic id (engine-semantics §4; obshell's engine/task/task_dto.go). All fields are None for an id with another layout.

    >>> identify("11")
    Identity(scope='cluster', owner_agent=None, row_id='1')
    >>> identify("22130706433028869")
    Identity(scope='local', owner_agent='127.0.0.1:2886', row_id='9')
    """
    prefix = gid[:1]
    if not gid.isascii() or not gid.isdigit() or prefix not in _SCOPES or len(gid) < 2:
        return _UNKNOWN
    width = _ADDRESS_DIGITS.get(prefix)
    if width is None:
        return Identity(_SCOPES[prefix], None, gid[1:])
    address, port, row_id = gid[1 : 1 + width], gid[1 + width : 1 + width + _PORT_DIGITS], gid[1 + width + _PORT_DIGITS :]
    # A longer id than any real one would only cost time to convert.
    if not row_id or len(row_id) > 24:
        return _UNKNOWN
    try:
        ip = ipaddress.IPv4Address(int(address)) if width == 10 else ipaddress.IPv6Address(int(address))
    except ipaddress.AddressValueError:
        return _UNKNOWN
    if int(port) > 65535:
        return _UNKNOWN
    return Identity(_SCOPES[prefix], agent_address(str(ip), int(port)), row_id)


def local_gid(agent: str, row_id: int) -> str | None:
    """Return the generic id of a row in an agent's own database (engine-semantics §4); None if the text is no address of an agent.

    >>> local_gid("127.0.0.1:2886", 9), local_gid("unknown", 9)
    ('22130706433028869', None)
    """
    prefix = _local_prefix(agent)
    return None if prefix is None else f"{prefix}{row_id}"


@lru_cache(maxsize=1024)
def _local_prefix(agent: str) -> str | None:
    ip, _, port = agent.rpartition(":")
    try:
        address = ipaddress.ip_address(ip.strip("[]"))
    except ValueError:
        return None
    if not port.isdigit() or int(port) > 65535:
        return None
    prefix, width = ("2", 10) if address.version == 4 else ("3", 39)
    return f"{prefix}{int(address):0{width}d}{int(port):0{_PORT_DIGITS}d}"


def obproxy_twin(gid: str) -> str | None:
    """Return the generic id that the same row has if it belongs to obproxy; None for an id that does not come from an agent's database.

    >>> obproxy_twin("22130706433028869"), obproxy_twin("11")
    ('42130706433028869', None)
    """
    return {"2": "4", "3": "5"}[gid[0]] + gid[1:] if gid[:1] in {"2", "3"} else None
