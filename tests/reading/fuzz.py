"""Mutated responses: whatever is done to one, only errors of this package are raised and its neighbour loads as if alone.

Run as a program it tries ``--count`` mutations from ``--seed`` on, in bounded memory and time, and prints what it found.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import signal
import sys
from collections import Counter
from typing import Any

import daganalysis as da
from daganalysis.errors import DagAnalysisError
from daganalysis.tables import BASE_TABLES
from tests.reading.broken_inputs import response

_SECONDS_EACH = 20
_MEMORY = 3 << 30
_ODD: tuple[Any, ...] = (
    None,
    True,
    -1,
    0,
    2**63,
    -(2**70),
    1e308,
    "",
    "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59.999999999+14:00",
    "SUCCEED",
    "PASS",
    "ROLLBACK",
    [],
    {},
    [[]],
    {"id": "1"},
    "\x00\u202e</script>",
    "=1+1",
    "x" * 5000,
)


def rich_response(rng: random.Random) -> dict[str, Any]:
    """A response with several nodes, sub-tasks, states and operators."""
    value = response(gid=str(1000 + rng.randrange(5)))
    node = json.dumps(value["data"]["nodes"][0])
    nodes = []
    for stage in range(rng.randrange(1, 5)):
        copy = json.loads(node)
        copy["id"], copy["node_id"] = f"1{stage + 50}", stage + 50
        copy["operator"] = rng.choice(["RUN", "RUN", "RETRY", "ROLLBACK", "PASS", "CANCEL"])
        for task in copy["sub_tasks"]:
            task["id"], task["execute_times"] = f"1{stage + 70}", rng.randrange(5)
            task["state"] = rng.choice(["SUCCEED", "FAILED", "RUNNING", "READY", "PENDING"])
            task["operator"] = rng.choice(["RUN", "ROLLBACK", "PASS"])
            task["task_logs"] = rng.choice([None, [], ["ERROR: [A.B]: c"], ["sub task cancelled"], ["wait operator to advance"]])
        nodes.append(copy)
    value["data"] |= {"nodes": nodes, "max_stage": len(nodes), "operator": rng.choice(["RUN", "ROLLBACK", "CANCEL", "PASS"])}
    value["data"]["state"] = rng.choice(["SUCCEED", "FAILED", "RUNNING", "READY"])
    return value


def mutate_structure(rng: random.Random, value: Any) -> Any:
    """Replace, drop or double something somewhere in a decoded response."""
    places: list[tuple[Any, Any]] = []

    def walk(node: Any) -> None:
        items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
        for key, child in items:
            places.append((node, key))
            walk(child)

    walk(value)
    for _ in range(rng.choice([1, 1, 2, 5])):
        holder, key = rng.choice(places)
        action = rng.randrange(3)
        if action == 0 and isinstance(holder, dict):
            holder.pop(key, None)
        elif action == 1 and isinstance(holder, list) and len(holder) < 50:
            holder.append(rng.choice([*holder, None]) if holder else 1)
        elif isinstance(holder, dict) or (isinstance(key, int) and key < len(holder)):
            holder[key] = rng.choice(_ODD)
    return value


def mutate_bytes(rng: random.Random, content: bytes) -> bytes:
    """Flip, cut, double or insert bytes."""
    data = bytearray(content)
    for _ in range(rng.choice([1, 1, 2, 8])):
        at = rng.randrange(len(data) + 1)
        end = min(len(data), at + rng.choice([1, 1, 4, 40, 400]))
        action = rng.randrange(5)
        if action == 0 and at < len(data):
            data[at] = rng.randrange(256)
        elif action == 1:
            del data[at:end]
        elif action == 2:
            data[at:at] = data[at:end]
        elif action == 3:
            data[at:at] = rng.choice([b"\x00", b"\xff", b"{", b"]", b'"', b"\\", b"NaN", b",", b"\xed\xa0\x80", b"\n"])
        else:
            del data[at:]
    return bytes(data)


def mutant(seed: int) -> bytes:
    """The mutated response of a seed."""
    rng = random.Random(seed)
    value = rich_response(rng)
    if rng.random() < 0.5:
        value = mutate_structure(rng, value)
    content = json.dumps(value, ensure_ascii=rng.random() < 0.5).encode("utf-8", "surrogatepass")
    return mutate_bytes(rng, content) if rng.random() < 0.6 else content


def rows_of(archive: da.Archive, run_id: str) -> dict[str, list[dict[str, Any]]]:
    """What an archive holds of one run, table by table."""
    one = archive.only([run_id])
    return {name: one.arrow(name).to_pylist() for name in BASE_TABLES if name not in {"issues", "links"}}


def try_one(seed: int, alone: dict[str, list[dict[str, Any]]], neighbour: bytes) -> str:
    """Load a mutant with its neighbour; return what became of it, or raise if that is a fault."""
    content = mutant(seed)
    try:
        archive = da.load(content, neighbour)
    except DagAnalysisError as error:
        return type(error).__name__
    if rows_of(archive, "1777") != alone:
        raise AssertionError(f"seed {seed}: the neighbour's rows changed")
    durations = archive.timeline["duration_s"]
    if (durations < 0).any() or (archive.attempts["duration_s"] < 0).any():
        raise AssertionError(f"seed {seed}: a negative duration")
    return "loaded" if len(archive) > 1 else "rejected"


def main() -> int:
    """Try mutations and print how many there were and what became of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int, default=300)
    arguments = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    neighbour = json.dumps(response(gid="1777")).encode()
    alone = rows_of(da.load(neighbour), "1777")
    found: Counter[str] = Counter()
    for seed in range(arguments.seed, arguments.seed + arguments.count):
        signal.alarm(_SECONDS_EACH)
        try:
            found[try_one(seed, alone, neighbour)] += 1
        except Exception:
            print(f"seed {seed}", file=sys.stderr)
            raise
    print(json.dumps({"tried": arguments.count, **dict(sorted(found.items()))}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
