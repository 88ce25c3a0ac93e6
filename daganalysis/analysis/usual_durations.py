"""How long runs of a workflow usually take, and which stage made one of them slow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from daganalysis.analysis.conclusions import SLOW, SLOW_S, WORTH_SAYING, UsualDuration
from daganalysis.analysis.membership import among

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from daganalysis.archive import Archive

FEWEST = 4
"""With fewer other runs, there is no usual length."""
_LIKE = ["workflow", "n_agents"]


def find_usual_durations(
    archive: Archive, dags: pd.DataFrame, own: pd.DataFrame
) -> tuple[dict[str, UsualDuration], dict[str, tuple[str, float]]]:
    """Return what each run of known length is measured by, and of those that simply succeeded without it, their longest stage.

    Runs of the same workflow with the same number of agents are alike. The median is taken over the other runs of known length that
    simply succeeded; at least four are needed.
    """
    plain = dags[dags["outcome"].eq("succeeded") & dags["elapsed_s"].notna() & dags["workflow"].notna()]
    asked = _measured(plain, own)
    enough = asked[asked["n_others"] >= FEWEST]
    usual = {
        run_id: UsualDuration(median, n)
        for run_id, median, n in zip(enough["run_id"].tolist(), enough["median_s"].tolist(), enough["n_others"].tolist(), strict=True)
    }
    slow = enough[(enough["elapsed_s"] >= SLOW * enough["median_s"]) & (enough["elapsed_s"] - enough["median_s"] >= SLOW_S)]
    for run_id, stage, name, share in _blamed(archive, plain, slow):
        usual[run_id] = usual[run_id]._replace(stage=stage, name=name, share=share)
    rest = own.loc[own["outcome"].eq("succeeded") & own["elapsed_s"].notna() & ~among(own["run_id"], usual), "run_id"]
    return usual, _longest(archive, rest.tolist())


def _measured(plain: pd.DataFrame, own: pd.DataFrame) -> pd.DataFrame:
    """Return each of some runs with the median of the others of its group and how many they are."""
    import pandas as pd

    ordered = plain.sort_values([*_LIKE, "elapsed_s", "run_id"], ignore_index=True)
    group = ordered.groupby(_LIKE, dropna=False)["elapsed_s"]
    sizes, ranks = group.transform("size").to_numpy(), group.cumcount().to_numpy()
    firsts = ordered.index.to_numpy() - ranks
    lengths = ordered["elapsed_s"].to_numpy(float)
    others = sizes - 1
    middle = [_without(lengths, firsts, ranks, sizes, (others - 1) // 2), _without(lengths, firsts, ranks, sizes, others // 2)]
    measured = ordered.assign(n_others=others, median_s=(middle[0] + middle[1]) / 2)
    whole = group.agg(n_others="size", median_s="median").reset_index()
    rest = own[own["elapsed_s"].notna() & ~among(own["run_id"], plain["run_id"])]
    columns = ["run_id", *_LIKE, "elapsed_s", "n_others", "median_s"]
    parts = [measured.loc[among(measured["run_id"], own["run_id"]), columns], rest.merge(whole, on=_LIKE)[columns]]
    return pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)


def _without(lengths: np.ndarray, firsts: np.ndarray, ranks: np.ndarray, sizes: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Return what stands at a place among the others of each group, the run itself left out."""
    inside = (place + (place >= ranks)).clip(0, sizes - 1)
    found: np.ndarray = lengths[firsts + inside]
    return found


def _blamed(archive: Archive, plain: pd.DataFrame, slow: pd.DataFrame) -> list[tuple[str, int, str | None, float]]:
    """Find of each slow run the stage that took the most longer than its median, and the share of the difference that it explains."""
    import pandas as pd

    if slow.empty:
        return []
    like = pd.concat([plain, slow])[["run_id", *_LIKE]].drop_duplicates("run_id").merge(slow[_LIKE].drop_duplicates(), on=_LIKE)
    like = like.assign(group=like.groupby(_LIKE, dropna=False).ngroup(), is_plain=among(like["run_id"], plain["run_id"]))
    like = like.assign(is_slow=among(like["run_id"], slow["run_id"])).drop(columns=_LIKE)
    nodes = archive.lazily(like["run_id"]).table("nodes", ["run_id", "stage", "name", "duration_s"])
    nodes = nodes[nodes["duration_s"].notna()].merge(like, on="run_id")
    keys = ["group", "stage", "name"]
    usual = nodes[nodes["is_plain"]].groupby(keys, dropna=False)["duration_s"].median().rename("usual").reset_index()
    ours = nodes[nodes["is_slow"]].merge(usual, on=keys)
    ours = ours.assign(excess=ours["duration_s"] - ours["usual"]).sort_values(["run_id", "excess", "stage"], ascending=[True, False, True])
    worst = ours.drop_duplicates("run_id").merge(slow[["run_id", "elapsed_s", "median_s"]], on="run_id")
    worst = worst.assign(share=(worst["excess"] / (worst["elapsed_s"] - worst["median_s"])).clip(upper=1.0))
    worst = worst[worst["share"] >= WORTH_SAYING]
    names = worst["name"].astype(object).where(worst["name"].notna(), None)
    return list(zip(worst["run_id"].tolist(), worst["stage"].tolist(), names.tolist(), worst["share"].tolist(), strict=True))


def _longest(archive: Archive, run_ids: list[str]) -> dict[str, tuple[str, float]]:
    if not run_ids:
        return {}
    nodes = archive.lazily(run_ids).table("nodes", ["run_id", "stage", "name", "duration_s"])
    nodes = nodes.dropna().sort_values(["run_id", "duration_s", "stage"], ascending=[True, False, True]).drop_duplicates("run_id")
    return {run_id: (name, s) for run_id, name, s in zip(*(nodes[name].tolist() for name in ("run_id", "name", "duration_s")), strict=True)}
