"""What requests tell: who asked for what, which agent was asked, and what it answered.

Bodies and answers hold passwords and addresses of backups. Of them nothing is kept but the operator, an error code, and the name of the
DAG that a refusal speaks of.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from daganalysis.engine.catalogue import NAMES_BY_ROUTE
from daganalysis.engine.facts import Child, Request

if TYPE_CHECKING:
    from collections.abc import Callable

_HEAD = re.compile(rb"([^ ,]*), client=([0-9A-Za-z:.%]*)")
_TRACE = re.compile(rb"traceId=([0-9A-Za-z]+)")
_AGENT = re.compile(rb"agent=((?:\[[0-9A-Fa-f:.%]+\]|[0-9A-Za-z.-]+):\d+)")
_OPERATOR = re.compile(rb'"operator":"([A-Za-z]+)"')
_STATUS = re.compile(rb"status=(\d{3})")
_CODE = re.compile(rb"error=\{Code:([A-Za-z][\w.]*)")
_REFUSED_DAG = re.compile(rb"Message:Create task '([^']{1,200})'")
_TARGET = re.compile(rb"/api/v\d+/task/(dag|node)/(\d{2,64})$")
_FORWARDED = re.compile(rb'body=\{"id":"\d+","operator":')
_SUB_DAG_ROUTES = frozenset({b"/rpc/v1/ob/start", b"/rpc/v1/ob/stop"})
_MAIN_DAG = re.compile(rb'"genecric_id":"(\d{2,64})"')
_SUB_DAG = re.compile(rb"SubDagInfo:\{GenericID:(\d{2,64}) ")
_OPERATIONS = {"retry": "retry", "rollback": "rollback", "cancel": "cancel", "pass": "pass"}
_MOST_OPEN = 10_000
_MOST_TRACES = 20_000


class RequestReader:
    """Reads requests and their answers; ``keep`` takes each request once it is answered, or at the end, ``keep_child`` each new sub-DAG."""

    def __init__(self, keep: Callable[[Request], None], keep_child: Callable[[Child], None]) -> None:
        self._keep, self._keep_child = keep, keep_child
        self._children: dict[bytes, Child] = {}
        self._open: dict[bytes, Request] = {}
        self._forwards: dict[bytes, bytes] = {}
        self.traces: dict[str, int] = {}
        """Local times of the requests that saved answers may stem from, by trace id."""

    def read(self, at: int, text: bytes) -> None:
        """``API request: [GET /api/v1/task/path, …, traceId=…, body={}]``: what it asked for may have been saved."""
        if len(self.traces) < _MOST_TRACES and (trace := _TRACE.search(text)) is not None:
            self.traces.setdefault(trace[1].decode(), at)

    def request(self, at: int, method: bytes, text: bytes, place: int) -> None:
        """``API request: [METHOD path, client=…, traceId=…, body=…]``."""
        head, trace = _HEAD.match(text), _TRACE.search(text)
        if head is None or trace is None or (head[1].startswith(b"/rpc/") and not head[1].startswith(b"/rpc/v1/ob/")):
            return
        if head[1] in _SUB_DAG_ROUTES:
            self._asked_for_child(at, head, trace[1], text, place)
            return
        made = self._made(method, head[1].partition(b"?")[0], text)
        if made is None:
            return
        made.at, made.client, made.trace_id, made.place = at, head[2].decode(), trace[1].decode(), place
        forwarded_to = self._forwards.pop(trace[1], None)
        if forwarded_to is not None:
            made.forwarded_to = forwarded_to.decode()
        if len(self._open) >= _MOST_OPEN:
            self._hand_on(next(iter(self._open)))
        self._open[trace[1]] = made

    def _asked_for_child(self, at: int, head: re.Match[bytes], trace: bytes, text: bytes, place: int) -> None:
        main = _MAIN_DAG.search(text)
        if main is not None and len(self._children) < _MOST_OPEN:
            name = NAMES_BY_ROUTE[head[1].decode()]
            self._children[trace] = Child(
                dag_gid="", parent_gid=main[1].decode(), name=name, at=at, client=head[2].decode() or None, place=place
            )

    def _made(self, method: bytes, path: bytes, text: bytes) -> Request | None:
        target = _TARGET.match(path)
        if target is None:
            return (
                None if b"/task/" in path else Request(operation="create", at=0, route=f"{method.decode()} {path.decode(errors='replace')}")
            )
        asked = _OPERATOR.search(text)
        operation = _OPERATIONS.get(asked[1].decode().lower()) if asked is not None and method == b"POST" else None
        if operation is None:
            return None
        forwarded = _FORWARDED.search(text) is not None
        gid = target[2].decode()
        if target[1] == b"node":
            return Request(operation="pass_node", at=0, node_gid=gid, forwarded=forwarded) if operation == "pass" else None
        return Request(operation=operation, at=0, dag_gid=gid, forwarded=forwarded)

    def forward(self, text: bytes, trace: bytes) -> None:
        """``Forward request: [METHOD path, client=…, agent=…]``, before or after the request itself."""
        agent = _AGENT.search(text)
        if agent is None:
            return
        known = self._open.get(trace)
        if known is not None:
            known.forwarded_to = agent[1].decode()
        elif not text.startswith(b"GET"):
            self._forwards[trace] = agent[1]

    def answer(self, at: int, text: bytes, *, accepted: bool) -> None:
        """``API response OK: […]`` or ``API response error: […]``."""
        trace = _TRACE.search(text)
        child = self._children.pop(trace[1], None) if trace is not None else None
        if child is not None and (made := _SUB_DAG.search(text)) is not None:
            child.dag_gid, child.answered_at = made[1].decode(), at
            self._keep_child(child)
            return
        known = self._open.get(trace[1]) if trace is not None else None
        if trace is None or known is None:
            return
        status = _STATUS.search(text)
        known.answered_at = at
        known.status = int(status[1]) if status is not None else 200 if accepted else 500
        if not accepted:
            code, dag = _CODE.search(text), _REFUSED_DAG.search(text)
            known.error_code = code[1].decode() if code is not None else None
            known.name = dag[1].decode(errors="replace") if dag is not None else None
        creates = known.operation == "create"
        if creates and not (b"DagDetail:" in text or known.name is not None or (known.error_code or "").endswith("UnderMaintenance")):
            del self._open[trace[1]]  # a request that makes no DAG
            return
        self._hand_on(trace[1])

    def _hand_on(self, trace: bytes) -> None:
        known = self._open.pop(trace)
        if known.operation != "create" or known.answered_at is not None:
            self._keep(known)

    def flush(self) -> None:
        """Hand on what was not answered."""
        for trace in list(self._open):
            self._hand_on(trace)
