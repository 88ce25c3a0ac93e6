"""A loaded archive on disk: a folder of Parquet that anything can read, replaced as a whole or not at all."""

from daganalysis.store.opening import is_store, open_tables, write_tables

__all__ = ["is_store", "open_tables", "write_tables"]
