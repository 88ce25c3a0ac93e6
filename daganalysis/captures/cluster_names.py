"""The name of a cluster: its own name, or that of the folder of an earlier capture."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

import msgspec

from daganalysis.captures.servers import UnreachableError

if TYPE_CHECKING:
    from pathlib import Path

    from daganalysis.captures.servers import Server

_CLUSTER = "/api/v1/ob/info"
_UNKNOWN = "cluster"


class _Config(msgspec.Struct):
    name: str = ""


class _Info(msgspec.Struct):
    obcluster_info: _Config | None = None


class _Answer(msgspec.Struct):
    data: _Info | None = None


_decoder = msgspec.json.Decoder(_Answer)


def cluster_name(server: Server, folder: Path) -> str:
    """Return the name of the folder, below that of the capture, for the answers of a cluster.

    It is the cluster's own name. While the database is down, the agent does not know the name. Then a capture continues in the folder of an
    earlier one, if there is only one.
    """
    try:
        reply = server.get(_CLUSTER)
        if reply.status == HTTPStatus.OK:
            answered = _decoder.decode(reply.body).data
            if answered is not None and answered.obcluster_info is not None and answered.obcluster_info.name:
                return answered.obcluster_info.name
    except (UnreachableError, msgspec.DecodeError):
        pass  # the requests that follow fail again, and say so
    earlier = [entry.name for entry in folder.iterdir() if entry.is_dir()] if folder.is_dir() else []
    return earlier[0] if len(earlier) == 1 else _UNKNOWN
