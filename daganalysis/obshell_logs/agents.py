"""What a log says about its agent: its address, the zone of its times, when it stopped and started, and who was the maintainer."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from daganalysis.engine.facts import LogZone, MaintainerChange, Restart
from daganalysis.engine.identifiers import local_gid
from daganalysis.engine.times import SECOND_NS
from daganalysis.obshell_logs.entries import local_time

if TYPE_CHECKING:
    from collections.abc import Callable

_QUARTER_S = 900
_ASKING = re.compile(rb"'(\S+:\d+)' to '(\S+:\d+)'")
_TO_SELF = re.compile(rb"\d+ update executer agent \S+ to (\S+:\d+)")
_GO_TIME = re.compile(rb"\b(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)(?:\.\d+)? ([+-])(\d\d)(\d\d) ")
_UNIX_TIME = re.compile(rb"\bAgentTime:(\d{9,11})\b")
_MAINTAINER = re.compile(rb"(\S+:\d+),")
_BECOMES = re.compile(rb"\S+ to (\w+)")
_IN_PATH = re.compile(r"(?:^|/)(\[?[0-9A-Fa-f:.]{3,45}?\]?)[_:@-](\d{2,5})(?=[/!._-]|$)")
_SAMPLED_NS = 30_000_000_000
"""The zone is looked at again after this time."""
_NEAR_S = 60
"""A Go time this close to its entry's own time was written at that moment, so its offset is the log's."""


def address_in_path(path: str) -> str | None:
    """Return the address of an agent that a path names, as ``ip_port`` or ``ip:port``; None if it names none.

    >>> address_in_path("c1/10.0.0.7_2886/log_obshell/obshell.log"), address_in_path("c1/node7/obshell.log")
    ('10.0.0.7:2886', None)
    """
    for ip, port in reversed(_IN_PATH.findall(path)):
        bare = ip.strip("[]")
        address = f"[{bare}]:{port}" if ":" in bare else f"{bare}:{port}"
        if local_gid(address, 1) is not None:
            return address
    return None


class AgentReader:
    """Reads the lines about the agent itself; ``keep`` takes each fact."""

    def __init__(self, keep: Callable[[Restart | MaintainerChange | LogZone], None]) -> None:
        self._keep = keep
        self.own: str | None = None
        """The agent's address, once a line tells it."""
        self.peers: set[str] = set()
        self.zoned = False
        self._zone: LogZone | None = None
        self._stopped_at: int | None = None
        self._maintainer: str | None = None

    def asking(self, _: int, text: bytes) -> None:
        """``try get maintainer rpc request from 'OWN' to 'MAINTAINER'``."""
        if self.own is None and (found := _ASKING.match(text)) is not None:
            self.own = found[1].decode(errors="replace")
            self.peers.add(found[2].decode(errors="replace"))

    def executer(self, _: int, text: bytes) -> None:
        """``subtask T update executer agent A to OWN``."""
        if self.own is None and (found := _TO_SELF.match(text)) is not None:
            self.own = found[1].decode(errors="replace")

    def maintainer(self, at: int, text: bytes) -> None:
        """``set maintainer: A, life time: …, last update time: …``."""
        self.zone_shown(at, text)
        if (found := _MAINTAINER.match(text)) is not None:
            self._now_maintained_by(found[1].decode(errors="replace"), at)

    def identity(self, at: int, text: bytes) -> None:
        """``coordinator identity change from X to Y``."""
        found = _BECOMES.match(text)
        if found is not None and found[1] == b"MAINTAINER":
            self._now_maintained_by("", at)

    def _now_maintained_by(self, maintainer: str, at: int) -> None:
        if maintainer:
            self.peers.add(maintainer)
        if maintainer != self._maintainer:
            self._maintainer = maintainer
            self._keep(MaintainerChange(maintainer=maintainer, at=at))

    def zone_shown(self, at: int, text: bytes) -> None:
        """Take the offset from a Go time or a Unix time of the moment."""
        if self._zone is not None and 0 <= at - self._zone.local_to < _SAMPLED_NS:
            return
        offset = _offset_of(at, text)
        if offset is None:
            return
        self.zoned = True
        if self._zone is not None and self._zone.offset_s == offset:
            self._zone.local_from, self._zone.local_to = min(self._zone.local_from, at), max(self._zone.local_to, at)
            return
        self._flush_zone()
        self._zone = LogZone(offset_s=offset, local_from=at, local_to=at)

    def _flush_zone(self) -> None:
        if self._zone is not None:
            self._keep(self._zone)
            self._zone = None

    def stopping(self, at: int, _: bytes) -> None:
        """``obshell server received … signal. exiting...``."""
        self._stopped_at = at

    def booted(self, at: int, last_at: int | None) -> None:
        """``initialize logger``: the first line of a new process; ``last_at`` is when the one before wrote its last."""
        self._keep(Restart(started_at=at, stopped_at=self._stopped_at, last_sign_at=last_at))
        self._stopped_at = None
        self._maintainer = None

    def flush(self, last_at: int | None) -> None:
        """Hand on what is not closed; ``last_at`` is when the last entry was written."""
        self._flush_zone()
        if self._stopped_at is not None:
            self._keep(Restart(stopped_at=self._stopped_at, last_sign_at=last_at))
            self._stopped_at = None


def _offset_of(at: int, text: bytes) -> int | None:
    for found in _GO_TIME.finditer(text):
        shown = local_time(found[1].replace(b" ", b"T") + b".000")
        if shown is not None and abs(shown - at) <= _NEAR_S * SECOND_NS:
            seconds = int(found[3]) * 3600 + int(found[4]) * 60
            return -seconds if found[2] == b"-" else seconds
    if (unix := _UNIX_TIME.search(text)) is not None:
        ahead = at / 1e9 - int(unix[1])
        offset = round(ahead / _QUARTER_S) * _QUARTER_S
        if abs(ahead - offset) <= _NEAR_S and abs(offset) <= 15 * 3600:
            return int(offset)
    return None
