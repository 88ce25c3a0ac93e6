"""obshell.log: what each agent would have written of some runs, in its local time and without a zone, as the real one does."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from enginemodel.dag_parts import SECOND

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from enginemodel.dag_parts import Agent
    from enginemodel.engine import DagRun

LOG_SECRETS = ("Passw0rd-of-root-in-a-body", "s3://key:Secr3t-of-a-backup@bucket/path")
"""What bodies of requests hold that must never come out of a load."""
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_PLACES = {
    "advance dag": "scheduler/dag_handler.go:35",
    "advance node": "scheduler/node_handler.go:25",
    "add task": "executor/pool.go:65",
    "start to": "executor/executor.go:135",
    "finishing local": "executor/executor.go:259",
}
_EVERY = 20 * SECOND


def agent_logs(
    agents: Sequence[Agent],
    runs: Iterable[DagRun],
    begin: int,
    end: int,
    *,
    zone_s: int = 8 * 3600,
    zone_told: bool = True,
    every: int = _EVERY,
) -> dict[str, str]:
    """Return the text of each agent's log by its address, of what was written between two true times.

    Where ``zone_told`` is false, the lines that tell the zone of the times are left out; ``every`` so long there is small talk.
    """
    entries: dict[str, list[tuple[int, int, str, str]]] = {agent.address: [] for agent in agents}
    told = [entry for run in runs for entry in run.entries]
    maintainer = agents[0]
    for agent in agents:
        told += [(begin, agent, "F000000000000000", "initialize logger")]
        for t in range(begin + SECOND, end, every):
            told += _small_talk(agent, maintainer, t, zone_s, zone_told=zone_told)
    for number, (t, agent, trace, message) in enumerate(told):
        if begin <= t <= end and agent.address in entries:
            entries[agent.address].append((agent.clock(t), number, trace, message))
    return {address: "".join(_line(entry, zone_s) for entry in sorted(own)) for address, own in entries.items()}


def _small_talk(agent: Agent, maintainer: Agent, t: int, zone_s: int, *, zone_told: bool) -> list[tuple[int, Agent, str, str]]:
    """What a log is full of: the search for the maintainer, and requests that are nobody's business."""
    none, trace = "F000000000000000", f"{t % 16**16:016x}"
    now = _shown(agent.clock(t), zone_s)
    zone = f"{'+' if zone_s >= 0 else '-'}{abs(zone_s) // 3600:02d}{abs(zone_s) % 3600 // 60:02d}"
    body = f'{{"rootPwd":"{LOG_SECRETS[0]}","data_base_uri":"{LOG_SECRETS[1]}"}}'
    lines = [
        (t, agent, none, "watcher effector"),
        (t, agent, none, f"try get maintainer rpc request from '{agent.address}' to '{maintainer.address}' "),
        (t + 2000, agent, trace, f"API request: [POST /api/v1/obcluster/parameters, client=, traceId={trace}, body={body}]"),
        (t + 3000, agent, trace, f"API response OK: [POST /api/v1/obcluster/parameters, client=, traceId={trace}, status=200, data=<nil>]"),
        (t + 4000, agent, none, f"request context {{Body:{body}}}, err:nil, stack:goroutine 1\n  main.main()\n    /src/main.go:12"),
    ]
    if zone_told:
        update = f"{now:%Y-%m-%d %H:%M:%S}.{now.microsecond:06d} {zone} CST m=+0.1"
        lines.append((t + 1000, agent, none, f"set maintainer: {maintainer.address}, life time: 1.2, last update time: {update}"))
    return lines


def _shown(micros: int, zone_s: int) -> dt.datetime:
    return _EPOCH + dt.timedelta(microseconds=micros, seconds=zone_s)


def _line(entry: tuple[int, int, str, str], zone_s: int) -> str:
    micros, _, trace, message = entry
    now = _shown(micros, zone_s)
    place = next((place for word, place in _PLACES.items() if message.startswith(word)), "task/task.go:306")
    level = "ERROR" if " execute log: ERROR" in message else "INFO "
    return f"{now:%Y-%m-%dT%H:%M:%S}.{now.microsecond // 1000:03d} {level} [4711] [{trace}] [{place}] {message}\n"
