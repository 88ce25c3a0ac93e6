"""Saving the answers of a live obshell while its DAGs run.

This package is separate from the rest. It sends GET requests to one agent and appends the answers to files that ``load`` reads. It does not
use runs, attempts or analyses.
"""

from daganalysis.captures.cluster_names import cluster_name
from daganalysis.captures.following import Follower
from daganalysis.captures.recording import Recorder
from daganalysis.captures.servers import Reply, Server, SocketServer, TcpServer, UnreachableError

__all__ = ["Follower", "Recorder", "Reply", "Server", "SocketServer", "TcpServer", "UnreachableError", "cluster_name"]
