"""``failures``: whether planted causes come back as separate signatures."""

from __future__ import annotations

import random
from collections import Counter
from math import comb
from typing import TYPE_CHECKING, Any

import daganalysis as da
from benchmarks.goals import Row
from benchmarks.studies.archives import SECOND, tables
from daganalysis.engine.log_lines import error_parts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from daganalysis import Archive

_BEGIN = 1_767_225_600 * SECOND
CAUSES = (
    "sub task timeout",
    "ERROR: [Common.Unexpected]: Unexpected error: task {number} timeout",
    "ERROR: [Common.Unexpected]: Unexpected error: task unexpectedly interrupted and cannot continue",
    "ERROR: [Common.Unexpected]: Unexpected error: exit status {small}",
    "ERROR: [OB.Server.Process.NotExist]: Observer process not exist",
    "ERROR: [Common.DirNotEmpty]: dir '{path}' is not empty",
    "ERROR: [MySQL.Error]: Error 4012 (HY000): Timeout, query has reached the maximum query timeout: {number}(us)",
    "ERROR: [MySQL.Error]: Error 1205 (HY000): Lock wait timeout exceeded; try restarting transaction",
    "ERROR: [MySQL.Error]: dial tcp {agent}: connect: connection refused",
    "ERROR: [Agent.RPC.RequestFailed]: request http://{agent}/api/v1/task/dag/{id} failed: retry 30 times",
    "ERROR: [Task.SubDag.NotAllSucceed]: Sub DAG of agents: [{agents}] failed, main DAG failed",
    "ERROR: Remote task {id} Start observer failed: {agent} is under maintenance",
    "ERROR: dag {id} Create tenant {tenant} failed: resource pool {pool} is not enough",
    "ERROR: dag {id} Create tenant {tenant} failed: zone list {zone} is illegal",
    "ERROR: write {path}: no space left on device",
    "ERROR: open {path}: permission denied",
    "ERROR: open {path}: no such file or directory",
    "ERROR: tenant {tenant} already exists",
    "ERROR: tenant {tenant} is locked by job {number}",
    "ERROR: observer health check timeout after {small}s on {agent}",
    "ERROR: package obshell-{version} not found in {path}",
    "ERROR: checksum of package obshell-{version} differs: {hash} and {hash}",
    "ERROR: server {agent} is not in active status, status is INACTIVE",
    "ERROR: minor freeze of zone {zone} not finished at {time}",
)
"""What was planted: the engine's own lines and others, with a code and (as before obshell 4.3.1) without one."""
_ATTEMPT = ("run_id", "stage", "task_gid", "attempt", "kind", "outcome", "started_at", "agent")
_TENANTS = ("orders", "billing", "stock", "crm", "hr", "mail", "search", "ads", "pay", "risk", "log", "test")


def signatures(trials: int) -> Iterator[Row]:
    """Lines of 24 causes with ids, addresses, paths, names and numbers of their own: grouped as they were planted, in any order."""
    agreements, same = [], []
    for seed in range(max(3, trials // 10)):
        rng = random.Random(f"failures:{seed}")
        planted = [(cause, tenant, _filled(rng, CAUSES[cause], tenant)) for cause, tenant in _drawn(rng, 400)]
        archive = _archive(planted)
        grouped = _groups(archive)
        agreements.append(adjusted_rand([cause for cause, _, _ in planted], grouped))
        shuffled = list(enumerate(planted))
        rng.shuffle(shuffled)
        again = _archive([entry for _, entry in shuffled], [place for place, _ in shuffled])
        same.append(da.failures(again).equals(da.failures(archive)))
    detail = {"archives": len(agreements), "lines": 400, "causes": len(CAUSES)}
    yield Row("24 planted causes of failure", "adjusted Rand index, the least", 0.9, at_least=True, value=min(agreements), detail=detail)
    yield Row("the same in shuffled order", "share with an equal table", 1.0, at_least=True, value=sum(same) / len(same), detail=detail)


def adjusted_rand(one: Sequence[Any], other: Sequence[Any]) -> float:
    """Return how far two groupings of the same things agree, 1 being wholly and 0 as by chance (Hubert and Arabie 1985)."""
    both = sum(comb(n, 2) for n in Counter(zip(one, other, strict=True)).values())
    left, right = (sum(comb(n, 2) for n in Counter(groups).values()) for groups in (one, other))
    expected = left * right / comb(len(one), 2)
    largest = (left + right) / 2
    return 1.0 if largest == expected else (both - expected) / (largest - expected)


def _drawn(rng: random.Random, n: int) -> Iterator[tuple[int, str]]:
    """Some causes are frequent, some rare; each occurs."""
    weights = [1 / (1 + place) for place in range(len(CAUSES))]
    rng.shuffle(weights)
    for cause in [*range(len(CAUSES)), *rng.choices(range(len(CAUSES)), weights, k=n - len(CAUSES))]:
        yield cause, rng.choice(_TENANTS)


def _filled(rng: random.Random, cause: str, tenant: str) -> str:
    def agent() -> str:
        return f"192.0.2.{rng.randrange(1, 250)}:2886"

    return cause.format(
        number=rng.randrange(1, 10**7),
        small=rng.randrange(1, 99),
        agent=agent(),
        agents=" ".join(agent() for _ in range(rng.randrange(1, 6))),
        id=f"2{rng.randrange(10**9, 10**10):010d}02886{rng.randrange(1, 99)}",
        path="/" + "/".join(rng.choice(["data", "log1", "home", "admin", "obshell", "run"]) for _ in range(rng.randrange(2, 5))),
        tenant=tenant,
        pool=f"pool_{tenant}_{rng.randrange(9)}",
        zone=f"zone{rng.randrange(1, 6)}",
        version=f"4.{rng.randrange(4)}.{rng.randrange(3)}-{rng.randrange(1, 99)}",
        hash=f"{rng.getrandbits(128):032x}",
        time=f"2026-01-{rng.randrange(1, 29):02d}T10:{rng.randrange(60):02d}:00+08:00",
    )


def _archive(planted: Sequence[tuple[int, str, str]], numbers: Sequence[int] | None = None) -> Archive:
    dags, nodes, tasks, attempts, failed = [], [], [], [], []
    for number, (_, tenant, line) in zip(numbers or range(len(planted)), planted, strict=True):
        run_id, start = f"r{number:04d}", _BEGIN + number * 600 * SECOND
        outcome = "timeout" if "timeout" in line.split()[-1] else "failed"
        dags.append((run_id, f"Create tenant {tenant}", "Create tenant", start))
        nodes.append((run_id, 1, f"{run_id}-1", "Create tenant"))
        tasks.append((run_id, 1, f"{run_id}-1-1", ["working", line]))
        attempts.append((run_id, 1, f"{run_id}-1-1", 1, "run", outcome, start, "192.0.2.1:2886"))
        failed.append((*attempts[-1], "observed", line, error_parts(line)[0]))
    return tables(
        dags=(("run_id", "name", "workflow", "started_at"), dags),
        nodes=(("run_id", "stage", "node_gid", "name"), nodes),
        sub_tasks=(("run_id", "stage", "task_gid", "task_logs"), tasks),
        attempts=(_ATTEMPT, attempts),
        failed_attempts=((*_ATTEMPT, "evidence", "line", "error_code"), failed),
    )


def _groups(archive: Archive) -> list[str]:
    """Return which signature each line went into, in order of the runs."""
    rows = da.failures(archive, level="attempt")
    return [f"{code}|{signature}" for code, signature in zip(rows["error_code"], rows["signature"], strict=True)]
