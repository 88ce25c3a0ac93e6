"""Charts of runs with very many child runs, one below the other or all side by side."""

from __future__ import annotations

import pytest

import daganalysis as da
from daganalysis.plots.bars import gantt_bars
from daganalysis.table_sources import MemoryTables
from daganalysis.tables import BASE_TABLES


class CountedTables(MemoryTables):
    """Tables that count how many rows are read of them."""

    rows_read = 0

    def read(self, *arguments, **options):
        table = super().read(*arguments, **options)
        self.rows_read += table.num_rows
        return table


def family(n, parent_of):
    """An archive of a run 0 with n - 1 runs below it, linked; ``parent_of`` gives the number of each one's main run."""
    names = [str(k) for k in range(n)]
    parents = [None, *(str(parent_of(k)) for k in range(1, n))]
    rows = {
        "dags": [
            {"run_id": name, "parent_run_id": parent, "name": "x", "outcome": "succeeded"}
            for name, parent in zip(names, parents, strict=True)
        ],
        "links": [
            {"parent_run_id": parent, "child_run_id": name, "child_gid": name}
            for name, parent in zip(names, parents, strict=True)
            if parent
        ],
        "timeline": [
            {"run_id": name, "seq": 1, "category": "execute", "evidence": "observed", "started_at": 0, "ended_at": 10**9} for name in names
        ],
    }
    tables = {
        name: BASE_TABLES[name].arrow({column: [row.get(column) for row in own] for column in BASE_TABLES[name].names})
        for name, own in rows.items()
    }
    source = CountedTables(tables)
    return da.Archive(source), source


@pytest.mark.parametrize(("parent_of", "deepest"), [(lambda k: k - 1, 1499), (lambda _: 0, 1)], ids=["chain", "siblings"])
def test_every_run_of_a_large_family_has_its_lane(parent_of, deepest):
    archive, _ = family(1500, parent_of)
    bars = gantt_bars(archive.run("0", children=True), children=True)
    assert (bars["role"] == "time").sum() == 1500
    assert bars["depth"].max() == deepest
    assert bars["run_id"].tolist()[0] == "0"


def test_rows_are_read_in_proportion_to_the_runs():
    read = []
    for n in (100, 200):
        archive, source = family(n, lambda k: k - 1)
        gantt_bars(archive, run_id=None, children=True)
        read.append(source.rows_read)
    assert read[1] == 2 * read[0]
