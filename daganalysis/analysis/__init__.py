"""Analyses: from an archive to one new frame each."""

from daganalysis.analysis.budget import time_budget
from daganalysis.analysis.clocks import clock_skew
from daganalysis.analysis.comparing import compare
from daganalysis.analysis.failing import coverage, failures
from daganalysis.analysis.gates import Gate, check, check_gate, compare_gate
from daganalysis.analysis.lagging import stragglers
from daganalysis.analysis.overview import summary
from daganalysis.analysis.retrying import retries, retry_patterns
from daganalysis.analysis.stages import stage_gaps, stage_latency
from daganalysis.analysis.trending import trend

__all__ = [
    "Gate",
    "check",
    "check_gate",
    "clock_skew",
    "compare",
    "compare_gate",
    "coverage",
    "failures",
    "retries",
    "retry_patterns",
    "stage_gaps",
    "stage_latency",
    "stragglers",
    "summary",
    "time_budget",
    "trend",
]
