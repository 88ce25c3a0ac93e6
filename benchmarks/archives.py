"""Archives to measure with: saved responses of the engine model, in any number, the same bytes every time."""

from __future__ import annotations

import multiprocessing
import os
import random
import re
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "sample_data"))

from enginemodel import Agent, DagRun, Failure, Stage, Task, answer

if TYPE_CHECKING:
    from collections.abc import Iterator

_SECOND = 1_000_000
_BEGIN = 1_767_225_600 * _SECOND
"""2026-01-01 00:00 UTC."""
_FILES_A_FOLDER = 1000
_STAGES = (
    "Check agents before upgrade", "Create upgrade directories", "Download all required packages", "Unpack packages",
    "Backup important files", "Reinstall and restart agent", "Stop observer", "Start observer", "Exec upgrade checker script",
    "Exec upgrade health checker", "Install new observer", "Restart observer", "Create resource pool", "Set tenant variables",
    "Modify tenant whitelist", "Minor freeze", "Check minor freeze", "Unlock server",
)  # fmt: skip
_LINES = (
    "observer health check, retry [{}/300]",
    "download package obshell-4.3.1.0-{} from the repository, checksum verified",
    "execute sql on tenant sys: ALTER SYSTEM SET memory_limit = '{}M' success",
    "copy /home/admin/oceanbase/etc/observer.conf.bin to /home/admin/oceanbase/backup/{}",
    "wait for server 192.0.2.{} to become ACTIVE, it is INACTIVE now",
)
_ERRORS = (
    "ERROR: [Common.Unexpected]: Unexpected error: exit status {}",
    "ERROR: [OB.Server.Process.NotExist]: Observer process not exist",
    "ERROR: [MySQL.Error]: Error 4012 (HY000): Timeout, query has reached the maximum query timeout: {}(us)",
)


@dataclass(frozen=True)
class Shape:
    """How large the DAGs are and how often each is answered: ranges, both ends included."""

    stages: tuple[int, int]
    tasks: tuple[int, int]
    lines: int
    polls: int = 1
    failing: float = 0.1
    """The share of runs in which one sub-task fails, is retried and succeeds."""


SMALL = Shape((2, 4), (1, 2), 3)
"""Some 5 kB a response."""
FINAL = Shape((3, 7), (1, 2), 3)
"""A final answer from a batch of archived responses: some 5 kB, 7 sub-tasks."""
CLEAN = Shape((3, 7), (1, 2), 3, failing=0.0)
"""The same of a fleet in which nothing fails."""
REAL = Shape((5, 30), (1, 12), 6)
"""Some 60 kB a response."""
POLLED = Shape((3, 9), (1, 4), 4, polls=13)
"""A DAG that was asked for again and again while it ran."""
HUGE = Shape((200, 200), (500, 500), 3)
"""One response of some 50 MB."""


def make_run(number: int, shape: Shape) -> DagRun:
    """Make the finished run of a number: a DAG of some shape, some with a failure that an operator retries."""
    rng = random.Random(number)
    agents = [Agent(f"192.0.2.{10 + n}", skew=rng.uniform(-0.008, 0.008) if n else 0.0) for n in range(min(shape.tasks[1], 200))]
    stages = []
    for _ in range(rng.randint(*shape.stages)):
        work = rng.choice((0.05, 0.4, 2.0, 6.0))
        tasks = [
            Task(agents[index % len(agents)], work * rng.uniform(0.8, 1.5), lines=_some_lines(rng, shape.lines))
            for index in range(rng.randint(*shape.tasks))
        ]
        stages.append(Stage(rng.choice(_STAGES), tasks))
    if rng.random() < shape.failing:
        rng.choice(rng.choice(stages).tasks).failures[1] = Failure(rng.choice(_ERRORS).format(rng.randrange(1, 99)))
    created = _BEGIN + number * 600 * _SECOND + rng.randrange(_SECOND)
    first_row = 1 + number * (shape.stages[1] * shape.tasks[1] + 1)
    run = DagRun(rng.choice(_NAMES).format(number), stages, f"1{first_row}", created, agents[0], seed=number, first_row_id=first_row)
    run.run()
    if run.dag.now["state"] == "FAILED" and run.ended is not None:
        run.act("retry", run.ended + rng.randrange(5, 90) * _SECOND)
        run.run()
    return run


