"""What happened to agents, by the facts of their logs and databases."""

from __future__ import annotations

import itertools

from daganalysis.engine.facts import AgentState, LogZone, Restart, encode_facts
from daganalysis.history.rebuild import rebuild
from daganalysis.reading.answers import Answer, Kind

_SECOND = 1_000_000_000
_AGENT = "192.0.2.1:2886"


def test_the_events_of_an_agent_have_its_first_log_as_source_in_any_order_of_the_sources() -> None:
    restart = Restart(teller=_AGENT, started_at=100 * _SECOND, stopped_at=90 * _SECOND)
    zone = LogZone(teller=_AGENT, offset_s=0, local_from=0, local_to=200 * _SECOND)
    facts = {".meta": [AgentState(teller=_AGENT, agent=_AGENT)], "obshell-1.log": [zone], "obshell.log": [restart, zone]}
    answers = [Answer(Kind.AGENT_FACTS, _AGENT, encode_facts(told), source=name) for name, told in facts.items()]
    for order in itertools.permutations(answers):
        events = rebuild(list(order))["agent_events"].to_pylist()
        assert [(row["event"], row["source"]) for row in events] == [("stopped", "obshell-1.log"), ("started", "obshell-1.log")]
