"""Analyses: each turns an archive into one new frame. Its module has the name of the function, after an underscore."""

from daganalysis.analysis import (
    _check,
    _clock_skew,
    _compare,
    _critical_path,
    _events,
    _failures,
    _locks,
    _outcome_rules,
    _retries,
    _retry_patterns,
    _runs,
    _stage_gaps,
    _stage_latency,
    _stragglers,
    _summary,
    _time_budget,
    _trend,
    _trouble,
    _what_if,
)
from daganalysis.analysis._check import Gate, check_gate, compare_gate
from daganalysis.analysis._compare import left_out
from daganalysis.analysis._failures import coverage
from daganalysis.analysis._spread import spread
from daganalysis.analysis.lock_conflicts import all_issues, lock_conflicts

check = spread(_check.check)
clock_skew = spread(_clock_skew.clock_skew)
compare = spread(_compare.compare)
critical_path = spread(_critical_path.critical_path)
events = spread(_events.events)
failures = spread(_failures.failures)
locks = spread(_locks.locks)
outcome_rules = spread(_outcome_rules.outcome_rules)
retries = spread(_retries.retries)
retry_patterns = spread(_retry_patterns.retry_patterns)
runs = spread(_runs.runs)
stage_gaps = spread(_stage_gaps.stage_gaps)
stage_latency = spread(_stage_latency.stage_latency)
stragglers = spread(_stragglers.stragglers)
summary = spread(_summary.summary)
time_budget = spread(_time_budget.time_budget)
trend = spread(_trend.trend)
trouble = spread(_trouble.trouble)
what_if = spread(_what_if.what_if)

__all__ = [
    "Gate",
    "all_issues",
    "check",
    "check_gate",
    "clock_skew",
    "compare",
    "compare_gate",
    "coverage",
    "critical_path",
    "events",
    "failures",
    "left_out",
    "lock_conflicts",
    "locks",
    "outcome_rules",
    "retries",
    "retry_patterns",
    "runs",
    "stage_gaps",
    "stage_latency",
    "stragglers",
    "summary",
    "time_budget",
    "trend",
    "trouble",
    "what_if",
]
