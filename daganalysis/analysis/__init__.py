"""Analyses: from an archive to one new frame each."""

from daganalysis.analysis import budget, clocks, comparing, failing, gates, judged, lagging, overview, retrying, stages, trending
from daganalysis.analysis.comparing import left_out
from daganalysis.analysis.failing import coverage
from daganalysis.analysis.gates import Gate, check_gate, compare_gate
from daganalysis.analysis.spreading import spread

check = spread(gates.check)
clock_skew = spread(clocks.clock_skew)
compare = spread(comparing.compare)
failures = spread(failing.failures)
outcome_rules = spread(judged.outcome_rules)
retries = spread(retrying.retries)
retry_patterns = spread(retrying.retry_patterns)
stage_gaps = spread(stages.stage_gaps)
stage_latency = spread(stages.stage_latency)
stragglers = spread(lagging.stragglers)
summary = spread(overview.summary)
time_budget = spread(budget.time_budget)
trend = spread(trending.trend)

__all__ = [
    "Gate",
    "check",
    "check_gate",
    "clock_skew",
    "compare",
    "compare_gate",
    "coverage",
    "failures",
    "left_out",
    "outcome_rules",
    "retries",
    "retry_patterns",
    "stage_gaps",
    "stage_latency",
    "stragglers",
    "summary",
    "time_budget",
    "trend",
]
