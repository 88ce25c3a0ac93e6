"""The two ways to send requests to an agent: through its unix socket, which needs no password, and over TCP with a signed request."""

from __future__ import annotations

import contextlib
import http.client
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol
from urllib.parse import parse_qsl, urlsplit

from daganalysis.errors import DagAnalysisError, MissingExtraError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

_PATIENCE_S = 30.0
"""How long an answer may take. For a list of unfinished DAGs, the agent asks every agent of the cluster."""


class UnreachableError(DagAnalysisError):
    """The agent did not answer: it is down, restarting, or its socket is being replaced. The caller asks again later."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer: its HTTP status and its body, as it came."""

    status: int
    body: bytes


class Server(Protocol):
    """An agent that answers requests."""

    def get(self, path: str) -> Reply:
        """Return the answer to a GET. Raises :class:`UnreachableError` if the agent does not answer."""
        ...


class _SocketConnection(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("obshell", timeout=_PATIENCE_S)
        self._path = path

    def connect(self) -> None:
        """Connect to the socket."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        try:
            self.sock.connect(str(self._path))
        except OSError:
            self.sock.close()
            raise


class SocketServer:
    """An agent behind its unix socket, ``HOME/run/obshell.sock``; the caller must be root or the user that runs the observer.

    During an upgrade of obshell the new process listens at ``obshell.sock.tmp`` for a while, so that is tried second.
    """

    def __init__(self, path: Path) -> None:
        self._paths = (path, path.with_name(path.name + ".tmp"))

    def get(self, path: str) -> Reply:
        """Return the answer to a GET."""
        last: Exception | None = None
        for place in self._paths:
            try:
                with contextlib.closing(_SocketConnection(place)) as connection:
                    return _asked(connection, path, {})
            except (OSError, http.client.HTTPException) as error:
                last = last or error
        raise UnreachableError("the agent does not answer", where=str(self._paths[0]), hint=_reason(last))


class TcpServer:
    """An agent at an address. Requests have the header that the official SDK makes from the password (extra ``capture``)."""

    def __init__(self, url: str, password: str) -> None:
        try:
            from obshell.auth.base import AuthVersion
            from obshell.auth.password import PasswordAuth
        except ImportError as error:
            raise MissingExtraError("asking an agent over TCP", "capture") from error
        parts = urlsplit(url)
        if parts.scheme != "http" or not parts.hostname or parts.username is not None:
            raise UsageError("not the address of an agent", where=url, hint="give http://HOST:PORT, usually with port 2886")
        self._host, self._port = parts.hostname, parts.port or 2886
        self._auth = PasswordAuth(password)
        self._auth.auto_select_version([AuthVersion.V2])

    def get(self, path: str) -> Reply:
        """Return the answer to a GET."""
        try:
            with contextlib.closing(http.client.HTTPConnection(self._host, self._port, timeout=_PATIENCE_S)) as connection:
                reply = _asked(connection, path, self._signed(path))
        except (OSError, http.client.HTTPException) as error:
            raise UnreachableError("the agent does not answer", where=f"{self._host}:{self._port}", hint=_reason(error)) from error
        if reply.status == http.client.UNAUTHORIZED:
            self._auth.reset_method()  # a restarted agent has another key
        return reply

    def _signed(self, path: str) -> dict[str, str]:
        import requests
        from obshell.request import BaseRequest

        parts = urlsplit(path)
        query = dict(parse_qsl(parts.query))
        request = BaseRequest(parts.path, "GET", self._host, self._port, need_auth=True, query_param=query, timeout=int(_PATIENCE_S))
        try:
            self._auth.auth(request)
        except (requests.RequestException, ValueError) as error:
            raise UnreachableError("the agent does not answer", where=f"{self._host}:{self._port}", hint=_reason(error)) from error
        except Exception as error:  # the SDK raises bare exceptions for every status but 200
            if type(error) is not Exception:
                raise
            raise UnreachableError("the agent does not say how to sign", where=f"{self._host}:{self._port}", hint=str(error)) from error
        return {name: str(value) for name, value in request.headers.items()}


def _asked(connection: http.client.HTTPConnection, path: str, headers: dict[str, str]) -> Reply:
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    return Reply(answer.status, answer.read())


def _reason(error: Exception | None) -> str:
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__) if error is not None else ""
