"""What the first pass of a load would write of pieces of synthetic responses; a module that worker processes can import."""

from __future__ import annotations

from pathlib import Path

from daganalysis.loading.by_cluster import ScannedByCluster, by_cluster
from daganalysis.loading.scanning import Scanned
from daganalysis.reading.answers import Kind

_POLLS = 13
A_PIECE = 2300
"""Responses of 7.2 kB in 16 MB."""
_TEXT_BYTES = 1500
"""What a poll adds that no other had."""
_Piece = tuple[Path, int, int, int, int]


def make_piece(piece: _Piece) -> ScannedByCluster:
    """Write what the first pass finds in one piece: some of the responses of all clusters, from one number on."""
    spill, first, end, total, clusters = piece
    spill.touch()  # the answers themselves are not made: planning reads none of a DAG
    found = Scanned(spill)
    for number in range(first, end):
        run = number // _POLLS
        found.keys.append(f"cluster-{run * _POLLS * clusters // total:05d}/1{run}")
        found.is_dag.append(1)
        found.kinds.append(Kind.DAG)
        found.sources.append(number)
        at = (number - first) * _TEXT_BYTES
        found.places.extend((at, at + _TEXT_BYTES - 200, at + _TEXT_BYTES))
    return by_cluster(found)
