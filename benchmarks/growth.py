"""How the cost of hostile inputs grows with their size: each at three sizes, as ratios.

usage: python -m benchmarks.growth [--small] [--json FILE]

A ratio is the processor time for twice the size over that for the size: 2 is linear, 4 quadratic. See benchmarks/README.md.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import daganalysis as da
from daganalysis.table_sources import MemoryTables
from daganalysis.tables import BASE_TABLES

if TYPE_CHECKING:
    from collections.abc import Callable

_START, _END = "2026-03-02T17:10:00.100+08:00", "2026-03-02T17:10:20.100+08:00"
_AGENT = {"ip": "10.20.30.41", "port": 2886}


def _answer(
    number: int, tasks: list[dict[str, Any]], *, at: int = 21, name: str = "Create tenant", state: str = "SUCCEED"
) -> dict[str, Any]:
    about = {"state": state, "operator": "RUN", "start_time": _START, "end_time": _END, "additional_data": None}
    node = {"id": str(1000 + number), "node_id": number, "name": name, **about, "sub_tasks": [{**about, **task} for task in tasks]}
    dag = {"id": str(number), "dag_id": number, "name": name, "stage": 1, "max_stage": 1, **about, "nodes": [node]}
    return {
        "successful": True,
        "timestamp": f"2026-03-02T17:10:{at:02}.500+08:00",
        "duration": 1,
        "status": 200,
        "traceId": "0",
        "data": dag,
    }


def _task(number: int, logs: list[str] | None = None, times: int = 1) -> dict[str, Any]:
    return {
        "id": str(9000 + number),
        "task_id": number,
        "name": "Create tenant",
        "execute_times": times,
        "execute_agent": _AGENT,
        "task_logs": logs or [],
    }


def _words(seed: int, n: int) -> list[str]:
    chance = random.Random(seed)
    return [" ".join("".join(chance.choices("abcdefghij", k=6)) for _ in range(6)) for _ in range(n)]


def _hand_outs(n: int) -> Callable[[], object]:
    answer = _answer(1, [_task(number, times=99_999) for number in range(n)])
    return lambda: da.load(answer).attempts


def _random_logs(n: int) -> Callable[[], object]:
    polls = [_answer(1, [_task(1, _words(seed, n))], at=seed) for seed in (21, 22)]
    return lambda: da.load(*polls).sub_tasks


def _equal_logs(n: int) -> Callable[[], object]:
    polls = [_answer(1, [_task(1, ["the same line"] * n + [f"late {poll}"])], at=20 + poll) for poll in range(6)]
    return lambda: da.load(*polls).sub_tasks


def _nested(n: int) -> Callable[[], object]:
    content = b'{"successful": true, "data": ' + b'{"a": [' * n + b"1" + b"]}" * n + b"}"
    return lambda: da.load(content).issues


def _opened(n: int) -> Callable[[], object]:
    content = b'{"successful": [' * n
    return lambda: da.load(content).issues


def _strings_in_strings(n: int) -> Callable[[], object]:
    text = "{\\n".join(f'"max_stage{k}": [' for k in range(n))
    content = json.dumps({"a": text, "b": json.dumps({"c": text})}).encode()
    return lambda: da.load(content).issues


def _near_answers(n: int) -> Callable[[], object]:
    content = b"\n".join(b'{"max_stage": %d, "stages": {"dag_id": [1]}}' % k for k in range(n))
    return lambda: da.load(content).issues


def _near_answers_in_prose(n: int) -> Callable[[], object]:
    content = b"\n".join(b"poller-%d | {'max_stage': \"dag_id, {\\x22state\\x22: [" % (k % 7) for k in range(n))
    return lambda: da.load(content).issues


def _one_huge_string(n: int) -> Callable[[], object]:
    content = json.dumps({"log": 'x "{max_stage ' * n}).encode()
    return lambda: da.load(content).issues


def _failures(n: int) -> Callable[[], object]:
    lines = _words(3, n)
    answers = [_answer(k, [_task(k, [f"ERROR: {line}"])], state="FAILED") for k, line in enumerate(lines, start=1)]
    archive = da.load(*answers)
    return lambda: da.failures(archive)


def _document(n: int) -> Callable[[], object]:
    content = json.dumps(_answer(1, [_task(number, ["a line"]) for number in range(n)])).encode()
    return lambda: da.load(content).sub_tasks


def _redacted_names(n: int) -> Callable[[], object]:
    lines = [
        f"host=obs-{word} user={word} password=K{k}s{word}" for k, word in enumerate(line.replace(" ", "")[:9] for line in _words(4, n))
    ]
    return _redacting(json.dumps(_answer(1, [_task(1, lines)])).encode())


def _redacted_line(n: int) -> Callable[[], object]:
    return _redacting(json.dumps(_answer(1, [_task(1, ["password is a. token " * n])])).encode())


def _redacted_words(n: int) -> Callable[[], object]:
    return _redacting(json.dumps(_answer(1, [_task(1, _words(9, n))])).encode())


def _redacting(content: bytes) -> Callable[[], object]:
    def work() -> object:
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "a.json").write_bytes(content)
            return da.redact(Path(folder) / "a.json", Path(folder) / "b.json")

    return work


def _children(n: int) -> Callable[[], object]:
    names = [str(number) for number in range(n)]
    pairs = list(zip(names, names[1:], strict=False))
    rows: dict[str, list[dict[str, Any]]] = {
        "dags": [{"run_id": name, "parent_run_id": str(int(name) - 1) if name != "0" else None, "outcome": "succeeded"} for name in names],
        "links": [{"parent_run_id": above, "child_run_id": below, "child_gid": below} for above, below in pairs],
        "timeline": [{"run_id": name, "seq": 1, "category": "execute", "started_at": 0, "ended_at": 10**9} for name in names],
    }
    tables = {
        name: BASE_TABLES[name].arrow({column: [row.get(column) for row in own] for column in BASE_TABLES[name].names})
        for name, own in rows.items()
    }
    archive = da.Archive(MemoryTables(tables))
    return lambda: da.gantt_bars(archive.run("0", children=True), children=True)


CASES: dict[str, tuple[Callable[[int], Callable[[], object]], int]] = {
    "hand-outs that nothing shows, by sub-tasks": (_hand_outs, 1_000),
    "two polls of random log lines": (_random_logs, 8_000),
    "six polls of equal log lines, one late": (_equal_logs, 8_000),
    "reading brackets nested in each other": (_nested, 20_000),
    "reading brackets that never close": (_opened, 20_000),
    "reading near-answers in texts in texts": (_strings_in_strings, 5_000),
    "reading near-answers, one a line": (_near_answers, 5_000),
    "reading near-answers in prose of several writers": (_near_answers_in_prose, 5_000),
    "reading one huge text with near-answers": (_one_huge_string, 20_000),
    "failures on random ERROR lines": (_failures, 2_500),
    "one document, by sub-tasks": (_document, 5_000),
    "redact, by different names and secrets": (_redacted_names, 500),
    "redact, by the length of a line": (_redacted_line, 500),
    "redact, by lines of unknown words": (_redacted_words, 1_000),
    "gantt of a chain of children": (_children, 250),
}
"""What grows, each with what makes the work of a size, and the smallest size."""


def measure(case: str, shrink: int = 1) -> list[tuple[int, float]]:
    """Return three sizes, each twice the one before, and the processor seconds of each."""
    make, least = CASES[case]
    found = []
    make(2)()  # what is imported and compiled once
    for size in (max(2, least // shrink) * times for times in (1, 2, 4)):
        work = make(size)
        before = time.process_time()
        work()
        found.append((size, time.process_time() - before))
    return found


def main(arguments: list[str] | None = None) -> int:
    """Measure every case and print sizes, seconds and ratios."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--small", action="store_true", help="only show that everything runs")
    parser.add_argument("--json", metavar="FILE", help="write the figures too")
    chosen = parser.parse_args(arguments)
    rows = {}
    for case in CASES:
        rows[case] = points = measure(case, 100 if chosen.small else 1)
        ratios = [later[1] / max(earlier[1], 1e-9) for earlier, later in zip(points, points[1:], strict=False)]
        sizes = ", ".join(f"{size:,}: {seconds:.2f} s" for size, seconds in points)
        print(f"{case:45} {sizes:45} ratios {ratios[0]:.1f} {ratios[1]:.1f}", flush=True)
    if chosen.json:
        Path(chosen.json).write_text(json.dumps(rows, indent=1), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
