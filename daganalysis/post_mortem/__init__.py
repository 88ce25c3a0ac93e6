"""The post-mortem of one run as text: what a person wants to know first, in 80 columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from daganalysis.analysis.conclusion_facts import conclusion_facts
from daganalysis.analysis.conclusions import conclusion
from daganalysis.analysis.run_facts import gather_facts
from daganalysis.post_mortem.children import children_lines
from daganalysis.post_mortem.chronology import chronology_lines
from daganalysis.post_mortem.next_steps import next_step_lines
from daganalysis.post_mortem.overview import overview_lines
from daganalysis.post_mortem.reasons import reason_lines
from daganalysis.post_mortem.time_spent import budget_lines, stage_lines
from daganalysis.post_mortem.unknowns import unknown_lines
from daganalysis.post_mortem.what_failed import trouble_lines
from daganalysis.post_mortem.what_made_it_long import gather_length_facts, length_lines, lock_lines, scenario_lines
from daganalysis.post_mortem.who_asked import request_lines
from daganalysis.text.zones import servers_zone

if TYPE_CHECKING:
    from daganalysis.archive import Archive
    from daganalysis.text.zones import Zone

__all__ = ["post_mortem_text"]


def post_mortem_text(archive: Archive, run_id: str, *, named: str, why: bool = False, zone: Zone | None = None) -> str:
    """Return in words what a run was, how it ended, where the time went, what went wrong, what is not known, and what to look at next.

    ``named`` is what the archive is called in the commands proposed at the end; ``why`` adds the rule behind every outcome; ``zone`` is
    the one of the times, that of the run's servers if None. A section with
    nothing to say is left out. Raises :class:`daganalysis.errors.RunNotFoundError`.

    >>> import daganalysis as da
    >>> archive = da.load("sample_data/documented/scale-out.json")
    >>> print(post_mortem_text(archive, "11", named="store/").splitlines()[0])
    Cluster scale out: succeeded
    """
    facts = gather_facts(archive, run_id)
    known = conclusion_facts(archive, [run_id])[0]
    zone = servers_zone([facts.run["utc_offset_s"]]) if zone is None else zone
    length = gather_length_facts(archive, facts.run, known.usual)
    sections = [
        overview_lines(facts, conclusion(known), zone),
        chronology_lines(facts, zone),
        request_lines(facts, zone),
        length_lines(length),
        scenario_lines(length),
        lock_lines(length),
        budget_lines(facts),
        stage_lines(facts),
        trouble_lines(facts),
        children_lines(facts),
        unknown_lines(facts, zone),
        reason_lines(facts) if why else [],
        next_step_lines(facts, named),
    ]
    return "\n\n".join("\n".join(line.rstrip() for line in lines) for lines in sections if lines) + "\n"
