"""Parts of an archive to compare: its earlier and its later runs, read only as far as they are asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from daganalysis.archive import Archive
from daganalysis.report.formats import instant_texts

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa
    import pyarrow.compute as pc


class Part(Archive):
    """Some runs of an archive. No table is read before it is asked for, and then only the columns asked for."""

    def __init__(self, whole: Archive, run_ids: Sequence[str]) -> None:
        super().__init__(_Chosen(whole, run_ids))


class _Chosen:
    def __init__(self, whole: Archive, run_ids: Sequence[str]) -> None:
        self._whole = whole
        self._run_ids = list(run_ids)
        self._members = set(run_ids)

    def read(self, name: str, columns: Sequence[str] | None, run_ids: Sequence[str] | None, where: pc.Expression | None = None) -> pa.Table:
        """Return some columns of the rows of these runs."""
        import pyarrow as pa
        import pyarrow.compute as pc

        from daganalysis.tables import BASE_TABLES

        key = "parent_run_id" if name == "links" else "run_id"
        wanted = list(columns or BASE_TABLES[name].names)
        table = self._whole.arrow(name, list(dict.fromkeys([*wanted, key])), where)
        chosen = self._run_ids if run_ids is None else [run_id for run_id in run_ids if run_id in self._members]
        return table.filter(pc.is_in(table.column(key), pa.array(chosen, pa.string()))).select(wanted)

    def count(self, name: str) -> int:
        """Return how many rows these runs have."""
        return int(self.read(name, ["parent_run_id" if name == "links" else "run_id"], None).num_rows)

    def describe(self) -> str:
        """Say in a few words where the tables are."""
        return "part of another archive"


@dataclass(frozen=True, slots=True)
class Halves:
    """The runs of an archive cut in two by when they began; ``later_from`` is when the first of the later ones did."""

    earlier: list[str]
    later: list[str]
    later_from: str | None


def halves(archive: Archive) -> Halves | None:
    """Cut an archive's runs in two equal halves by when they began; None if fewer than two have a known beginning."""
    dags = archive.table("dags", ["run_id", "started_at"]).dropna().sort_values(["started_at", "run_id"], ignore_index=True)
    if len(dags) < 2:
        return None
    middle = len(dags) // 2
    later = dags.iloc[middle:]
    return Halves(dags["run_id"].iloc[:middle].tolist(), later["run_id"].tolist(), instant_texts(later["started_at"].head(1))[0])
