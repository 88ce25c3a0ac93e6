"""Print what each mixture of sources shows of an archive, and whether all of them together are as good as each alone.

usage: python tests/case_mixtures.py CASE WORK

CASE holds ``responses/``, ``meta/``, ``ocs/``, ``log/`` and ``truth/``; its parent holds ``score.py``. The stores are made below WORK.
Prints the table of ``docs/logs.md``, then every measure in which all sources together are worse than one alone; exits with 1 if there is
one.
"""

from __future__ import annotations

import itertools
import subprocess
import sys
from pathlib import Path

import daganalysis as da

NAMES = {"responses": "answers", "meta": "`.meta`", "ocs": "`ocs` dump", "log": "logs"}
LESS_IS_BETTER = frozenset(
    {"attempts_false", "budget_sum", "complete_false", "inferred_false", "lost_share", "operations_false", "runs_invented"}
)
ROUNDING = 1e-5


def load(case: Path, mixture: tuple[str, ...], store: Path) -> None:
    """Load some of the sources of a case with the command line."""
    sources = [str(case / name) for name in mixture]
    arguments = ["load", *sources, "--out", str(store), "--cluster-by", "dir"]
    subprocess.run([sys.executable, "-m", "daganalysis", *arguments], check=True, capture_output=True)


def row(mixture: tuple[str, ...], store: Path) -> str:
    """Return the row of the table that a store gives."""
    archive = da.read_parquet(store)
    runs, attempts, operations = archive.dags, archive.attempts, archive.operations
    budget = da.time_budget(archive).dropna(subset="elapsed_s")
    cells = [
        ", ".join(NAMES[name] for name in mixture),
        str(len(runs)),
        str(runs["elapsed_s"].notna().sum()),
        str(len(attempts)),
        f"{(attempts['evidence'] == 'observed').mean():.0%}".replace("%", " %"),
        str((runs["history"] == "complete").sum()),
        f"{budget['lost_s'].sum() / budget['elapsed_s'].sum():.1%}".replace("%", " %"),
        str((operations["evidence"] == "log").sum()),
        str((operations["evidence"] == "answers").sum()),
    ]
    return f"| {' | '.join(cells)} |"


def measures(case: Path, store: Path) -> dict[str, float]:
    """Score a store."""
    command = [sys.executable, str(case.parent / "score.py"), str(store), str(case)]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return {name: float(value) for name, value in (line.split()[:2] for line in printed.splitlines() if len(line.split()) >= 2)}


def main(case: Path, work: Path) -> int:
    """Load and score every mixture."""
    found: dict[tuple[str, ...], dict[str, float]] = {}
    for size in range(1, len(NAMES) + 1):
        for mixture in itertools.combinations(NAMES, size):
            store = work / "-".join(mixture)
            load(case, mixture, store)
            print(row(mixture, store))
            if size in {1, len(NAMES)}:
                found[mixture] = measures(case, store)
    together = found[tuple(NAMES)]
    worse = [
        f"{name}: {value:g} together, {alone[name]:g} from {mixture[0]} alone"
        for mixture, alone in found.items()
        for name, value in together.items()
        if (value - alone.get(name, value)) * (-1 if name in LESS_IS_BETTER else 1) < -ROUNDING
    ]
    print("\n".join(worse) if worse else "all sources together are as good as each alone in every measure")
    return 1 if worse else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
