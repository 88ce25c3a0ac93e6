"""Words and numbers as people read them: escaping, durations and counts, columns, widths."""
