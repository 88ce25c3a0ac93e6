"""A stand-in for an obshell agent: it plays histories of the engine model at a unix socket or a port, with the paths of the real API."""

from __future__ import annotations

import base64
import contextlib
import functools
import http.server
import json
import re
import socketserver
import threading
from typing import TYPE_CHECKING, Any

from Crypto.Cipher import PKCS1_v1_5
from Crypto.PublicKey import RSA

from daganalysis.captures import Reply, UnreachableError
from enginemodel import answer, listing, log_answer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from enginemodel import DagRun

SECOND = 1_000_000
_POLL_S = 0.02
"""How often a server looks whether it should end. By default, each test that starts one waits half a second for its end."""
PASSWORD = "correct horse battery"
_NOT_FOUND = {"successful": False, "timestamp": "2026-03-02T10:00:00+08:00", "duration": 0, "status": 404, "traceId": "0"}


@functools.cache
def _key() -> RSA.RsaKey:
    """Make the agent's key, which takes a second, for the tests that need one."""
    return RSA.generate(1024)


class StandIn:
    """Runs of the engine model behind the paths of the API. Its time moves on by a step with each request for the unfinished DAGs."""

    def __init__(self, runs: Sequence[DagRun], *, step_s: float = 1.0) -> None:
        self.runs = list(runs)
        self.step = round(step_s * SECOND)
        self.now = min(run.created for run in runs)
        self.asked: list[tuple[str, str]] = []
        self.is_down = False
        self.status = 200
        self._was_asked = threading.Condition()

    def wait_until_asked(self, n: int) -> None:
        """Wait until so many requests have come, or none for a minute."""
        with self._was_asked:
            while len(self.asked) < n and self._was_asked.wait(timeout=250):
                pass

    def get(self, path: str) -> Reply:
        """Answer a GET as a server of ``daganalysis.captures`` would."""
        if self.is_down:
            self.now += self.step
            raise UnreachableError("the agent does not answer")
        status, body = self.answer("GET", path)
        return Reply(status, json.dumps(body).encode())

    def answer(self, method: str, path: str) -> tuple[int, dict[str, Any]]:
        """Answer a request."""
        with self._was_asked:
            self.asked.append((method, path))
            self._was_asked.notify_all()
        if self.status != 200:
            self.now += self.step
            return self.status, {"successful": False, "status": self.status, "traceId": "0", "error": {"code": 1, "message": "busy"}}
        if path.startswith("/api/v1/task/dag/unfinish"):
            self.now += self.step
            unfinished = [run for run in self._created() if self._is_unfinished(run)]
            return 200, listing(unfinished or self.runs[:1], self.now, details=False) if unfinished else _contents([])
        if path.startswith("/api/v1/task/dags/ob"):
            return 200, listing(self._created(), self.now) if self._created() else _contents([])
        if found := re.match(r"/api/v1/task/dag/(\d+)", path):
            return self._of_dag(found[1])
        if found := re.match(r"/api/v1/task/sub_task/(\d+)/logs", path):
            return self._of_logs(found[1])
        return 404, _NOT_FOUND

    def is_over(self) -> bool:
        """Whether all runs have ended."""
        return all(run.ended is not None and run.ended < self.now for run in self.runs)

    def _created(self) -> list[DagRun]:
        return [run for run in self.runs if run.created <= self.now]

    def _is_unfinished(self, run: DagRun) -> bool:
        return run.dag.at(self.now)["state"] in {"READY", "RUNNING"}

    def _of_dag(self, gid: str) -> tuple[int, dict[str, Any]]:
        run = next((run for run in self._created() if run.gid == gid), None)
        return (404, _NOT_FOUND) if run is None else (200, answer(run, self.now))

    def _of_logs(self, gid: str) -> tuple[int, dict[str, Any]]:
        for run in self._created():
            for stage, ids in enumerate(run.ids, start=1):
                if gid in ids:
                    return 200, log_answer(run, stage, ids.index(gid), self.now)
        return 200, _contents([])


def _contents(contents: list[Any]) -> dict[str, Any]:
    return {
        "successful": True,
        "timestamp": "2026-03-02T10:00:00+08:00",
        "duration": 0,
        "status": 200,
        "traceId": "0",
        "data": {"contents": contents},
    }


class _UnixServer(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True

    def get_request(self) -> tuple[Any, Any]:
        request, _ = super().get_request()
        return request, ("socket", 0)


@contextlib.contextmanager
def at_socket(stand_in: StandIn, path: Path) -> Iterator[Path]:
    """Serve at a unix socket, without a password."""
    with _UnixServer(str(path), _handler(stand_in, signed=False)) as server:
        threading.Thread(target=server.serve_forever, args=(_POLL_S,), daemon=True).start()
        yield path
        server.shutdown()
    path.unlink()


@contextlib.contextmanager
def at_port(stand_in: StandIn) -> Iterator[str]:
    """Serve over TCP; every task request needs the signed header."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _handler(stand_in, signed=True)) as server:
        threading.Thread(target=server.serve_forever, args=(_POLL_S,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def _handler(stand_in: StandIn, *, signed: bool) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = self._answer()
            encoded = json.dumps(body).encode()
            with contextlib.suppress(BrokenPipeError):  # who asked was killed
                self.send_response(status)
                self.send_header("Content-Length", str(len(encoded)))
                self.end_headers()
                self.wfile.write(encoded)

        def _answer(self) -> tuple[int, dict[str, Any]]:
            if self.path == "/api/v1/secret":
                return 200, {"data": {"public_key": base64.b64encode(_key().public_key().export_key("DER")).decode()}}
            if self.path == "/api/v1/info" and signed:
                return 200, {"data": {"identity": "CLUSTER AGENT", "version": "4.3.1.0", "supportedAuth": ["v2"], "security": False}}
            if signed and not self._is_signed():
                return 401, {"successful": False, "status": 401, "traceId": "", "error": {"code": 10008, "message": "header"}}
            return stand_in.answer(self.command, self.path)

        def _is_signed(self) -> bool:
            header = self.headers.get("X-OCS-Header")
            if header is None:
                return False
            encrypted, size = base64.b64decode(header), _key().size_in_bytes()
            cipher = PKCS1_v1_5.new(_key())
            told = b"".join(cipher.decrypt(encrypted[at : at + size], b"") for at in range(0, len(encrypted), size))
            fields = json.loads(told)
            return bool(fields["auth"] == PASSWORD and fields["uri"] == self.path)

        def log_message(self, *_: object) -> None:
            pass

    return Handler
