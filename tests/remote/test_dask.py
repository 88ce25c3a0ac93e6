"""Loads and analyses on a real Dask cluster: a scheduler and two workers, each a process of its own, on the loopback address."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pandas as pd
import pytest

import daganalysis as da
from daganalysis import MissingExtraError, UsageError, load
from daganalysis.commands import main
from daganalysis.dask_workers import DaskWorkers
from daganalysis.loading import load_into_store
from tests.profiles import LONG, some
from tests.remote.conftest import put, s3_environment
from tests.remote.test_stores import stored_bytes
from tests.store.saved import contents, fingerprint, history, polls, save

ANALYSES = [
    (da.time_budget, {}),  # part by part
    (da.stage_latency, {"level": "workflow"}),  # workflow by workflow
    (da.summary, {}),  # as a whole
]
MORE = [(da.retries, {}), (da.stage_latency, {}), (da.retry_patterns, {}), (da.failures, {}), (da.outcome_rules, {"level": "attempt"})]


class Cluster:
    """A scheduler, its address, and two workers."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._environment = {**os.environ, **environment}
        self._processes: list[subprocess.Popen[str]] = []
        self.address = self._start("distributed.cli.dask_scheduler", "--port", "0", "--no-dashboard", until="Scheduler at:").split()[-1]
        self.workers = [self.add_worker(), self.add_worker()]

    def add_worker(self) -> int:
        """Start a worker and return the number of its process."""
        self._start("distributed.cli.dask_worker", self.address, "--nthreads", "1", "--no-nanny", "--no-dashboard", until="Registered to:")
        return self._processes[-1].pid

    def _start(self, module: str, *arguments: str, until: str) -> str:
        """Start a part of the cluster; return the line that says that it is ready."""
        command = [sys.executable, "-m", module, "--host", "127.0.0.1", *arguments]
        process = subprocess.Popen(
            command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, cwd=Path(__file__).parents[2], env=self._environment
        )
        self._processes.append(process)
        line = next(line for line in process.stderr if until in line)
        threading.Thread(target=process.stderr.read, daemon=True).start()
        return line

    def end(self) -> None:
        for process in reversed(self._processes):
            process.kill()
            process.wait()
            process.stderr.close()


@pytest.fixture(scope="module")
def cluster(s3_endpoint):
    """Two workers that find the S3 server, and its credentials, in their environment as every client does."""
    found = Cluster(s3_environment(s3_endpoint))
    yield found
    found.end()


@pytest.fixture
def small_pieces(monkeypatch):
    """Many pieces of work from little data."""
    monkeypatch.setattr("daganalysis.loading.scanning.CHUNK_BYTES", 1)
    monkeypatch.setattr("daganalysis.loading.planning.SHARD_BYTES", 1)
    monkeypatch.setattr("daganalysis.loading.planning.PART_SHARDS", 8)


def test_a_load_on_a_cluster_gives_the_bytes_of_a_load_here(cluster, tmp_path, small_pieces):
    folder = save(history(), tmp_path / "responses")
    for second in (1, 2):
        load_into_store(folder, store=tmp_path / "here")
        archive = load_into_store(folder, store=tmp_path / "there", client=cluster.address)
        assert fingerprint(tmp_path / "there") == fingerprint(tmp_path / "here")
        save({"b2.json": polls("12", ["other"])[2], "n.json": polls("13")[2]}, folder, second=second)
    assert contents(archive) == contents(load(folder, client=cluster.address))


def test_an_analysis_on_a_cluster_is_the_analysis_here_to_the_last_bit(cluster, tmp_path, small_pieces):
    from distributed import Client

    here = load_into_store("sample_data/versions/b", store=tmp_path / "store")
    with Client(cluster.address, set_as_default=False) as client:
        there = da.read_parquet(tmp_path / "store", client=client)
        for analysis, options in [*ANALYSES, *(MORE if LONG else [])]:
            pd.testing.assert_frame_equal(analysis(there, **options), analysis(here, **options), check_exact=True)
        assert client.status == "running"


@pytest.mark.long
def test_from_a_bucket_into_a_bucket_on_a_cluster_by_the_command_line(bucket, cluster, tmp_path, capfd):
    put(history(), f"{bucket}/saved")
    assert main(["load", f"{bucket}/saved", "--out", f"{bucket}/store", "--scheduler", cluster.address]) == 0
    assert main(["load", f"{bucket}/saved", "--out", str(tmp_path / "store")]) == 0
    assert main(["stage-latency", f"{bucket}/store", "--scheduler", cluster.address, "--format", "csv"]) == 0
    assert main(["stage-latency", str(tmp_path / "store"), "--format", "csv"]) == 0
    halves = capfd.readouterr().out.splitlines()
    assert halves[: len(halves) // 2] == halves[len(halves) // 2 :]
    assert stored_bytes(f"{bucket}/store") == fingerprint(tmp_path / "store")


@pytest.mark.parametrize("moment", some(["reading", "rebuilding"], gate=["rebuilding"]))
def test_a_worker_killed_in_the_middle_of_a_load_changes_nothing(cluster, tmp_path, small_pieces, moment):
    folder = save(history(), tmp_path / "responses")
    load_into_store(folder, store=tmp_path / "here")
    killed = []

    def kill_once(stage, done, total):
        if stage == moment and done == 1 and not killed:
            assert done < total
            killed.append(cluster.workers.pop())
            os.kill(killed[0], signal.SIGKILL)

    archive = load_into_store(folder, store=tmp_path / "there", client=cluster.address, progress=kill_once)
    cluster.workers.append(cluster.add_worker())
    assert killed
    assert fingerprint(tmp_path / "there") == fingerprint(tmp_path / "here")
    pd.testing.assert_frame_equal(da.time_budget(archive), da.time_budget(da.read_parquet(tmp_path / "here")), check_exact=True)


def test_a_scheduler_that_is_not_there_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr("daganalysis.dask_workers._CONNECT_S", 0.2)
    folder = save({"a.json": polls("11")[2]}, tmp_path / "responses")
    with pytest.raises(UsageError, match="no Dask scheduler answers"):
        load_into_store(folder, store=tmp_path / "store", client="tcp://127.0.0.1:9")
    assert not (tmp_path / "store").exists()


def test_without_the_extra_the_error_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'daganalysis\[dask\]'"):
        load(save(history(), tmp_path / "responses"), client="tcp://127.0.0.1:9")


def test_a_folder_that_a_worker_does_not_see_is_named(cluster, tmp_path):
    with DaskWorkers(cluster.address) as workers, pytest.raises(UsageError, match=r"does not see.*use a shared folder"):
        workers.must_see([tmp_path / "nowhere"])


@pytest.mark.long
def test_a_load_that_is_planned_by_cluster_gives_the_same_bytes_on_a_cluster(cluster, tmp_path, small_pieces, monkeypatch):
    for name in ("a", "b"):
        save(history(), tmp_path / "responses" / name)
    load_into_store(tmp_path / "responses", store=tmp_path / "here", cluster_by="dir")
    monkeypatch.setattr("daganalysis.loading.into_store.MANY_PIECES", 0)
    monkeypatch.setattr("daganalysis.loading.by_cluster.STRETCH_ANSWERS", 1)
    load_into_store(tmp_path / "responses", store=tmp_path / "there", cluster_by="dir", client=cluster.address)
    assert fingerprint(tmp_path / "there") == fingerprint(tmp_path / "here")
