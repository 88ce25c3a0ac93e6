"""An agent's log as answers: what it tells of each sub-task, DAG and node, and of the agent itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from daganalysis.engine.facts import encode_facts
from daganalysis.obshell_logs import read_log
from daganalysis.reading.answers import Answer, Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from daganalysis.obshell_logs.entries import Readable
    from daganalysis.reading.source_file import SourceFile

_KINDS = {"task": Kind.FACTS, "dag": Kind.DAG_FACTS, "node": Kind.NODE_FACTS, "agent": Kind.AGENT_FACTS}


def log_answers(stream: Readable, name: str, file: SourceFile) -> Iterator[Answer]:
    """Yield what a log tells, in answers of facts; the path may name the agent."""
    for told in read_log(stream, f"{file.path or ''}/{name}"):
        if told.facts:
            place = f"byte {told.facts[0].place}"
            yield Answer(_KINDS[told.about], told.gid, encode_facts(told.facts), None, file.cluster, name, place)
