from __future__ import annotations

from daganalysis.engine.vocabulary import VERDICTS
from daganalysis.text.comparison_words import comparison_sentence


def test_every_verdict_of_a_whole_run_has_its_sentence():
    whole = {"workflow": "Start", "name": None, "n_agents": 3, "ratio": None, "reason": None}
    whole |= {"help_share_base": 0.1, "help_share_candidate": 0.4, "slow_share_base": 0.2, "slow_share_candidate": 0.5}
    told = {verdict: comparison_sentence([whole | {"verdict": verdict}]) for verdict in VERDICTS}
    assert told["more_help"] == "Start on 3 agents needed help more often: 10 % of the runs before, 40 % after."
    assert told["more_slow_runs"] == "Start on 3 agents had more slow runs: 20 % of the runs before, 50 % after."
    assert len(set(told.values())) == len(VERDICTS)
