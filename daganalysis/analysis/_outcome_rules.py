"""Why: the rule behind every outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING

from daganalysis.engine.outcomes import rule_behind
from daganalysis.errors import UsageError
from daganalysis.tables.results import OUTCOME_RULES

if TYPE_CHECKING:
    import pandas as pd

    from daganalysis.archive import Archive

_TABLE_OF = {"run": "dags", "stage": "nodes", "sub_task": "sub_tasks", "attempt": "attempts"}
_RULES_OF = {"run": "dag", "stage": "node"}
_GROUND = ["state", "operator", "kind", "evidence"]


def outcome_rules(archive: Archive, *, level: str = "run") -> pd.DataFrame:
    """Return the rule behind each outcome.

    Args:
        archive: The runs.
        level: ``"run"``, ``"stage"``, ``"sub_task"`` or ``"attempt"``: what one row is.

    Returns:
        One row per run, stage, sub-task or attempt, sorted by run, stage, sub-task and attempt, with the name of the rule, what it says and
        the section of docs/engine-semantics.md it comes from. Columns that a level does not have are null.

    Raises:
        UsageError: There is no such level.

    Example:
        >>> import daganalysis as da
        >>> da.outcome_rules(da.load("sample_data/tenant/cancelled.json"))[["outcome", "rule"]].to_numpy().tolist()
        [['cancelled', 'dag-cancelled']]
    """
    import pandas as pd

    if level not in _TABLE_OF:
        raise UsageError("no such level of outcome_rules", where=level, hint="one of " + ", ".join(_TABLE_OF))
    wanted = ["run_id", "stage", "task_gid", "attempt", "outcome", *_GROUND]
    if level == "run":
        wanted.remove("stage")
    rows = archive.table(_TABLE_OF[level])
    rows = rows[[name for name in wanted if name in rows]]
    grounds = [name for name in ["outcome", *_GROUND] if name in rows]
    kinds = rows[grounds].drop_duplicates()
    rules = [
        _rule_of(level, {str(name): None if pd.isna(value) else str(value) for name, value in kind.items()})
        for kind in kinds.to_dict("records")
    ]
    kinds = kinds.assign(**{name: [rule[name] for rule in rules] for name in ("rule", "why", "source")})
    judged = rows.merge(kinds, on=grounds, how="left")
    return OUTCOME_RULES.conform(judged.reindex(columns=OUTCOME_RULES.names))


def _rule_of(level: str, row: dict[str, str | None]) -> dict[str, str]:
    observed = row.get("evidence", "observed") == "observed"
    rule = rule_behind(_RULES_OF.get(level, level), row["outcome"], row.get("state"), row.get("operator"), observed=observed)
    return {"rule": rule.name, "why": rule.why, "source": rule.source}
