"""Histories with a memory, in ``compare``, ``trend``, ``stragglers`` and ``check``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

import daganalysis as da
from benchmarks.studies.archives import MEANS, archive_of, autoregressive, noisy, share_row
from benchmarks.studies.stragglers import agents_archive

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.goals import Row

_A_SIDE = 40
_NOISE = 0.2
_COEFFICIENTS = {0.3: 0.05, 0.6: 0.07, 0.9: 0.10}
"""Autocorrelation of neighbours, and the share of false verdicts that is accepted."""


def before_after(trials: int) -> Iterator[Row]:
    """Autoregressive runs cut in the middle: all alike."""
    rng = np.random.default_rng(69)
    for coefficient, accepted in _COEFFICIENTS.items():
        different = []
        for _ in range(trials):
            durations = np.asarray(MEANS) * np.exp(_NOISE * autoregressive(rng, coefficient, 2 * _A_SIDE, len(MEANS)))
            sides = archive_of(durations[:_A_SIDE], "b"), archive_of(durations[_A_SIDE:], "c", first=_A_SIDE)
            different.append(bool(da.compare(*sides)["verdict"].isin(["slower", "faster", "more_slow_runs", "fewer_slow_runs"]).any()))
        yield share_row(f"before/after, autocorrelation {coefficient}", "share with any difference", accepted, different)


def wandering(trials: int) -> Iterator[Row]:
    """Histories without a shift: autoregressive, with a weekly cycle, with a slow drift."""
    rng = np.random.default_rng(70)
    for n in (40, 100, 300):
        kinds = [_kinds(np.exp(_NOISE * autoregressive(rng, 0.6, n)) * 30.0) for _ in range(trials)]
        yield share_row(f"no shift, autocorrelation 0.6, {n} runs", "share with any row", 0.07, [bool(found) for found in kinds])
    days = np.arange(120) / 2
    weekly = 1 + 0.3 * (days % 7 >= 5)
    kinds = [_kinds(noisy(rng, (30.0,), 120, 0.1) * weekly[:, None], 2) for _ in range(trials)]
    yield share_row("weekly cycle, two runs a day, 120 runs", "share with any level shift", 0.07, ["shift" in found for found in kinds])
    yield share_row("weekly cycle, two runs a day, 120 runs", "share told as a cycle", 0.8, ["cycle" in f for f in kinds], at_least=True)
    drift = np.exp(np.linspace(0, 0.5, 100))
    kinds = [_kinds(noisy(rng, (30.0,), 100, 0.1) * drift[:, None]) for _ in range(trials)]
    yield share_row("slow drift of 65 %, 100 runs", "share with any level shift", 0.07, ["shift" in found for found in kinds])
    yield share_row("slow drift of 65 %, 100 runs", "share told as a drift", 0.8, ["drift" in found for found in kinds], at_least=True)


def _kinds(durations: np.ndarray, runs_a_day: int = 1) -> set[str]:
    return set(da.trend(archive_of(durations, runs_a_day=runs_a_day))["kind"])


def spells(trials: int) -> Iterator[Row]:
    """Equal agents, each slow for a spell now and then: somebody is flagged."""
    rng = np.random.default_rng(71)
    for n_agents, n_runs in ((3, 20), (12, 60)):
        for coefficient in (0.6, 0.9):
            flagged = []
            for _ in range(trials):
                slowness = np.exp(_NOISE * autoregressive(rng, coefficient, n_runs, n_agents) + rng.normal(0, 0.05, (n_runs, n_agents)))
                flagged.append(bool(da.stragglers(agents_archive(rng, slowness, (("Install", 30.0),)))["flagged"].any()))
            what = f"{n_agents} equal agents, {n_runs} runs, slow spells, autocorrelation {coefficient}"
            yield share_row(what, "share with somebody flagged", 0.07, flagged)


def bursts(trials: int) -> Iterator[Row]:
    """A tenth, and three tenths, of the runs fail, in bursts of 5 to 10: the share is said to be beyond what it is."""
    rng = np.random.default_rng(72)
    for n, share in ((100, 0.1), (200, 0.1), (200, 0.3)):
        tripped = []
        for _ in range(trials):
            outcomes = np.where(_in_bursts(rng, n, share), "failed", "succeeded").tolist()
            archive = archive_of(np.full((n, 1), 30.0), outcomes=outcomes)
            tripped.append(da.check(archive, [f"failed_share>{share}"])["decision"].item() == "tripped")
        yield share_row(f"{share:.0%} of {n} runs fail, in bursts", "share tripped beyond the truth", 0.07, tripped)


def _in_bursts(rng: np.random.Generator, n: int, share: float) -> np.ndarray:
    """Draw whether each run fails: bursts of 5 to 10, and gaps so long that the share is true in the long run."""
    gap = 7.5 * (1 - share) / share
    failed = np.zeros(n + 200, bool)
    place = 0
    while place < len(failed):
        place += 1 + int(rng.geometric(1 / gap)) - 1
        length = int(rng.integers(5, 11))
        failed[place : place + length] = True
        place += length
    first = int(rng.integers(0, 200))
    return failed[first : first + n]
