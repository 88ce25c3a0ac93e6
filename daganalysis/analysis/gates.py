"""Gates: conditions that a pipeline may hang on, decided only where the data decide them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from daganalysis.analysis.budget import ENGINE, time_budget
from daganalysis.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd

    from daganalysis.archive import Archive

_CONDITION = re.compile(r"\s*(?P<metric>[a-z_0-9]+)\s*(?P<sign>>=?)\s*(?P<limit>\d+(?:\.\d+)?)\s*")
_SHARES = ("failed_share", "retry_share", "cancelled_share")
_MEANS = ("engine_share", "lost_share", "elapsed_p95_s", "elapsed_p50_s")
_CONFIDENCE = 0.95
METRICS = (*_SHARES, *_MEANS)
"""What a condition of ``check`` may be about."""


@dataclass(slots=True)
class Gate:
    """What became of a gate: what tripped it, what could not be decided, what held."""

    tripped: list[str] = field(default_factory=list)
    undecided: list[str] = field(default_factory=list)
    held: list[str] = field(default_factory=list)


def compare_gate(compared: pd.DataFrame, fail_on: str) -> Gate:
    """Decide a gate over the result of ``compare``: tripped by each row of this verdict, undecided by each that had too few runs.

    >>> compare_gate.__name__
    'compare_gate'
    """
    if fail_on not in {"slower", "faster"}:
        raise UsageError("no such gate", where=fail_on, hint="slower or faster")
    gate = Gate()
    for row in compared.to_dict("records"):
        what = f"{row['workflow']} / {row['name'] if isinstance(row['name'], str) else 'whole run'}"
        if row["verdict"] == fail_on:
            gate.tripped.append(f"{what}: {row['base_s']:.3f} s to {row['candidate_s']:.3f} s (x {row['ratio']:.2f})")
        elif row["verdict"] == "insufficient":
            gate.undecided.append(f"{what}: {row['n_base']} against {row['n_candidate']} runs, {row['n_needed']} a side are needed")
        else:
            gate.held.append(what)
    if compared.empty:
        gate.undecided.append("no workflow is in both archives")
    return gate


def check(archive: Archive, conditions: list[str]) -> Gate:
    """Decide conditions such as ``failed_share>0.1`` over an archive.

    A share of runs trips a gate only where its 95 % confidence interval (Clopper-Pearson, one-sided) lies beyond the limit, holds where
    it lies within, and is undecided in between. Other metrics are compared as they are, undecided where no run has them. Raises
    :class:`UsageError` for a condition that is none.

    >>> import daganalysis as da
    >>> check(da.load("sample_data/fleet", cluster_by="dir"), ["failed_share>0.2"]).held
    ['failed_share>0.2: 0.000 of 84 runs']
    """
    gate = Gate()
    for condition in conditions:
        match = _CONDITION.fullmatch(condition)
        if match is None or match["metric"] not in METRICS:
            raise UsageError("no such condition", where=condition, hint="for instance failed_share>0.1; metrics: " + ", ".join(METRICS))
        metric, limit = match["metric"], float(match["limit"])
        if metric in _SHARES:
            _decide_share(archive, condition, metric, limit, gate)
        else:
            _decide_value(archive, condition, metric, limit, gate)
    return gate


def _decide_share(archive: Archive, condition: str, metric: str, limit: float, gate: Gate) -> None:
    from scipy.stats import beta

    dags = archive.table("dags", ["outcome", "retries_min"])
    ended = dags[~dags["outcome"].isin(["running", "not_started", "waiting", "unknown"])]
    hits = {
        "failed_share": ended["outcome"].isin(["failed", "rollback_failed"]),
        "retry_share": ended["retries_min"].fillna(0) > 0,
        "cancelled_share": ended["outcome"].eq("cancelled"),
    }[metric]
    k, n = int(hits.sum()), len(ended)
    words = f"{condition}: {k / n:.3f} of {n} runs" if n else f"{condition}: no run has ended"
    low = float(beta.ppf(1 - _CONFIDENCE, k, n - k + 1)) if k else 0.0
    high = float(beta.ppf(_CONFIDENCE, k + 1, n - k)) if k < n else 1.0
    if n and low > limit:
        gate.tripped.append(words)
    elif n and high <= limit:
        gate.held.append(words)
    else:
        gate.undecided.append(f"{words}, anything from {low:.3f} to {high:.3f}" if n else words)


def _decide_value(archive: Archive, condition: str, metric: str, limit: float, gate: Gate) -> None:
    budget = time_budget(archive)
    known = budget[budget["elapsed_s"].notna()]
    if known.empty:
        gate.undecided.append(f"{condition}: no run has a known elapsed time")
        return
    total = float(known["elapsed_s"].sum())
    value = {
        "engine_share": sum(float(known[f"{name}_s"].sum()) for name in ENGINE) / total if total else 0.0,
        "lost_share": float(known["lost_s"].sum()) / total if total else 0.0,
        "elapsed_p95_s": float(known["elapsed_s"].quantile(0.95)),
        "elapsed_p50_s": float(known["elapsed_s"].median()),
    }[metric]
    (gate.tripped if value > limit else gate.held).append(f"{condition}: {value:.4g}")
