"""Everything that happened in a cluster, as a page."""
