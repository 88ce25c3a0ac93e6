"""Mutated responses: whatever is done to one, only errors of this package are raised and untouched ones load as if alone.

A mutant lies in a file of its own, in a damaged archive, between untouched responses in one file of lines, or in something else, which may
be mutated again.

Run as a program it tries ``--count`` mutations from ``--seed`` on, in bounded memory and time, and prints what it found. A fault is told
with its seed, and the next mutation is tried; ``--count 1 --seed N`` repeats one.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import resource
import signal
import sys
import traceback
from collections import Counter
from typing import Any

import zstandard

import daganalysis as da
from daganalysis.errors import DagAnalysisError
from daganalysis.tables import BASE_TABLES
from tests.reading.broken_inputs import response, tar_of, zip_of
from tests.reading.wrapping import OBJECTS, TEXTS

_CPU_SECONDS_EACH = 20
_SECONDS_EACH = 600
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


def mutant(rng: random.Random) -> bytes:
    """A mutated response."""
    value = rich_response(rng)
    if rng.random() < 0.5:
        value = mutate_structure(rng, value)
    content = json.dumps(value, ensure_ascii=rng.random() < 0.5).encode("utf-8", "surrogatepass")
    return mutate_bytes(rng, content) if rng.random() < 0.6 else content


def packed(rng: random.Random, content: bytes) -> bytes:
    """The same bytes compressed or in an archive, which is damaged in most examples."""
    if rng.random() < 0.5:
        data = rng.choice([gzip.compress, zstandard.ZstdCompressor().compress])(content)
    else:
        data = rng.choice([zip_of, tar_of])(("answer.json", content), ("second.json", content))
    return mutate_bytes(rng, data) if rng.random() < 0.7 else data


def wrapped(rng: random.Random, content: bytes) -> bytes:
    """The mutant in other objects, or in another notation, mutated again now and then; as it was where it is no JSON to be wrapped."""
    text = content.decode(errors="replace")
    for _ in range(rng.choice([1, 1, 2])):
        try:
            text = rng.choice([*OBJECTS.values(), *TEXTS.values()])(text)
        except ValueError:
            break
    data = text.encode(errors="replace")
    return mutate_bytes(rng, data) if rng.random() < 0.4 else data


def between_lines(mutated: bytes, before: bytes, after: bytes) -> bytes:
    """A file of one response a line, of which the one in the middle is mutated."""
    return b"\n".join((before, mutated.replace(b"\n", b" "), after))


def rows_of(archive: da.Archive, run_id: str) -> dict[str, list[dict[str, Any]]]:
    """What an archive holds of one run, table by table, wherever it was read."""
    one = archive.only([run_id])
    rows = {name: one.arrow(name).to_pylist() for name in BASE_TABLES if name not in {"issues", "links"}}
    for row in rows["snapshots"]:
        del row["source"], row["position"]
    return rows


def try_one(seed: int, untouched: dict[str, tuple[bytes, dict[str, list[dict[str, Any]]]]]) -> str:
    """Load a mutant with untouched responses beside it, or around it in one file; return the result, or raise for a fault."""
    rng = random.Random(seed)
    content = mutant(rng)
    way = rng.choice(["alone", "packed", "lines", "wrapped", "wrapped"])
    if way == "packed":
        content = packed(rng, content)
    if way == "wrapped":
        content = wrapped(rng, content)
    if way == "lines":
        content = between_lines(content, untouched["1778"][0], untouched["1779"][0])
    try:
        archive = da.load(content, untouched["1777"][0])
    except DagAnalysisError as error:
        return type(error).__name__
    expected = ["1777", "1778", "1779"] if way == "lines" else ["1777"]
    for run_id in expected:
        if rows_of(archive, run_id) != untouched[run_id][1]:
            raise AssertionError(f"seed {seed}: the rows of an untouched response changed ({way}, {run_id})")
    durations = archive.timeline["duration_s"]
    if (durations < 0).any() or (archive.attempts["duration_s"] < 0).any():
        raise AssertionError(f"seed {seed}: a negative duration")
    if seed % 20 == 0:  # reading is what is tried here; the analyses take several times as long
        for analysis in (da.summary, da.time_budget, da.failures):
            analysis(archive)
    return "loaded" if len(archive) > len(expected) else "rejected"


def main() -> int:
    """Try mutations and print their number and their results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int, default=300)
    arguments = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    good = {gid: json.dumps(response(gid=gid)).encode() for gid in ("1777", "1778", "1779")}
    untouched = {gid: (content, rows_of(da.load(content), gid)) for gid, content in good.items()}
    found: Counter[str] = Counter()
    for seed in range(arguments.seed, arguments.seed + arguments.count):
        signal.setitimer(signal.ITIMER_PROF, _CPU_SECONDS_EACH)  # of the processor's: the machine may be busy
        signal.alarm(_SECONDS_EACH)
        try:
            found[try_one(seed, untouched)] += 1
        except Exception:  # noqa: BLE001 - whatever is raised is a fault to be told
            found["fault"] += 1
            print(f"seed {seed}\n{traceback.format_exc()}", file=sys.stderr, flush=True)
    print(json.dumps({"tried": arguments.count, **dict(sorted(found.items()))}))
    return 1 if found["fault"] else 0


if __name__ == "__main__":
    sys.exit(main())
