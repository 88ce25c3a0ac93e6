"""Write the sample data: small archives of everything that can happen to a DAG, made by the engine model beside this file.

usage: python sample_data/generate.py [FOLDER]      FOLDER is where to write; this folder if it is left out

The same bytes every time. ``documented/scale-out.json`` is the response printed in the API's documentation and is kept, not made.
"""

from __future__ import annotations

import gzip
import io
import json
import random
import shutil
import sys
import tarfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from enginemodel import (  # noqa: E402 - the model lies beside this file
    Agent,
    DagRun,
    Failure,
    Stage,
    Task,
    agent_logs,
    agent_tables,
    answer,
    as_sql,
    cluster_tables,
    initialise_cluster,
    listing,
    log_answer,
    node_answer,
    scale_out,
    start_cluster,
    sub_task_answer,
    write_agent_database,
)

SECOND = 1_000_000
MONDAY = 1_772_409_600 * SECOND
"""2026-03-02 00:00 UTC."""
AGENTS = [Agent("192.0.2.11"), Agent("192.0.2.12", skew=0.006), Agent("192.0.2.13", skew=-0.004), Agent("192.0.2.14", skew=0.003)]
TIMEOUT = Failure("ERROR: [MySQL.Error]: Error 4012 (HY000): Timeout, query has reached the maximum query timeout: 10000000(us)")
NO_PROCESS = Failure("ERROR: [OB.Server.Process.NotExist]: Observer process not exist")
NO_SPACE = Failure("ERROR: [Common.DirNotEmpty]: dir '/data/log1' is not empty")


def create_tenant(
    name: str,
    created: int,
    row_id: int,
    *,
    agents: list[Agent] = AGENTS,
    failing: int | None = None,
    times: int = 1,
    slow: float = 1.0,
    seed: int = 0,
) -> DagRun:
    """A run of `Create tenant`; stage ``failing`` fails its first ``times`` run attempts."""
    who = agents[0]
    work = (
        ("Create tenant", 6.0),
        ("Modify tenant whitelist", 0.3),
        ("Set tenant variables", 1.2),
        ("Import script for tenant", 9.0),
        ("Set root password", 0.2),
    )
    stages = []
    for number, (stage, seconds) in enumerate(work, start=1):
        tasks = [
            Task(agent, seconds * (slow if number == 4 else 1.0), lines=(f"{stage} of {name}",))
            for agent in (agents[:3] if number in {3, 4} else [who])
        ]
        if number == failing:
            tasks[-1].failures = {1 + 2 * n: TIMEOUT for n in range(times)}
        stages.append(Stage(stage, tasks))
    return DagRun(
        f"Create tenant {name}", stages, f"1{row_id}", created, who, seed=seed, first_row_id=row_id, maintenance=3, maintenance_key=name
    )


def upgrade(created: int, row_id: int, agents: list[Agent], *, seed: int = 0) -> DagRun:
    """A run of `Upgrade obshell` on all agents; checking fails on one of them more than once."""
    names = (
        ("Create upgrade dir", 0.05),
        ("Download all required packages", 7.0),
        ("Check all required packages", 2.5),
        ("Unpack all required packages", 5.0),
    )
    names += (
        ("Backup for upgrade", 1.0),
        ("Install new obshell", 3.0),
        ("Restart obshell", 2.0),
        ("Upgrade post table maintain", 0.6),
        ("Remove upgrade check task dir", 0.05),
    )
    stages = [Stage(name, [Task(agent, seconds, lines=(f"{name} on {agent.address}",)) for agent in agents]) for name, seconds in names]
    stages[2].tasks[1].failures = {1: NO_SPACE, 3: NO_SPACE}
    return DagRun("Upgrade obshell 4.3.1.0-12", stages, f"1{row_id}", created, agents[0], seed=seed, first_row_id=row_id)


def backup(
    created: int,
    row_id: int,
    *,
    agents: list[Agent] = AGENTS,
    seed: int = 0,
    failures: dict[int, Failure] | None = None,
    slow: float = 1.0,
) -> DagRun:
    """A run of `Obcluster start full backup`."""
    stages = [
        Stage("Check destination", [Task(agent, 0.4) for agent in agents[:3]]),
        Stage("Open archive log", [Task(agents[0], 3.0)]),
        Stage("Start backup", [Task(agents[0], 1.0)]),
        Stage("Wait backup Finish", [Task(agents[0], 25.0 * slow, failures or {})]),
    ]
    return DagRun("Obcluster start full backup", stages, f"1{row_id}", created, agents[0], seed=seed, first_row_id=row_id, maintenance=1)


