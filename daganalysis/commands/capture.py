"""``daganalysis capture``: save the answers of a live cluster while its DAGs run."""

from __future__ import annotations

import datetime as dt
import os
import re
import signal
import sys
import threading
import time
from argparse import ArgumentTypeError
from pathlib import Path
from typing import TYPE_CHECKING

from daganalysis.commands.exit_status import ExitStatus
from daganalysis.commands.options import new_command
from daganalysis.commands.printing import notice
from daganalysis.errors import UsageError
from daganalysis.text.humanize import plural

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from daganalysis.captures import Follower, Recorder, Server
    from daganalysis.commands.options import Subparsers

_DESCRIPTION = """\
Ask a live agent for its DAGs and append every answer to one file per DAG, below
FOLDER/<cluster>. The command follows running DAGs until it is stopped (Ctrl-C);
you can stop and restart it at any time. It sends GET requests only. Load FOLDER
afterwards.

The socket needs no password: run the command as root or as the user that runs
the observer. Over TCP, the password of root@sys comes from a prompt, from
--password-file, or from the environment variable OBSHELL_PASSWORD.
"""
_EXAMPLE = """\
  daganalysis capture --socket /home/admin/oceanbase/run/obshell.sock -o answers
  daganalysis capture --url http://10.0.0.1:2886 -o answers --until-idle 10m"""
_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600}
_PASSWORD_VARIABLE = "OBSHELL_PASSWORD"  # noqa: S105 - its name, not its value


def add_to(commands: Subparsers) -> None:
    """Add the command."""
    parser = new_command(
        commands, "capture", summary="save the answers of a live cluster", description=_DESCRIPTION, example=_EXAMPLE, execute=execute
    )
    places = parser.add_mutually_exclusive_group(required=True)
    places.add_argument("--socket", metavar="PATH", help="the agent's unix socket, HOME/run/obshell.sock")
    places.add_argument("--url", metavar="URL", help="the agent's address, as http://10.0.0.1:2886 (extra `capture`)")
    parser.add_argument("-o", "--output", metavar="FOLDER", required=True, help="the folder to save to")
    parser.add_argument("--cluster", metavar="NAME", help="the folder below FOLDER for this cluster (default: the cluster's own name)")
    parser.add_argument("--every", metavar="TIME", type=seconds, default=2.0, help="time between two rounds: 2, 500ms, 1m (default: 2s)")
    parser.add_argument("--until-idle", metavar="TIME", type=seconds, help="stop when nothing has run for this long: 10m")
    parser.add_argument(
        "--once", action="store_true", help="save everything that the cluster still has (history, lists, versions) and stop"
    )
    parser.add_argument("--password-file", metavar="FILE", help="read the password from this file's first line")


def execute(arguments: argparse.Namespace) -> int:
    """Capture until stopped."""
    from daganalysis.captures import Follower, Recorder, cluster_name

    server = _server(arguments)
    folder = Path(arguments.output)
    recorder = Recorder(folder, arguments.cluster or cluster_name(server, folder), _today)
    follower = Follower(server, recorder, every_s=arguments.every, tell=_teller())
    stopped = threading.Event()
    before = {number: signal.signal(number, lambda *_: stopped.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        follower.save_versions()
        if arguments.once:
            follower.save_history()
            follower.round()
        else:
            _follow(follower, arguments.until_idle, stopped)
            follower.conclude()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return _conclude(follower, recorder, arguments)


def seconds(text: str) -> float:
    """Read a length of time.

    >>> seconds("2"), seconds("500ms"), seconds("10m")
    (2.0, 0.5, 600.0)
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s|m|h|)", text)
    if found is None or float(found[1]) <= 0:
        raise ArgumentTypeError(f"not a length of time above 0, such as 2s, 500ms or 10m: {text}")
    return float(found[1]) / 1000 if found[2] == "ms" else float(found[1]) * _UNITS[found[2]]


def _follow(follower: Follower, until_idle_s: float | None, stopped: threading.Event) -> None:
    busy_at = time.monotonic()
    while not stopped.is_set():
        follower.round()
        now = time.monotonic()
        busy_at = now if follower.n_running else busy_at
        if until_idle_s is not None and now - busy_at >= until_idle_s:
            return
        stopped.wait(follower.pause_s)


def _conclude(follower: Follower, recorder: Recorder, arguments: argparse.Namespace) -> int:
    if not recorder.n_lines and not follower.n_dags:
        notice(f"nothing was saved: the agent did not answer, or has no DAGs ({arguments.socket or arguments.url})")
        return ExitStatus.UNUSABLE
    notice(f"saved {plural(recorder.n_lines, 'answer')} of {plural(follower.n_dags, 'DAG')} in {recorder.folder}")
    notice(f"next: daganalysis load {arguments.output} --cluster-by dir --out store")
    return ExitStatus.DONE


def _server(arguments: argparse.Namespace) -> Server:
    from daganalysis.captures import SocketServer, TcpServer

    if arguments.socket is not None:
        if arguments.password_file is not None:
            raise UsageError("the socket needs no password", where="--password-file", hint="leave it out")
        return SocketServer(Path(arguments.socket))
    return TcpServer(arguments.url, _password(arguments))


def _password(arguments: argparse.Namespace) -> str:
    if arguments.password_file is not None:
        try:
            return Path(arguments.password_file).read_text(encoding="utf-8").partition("\n")[0].rstrip("\r")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError("the password cannot be read", where=arguments.password_file, hint=str(error)) from error
    if _PASSWORD_VARIABLE in os.environ:
        return os.environ[_PASSWORD_VARIABLE]
    if not sys.stdin.isatty():
        raise UsageError("no password", where="--url", hint=f"give --password-file, or set {_PASSWORD_VARIABLE}")
    import getpass

    return getpass.getpass("Password of root@sys: ")


def _teller() -> Callable[[str], None]:
    """Return a function that reports changes: one line each on a terminal, nothing elsewhere."""
    return notice if sys.stderr.isatty() else lambda _: None


def _today() -> str:
    return dt.datetime.now(dt.UTC).strftime("%Y-%m-%d")
