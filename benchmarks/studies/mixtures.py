"""``compare`` on histories that are mixtures: clusters of different speed, runs in a slow mode, runs that needed help."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

import daganalysis as da
from benchmarks.studies.archives import MEANS, archive_of, noisy, share_row
from daganalysis.analysis import compare_gate

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pandas as pd

    from benchmarks.goals import Row
    from daganalysis import Archive

_SPEEDS = {"prod-a": 1.0, "prod-b": 1.4, "prod-c": 2.0, "prod-d": 2.8, "prod-e": 4.0}
_OLD_MIX = (0.4, 0.25, 0.15, 0.12, 0.08)
_NEW_MIX = _OLD_MIX[::-1]
_A_SIDE = 80
_NOISE = 0.2
_SHOWN = ["slower", "faster", "more_help", "less_help", "more_slow_runs", "fewer_slow_runs"]


def clusters(trials: int) -> Iterator[Row]:
    """Five labelled clusters of different speed, another mix on each side: all alike, all 20 % slower, none in common."""
    rng = np.random.default_rng(66)
    names = list(_SPEEDS)
    alike = [da.compare(_mixed(rng, names, _OLD_MIX, "b"), _mixed(rng, names, _NEW_MIX, "c")) for _ in range(trials)]
    yield share_row("A/A, five clusters, another mix a side", "share with any difference", 0.05, _differ(alike))
    slower = [da.compare(_mixed(rng, names, _OLD_MIX, "b"), _mixed(rng, names, _NEW_MIX, "c", 1.2)) for _ in range(trials)]
    whole = [_whole(table) for table in slower]
    yield share_row("every cluster 20 % slower", "share of whole runs slower", 0.8, [v == "slower" for v in whole], at_least=True)
    yield share_row("every cluster 20 % slower", "share with any faster", 0.0, [bool((t["verdict"] == "faster").any()) for t in slower])
    apart = [
        da.compare(_mixed(rng, names[:3], _OLD_MIX[:3], "b"), _mixed(rng, names[3:], _OLD_MIX[:2], "c")) for _ in range(max(4, trials // 4))
    ]
    undecided = [set(table["reason"]) == {"no cluster on both sides"} for table in apart]
    yield share_row("no cluster in common", "share insufficient, with the reason", 1.0, undecided, at_least=True)


def _mixed(rng: np.random.Generator, names: Sequence[str], mix: Sequence[float], prefix: str, slower: float = 1.0) -> Archive:
    chosen = rng.choice(names, _A_SIDE, p=np.asarray(mix) / sum(mix))
    durations = noisy(rng, MEANS, _A_SIDE, _NOISE) * np.array([_SPEEDS[name] for name in chosen])[:, None] * slower
    return archive_of(durations, prefix, clusters=chosen.tolist(), first=0 if prefix == "b" else _A_SIDE)


def _differ(compared: Sequence[pd.DataFrame]) -> list[bool]:
    return [bool(table["verdict"].isin(_SHOWN).any()) for table in compared]


def _whole(table: pd.DataFrame) -> str:
    return str(table.loc[table["name"].isna(), "verdict"].iloc[0])


def shares(trials: int) -> Iterator[Row]:
    """A slow mode in 10 and in 30 % of the runs, 200 a side; runs retried for half an hour, none and 40 %, 40 a side; both A/A."""
    rng = np.random.default_rng(67)
    found = [da.compare(*_two_modes(rng, 0.1, 0.3)) for _ in range(trials)]
    told = [table.loc[0, "verdict"] in {"more_slow_runs", "slower"} for table in found]
    yield share_row("10 to 30 % of runs in a slow mode", "share told", 0.8, told, at_least=True)
    yield share_row(
        "20 % in a slow mode on both sides",
        "share with any difference",
        0.05,
        _differ([da.compare(*_two_modes(rng, 0.2, 0.2)) for _ in range(trials)]),
    )
    found = [da.compare(*_retried(rng, 0.0, 0.4)) for _ in range(trials)]
    yield share_row("40 % of the candidate retried", "share told", 0.8, [_whole(table) == "more_help" for table in found], at_least=True)
    gates = [bool(compare_gate(table, "slower").tripped) for table in found]
    yield share_row("40 % of the candidate retried", "share with the gate tripped", 0.8, gates, at_least=True)
    yield share_row(
        "20 % retried on both sides",
        "share with any difference",
        0.05,
        _differ([da.compare(*_retried(rng, 0.2, 0.2)) for _ in range(trials)]),
    )


def _two_modes(rng: np.random.Generator, *slow_shares: float) -> list[Archive]:
    archives = []
    for number, share in enumerate(slow_shares):
        slow = rng.random((200, 1)) < share
        archives.append(archive_of(np.where(slow, 50.0, 5.0) * np.exp(rng.normal(0, 0.1, (200, 1))), f"s{number}", first=200 * number))
    return archives


def _retried(rng: np.random.Generator, *retried_shares: float) -> list[Archive]:
    archives = []
    for number, share in enumerate(retried_shares):
        durations, retried = noisy(rng, MEANS, 40, 0.1), rng.random(40) < share
        durations[:, 3] += np.where(retried, 1800.0, 0.0)
        outcomes = np.where(retried, "succeeded_after_retry", "succeeded").tolist()
        archives.append(archive_of(durations, f"h{number}", outcomes=outcomes, first=40 * number))
    return archives


def ticks(trials: int) -> Iterator[Row]:
    """A/A at ten runs a side, durations in whole ticks: how often a gate cannot decide, and how often it trips."""
    rng = np.random.default_rng(68)
    tick = 1.02
    for what, means, noise in (("", MEANS, 0.1), (", short stages, noise 20%", (2.0, 3.0, 4.0, 5.0, 6.0, 8.0), 0.2)):
        found = []
        for _ in range(trials):
            sides = [np.ceil(noisy(rng, means, 10, noise) / tick) * tick for _ in range(2)]
            found.append(compare_gate(da.compare(archive_of(sides[0], "b"), archive_of(sides[1], "c", first=10)), "slower"))
        undecided = [bool(gate.undecided) and not gate.tripped for gate in found]
        yield share_row(f"A/A gate at ten a side, in ticks{what}", "share undecided", 0.15, undecided)
        yield share_row(f"A/A gate at ten a side, in ticks{what}", "share tripped", 0.05, [bool(gate.tripped) for gate in found])