def acted(run: DagRun, *actions: tuple[str, float]) -> DagRun:
    """Let a run go on to its end, an operator acting so many seconds after each failure."""
    run.run()
    for operator, delay in actions:
        run.act(operator, (run.ended or run.pass_at) + round(delay * SECOND))
        run.run()
    return run


def final(run: DagRun, after: float = 60.0) -> dict[str, Any]:
    """The answer some time after the end."""
    return answer(run, (run.ended or run.pass_at) + round(after * SECOND))


def polled(run: DagRun, every: float) -> list[dict[str, Any]]:
    """The answers of polling a run to its end."""
    return [answer(run, t) for t in range(run.created + 300_000, run.ended or run.pass_at, round(every * SECOND))] + [final(run, 2.0)]


class Folder:
    """Writes files below one folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, name: str, content: bytes) -> None:
        """One file."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    def pretty(self, name: str, value: dict[str, Any]) -> None:
        """One response as people save it."""
        self.write(name, json.dumps(value, indent=1, ensure_ascii=False).encode() + b"\n")

    def lines(self, name: str, values: list[dict[str, Any]]) -> None:
        """One response a line, packed if the name says so."""
        content = b"".join(json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode() + b"\n" for value in values)
        self.write(name, gzipped(content) if name.endswith(".gz") else content)


def gzipped(content: bytes) -> bytes:
    """Pack bytes, with a header that is the same on every machine and under every Python."""
    buffer = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", compresslevel=9, fileobj=buffer, mtime=0) as file:
        file.write(content)
    return buffer.getvalue()


def tenants(out: Folder) -> None:
    """One tenant creation after the other, each with another ending."""
    day = MONDAY + 9 * 3600 * SECOND
    out.pretty("tenant/healthy.json", final(acted(create_tenant("orders", day, 102))))
    out.pretty("tenant/failed.json", final(acted(create_tenant("billing", day + 600 * SECOND, 112, failing=4))))
    retried = acted(create_tenant("sales", day + 1200 * SECOND, 122, failing=3, times=1), ("retry", 95.0))
    out.lines("tenant/retried-polled.ndjson", polled(retried, 4.0))
    out.pretty(
        "tenant/retried-one-answer.json",
        final(acted(create_tenant("stock", day + 2400 * SECOND, 132, failing=3, times=2), ("retry", 40.0), ("retry", 70.0))),
    )
    out.pretty("tenant/rolled-back.json", final(acted(create_tenant("trial", day + 3600 * SECOND, 142, failing=4), ("rollback", 120.0))))
    out.pretty("tenant/passed.json", final(acted(create_tenant("crm", day + 4800 * SECOND, 152, failing=5), ("pass", 300.0))))
    out.pretty("tenant/node-passed.json", final(acted(create_tenant("hr", day + 6000 * SECOND, 162, failing=2), ("node_pass", 180.0))))
    cancelled = create_tenant("test", day + 7200 * SECOND, 172)
    cancelled.run(until=cancelled.created + 14 * SECOND)
    cancelled.act("cancel", cancelled.pass_at - 300_000)
    out.pretty("tenant/cancelled.json", final(acted(cancelled)))
    running = acted(create_tenant("archive", day + 8400 * SECOND, 182))
    out.pretty("tenant/running.json", answer(running, running.created + 14 * SECOND))


def families(out: Folder) -> None:
    """DAGs that depend on each other."""
    morning = MONDAY + 7 * 3600 * SECOND
    main, children = start_cluster(AGENTS, morning, broken=2, seed=3)
    for run in [main, *children]:
        out.lines(f"start/{run.maintainer.ip}-{run.name.split()[1].lower()}.ndjson", polled(run, 3.0))
    newcomer = Agent("192.0.2.21", skew=0.002)
    outer, local = scale_out(AGENTS[0], newcomer, morning + 3600 * SECOND, gid="1301")
    out.lines("scale-out/cluster.ndjson", polled(outer, 3.0))
    out.lines("scale-out/local.ndjson", polled(local, 3.0))
    main, remotes = initialise_cluster(AGENTS[:3], morning - 3600 * SECOND)
    out.pretty("remote/initialise.json", final(main))
    for n, run in enumerate(remotes[:-1], start=1):
        out.pretty(f"remote/one-node-{n}.json", final(run))


