"""How fast loading, the analyses and the drawings are, beside what else would do the work, measured in pairs on one machine.

``python -m benchmarks`` makes its archives with the engine model of the sample data, measures, and prints goals beside measured ratios.
"""
