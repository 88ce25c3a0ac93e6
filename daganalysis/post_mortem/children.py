"""The child DAGs of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from daganalysis.analysis.run_facts import child_order
from daganalysis.engine.vocabulary import words
from daganalysis.text.escaping import for_terminal
from daganalysis.text.humanize import human_duration, plural
from daganalysis.text.widths import shorten_middle

if TYPE_CHECKING:
    from daganalysis.analysis.run_facts import RunFacts
    from daganalysis.tables.plain_rows import Row

_MOST_SHOWN = 16


def children_lines(facts: RunFacts) -> list[str]:
    """List the child DAGs with how they ended, those first whose work was not done, and name those that are not in the archive."""
    known = [child for child in child_order(facts.children) if child["dag"]]
    missing = [child for child in facts.children if not child["dag"]]
    lines = [_child(child) for child in known[:_MOST_SHOWN]]
    if len(known) > _MOST_SHOWN:
        lines.append(f"  and {len(known) - _MOST_SHOWN} more")
    for child in missing[:_MOST_SHOWN]:
        where = f" of {child['agent']}" if child["agent"] else ""
        lines.append(for_terminal(f"  {shorten_middle(child['child_gid'], 40)}{where}: not in the archive"))
    if len(missing) > _MOST_SHOWN:
        lines.append(f"  and {len(missing) - _MOST_SHOWN} more that are not in the archive")
    return [plural(len(facts.children), "child DAG"), *lines] if lines else []


def _child(child: Row) -> str:
    dag = child["dag"]
    outcome = words(dag["outcome"])
    work = {True: ", its work done", False: ", its work NOT done"}.get(dag["work_ok"], "")
    run_id = shorten_middle(for_terminal(child["child_run_id"]), 34)
    return f"  {run_id:34}  {human_duration(dag['elapsed_s']):>12}  {outcome}{work}"