def upgrades(out: Folder) -> None:
    """A long upgrade on many agents, one of them slow, with a check that fails twice."""
    agents = [*AGENTS, *(Agent(f"192.0.2.{20 + n}", slowness=2.1 if n == 4 else 1.0) for n in range(1, 5))]
    run = acted(upgrade(MONDAY + 13 * 3600 * SECOND, 402, agents), ("retry", 160.0), ("retry", 420.0))
    out.lines("upgrade/upgrade.ndjson.gz", polled(run, 5.0))


def endpoints(out: Folder) -> None:
    """Answers of every endpoint about one run."""
    run = acted(create_tenant("sales", MONDAY + 15 * 3600 * SECOND, 502, failing=3), ("retry", 30.0))
    other = acted(backup(MONDAY + 15 * 3600 * SECOND, 520))
    assert run.ended is not None
    later = run.ended + 5 * SECOND
    out.pretty("endpoints/list.json", listing([run, other], later + 60 * SECOND))
    out.pretty("endpoints/brief-list.json", listing([run, other], later, details=False))
    out.pretty("endpoints/node.json", node_answer(run, 3, later))
    out.pretty("endpoints/sub-task.json", sub_task_answer(run, 3, 2, later))
    out.pretty("endpoints/logs.json", log_answer(run, 3, 2, later))


def fleet(out: Folder) -> None:
    """A week of three clusters: backups every night, tenants by day; one agent is slow, one night goes wrong."""
    for c, cluster in enumerate(("prod-a", "prod-b", "prod-c")):
        rng = random.Random(f"fleet:{cluster}")
        net = ("192.0.2", "198.51.100", "203.0.113")[c]
        agents = [Agent(f"{net}.{11 + n}", skew=0.003 * (n - 1), slowness=1.7 if (c, n) == (2, 2) else 1.0) for n in range(3)]
        answers: list[dict[str, Any]] = []
        for day in range(7):
            night = MONDAY + (day * 24 + 2) * 3600 * SECOND + rng.randrange(600) * SECOND
            row = 600 + day * 40
            bad = cluster == "prod-b" and day == 4
            run = acted(
                backup(
                    night,
                    row,
                    agents=agents,
                    seed=day + 10 * c,
                    failures={1: NO_PROCESS, 3: TIMEOUT} if bad else None,
                    slow=1.0 if day < 4 or c else 1.6,
                ),
                *((("retry", 3900.0), ("rollback", 600.0)) if bad else ()),
            )
            if bad:
                answers += polled(run, 120.0)
            answers.append(final(run))
            for n in range(3):
                start = MONDAY + (day * 24 + 9 + 2 * n) * 3600 * SECOND + rng.randrange(3600) * SECOND
                failing = 3 if rng.random() < 0.12 else None
                tenant = create_tenant(f"t{day}{n}", start, row + 10 + n * 8, agents=agents, failing=failing, seed=day * 3 + n + 100 * c)
                acted(tenant, *((("retry", rng.uniform(60, 900)),) if failing else ()))
                answers.append(final(tenant))
        out.lines(f"fleet/{cluster}/week.ndjson.gz", answers)


def versions(out: Folder) -> None:
    """The same work under two versions: importing takes 40 % longer under the second."""
    for version, slow in (("a", 1.0), ("b", 1.4)):
        answers = []
        for n in range(12):
            start = MONDAY + (ord(version) * 1000 + n * 20) * 60 * SECOND
            answers.append(final(acted(create_tenant(f"bench{n}", start, 800 + n * 10, slow=slow, seed=n + ord(version) * 100))))
        out.lines(f"versions/{version}/runs.ndjson.gz", answers)


