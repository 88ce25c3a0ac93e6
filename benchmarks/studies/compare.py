"""``compare``: how often it calls something different that is not, and finds what is."""

from __future__ import annotations

import random
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

import daganalysis as da
from benchmarks.archives import Agent, DagRun, Stage, Task, answer
from benchmarks.studies.archives import MEANS, NAMES, archive_of, noisy, share_row
from daganalysis.statistics.multiple_testing import LEVEL

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from benchmarks.goals import Row
    from daganalysis import Archive

_SAMPLES = Path(__file__).resolve().parents[2] / "sample_data"
_A_SIDE = 10
_SLOW = 3
"""The stage that is slower, from 0."""
_SECOND = 1_000_000
_BEGIN = 1_772_409_600 * _SECOND


def false_alarms(trials: int) -> Iterator[Row]:
    """A/A: splits of runs that are all alike, with any verdict of a difference; and with any p-value that would carry one."""
    for noise in (0.1, 0.3):
        rng = np.random.default_rng(61)
        compared = []
        for _ in range(trials):
            runs = noisy(rng, MEANS, 2 * _A_SIDE, noise)
            compared.append(da.compare(archive_of(runs[:_A_SIDE]), archive_of(runs[_A_SIDE:])))
        yield from _alarms(f"A/A, new runs each time, noise {noise:.0%}", compared)
    fleet = da.load(_SAMPLES / "fleet", cluster_by="dir")
    yield from _alarms("A/A, splits of the sample fleet", [da.compare(*_split(fleet, seed)) for seed in range(trials)])
    engine = _engine_runs(3 * _A_SIDE, seed=1)
    yield from _alarms("A/A, splits of runs of the engine model", [da.compare(*_split(engine, seed)) for seed in range(trials)])


def _alarms(what: str, compared: list[pd.DataFrame]) -> Iterator[Row]:
    different = [bool(table["verdict"].isin(["slower", "faster"]).any()) for table in compared]
    yield share_row(what, "share with any slower or faster", 0.05, different)
    unlikely = [bool((table["p_value"] <= LEVEL).any()) for table in compared]
    yield share_row(what, "share with any corrected p of 0.05", LEVEL, unlikely, nominal=True)


def _split(archive: Archive, seed: int) -> tuple[Archive, Archive]:
    run_ids = sorted(archive.dags["run_id"])
    random.Random(f"split:{seed}").shuffle(run_ids)
    middle = len(run_ids) // 2
    return archive.only(run_ids[:middle]), archive.only(run_ids[middle:])


def power(trials: int) -> Iterator[Row]:
    """One stage 30 % slower, noise of 10 %, ten runs against ten: found, and its neighbours not blamed."""
    rng = np.random.default_rng(62)
    compared = []
    for _ in range(trials):
        base, candidate = noisy(rng, MEANS, _A_SIDE, 0.1), noisy(rng, MEANS, _A_SIDE, 0.1)
        candidate[:, _SLOW] *= 1.3
        compared.append(da.compare(archive_of(base), archive_of(candidate)))
    yield from _found("30 % slower, generated", compared, NAMES[_SLOW])
    compared = [
        da.compare(_engine_runs(_A_SIDE, seed=2 * trial + 1000), _engine_runs(_A_SIDE, seed=2 * trial + 1001, slower=1.3))
        for trial in range(trials)
    ]
    yield from _found("30 % slower, engine model", compared, NAMES[_SLOW])


def _found(what: str, compared: list[pd.DataFrame], slow: str) -> Iterator[Row]:
    verdicts = [dict(zip(table["name"].fillna(""), table["verdict"], strict=True)) for table in compared]
    yield share_row(what, "share found", 0.9, [found[slow] == "slower" for found in verdicts], at_least=True)
    neighbours = [{verdict for name, verdict in found.items() if name not in {"", slow}} for found in verdicts]
    yield share_row(what, "share with a neighbour blamed", 0.05, [bool({"slower", "faster"} & others) for others in neighbours])


def _engine_runs(n: int, *, seed: int, slower: float = 1.0) -> Archive:
    """Final answers about so many runs of the engine model, whose stages are rounded up to its ticks."""
    rng = np.random.default_rng(seed)
    agent = Agent("192.0.2.11")
    answers = []
    for number, works in enumerate(noisy(rng, MEANS, n, 0.1)):
        works[_SLOW] *= slower
        stages = [Stage(name, [Task(agent, float(seconds))]) for name, seconds in zip(NAMES, works, strict=True)]
        created = _BEGIN + number * 3600 * _SECOND
        run = DagRun("Upgrade", stages, f"1{800 + number}", created, agent, seed=seed * 1000 + number, first_row_id=800 + number * 10)
        run.run()
        assert run.ended is not None
        answers.append(answer(run, run.ended + 60 * _SECOND))
    return da.load(answers)
