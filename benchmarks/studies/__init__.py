"""How often the statistics are right, on data whose truth is known: false alarms, power, places, ranks, groups, exactness.

``python -m benchmarks.studies`` prints what each must show beside what was found. The seeds are fixed: the figures are the same every time.
"""
