"""Analyses: from an archive to one new frame each."""

from daganalysis.analysis.budget import time_budget
from daganalysis.analysis.clocks import clock_skew
from daganalysis.analysis.overview import summary
from daganalysis.analysis.retrying import retries
from daganalysis.analysis.stages import stage_gaps, stage_latency

__all__ = ["clock_skew", "retries", "stage_gaps", "stage_latency", "summary", "time_budget"]
