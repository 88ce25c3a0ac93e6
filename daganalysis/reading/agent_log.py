"""An agent's log as answers: what it says about each sub-task, DAG and node, and about the agent itself."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from daganalysis.engine.facts import Coverage, LogZone, encode_facts
from daganalysis.engine.times import SECOND_NS
from daganalysis.obshell_logs import read_log
from daganalysis.reading.answers import Answer, Kind
from daganalysis.reading.databases.database_times import parse_zone

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from daganalysis.engine.facts import AnyFact
    from daganalysis.obshell_logs.entries import Readable
    from daganalysis.reading.source_file import SourceFile

_KINDS = {"task": Kind.FACTS, "dag": Kind.DAG_FACTS, "node": Kind.NODE_FACTS, "agent": Kind.AGENT_FACTS}


def log_answers(stream: Readable, name: str, file: SourceFile) -> Iterator[Answer]:
    """Yield what a log tells, in answers of facts; the path may name the agent."""
    for found in read_log(stream, f"{file.path or ''}/{name}"):
        if found.about == "agent":
            found.facts.extend(_given_zone(found.facts, file.zone))
        if found.facts:
            place = f"byte {found.facts[0].place}"
            yield Answer(_KINDS[found.about], found.gid, encode_facts(found.facts), None, file.cluster, name, place)


def _given_zone(facts: Sequence[AnyFact], name: str | None) -> list[AnyFact]:
    """Return the zone that the user gave, over the time that the log covers; nothing where its offset changes in that time."""
    zone = parse_zone(name)
    covered = next((fact for fact in facts if isinstance(fact, Coverage)), None)
    if zone is None or covered is None:
        return []
    offsets = {datetime.fromtimestamp(at // SECOND_NS, UTC).replace(tzinfo=zone).utcoffset() for at in (covered.first_at, covered.last_at)}
    if len(offsets) != 1 or (offset := offsets.pop()) is None:
        return []
    seconds = int(offset.total_seconds())
    return [LogZone(teller=covered.teller, offset_s=seconds, local_from=covered.first_at, local_to=covered.last_at, given=True)]
