"""Mutated responses, in a process of bounded memory and time."""

from __future__ import annotations

import json
import subprocess
import sys

from tests.profiles import LONG

COUNT = 20_000 if LONG else 50


def test_no_mutation_raises_hangs_or_touches_its_neighbour() -> None:
    run = subprocess.run([sys.executable, "-m", "tests.reading.fuzz", "--count", str(COUNT)], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr[-2000:]
    found = json.loads(run.stdout)
    assert found.pop("tried") == sum(found.values()) == COUNT
    assert min(found["loaded"], found["rejected"]) > COUNT / 20