_NAMES = ("Create tenant t{}", "Cluster scale out", "Upgrade obshell 4.3.1.0-{}", "Check and upgrade ob", "Minor freeze")


def _some_lines(rng: random.Random, most: int) -> tuple[str, ...]:
    return tuple(rng.choice(_LINES).format(rng.randrange(1, 300)) for _ in range(rng.randint(0, most)))


def responses(number: int, shape: Shape) -> list[bytes]:
    """Return the saved responses of one run, oldest first: the last state alone, or polls from its creation to after its end."""
    run = make_run(number, shape)
    end = (run.ended or run.pass_at) + 2 * _SECOND
    moments = [end] if shape.polls == 1 else [run.created + (end - run.created) * n // (shape.polls - 1) for n in range(shape.polls)]
    return [msgspec.json.encode(answer(run, moment)) for moment in moments]


def write_ndjson(path: Path, shape: Shape, *, megabytes: float) -> int:
    """Write responses, one a line, until so many megabytes are written; return how many bytes there are."""
    path.parent.mkdir(parents=True, exist_ok=True)
    size = 0
    with path.open("wb") as file:
        for found in _each_run(shape):
            for text in found:
                file.write(text + b"\n")
                size += len(text) + 1
            if size >= megabytes * 1e6:
                return size
    raise AssertionError


def write_files(folder: Path, shape: Shape, *, count: int, clusters: int = 1, first: int = 0, copies: int = 1) -> int:
    """Write so many responses (or a few more), a file each, pretty-printed as by the API, in a folder a cluster; return how many bytes.

    With ``copies``, runs are simulated for one in so many clusters, because to simulate 270,000 takes an hour. The other clusters have the
    same runs at other addresses, in other years, and with other trace ids.
    """
    size = n_files = 0
    simulated = clusters // copies
    for number, found in enumerate(_each_run(shape, first)):
        for copy in range(copies):
            home = folder / f"c{copy * simulated + number % simulated:02d}" / f"{n_files // copies // _FILES_A_FOLDER:04d}"
            home.mkdir(parents=True, exist_ok=True)
            for poll, text in enumerate(found):
                pretty = _moved(msgspec.json.format(text, indent=2), copy)
                (home / f"{first + number:06d}-{poll:02d}.json").write_bytes(pretty)
                size += len(pretty)
            n_files += len(found)
        if n_files >= count:
            return size
    raise AssertionError


def _moved(text: bytes, copy: int) -> bytes:
    """Move a response to another cluster: to other addresses and one of ten years, under another trace id."""
    if not copy:
        return text
    text = text.replace(b"192.0.2.", b"10.%d.2." % copy).replace(b"2026-", b"%d-" % (2026 - copy % 10))
    return re.sub(rb'("traceId": ")..', rb"\g<1>%02x" % copy, text)


def _each_run(shape: Shape, first: int = 0) -> Iterator[list[bytes]]:
    """Yield the responses of run after run without end, made by as many processes as there are cores."""
    jobs = os.cpu_count() or 1
    # Not forked from here: by now this process may have threads of Arrow and DuckDB, whose locks a child would inherit.
    with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        waiting = [pool.submit(responses, first + number, shape) for number in range(4 * jobs)]
        number = first + len(waiting)
        try:
            while True:
                yield waiting.pop(0).result()
                waiting.append(pool.submit(responses, number, shape))
                number += 1
        finally:
            for future in waiting:
                future.cancel()
