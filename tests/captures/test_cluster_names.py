"""Under which name a capture saves the answers of a cluster."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from daganalysis.captures import Reply, UnreachableError, cluster_name


class Agent:
    """Answers every GET alike, or not at all."""

    def __init__(self, status: int, body: object) -> None:
        self.reply = Reply(status, json.dumps(body).encode())

    def get(self, path: str) -> Reply:
        assert path == "/api/v1/ob/info"
        if self.reply.status == 0:
            raise UnreachableError("the agent does not answer", where=path, hint="")
        return self.reply


def test_it_is_the_clusters_own(tmp_path: Path) -> None:
    agent = Agent(200, {"data": {"obcluster_info": {"id": 1, "name": "prod-a"}, "agent_info": []}})
    assert cluster_name(agent, tmp_path) == "prod-a"


@pytest.mark.parametrize(("status", "body"), [(404, {}), (0, {}), (200, {"data": None}), (200, "no object")])
def test_where_the_agent_does_not_know_it_an_earlier_capture_goes_on(status: int, body: object, tmp_path: Path) -> None:
    agent = Agent(status, body)
    assert cluster_name(agent, tmp_path / "new") == "cluster"
    (tmp_path / "prod-a").mkdir()
    assert cluster_name(agent, tmp_path) == "prod-a"
    (tmp_path / "prod-b").mkdir()
    assert cluster_name(agent, tmp_path) == "cluster"
