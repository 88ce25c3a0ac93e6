"""The report: one page about a whole archive, its twin in JSON, and a short one in Markdown."""
