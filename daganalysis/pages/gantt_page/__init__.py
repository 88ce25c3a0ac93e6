"""The interactive Gantt chart of one run."""