def broken(out: Folder) -> None:
    """What goes wrong when answers are saved in a hurry; the good ones among them load."""
    good = json.dumps(final(acted(create_tenant("good", MONDAY, 902))), indent=1).encode()
    out.write("broken/good.json", good)
    out.write("broken/truncated.json", good[: len(good) // 2])
    out.write("broken/empty.json", b"")
    out.write("broken/login-page.json", b"<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body>Please sign in.</body></html>\n")
    out.pretty(
        "broken/not-found.json",
        {
            "successful": False,
            "timestamp": "2026-03-02T08:00:00+08:00",
            "duration": 1,
            "status": 404,
            "traceId": "0f",
            "error": {"errCode": "Task.NotFound", "message": "task not found"},
        },
    )
    out.pretty(
        "broken/agent-status.json",
        {
            "successful": True,
            "timestamp": "2026-03-02T08:00:00+08:00",
            "duration": 1,
            "status": 200,
            "traceId": "10",
            "data": {"ip": "192.0.2.11", "port": 2886, "state": 2, "version": "4.3.1.0"},
        },
    )
    lines = [json.dumps(final(acted(create_tenant(f"line{n}", MONDAY + n * 600 * SECOND, 910 + n * 10)))).encode() for n in range(3)]
    out.write("broken/one-line-cut.ndjson", lines[0] + b"\n" + lines[1][:700] + b"\n" + lines[2] + b"\n")
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\n\r\n"
    out.write(
        "broken/with-headers.txt", head + json.dumps(final(acted(create_tenant("curl", MONDAY + 3600 * SECOND, 950)))).encode() + b"\r\n"
    )
    half = final(acted(create_tenant("half", MONDAY + 7200 * SECOND, 960)))
    half["data"]["state"], half["data"]["nodes"][0]["start_time"], half["data"]["nodes"][1]["sub_tasks"] = 4, "yesterday", None
    out.pretty("broken/wrong-types.json", half)


def packed(out: Folder) -> None:
    """A tar.gz of polls, as a collecting script would make it."""
    run = acted(backup(MONDAY + 3 * 3600 * SECOND, 970))
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for n, value in enumerate(polled(run, 10.0)):
            content = json.dumps(value, ensure_ascii=False).encode()
            info = tarfile.TarInfo(f"polls/{n:03d}.json")
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    out.write("packed/polls.tar.gz", gzipped(buffer.getvalue()))


def databases(out: Folder) -> None:
    """What a DBA could copy after a bad night: two agents' own databases, and a dump of the cluster's."""
    night = MONDAY + 26 * 3600 * SECOND
    main, children = start_cluster(AGENTS[:2], night, seed=7)
    tenant = acted(create_tenant("ledger", night + 1800 * SECOND, 302, agents=AGENTS[:2], failing=3), ("retry", 640.0))
    runs = [main, *children, tenant]
    later = max(run.ended or run.pass_at for run in runs) + 300 * SECOND
    for agent in AGENTS[:2]:
        path = out.root / "databases" / "meta" / f"{agent.ip}_{agent.port}" / ".meta"
        write_agent_database(path, agent_tables(agent, runs, later, agents=AGENTS[:2]))
    out.write("databases/ocs/ocs.sql", as_sql(cluster_tables(runs, later, agents=AGENTS[:2], context=False)))


def logs(out: Folder) -> None:
    """One answer, saved when all was over, and the agents' logs of that night: two failures, two retries by an operator."""
    created = MONDAY + 50 * 3600 * SECOND
    run = acted(create_tenant("archive", created, 401, agents=AGENTS[:3], failing=3, times=2), ("retry", 430.0), ("retry", 1260.0))
    out.pretty("logs/answers/final.json", final(run))
    told = agent_logs(AGENTS[:3], [run], created - 20 * SECOND, (run.ended or run.pass_at) + 60 * SECOND, every=120 * SECOND)
    for agent, text in zip(AGENTS[:3], told.values(), strict=True):
        out.write(f"logs/log/{agent.ip}_{agent.port}/log_obshell/obshell.log.gz", gzipped(text.encode()))


def main(root: Path) -> None:
    """Write everything."""
    for name in (
        "tenant",
        "start",
        "scale-out",
        "remote",
        "upgrade",
        "endpoints",
        "fleet",
        "versions",
        "broken",
        "packed",
        "databases",
        "logs",
    ):
        if (root / name).is_dir():
            shutil.rmtree(root / name)
    out = Folder(root)
    for part in (tenants, families, upgrades, endpoints, fleet, versions, broken, packed, databases, logs):
        part(out)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)
