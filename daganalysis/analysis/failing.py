"""Failures: what went wrong, the same things together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from daganalysis.analysis.signatures import signatures
from daganalysis.engine.log_lines import TIMED_OUT, error_parts, is_error
from daganalysis.tables.results import FAILURES

if TYPE_CHECKING:
    import pandas as pd

    from daganalysis.archive import Archive

_FAILED = ("failed", "timeout", "interrupted")
_KEYS = ["workflow", "name", "error_code", "signature"]


def failures(archive: Archive, *, earlier: Archive | None = None) -> pd.DataFrame:
    """Group failed attempts by signature: one row per workflow, stage name, error code and signature, sorted by these.

    A failed attempt's line is found by counting from the last: the last failed attempt wrote the last ERROR line (engine-semantics §8).
    A failure on
    purpose, to wait for a main DAG, is none. ``known`` names the engine's own lines. With an ``earlier`` archive, ``is_new`` says which
    signatures its runs of the workflow do not have. The order of the input is irrelevant.

    >>> import daganalysis as da
    >>> da.failures(da.load("sample_data/upgrade"))[["error_code", "signature", "n"]].to_dict("records")
    [{'error_code': 'Common.DirNotEmpty', 'signature': 'dir <name> is not empty', 'n': 2}]
    """
    rows = _failed_attempts(archive)
    found = signatures(rows["message"].tolist())
    rows["signature"] = [found[message][0] for message in rows["message"]]
    rows["known"] = [found[message][1] for message in rows["message"]]
    rows = rows.sort_values(["run_id", "stage", "task_gid", "attempt"])
    grouped = rows.groupby(_KEYS, dropna=False)
    result = grouped.agg(
        n=("attempt", "size"),
        first_seen=("started_at", "min"),
        last_seen=("started_at", "max"),
        example_run_id=("run_id", "first"),
        example_line=("line", "first"),
        n_runs=("run_id", "nunique"),
        n_agents=("agent", "nunique"),
        known=("known", "first"),
    ).reset_index()
    if earlier is None:
        result["is_new"] = None
    else:
        old = failures(earlier)
        seen = set(zip(old["workflow"], old["signature"], strict=True))
        result["is_new"] = [pair not in seen for pair in zip(result["workflow"], result["signature"], strict=True)]
    return FAILURES.conform(result[FAILURES.names])


def _failed_attempts(archive: Archive) -> pd.DataFrame:
    """One row per failed attempt, with its line taken apart."""
    import pandas as pd

    dags = archive.table("dags", ["run_id", "workflow"])
    nodes = archive.table("nodes", ["run_id", "stage", "name"])
    tasks = archive.table("sub_tasks", ["run_id", "task_gid", "task_logs"])
    attempts = archive.table("attempts", ["run_id", "stage", "task_gid", "attempt", "started_at", "outcome", "agent"])
    failed = attempts[attempts["outcome"].isin(_FAILED)].merge(dags, on="run_id").merge(nodes, on=["run_id", "stage"], how="left")
    failed = failed.merge(tasks, on=["run_id", "task_gid"], how="left").sort_values(["run_id", "task_gid", "attempt"], ignore_index=True)
    back = failed.groupby(["run_id", "task_gid"]).cumcount(ascending=False)
    lines = [_line(logs, position) for logs, position in zip(failed["task_logs"], back, strict=True)]
    parts = [error_parts(line) if line is not None else (None, None) for line in lines]
    columns: dict[str, Any] = {"line": lines, "error_code": [code for code, _ in parts], "message": [message for _, message in parts]}
    return pd.concat([failed.drop(columns="task_logs"), pd.DataFrame(columns, index=failed.index, dtype=object)], axis=1)


def _line(logs: Any, back: int) -> str | None:
    """The telling line so many failures before the last one."""
    if logs is None or not hasattr(logs, "__len__"):
        return None
    telling = [line for line in logs if is_error(line) or line == TIMED_OUT]
    return str(telling[-1 - back]) if len(telling) > back else None
