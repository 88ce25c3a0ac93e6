"""A loaded archive on disk: a folder of Parquet that anything can read, replaced as a whole or not at all."""

from daganalysis.store.opening import is_store, read_parquet, write_archive

__all__ = ["is_store", "read_parquet", "write_archive"]
