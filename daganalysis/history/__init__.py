"""Histories: from answers to runs, their attempts, outcomes and timelines."""
