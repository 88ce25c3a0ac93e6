"""A real OpenTelemetry collector between an export and a server of this test, over loopback."""

from __future__ import annotations

import contextlib
import gzip
import http.client
import http.server
import importlib.util
import os
import queue
import socket
import subprocess
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_PATIENCE_S = 250


def relayed(lines: Iterable[str], folder: Path, n_spans: int) -> list[ExportTraceServiceRequest]:
    """Send lines of OTLP/JSON to a collector; return what it hands on, once that holds ``n_spans`` spans."""
    received: queue.Queue[bytes] = queue.Queue()
    with _server(received) as target, _collector(target, folder) as port:
        for line in lines:
            _post(port, line.encode())
        requests: list[ExportTraceServiceRequest] = []
        while sum(map(count_spans, requests)) < n_spans:
            requests.append(ExportTraceServiceRequest.FromString(received.get(timeout=_PATIENCE_S)))
        return requests


def count_spans(request: ExportTraceServiceRequest) -> int:
    """Return how many spans a request holds."""
    return sum(len(scope.spans) for resource in request.resource_spans for scope in resource.scope_spans)


def _post(port: int, body: bytes) -> None:
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=_PATIENCE_S)) as connection:
        connection.request("POST", "/v1/traces", body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        assert answer.status == 200, answer.read()


@contextlib.contextmanager
def _server(received: queue.Queue[bytes]) -> Iterator[int]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.put(gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


@contextlib.contextmanager
def _collector(target: int, folder: Path) -> Iterator[int]:
    spec = importlib.util.find_spec("rotel")
    assert spec is not None
    assert spec.origin is not None
    http_port, grpc_port = _free_port(), _free_port()
    options = {
        "--otlp-http-endpoint": f"127.0.0.1:{http_port}",
        "--otlp-grpc-endpoint": f"127.0.0.1:{grpc_port}",
        "--exporter": "otlp",
        "--otlp-exporter-endpoint": f"http://127.0.0.1:{target}",
        "--otlp-exporter-protocol": "http",
        "--pid-file": str(folder / "collector.pid"),
        "--log-file": str(folder / "collector.log"),
    }
    command = [str(Path(spec.origin).with_name("rotel-agent")), "start", *(word for option in options.items() for word in option)]
    environment = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            _wait_until_it_listens(http_port, process)
            yield http_port
        finally:
            process.terminate()


def _wait_until_it_listens(port: int, process: subprocess.Popen[bytes]) -> None:
    while process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=0.05)
    raise AssertionError("the collector ended before it listened")


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port
