"""How often the statistics, and what is claimed of a run's history, are right on data whose truth is known.

``python -m benchmarks.studies`` prints what each must show beside what was found. The seeds are fixed: the figures are the same every time.
"""
