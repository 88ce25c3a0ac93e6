"""Score the rebuilt history against archives whose truth is known, and hold it to what was promised.

usage: python tests/case_scores.py CASES WORK

CASES holds one folder a case (``healthy``, ``polled``, ``clusters``, ``final``, ``sources``), each with ``responses/`` and ``truth/``, and
``score.py``; the logs of agents in ``log/`` are loaded with the responses. The stores are made below WORK. Prints every measure
beside its threshold; exits with 1 if one is missed.
"""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

EXACT = {
    "runs_present": 1,
    "attempts_count": 1,
    "retries_bounds": 1,
    "rollbacks_bounds": 1,
    "task_bounds": 1,
    "elapsed_bound": 1,
    "elapsed_bounds": 1,
}
NONE_OF = {"runs_invented": 0, "attempts_false": 0, "budget_sum": 0.000001, "complete_false": 0, "inferred_false": 0.002}
WITH_LOGS = {"operations_false": 0, "lost_share": 0.02}
"""Of these less is better where agents' logs are there."""
POLLED = EXACT | {
    "outcome": 0.99,
    "work_ok": 0.99,
    "links": 0.99,
    "attempts_recall": 0.99,
    "attempts_times": 0.99,
    "attempts_outcome": 0.99,
    "elapsed": 0.98,
    "execute": 0.97,
    "engine": 0.97,
    "wait_operator": 0.97,
    "wait_protocol": 0.97,
    "lost_honest": 0.99,
    "wait_proven": 0.99,
}
FINAL = POLLED | {
    "outcome": 0.97,
    "work_ok": 0.97,
    "links": 0.97,
    "elapsed": 0.90,
    "execute": 0.95,
    "engine": 0.95,
    "wait_operator": 0.95,
    "wait_protocol": 0.95,
}
SOURCES = POLLED | {"operations": 1}
AT_LEAST = {"healthy": POLLED, "polled": POLLED, "clusters": POLLED, "final": FINAL, "sources": SOURCES}
"""Where more is better, by case; of ``NONE_OF`` less is better, and nothing is best."""

LABELS = {"clusters": ["--cluster-by", "dir"], "sources": ["--cluster-by", "dir"]}
"""How a case is loaded, where it is not one cluster."""


def score(case: Path, store: Path) -> dict[str, float]:
    """Load a case with the command line and score the store."""
    sources = [str(case / name) for name in ("responses", "log") if (case / name).exists()]
    subprocess.run(
        [sys.executable, "-m", "daganalysis", "load", *sources, "--out", str(store), *LABELS.get(case.name, ["--cluster", "c01"])],
        check=True,
    )
    scorer = [sys.executable, str(case.parent / "score.py"), str(store), str(case)]
    printed = subprocess.run(scorer, check=True, capture_output=True, text=True).stdout
    return {name: float(value) for name, value in (line.split()[:2] for line in printed.splitlines() if len(line.split()) >= 2)}


def missed(case: str, measures: dict[str, float]) -> list[str]:
    """Print the measures of a case beside their thresholds; return those that miss them."""
    failures = []
    at_most = NONE_OF | (WITH_LOGS if case == "sources" else {})
    for name, value in measures.items():
        if name in at_most:
            good, bound = value <= at_most[name], f"<= {at_most[name]:g}"
        elif name in AT_LEAST[case]:
            good, bound = value >= AT_LEAST[case][name] or value != value, f">= {AT_LEAST[case][name]:g}"  # noqa: PLR0124 - nan: nothing to measure
        else:
            good, bound = True, ""
        print(f"{case:10}{name:18}{value:12.6g}  {bound:12}{'' if good else 'MISSED'}")
        if not good:
            failures.append(f"{case} {name}")
    absent = [name for name in {**at_most, **AT_LEAST[case]} if name not in measures]
    return failures + [f"{case} {name} (not measured)" for name in absent]


def main(cases: Path, work: Path) -> int:
    """Score every case."""
    failures = []
    known = sorted(path for path in cases.iterdir() if path.name in AT_LEAST)
    with ThreadPoolExecutor(len(known)) as pool:  # each waits for processes: together they keep all cores busy to the end
        for case, measures in zip(known, pool.map(lambda case: score(case, work / case.name), known), strict=True):
            failures += missed(case.name, measures)
    print("missed: " + ", ".join(failures) if failures else "every threshold is met")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
